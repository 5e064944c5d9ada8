use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::pty::{OpenptFlags, openpt};

/// A descriptor that is readable while one of these signals, which are blocked, is pending.
pub(crate) fn signalfd(signals: &SigSet) -> io::Result<OwnedFd> {
    let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
    // A copy, since this type does not give its own away.
    SignalFd::with_flags(signals, flags)?
        .as_fd()
        .try_clone_to_owned()
}

/// The controlling end of a new pseudoterminal, close-on-exec.
pub(crate) fn pty() -> io::Result<OwnedFd> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    Ok(openpt(flags)?)
}
