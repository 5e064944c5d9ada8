//! What the owner can ask for.

use std::collections::VecDeque;
use std::time::Duration;

use childminder::{Ladder, Stream};

use crate::Failure;

/// The owner's side of a [`MindedChild`](crate::MindedChild): handed to every callback, and to be had
/// between turns from [`MindedChild::control`](crate::MindedChild::control).
///
/// What is asked is done in order: soon after the callback that asked for it, in the next turn at
/// the latest. What comes after the end comes back through
/// [`Handler::discarded`](crate::Handler::discarded), or has nothing left to act on.
#[derive(Debug)]
pub struct Control<N> {
    requests: VecDeque<Request<N>>,
}

impl<N> Control<N> {
    /// Queue a notification. They run one at a time, in order, and none starts after an error.
    pub fn notify(&mut self, notification: N) {
        self.ask(Request::Notify(notification));
    }

    /// The child has made progress, whatever its output says.
    pub fn progress(&mut self) {
        self.ask(Request::Progress);
    }

    /// Something went wrong outside: the child is ended.
    pub fn fail(&mut self, failure: impl Into<Failure>) {
        self.ask(Request::Fail(failure.into()));
    }

    /// End the child: starts the ladder, once.
    pub fn terminate(&mut self) {
        self.ask(Request::Terminate);
    }

    /// End the child, impatiently: starts the ladder, or sends its next stage now.
    pub fn escalate(&mut self) {
        self.ask(Request::Escalate);
    }

    /// Change the idle timeout; it counts anew from now.
    pub fn set_idle_timeout(&mut self, timeout: Option<Duration>) {
        self.ask(Request::SetIdleTimeout(timeout));
    }

    /// Change the ladder; without effect once it has been started.
    pub fn set_ladder(&mut self, ladder: Ladder) {
        self.ask(Request::SetLadder(ladder));
    }

    /// The child has been stopped on purpose: every deadline waits.
    pub fn suspended(&mut self) {
        self.ask(Request::Suspended);
    }

    /// The child runs on.
    pub fn resumed(&mut self) {
        self.ask(Request::Resumed);
    }

    /// Stop reading this stream, because what it writes has nowhere to go for now. The child blocks
    /// once its pipe is full. Before a deadline fires that output can put off, or that gives the output
    /// up, what is readable is delivered all the same: a child that waits for its reader is not
    /// silent.
    pub fn hold_output(&mut self, stream: Stream) {
        self.ask(Request::HoldOutput(stream));
    }

    /// Read this stream again.
    pub fn release_output(&mut self, stream: Stream) {
        self.ask(Request::ReleaseOutput(stream));
    }

    /// Close our end of this stream: nobody wants the output. A child that still writes gets SIGPIPE.
    pub fn close_output(&mut self, stream: Stream) {
        self.ask(Request::CloseOutput(stream));
    }

    pub(crate) fn new() -> Self {
        Self {
            requests: VecDeque::new(),
        }
    }

    pub(crate) fn ask(&mut self, request: Request<N>) {
        self.requests.push_back(request);
    }

    pub(crate) fn next(&mut self) -> Option<Request<N>> {
        self.requests.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

#[derive(Debug)]
pub(crate) enum Request<N> {
    Notify(N),
    Progress,
    Fail(Failure),
    Terminate,
    Escalate,
    SetIdleTimeout(Option<Duration>),
    SetLadder(Ladder),
    Suspended,
    Resumed,
    HoldOutput(Stream),
    ReleaseOutput(Stream),
    CloseOutput(Stream),
}
