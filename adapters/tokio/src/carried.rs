//! A failure of the user's, on its way through the set.

use std::error::Error;
use std::fmt;
use std::sync::mpsc::Sender;

use childminder_driver::Failure;

use crate::child::Reason;
use crate::relay::Errand;

/// It may be dropped anywhere on its way, also where the set is locked. Its destructor is code of the user's, so
/// it is left as an errand.
#[derive(Debug)]
pub(crate) struct Carried {
    reason: Option<Reason>,
    errands: Sender<Errand>,
}

impl Carried {
    pub(crate) fn new(reason: Reason, errands: Sender<Errand>) -> Self {
        Self {
            reason: Some(reason),
            errands,
        }
    }

    /// What was carried; or what the system or the driver said.
    pub(crate) fn unwrap(failure: Failure) -> Reason {
        match failure.downcast::<Self>() {
            Ok(mut carried) => match carried.reason.take() {
                Some(reason) => reason,
                None => Reason::from(carried as Failure),
            },
            Err(failure) => failure.into(),
        }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if let Some(reason) = self.reason.take() {
            // Without a set there is no lock either.
            let _ = self.errands.send(Errand::Forget(reason));
        }
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.iter().try_for_each(|reason| reason.fmt(f))
    }
}

impl Error for Carried {}
