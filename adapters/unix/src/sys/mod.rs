//! What is asked of the kernel. `linux` has what only Linux has; `other` says what takes its place.

mod children;
mod hook;
mod ignored;
mod process;
mod sigchld;
pub(crate) mod table;
mod usage;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as only_here;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as only_here;

pub(crate) use children::{Look, kill_child, look_at_children, reap_child};
pub(crate) use hook::prepare;
pub(crate) use only_here::{adopt_orphans, eventfd, realtime_signals};
pub(crate) use only_here::{pidfd_open, pidfd_send};
pub(crate) use process::{Process, Watcher};

pub(crate) fn pidfds_work() -> bool {
    only_here::pidfds_work().is_ok()
}
