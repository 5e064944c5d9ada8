//! Linux 5.4 and newer.

mod preconditions;
mod process;

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;

use nix::libc;
use rustix::event::EventfdFlags;

pub(crate) use preconditions::ready_to_spawn;
pub(crate) use process::Process;

/// A counter that is readable unless it is zero; non-blocking and close-on-exec.
pub(crate) fn eventfd() -> io::Result<OwnedFd> {
    Ok(rustix::event::eventfd(
        0,
        EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
    )?)
}

/// The real-time signals that the C library leaves to programs; it keeps the first few for itself.
#[expect(clippy::unnecessary_wraps, reason = "not every system has them")]
pub(crate) fn realtime_signals() -> Option<RangeInclusive<i32>> {
    Some(libc::SIGRTMIN()..=libc::SIGRTMAX())
}
