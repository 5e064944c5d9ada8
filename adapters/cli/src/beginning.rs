//! Where and when a run begins.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::system::uname;

/// Where and when a run begins, so that runs of many machines can be told apart and compared.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) host: String,
    /// By that host's clock.
    pub(crate) time: SystemTime,
}

impl Beginning {
    /// Here and now.
    pub(crate) fn new() -> Self {
        Self::at(SystemTime::now())
    }

    /// Here.
    pub(crate) fn at(time: SystemTime) -> Self {
        Self {
            host: uname().nodename().to_string_lossy().into_owned(),
            time,
        }
    }

    /// How long after 1970 that is.
    pub(crate) fn since_1970(&self) -> Duration {
        self.time.duration_since(UNIX_EPOCH).unwrap_or_default()
    }
}
