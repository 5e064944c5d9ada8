//! Answers to notifications, from any thread.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use childminder::NotificationId;
use childminder_unix::Wakeup;

/// The answer that a running notification owes. Send it to any thread; dropped without a word, it
/// answers that the notification failed.
#[derive(Debug)]
pub struct Answer {
    id: NotificationId,
    mailbox: Arc<Mailbox>,
    given: bool,
}

impl Answer {
    /// The notification has completed. Wakes the loop. Too late an answer is ignored.
    pub fn done(mut self, ok: bool) {
        self.give(ok);
    }

    /// The ticket of the notification.
    pub fn id(&self) -> NotificationId {
        self.id
    }

    pub(crate) fn to(mailbox: &Arc<Mailbox>, id: NotificationId) -> Self {
        Self {
            id,
            mailbox: Arc::clone(mailbox),
            given: false,
        }
    }

    fn give(&mut self, ok: bool) {
        self.given = true;
        self.mailbox.put(self.id, ok);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.given {
            self.give(false);
        }
    }
}

/// Where answers wait for the loop.
#[derive(Debug)]
pub(crate) struct Mailbox {
    answers: Mutex<Vec<(NotificationId, bool)>>,
    wakeup: Wakeup,
}

impl Mailbox {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            answers: Mutex::default(),
            wakeup: Wakeup::new()?,
        })
    }

    /// Everything that has arrived. Clears the wake-up first: what arrives later wakes again.
    pub(crate) fn take(&self) -> io::Result<Vec<(NotificationId, bool)>> {
        self.wakeup.clear()?;
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut answers))
    }

    fn put(&self, id: NotificationId, ok: bool) {
        self.answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((id, ok));
        // An eventfd cannot refuse; if one did, the answer would still be found in the next turn.
        let _ = self.wakeup.wake();
    }
}

impl AsFd for Mailbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}
