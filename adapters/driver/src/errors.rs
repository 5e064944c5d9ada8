//! Errors with their words.

use std::fmt;

use childminder::Error;

use crate::Failure;

/// The errors of one run, in the order in which they were noticed; the outcome carries the first, without its
/// words.
///
/// It is for handlers: give it every error from [`Handler::error`](crate::Handler::error).
///
/// ```
/// use childminder::{Error, NotificationId};
/// use childminder_driver::Errors;
///
/// let mut errors = Errors::default();
/// errors.push(Error::Notification(NotificationId::FIRST), Some("the endpoint said 503".into()));
/// errors.push(Error::Unkillable, None);
/// assert_eq!(
///     errors.to_string(),
///     "notification 1 failed: the endpoint said 503; \
///      then still alive after the last stage of the ladder",
/// );
/// ```
#[derive(Debug, Default)]
pub struct Errors(Vec<Noticed>);

/// An error that was noticed, in the words of what noticed it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Noticed {
    /// What went wrong.
    pub error: Error,
    /// What says more, where something does: see [`Handler::error`](crate::Handler::error).
    pub failure: Option<Failure>,
}

impl Errors {
    /// Another one was noticed.
    pub fn push(&mut self, error: Error, failure: Option<Failure>) {
        self.0.push(Noticed { error, failure });
    }

    /// The one that the outcome carries.
    pub fn first(&self) -> Option<&Noticed> {
        self.0.first()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Noticed> {
        self.0.iter()
    }

    /// Whether none was noticed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// All of them in one line; nothing if there is none.
impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, noticed) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "; then " };
            write!(f, "{between}{noticed}")?;
        }
        Ok(())
    }
}

/// What was said of an outside failure is all there is to say; to other errors it is added.
impl fmt::Display for Noticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, &self.failure) {
            (Error::External(_), Some(failure)) => failure.fmt(f),
            (error, Some(failure)) => write!(f, "{error}: {failure}"),
            (error, None) => error.fmt(f),
        }
    }
}
