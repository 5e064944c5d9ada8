//! How a child is, as far as it is known.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use childminder::{Error, Outcome};
use childminder_driver::Failure;
use tokio::sync::Notify;

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

/// The two ends of what is known of a child: its handler's, and its handles'.
pub(crate) fn channel() -> (Reporter, Reports) {
    let known = Arc::new(Known::default());
    (Reporter(Arc::clone(&known)), Reports(known))
}

/// Dropped before the end, it tells that none will come.
pub(crate) struct Reporter(Arc<Known>);

impl Reporter {
    pub(crate) fn add(&self, error: ChildError) {
        self.0.report().errors.push(error);
    }

    pub(crate) fn end(&self, outcome: Outcome) {
        self.0.report().outcome = Some(outcome);
        self.0.end();
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[derive(Clone)]
pub(crate) struct Reports(Arc<Known>);

impl Reports {
    pub(crate) fn errors(&self) -> Vec<ChildError> {
        self.0.report().errors.clone()
    }

    /// Waits for the end. None if the child is not minded any more.
    pub(crate) async fn outcome(&self) -> Option<Outcome> {
        loop {
            // Before the look: what comes between the two is not missed.
            let ended = self.0.ended.notified();
            if self.0.report().is_over {
                return self.0.report().outcome;
            }
            ended.await;
        }
    }
}

/// A `watch` of tokio's would do, and takes four hundred bytes.
#[derive(Default)]
struct Known {
    report: Mutex<Report>,
    ended: Notify,
}

impl Known {
    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.report().is_over = true;
        self.ended.notify_waiters();
    }
}

#[derive(Default)]
struct Report {
    errors: Vec<ChildError>,
    outcome: Option<Outcome>,
    /// No other outcome will come.
    is_over: bool,
}
