//! How a child is, as far as it is known.

use std::fmt;

use childminder::{Error, Outcome};
use childminder_driver::Failure;

use crate::notification::{Carried, Reason};

/// Something that went wrong, and why, where that is known. It is displayed with both.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ChildError {
    /// What went wrong.
    pub error: Error,
    /// What a notification failed with, what was given to [`Handle::fail`](crate::Handle::fail), or what the system refused.
    pub reason: Option<Reason>,
}

impl ChildError {
    pub(crate) fn new(error: Error, failure: Option<Failure>) -> Self {
        Self {
            error,
            reason: failure.map(Carried::unwrap),
        }
    }
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{}: {reason}", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for ChildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.reason.as_ref()?.source()
    }
}

/// What is known of a child.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) errors: Vec<ChildError>,
    pub(crate) outcome: Option<Outcome>,
}
