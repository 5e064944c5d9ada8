//! What a handler, or the owner of a child, can ask for.

use std::collections::VecDeque;
use std::time::Duration;

use childminder::{Ladder, Signal, Stream, Target};

use crate::{ChildId, Failure};

/// Asks for things on behalf of one child: handed to every callback of its [`Handler`](crate::Handler).
///
/// What is asked for is done in order: soon after the callback that asked for it, in the next turn at the
/// latest. What comes after the end comes back through
/// [`Handler::discarded`](crate::Handler::discarded), or has nothing left to act on.
///
/// To test a handler alone, make one with [`Requests::control`] and look at what it asked for:
///
/// ```
/// use childminder::Stream;
/// use childminder_driver::{ChildId, Control, Handler, Request, Requests};
///
/// struct StopsAtError;
///
/// impl Handler for StopsAtError {
///     type Notification = ();
///
///     fn output(&mut self, control: &mut Control<()>, _: Stream, bytes: &[u8]) {
///         if bytes.starts_with(b"error") {
///             control.terminate();
///         }
///     }
/// }
///
/// let mut requests = Requests::new();
/// let mut control = requests.control(ChildId::FIRST);
/// StopsAtError.output(&mut control, Stream::Stderr, b"error: no space left");
/// assert!(matches!(requests.pop(), Some((ChildId::FIRST, Request::Terminate))));
/// ```
#[derive(Debug)]
pub struct Control<'a, N> {
    child: ChildId,
    requests: &'a mut Requests<N>,
}

impl<N> Control<'_, N> {
    /// Queue a notification. They run one at a time, in order, and none starts after an error.
    pub fn notify(&mut self, notification: N) {
        self.ask(Request::Notify(notification));
    }

    /// The child has made progress, whatever its output says.
    pub fn progress(&mut self) {
        self.ask(Request::Progress);
    }

    /// The child has begun, whatever its output says: that is what its first-output deadline is for.
    pub fn ready(&mut self) {
        self.ask(Request::Ready);
    }

    /// Something went wrong outside: the child is ended.
    ///
    /// The first error wins. A failure that explains a bad exit, such as what was written to standard error,
    /// belongs into [`Handler::exited`](crate::Handler::exited), which is called before the exit counts;
    /// [`output_ended`](crate::Handler::output_ended) may come long after it, where something else holds the
    /// stream.
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

    /// End the child for certain: SIGKILL to its group, now, in place of what is left of the ladder. For an owner
    /// that goes away.
    pub fn kill(&mut self) {
        self.ask(Request::Kill);
    }

    /// Send this signal as it is. The ladder is not touched, a stopped target is not continued, and a target that
    /// is gone is none.
    pub fn pass_on(&mut self, signal: Signal, target: Target) {
        self.ask(Request::PassOn(signal, target));
    }

    /// Change the idle timeout; it counts anew from now. Where no output comes that could put it off, it is a
    /// limit on what is left of the child's life.
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

    /// Asks for this.
    pub fn ask(&mut self, request: Request<N>) {
        self.requests.add(self.child, request);
    }

    /// The same for another child of the set: a handler may end its sister.
    pub fn child(&mut self, other: ChildId) -> Control<'_, N> {
        Control {
            child: other,
            requests: self.requests,
        }
    }

    /// The child that this is about.
    pub fn id(&self) -> ChildId {
        self.child
    }
}

/// One thing that was asked for. Each stands for the method of [`Control`] that has its name.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the methods of `Control` say it")]
pub enum Request<N> {
    Notify(N),
    Progress,
    Ready,
    Fail(Failure),
    Terminate,
    Escalate,
    Kill,
    PassOn(Signal, Target),
    SetIdleTimeout(Option<Duration>),
    SetLadder(Ladder),
    Suspended,
    Resumed,
    HoldOutput(Stream),
    ReleaseOutput(Stream),
    CloseOutput(Stream),
}

/// What was asked for and has not been done, in order.
#[derive(Debug)]
pub struct Requests<N>(VecDeque<(ChildId, Request<N>)>);

impl<N> Requests<N> {
    /// None yet.
    pub fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Asks on behalf of this child.
    pub fn control(&mut self, child: ChildId) -> Control<'_, N> {
        Control {
            child,
            requests: self,
        }
    }

    /// Adds a request behind all others.
    pub fn add(&mut self, child: ChildId, request: Request<N>) {
        self.0.push_back((child, request));
    }

    /// Takes the oldest.
    pub fn pop(&mut self) -> Option<(ChildId, Request<N>)> {
        self.0.pop_front()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl<N> Default for Requests<N> {
    fn default() -> Self {
        Self::new()
    }
}
