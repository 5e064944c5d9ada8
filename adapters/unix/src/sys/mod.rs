//! What is asked of the kernel. `linux` has what only Linux has; `other` says what takes its place.

mod hook;
mod ignored;
mod process;
mod reap;
mod sigchld;
pub(crate) mod table;

#[cfg(target_os = "linux")]
mod children;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as only_here;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as only_here;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{kill_child, look_at_children, reap_child};

#[cfg(target_os = "linux")]
pub(crate) use children::{kill_child, look_at_children, reap_child};
pub(crate) use hook::prepare;
pub(crate) use only_here::{
    adopt_orphans, eventfd, leave_no_core, pidfd_open, pidfd_send, realtime_signals, signalfd,
    take_signal,
};
pub(crate) use process::{Process, Watcher};

pub(crate) fn pidfds_work() -> bool {
    only_here::pidfds_work().is_ok()
}

/// What a look at all children shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Childless,
    NoneDead,
    /// One of those that are dead.
    Dead(u32),
    /// One is dead, of a signal that nix does not know.
    Unclear,
}
