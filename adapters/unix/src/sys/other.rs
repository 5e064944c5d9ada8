//! What takes the place of what only Linux has. It compiles elsewhere, and has been run nowhere.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;

use nix::sys::signal::SigSet;
use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal as Sendable, WaitIdOptions, WaitIdStatus, getrlimit, setrlimit,
};

use super::Look;
use crate::child::Delivery;

pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    Err(unsupported("an eventfd"))
}

pub(crate) fn signalfd(_: &SigSet) -> io::Result<OwnedFd> {
    Err(unsupported("a signalfd"))
}

pub(crate) fn take_signal(_: &OwnedFd) -> io::Result<bool> {
    Err(unsupported("a signalfd"))
}

pub(crate) fn realtime_signals() -> Option<RangeInclusive<i32>> {
    None
}

pub(super) fn sendable(number: i32) -> Option<Sendable> {
    Sendable::from_named_raw(number)
}

pub(crate) fn pidfd_open(_: Pid) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

pub(super) fn pidfd_wait(_: &OwnedFd, _: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
    Err(Errno::NOSYS)
}

pub(crate) fn pidfd_send(_: &OwnedFd, _: Sendable) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

pub(super) fn pidfds_work() -> io::Result<()> {
    Err(unsupported("a pidfd"))
}

pub(super) fn die_with_parent() -> io::Result<()> {
    Err(unsupported("a parent-death signal"))
}

pub(crate) fn look_at_children() -> io::Result<Look> {
    Err(unsupported("a look at children that reaps none"))
}

pub(crate) fn reap_child(_: u32) -> io::Result<bool> {
    Err(unsupported("orphans of ours"))
}

pub(crate) fn kill_child(_: u32) -> io::Result<Delivery> {
    Err(unsupported("orphans of ours"))
}

pub(crate) fn adopt_orphans() -> io::Result<()> {
    Err(unsupported("a child subreaper"))
}

pub(crate) fn leave_no_core() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: getrlimit(Resource::Core).maximum,
    };
    Ok(setrlimit(Resource::Core, none)?)
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("only Linux has {what}"))
}
