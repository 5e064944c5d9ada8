//! What differs between systems. `linux` has what only Linux has, `other` what takes its place.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(not(target_os = "linux"), test))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::{pty, signalfd};
#[cfg(not(target_os = "linux"))]
pub(crate) use other::{pty, signalfd};
