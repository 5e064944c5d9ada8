//! What is asked of the kernel. `linux` has what only Linux has, `other` what takes its place.

use std::os::fd::OwnedFd;

mod disposition;
mod process;
mod reap;
#[cfg_attr(
    all(target_os = "linux", not(feature = "sigchld")),
    path = "sys/no_sigchld.rs"
)]
mod sigchld;
#[cfg(all(test, feature = "arrivals", target_os = "linux"))]
#[expect(dead_code, reason = "only its test uses it here")]
mod signal_handlers;
#[cfg(feature = "arrivals")]
#[cfg_attr(target_os = "linux", path = "sys/signalfd.rs")]
#[cfg_attr(not(target_os = "linux"), path = "sys/signal_handlers.rs")]
mod signal_queue;
#[cfg_attr(not(feature = "sigpipe"), path = "sys/no_sigpipe.rs")]
mod sigpipe;
pub(crate) mod spawn;
pub(crate) mod table;

#[cfg(target_os = "linux")]
mod at_once;
#[cfg(target_os = "linux")]
mod children;
#[cfg(target_os = "linux")]
mod datagrams;
#[cfg(target_os = "linux")]
mod guard;
#[cfg(target_os = "linux")]
mod linux;
#[cfg_attr(target_os = "linux", path = "sys/epoll.rs")]
#[cfg_attr(not(target_os = "linux"), path = "sys/kqueue.rs")]
pub(crate) mod queue;
#[cfg(target_os = "linux")]
use linux as only_here;

#[cfg(any(not(target_os = "linux"), test))]
#[cfg_attr(
    target_os = "linux",
    expect(dead_code, reason = "only the tests use it here")
)]
mod other;
#[cfg(not(target_os = "linux"))]
use other as only_here;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{
    GroupHandle, aim_at_own_group, close_all_but, datagram_socket, end_unseen, fork_unseen,
    has_living_child, has_unseen, is_unseen, kill_child, lives, look_at_children, next_datagram,
    pipe_capacity, reap_child, splice_at_once, step_aside, tee_at_once, write_at_once,
};

#[cfg(target_os = "linux")]
pub(crate) use at_once::{pipe_capacity, splice_at_once, tee_at_once, write_at_once};
#[cfg(target_os = "linux")]
pub(crate) use children::{has_living_child, kill_child, lives, look_at_children, reap_child};
#[cfg(target_os = "linux")]
pub(crate) use datagrams::{datagram_socket, next_datagram};
pub(crate) use disposition::{is_ignored, raise_by_default, restore_default};
#[cfg(target_os = "linux")]
pub(crate) use guard::{
    GroupHandle, aim_at_own_group, close_all_but, end_unseen, fork_unseen, has_unseen, is_unseen,
    step_aside,
};
pub(crate) use only_here::{
    CAN_KILL_ON_PARENT_DEATH, adopt_orphans, leave_no_core, pidfd_open, pidfd_send,
    realtime_signals, set_timer, swap_mask, timer, wakeup,
};
pub(crate) use process::Process;
#[cfg(feature = "arrivals")]
pub(crate) use signal_queue::SignalQueue;
pub(crate) use sigpipe::sigpipe_was_ignored;
pub(crate) use spawn::{Spawned, spawn, spawn_std};

/// Where to wait to be woken, and where to write to wake, if not there too: non-blocking and close-on-exec.
pub(crate) type Ends = (OwnedFd, Option<OwnedFd>);

/// A datagram that has come.
pub(crate) struct Datagram {
    pub(crate) length: usize,
    /// Whether it was longer than there was room for.
    pub(crate) is_cut: bool,
    /// Its process id, as far as the kernel can tell.
    pub(crate) sender: u32,
    pub(crate) is_of_our_user: bool,
    /// What its sender waits for until it is closed (`sd_notify_barrier(3)`).
    pub(crate) _barrier: Option<OwnedFd>,
}

pub(crate) fn pidfds_work() -> bool {
    only_here::pidfds_work().is_ok()
}

/// A signal to this process, with what the kernel says of where it comes from.
#[cfg(feature = "arrivals")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    pub(crate) signal: i32,
    /// `si_code` in `sigaction(2)`.
    pub(crate) code: i32,
    pub(crate) sender: u32,
}

/// What a look at all children shows.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux can look")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Childless,
    NoneDead,
    /// One of those that are dead.
    Dead(u32),
}
