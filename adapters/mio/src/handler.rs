//! What the owner is told.

use childminder::{Action, Error, Event, FailureId, Instant, NotificationId, Outcome, Stream};

use crate::{Answer, Control};

/// What went wrong outside the child, in the owner's own words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The owner of one [`MindedChild`](crate::MindedChild).
///
/// Every callback runs inside [`turn`](crate::MindedChild::turn), or
/// [`spawn`](crate::MindedChild::spawn) for the very first, on the loop's thread, and should
/// not block. What it asks of its [`Control`] is done when the callback has returned and the actions
/// of the event that led to it have been performed.
pub trait Handler {
    /// What a requested notification carries until it runs.
    type Notification;

    /// The child wrote this. The bytes are borrowed for the length of the call.
    fn output(&mut self, control: &mut Control<Self::Notification>, stream: Stream, bytes: &[u8]) {
        let _ = (control, stream, bytes);
    }

    /// Nothing more will come from this stream: it ended, was closed, or was given up as leaked.
    fn output_ended(&mut self, control: &mut Control<Self::Notification>, stream: Stream) {
        let _ = (control, stream);
    }

    /// Run this now, or begin to, and answer at once or later, from here or from another thread.
    /// One runs at a time. Unless overridden, succeeds at once.
    fn notify(
        &mut self,
        control: &mut Control<Self::Notification>,
        job: Job<Self::Notification>,
        answer: Answer,
    ) {
        let _ = (control, job);
        answer.done(true);
    }

    /// An error was noticed; the `first` is the one that the outcome will carry. `failure` is what
    /// was given to [`Control::fail`], or what went wrong in this adapter, for an `Error::External`.
    fn error(
        &mut self,
        control: &mut Control<Self::Notification>,
        error: Error,
        first: bool,
        failure: Option<Failure>,
    ) {
        let _ = (control, error, first, failure);
    }

    /// This will not be used: an error overtook it, or it was asked for after the end.
    fn discarded(&mut self, what: Discarded<Self::Notification>) {
        let _ = what;
    }

    /// The end: called once, and last, but for `discarded`.
    fn finished(&mut self, outcome: Outcome) {
        let _ = outcome;
    }

    /// Every event and every action, as it happens: what a flight record is made of.
    fn observe(&mut self, at: Instant, moment: Moment) {
        let _ = (at, moment);
    }
}

/// A notification to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job<N> {
    /// One that the owner asked for, with what it was given.
    Requested(N),
    /// A heartbeat.
    Heartbeat,
}

/// Something that was given to [`Control`] and will not be used.
#[derive(Debug)]
pub enum Discarded<N> {
    /// A notification that will never run.
    Notification(N),
    /// A failure that came after the end.
    Failure(Failure),
}

/// One moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The monitor took this event. `Notify` and `Fail` come as the two below.
    Event(Event),
    /// The monitor took a `Notify`, and gave it this ticket.
    Notified(NotificationId),
    /// The monitor took a `Fail`, and gave it this ticket.
    Failed(FailureId),
    /// The monitor asked for this, because of the event before it.
    Action(Action),
}
