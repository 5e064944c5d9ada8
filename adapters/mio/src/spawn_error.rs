//! A child that could not be minded.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a child could not be spawned or minded, and the handler that was meant for it.
///
/// `?` turns it into its [`io::Error`], and drops the handler.
pub struct SpawnError<H> {
    /// Why.
    pub error: io::Error,
    /// What would have been told.
    pub handler: H,
}

impl<H> fmt::Display for SpawnError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<H> fmt::Debug for SpawnError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<H> Error for SpawnError<H> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl<H> From<SpawnError<H>> for io::Error {
    fn from(error: SpawnError<H>) -> Self {
        error.error
    }
}
