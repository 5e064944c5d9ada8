//! Systems without pidfds: nothing can be spawned, so no process exists.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{BorrowedFd, OwnedFd};

use childminder::{ExitStatus, Signal, Target};

use crate::child::Delivery;

/// There is none.
#[derive(Debug)]
pub(crate) enum Process {}

impl Process {
    pub(crate) fn adopt(_: std::process::Child) -> io::Result<Self> {
        Err(unsupported())
    }

    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        match *self {}
    }

    pub(crate) fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        match *self {}
    }

    pub(crate) fn send(&self, _: Signal, _: Target) -> io::Result<Delivery> {
        match *self {}
    }

    pub(crate) fn id(&self) -> u32 {
        match *self {}
    }

    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}

pub(crate) fn ready_to_spawn() -> io::Result<()> {
    Err(unsupported())
}

pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    Err(unsupported())
}

pub(crate) fn realtime_signals() -> Option<RangeInclusive<i32>> {
    None
}

fn unsupported() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "minding a child takes pidfds and eventfds, which only Linux has (5.4 or newer)",
    )
}
