//! What differs between systems, and nothing else. Only this module asks which one it is.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::{Process, eventfd, ready_to_spawn, realtime_signals};

#[cfg(not(target_os = "linux"))]
mod unsupported;
#[cfg(not(target_os = "linux"))]
pub(crate) use unsupported::{Process, eventfd, ready_to_spawn, realtime_signals};
