//! What we exit with, when it is not the command's own status.

use childminder::Signal;

/// A deadline ended the command.
pub(crate) const TIMED_OUT: u8 = 124;

/// We failed ourselves, bad usage included.
pub(crate) const OURS: u8 = 125;

pub(crate) const CANNOT_RUN: u8 = 126;

pub(crate) const NOT_FOUND: u8 = 127;

/// What a shell reports for a command that this signal ended.
pub(crate) fn of_signal(signal: Signal) -> u8 {
    128_u8.saturating_add(signal.number().to_le_bytes()[0])
}
