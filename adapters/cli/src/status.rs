//! What we exit with, when it is not the command's own status.

use std::io;

use childminder::{ExitStatus, Signal};
use rustix::io::Errno;

/// A deadline ended the command.
pub(crate) const TIMED_OUT: u8 = 124;

/// We failed ourselves, bad usage included.
pub(crate) const OURS: u8 = 125;

pub(crate) const CANNOT_RUN: u8 = 126;

pub(crate) const NOT_FOUND: u8 = 127;

/// What a shell reports for a command that ended so. A status that was taken elsewhere is not known.
pub(crate) fn of_exit(status: ExitStatus) -> u8 {
    match status {
        ExitStatus::Code(code) => code.to_le_bytes()[0],
        ExitStatus::Signal(signal) => of_signal(signal),
        ExitStatus::Lost => OURS,
    }
}

/// What a shell reports for a command that this signal ended.
pub(crate) fn of_signal(signal: Signal) -> u8 {
    128_u8.saturating_add(signal.number().to_le_bytes()[0])
}

/// Trouble of ours does not hide how the command ended, unless it ended well.
pub(crate) fn or_ours(status: u8) -> u8 {
    if status == 0 { OURS } else { status }
}

/// For a command that could not be started: whether it is not there, cannot be run, or we failed.
pub(crate) fn for_start_error(error: &io::Error) -> u8 {
    use io::ErrorKind::{NotFound, OutOfMemory, Unsupported, WouldBlock};
    let is_ours = match Errno::from_io_error(error) {
        None => true,
        Some(errno) => [Errno::MFILE, Errno::NFILE].contains(&errno),
    };
    match error.kind() {
        NotFound => NOT_FOUND,
        WouldBlock | OutOfMemory | Unsupported => OURS,
        _ if is_ours => OURS,
        _ => CANNOT_RUN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_lack_is_not_the_command_s_fault() {
        let status = |errno: Errno| for_start_error(&errno.into());
        for errno in [
            Errno::MFILE,
            Errno::NFILE,
            Errno::NOMEM,
            Errno::AGAIN,
            Errno::NOSYS,
        ] {
            assert_eq!(status(errno), OURS, "{errno}");
        }
        for errno in [Errno::ACCESS, Errno::TOOBIG, Errno::ISDIR] {
            assert_eq!(status(errno), CANNOT_RUN, "{errno}");
        }
        assert_eq!(status(Errno::NOENT), NOT_FOUND);
        assert_eq!(for_start_error(&io::Error::other("no such thing")), OURS);
    }
}
