//! What went wrong in `childminder` itself.

use std::io;

use crate::status::OURS;
use crate::words;

/// What went wrong in `childminder` itself, and the status to exit with.
#[derive(Debug)]
pub(crate) struct Failure {
    /// 125, or 126 and 127 for a command that cannot be run or found.
    pub(crate) status: u8,
    /// A sentence for people.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn ours(message: String) -> Self {
        Self {
            status: OURS,
            message,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::ours(words::reason(&error))
    }
}
