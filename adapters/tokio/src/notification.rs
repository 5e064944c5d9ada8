//! Notifications, as futures.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Context, Poll};

use childminder::Outcome;
use childminder_driver::{Answer, Failure};
use tokio::sync::oneshot;

/// What becomes of a notification: a future that [`Handle::notify`](crate::Handle::notify) returns. The
/// notification runs whether this is awaited or dropped.
#[derive(Debug)]
pub struct Notified(oneshot::Receiver<Result<(), NotifyError>>);

impl Future for Notified {
    type Output = Result<(), NotifyError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let told = Pin::new(&mut self.0).poll(context);
        told.map(|told| told.unwrap_or(Err(NotifyError::Discarded)))
    }
}

/// Why a notification did not succeed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NotifyError {
    /// It failed, for this reason, or panicked.
    Failed(Reason),
    /// It took longer than `notification_timeout`, and was dropped.
    Overdue,
    /// It did not run, or not to its end, because of an earlier error, or because its child has ended or
    /// has been dropped.
    Discarded,
}

impl fmt::Display for NotifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => reason.fmt(f),
            Self::Overdue => f.write_str("the notification took longer than its timeout"),
            Self::Discarded => f.write_str("the notification was discarded"),
        }
    }
}

impl std::error::Error for NotifyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(reason) => reason.source(),
            Self::Overdue | Self::Discarded => None,
        }
    }
}

/// A notification that has not run yet.
pub(crate) struct Notification {
    future: Work,
    told: oneshot::Sender<Result<(), NotifyError>>,
}

impl Notification {
    pub(crate) fn new(
        future: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> (Self, Notified) {
        let (told, notified) = oneshot::channel();
        let notification = Self {
            future: Box::pin(future),
            told,
        };
        (notification, Notified(notified))
    }

    /// Runs it, unless it is cancelled, and answers. Its future is dropped before the answer is given.
    pub(crate) async fn run(
        self,
        answer: Answer,
        mut cancelled: Cancelled,
        errands: Sender<Errand>,
    ) {
        let mut future = self.future;
        let end = poll_fn(|context| {
            if let Poll::Ready(why) = Pin::new(&mut cancelled).poll(context) {
                return Poll::Ready(Err(why.unwrap_or(NotifyError::Discarded)));
            }
            poll_caught(&mut future, context)
        });
        let end = end.await;
        drop(future);
        answer.give(match &end {
            Ok(()) => Ok(()),
            Err(NotifyError::Failed(reason)) => {
                Err(Box::new(Carried::new(Arc::clone(reason), errands)))
            }
            Err(error) => Err(error.to_string().into()),
        });
        // It is not told to those that did not want to know.
        let _ = self.told.send(end);
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification").finish_non_exhaustive()
    }
}

/// Cancels a running notification: for a reason that is sent, or by being dropped.
pub(crate) type Cancel = oneshot::Sender<NotifyError>;
pub(crate) type Cancelled = oneshot::Receiver<NotifyError>;

pub(crate) type Work = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// A notification that panics has failed.
fn poll_caught(future: &mut Work, context: &mut Context<'_>) -> Poll<Result<(), NotifyError>> {
    let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
    match polled {
        Ok(polled) => polled.map_err(|failure| NotifyError::Failed(failure.into())),
        Err(panic) => {
            let failure = Failure::from(format!("it panicked: {}", words_of(&*panic)));
            Poll::Ready(Err(NotifyError::Failed(failure.into())))
        }
    }
}

fn words_of(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    let formatted = || panic.downcast_ref::<String>().map(String::as_str);
    literal.or_else(formatted).unwrap_or("without words")
}

/// Why something failed, in the words of the code that failed: what it returned can be had back with
/// `downcast_ref`.
pub type Reason = Arc<dyn std::error::Error + Send + Sync>;

/// Makes the future of one heartbeat.
pub(crate) type Heartbeat = Arc<dyn Fn() -> Work + Send + Sync>;

/// Makes the future of the final notification.
pub(crate) type End = Arc<dyn Fn(Outcome) -> Work + Send + Sync>;

/// What a turn leaves to be done when the set is not locked any more, because it runs the user's code.
pub(crate) enum Errand {
    Run(Notification, Answer, Cancelled),
    /// Nothing is done with it: it is dropped.
    Discard(Notification),
    /// The same.
    Forget(Reason),
}

/// A failure of the user's, on its way through the set. It may be dropped anywhere on its way, also where the set is locked. Its destructor is code of the user's, so
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

impl std::error::Error for Carried {}
