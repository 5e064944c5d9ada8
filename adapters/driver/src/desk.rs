//! What one child has under way.

use std::collections::{BTreeMap, VecDeque};

use childminder::{FailureId, NotificationId};

use crate::Failure;
use crate::control::Request;

/// What lies between two callbacks or two turns.
#[derive(Debug)]
pub(crate) struct Desk<N> {
    pub(crate) requests: VecDeque<Request<N>>,
    pub(crate) answers: VecDeque<(NotificationId, Result<(), Failure>)>,
    /// The payloads of notifications that have not run.
    pub(crate) queued: VecDeque<(NotificationId, N)>,
    /// The words for failures whose errors have not been told.
    pub(crate) failures: BTreeMap<FailureId, Failure>,
    /// The words for the error that the event at hand may bring.
    pub(crate) reason: Option<Failure>,
}

impl<N> Desk<N> {
    pub(crate) fn is_clear(&self) -> bool {
        self.requests.is_empty()
            && self.answers.is_empty()
            && self.queued.is_empty()
            && self.failures.is_empty()
            && self.reason.is_none()
    }
}

impl<N> Default for Desk<N> {
    fn default() -> Self {
        Self {
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            queued: VecDeque::new(),
            failures: BTreeMap::new(),
            reason: None,
        }
    }
}
