//! What an embedder is told of its child.

use std::io;
use std::time::Duration;

use childminder::{Error, ExitStatus, Instant, Moment, Outcome, Signal, Stream, Target};

use crate::{Answer, Control, Vouch};

/// What went wrong outside the child, in the embedder's own words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What becomes of one child's output, notifications, errors and end.
///
/// Every callback runs inside [`Driver::turn`](crate::Driver::turn) or
/// [`Driver::start`](crate::Driver::start), on the loop's thread, and should not block. What it asks of its
/// [`Control`] is done when the callback has returned and the actions of the event that led to it have been
/// performed. A set whose handler has panicked is in the middle of its turn: drop it.
///
/// A handler can be tested alone (see [`Control`] and [`Answer`]), and with all that can happen to a child
/// under the simulated kernel of `childminder-sim`.
pub trait Handler {
    /// What a requested notification carries until it runs.
    type Notification: Send + 'static;

    /// What the child is to find on its standard input, which must be a pipe and ends after the last byte. Asked once,
    /// when the child has started; none leaves the pipe to its owner.
    ///
    /// It is written as the child reads it. What the child does not want to read is dropped, which is no error.
    fn input(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// The child wrote this. The bytes are borrowed for the length of the call.
    fn output(&mut self, control: &mut Control<Self::Notification>, stream: Stream, bytes: &[u8]) {
        let _ = (control, stream, bytes);
    }

    /// The child wrote so many bytes, which the kernel has passed on to where they belong; these, if they are to be seen.
    /// Only a stream for which that was arranged comes this way, and what could not go by itself comes to
    /// [`output`](Self::output), in its order.
    fn forwarded(
        &mut self,
        control: &mut Control<Self::Notification>,
        stream: Stream,
        length: usize,
        seen: Option<&[u8]>,
    ) {
        let _ = (control, stream, length, seen);
    }

    /// Nothing more will come from this stream: it ended, was closed, or was given up as leaked.
    fn output_ended(&mut self, control: &mut Control<Self::Notification>, stream: Stream) {
        let _ = (control, stream);
    }

    /// The child said this of itself, by a socket that it was given for that. What it means is done without the handler:
    /// [`Vouching`](crate::Vouching).
    fn vouched(&mut self, control: &mut Control<Self::Notification>, vouch: &Vouch) {
        let _ = (control, vouch);
    }

    /// The leader has exited like this, and is not yet reaped. What it wrote before has been delivered,
    /// unless it is held. The state machine is told afterwards, so a failure that is reported here comes
    /// before the exit that it explains.
    fn exited(&mut self, control: &mut Control<Self::Notification>, status: ExitStatus) {
        let _ = (control, status);
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
        answer.succeed();
    }

    /// An error was noticed; the `first` is the one that the outcome will carry.
    ///
    /// `failure` says more, where somebody said more: for [`Error::External`] what was given to
    /// [`Control::fail`], or what the kernel refused; for [`Error::Notification`] what was given to
    /// [`Answer::fail`]; for [`Error::Exit`] with a lost status, why it is lost.
    fn error(
        &mut self,
        control: &mut Control<Self::Notification>,
        error: Error,
        first: bool,
        failure: Option<Failure>,
    ) {
        let _ = (control, error, first, failure);
    }

    /// The child has been silent for the config's `warn_timeout`, and for so long by now since the latest activity. Nothing
    /// else comes of it.
    fn warned(&mut self, control: &mut Control<Self::Notification>, silence: Duration) {
        let _ = (control, silence);
    }

    /// The kernel has refused to pass this signal on, for instance because the target runs as another user by
    /// now (`EPERM`). Unless overridden, this is a failure of the run.
    fn refused(
        &mut self,
        control: &mut Control<Self::Notification>,
        signal: Signal,
        target: Target,
        error: io::Error,
    ) {
        let _ = (signal, target);
        control.fail(error);
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

/// So that handlers of several kinds can be in one set.
impl<H: Handler + ?Sized> Handler for Box<H> {
    type Notification = H::Notification;

    fn input(&mut self) -> Option<Vec<u8>> {
        (**self).input()
    }

    fn output(&mut self, control: &mut Control<Self::Notification>, stream: Stream, bytes: &[u8]) {
        (**self).output(control, stream, bytes);
    }

    fn forwarded(
        &mut self,
        control: &mut Control<Self::Notification>,
        stream: Stream,
        length: usize,
        seen: Option<&[u8]>,
    ) {
        (**self).forwarded(control, stream, length, seen);
    }

    fn output_ended(&mut self, control: &mut Control<Self::Notification>, stream: Stream) {
        (**self).output_ended(control, stream);
    }

    fn vouched(&mut self, control: &mut Control<Self::Notification>, vouch: &Vouch) {
        (**self).vouched(control, vouch);
    }

    fn exited(&mut self, control: &mut Control<Self::Notification>, status: ExitStatus) {
        (**self).exited(control, status);
    }

    fn notify(
        &mut self,
        control: &mut Control<Self::Notification>,
        job: Job<Self::Notification>,
        answer: Answer,
    ) {
        (**self).notify(control, job, answer);
    }

    fn error(
        &mut self,
        control: &mut Control<Self::Notification>,
        error: Error,
        first: bool,
        failure: Option<Failure>,
    ) {
        (**self).error(control, error, first, failure);
    }

    fn warned(&mut self, control: &mut Control<Self::Notification>, silence: Duration) {
        (**self).warned(control, silence);
    }

    fn refused(
        &mut self,
        control: &mut Control<Self::Notification>,
        signal: Signal,
        target: Target,
        error: io::Error,
    ) {
        (**self).refused(control, signal, target, error);
    }

    fn discarded(&mut self, what: Discarded<Self::Notification>) {
        (**self).discarded(what);
    }

    fn finished(&mut self, outcome: Outcome) {
        (**self).finished(outcome);
    }

    fn observe(&mut self, at: Instant, moment: Moment) {
        (**self).observe(at, moment);
    }
}

/// Minds a child without wanting to hear of it: its outcome is enough.
impl Handler for () {
    type Notification = ();
}

/// A notification to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Job<N> {
    /// One that was asked for, with what it was given.
    Requested(N),
    /// A heartbeat.
    Heartbeat,
    /// The last one, which the config has asked for: all else is over, and this is how it ended. Only a failure of this
    /// one, or one that is reported meanwhile, can still change the outcome's error.
    Final(Outcome),
}

/// Something that was asked for and will not be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Discarded<N> {
    /// A notification that will never run.
    Notification(N),
    /// A failure that came after the end.
    Failure(Failure),
}
