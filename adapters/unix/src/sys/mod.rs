//! What is asked of the kernel. `linux` has what only Linux has; `other` says what takes its place.

mod hook;
mod ignored;
mod process;
mod sigchld;
mod usage;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as only_here;

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as only_here;

pub(crate) use hook::prepare;
pub(crate) use only_here::{eventfd, realtime_signals, signalfd, take_signal};
pub(crate) use process::{Process, Watcher};

pub(crate) fn pidfds_work() -> bool {
    only_here::pidfds_work().is_ok()
}
