//! Answers to notifications, from any thread.

use std::fmt;

use childminder::NotificationId;

use crate::Failure;

/// The answer that a running notification owes. Send it to any thread; dropped without a word, it
/// answers that the notification failed.
///
/// To test a handler alone, make one with [`Answer::new`].
///
/// ```
/// use childminder::NotificationId;
/// use childminder_driver::Answer;
/// use std::sync::mpsc;
///
/// let (sender, receiver) = mpsc::channel();
/// let answer = Answer::new(NotificationId::FIRST, move |result| sender.send(result).unwrap());
/// std::thread::spawn(|| answer.fail("the endpoint said 503"));
/// assert_eq!(receiver.recv()?.unwrap_err().to_string(), "the endpoint said 503");
/// # Ok::<(), mpsc::RecvError>(())
/// ```
#[must_use = "dropped, it answers that the notification failed"]
pub struct Answer {
    id: NotificationId,
    give: Option<Give>,
}

type Give = Box<dyn FnOnce(Result<(), Failure>) + Send>;

impl Answer {
    /// An answer that goes to `give`, once.
    pub fn new(
        id: NotificationId,
        give: impl FnOnce(Result<(), Failure>) + Send + 'static,
    ) -> Self {
        Self {
            id,
            give: Some(Box::new(give)),
        }
    }

    /// The notification has succeeded. Wakes the loop. An answer that comes too late is ignored.
    pub fn succeed(self) {
        self.give(Ok(()));
    }

    /// The notification has failed, for this reason, which
    /// [`Handler::error`](crate::Handler::error) is told together with the error.
    pub fn fail(self, why: impl Into<Failure>) {
        self.give(Err(why.into()));
    }

    /// Succeeds or fails as `result` did.
    pub fn give(mut self, result: Result<(), Failure>) {
        if let Some(give) = self.give.take() {
            give(result);
        }
    }

    /// The ticket of the notification.
    pub fn id(&self) -> NotificationId {
        self.id
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(give) = self.give.take() {
            give(Err("it was dropped without an answer".into()));
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
