//! What the children of one loop share.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use childminder::{Ladder, NotificationId, Signal, Stream, Target};

use crate::control::{Request, Requests};
use crate::desk::Desk;
use crate::{Answer, ChildId, Control, Failure};

/// What the drivers of one loop share, however many they are: the requests that have not been carried out,
/// the mail from other threads, and the buffer that output is read into.
#[derive(Debug)]
pub struct Shared<N> {
    pub(crate) requests: Requests<N>,
    pub(crate) inbox: Arc<Inbox<N>>,
    pub(crate) buffer: Box<[u8]>,
    /// For the child whose turn it is, so that not every request costs an allocation.
    pub(crate) desk: Option<Box<Desk<N>>>,
    /// Mail that was taken from the inbox and waits for its child.
    taken: VecDeque<(ChildId, Mail<N>)>,
}

impl<N: Send + 'static> Shared<N> {
    /// `wake` is called, from any thread, when mail has come and no turn is under way: it must make the loop
    /// call [`begin`](Self::begin) soon.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            requests: Requests::new(),
            inbox: Arc::new(Inbox {
                state: Mutex::new(State {
                    mail: VecDeque::new(),
                    attended: false,
                    woken: false,
                    closed: false,
                }),
                wake: Box::new(wake),
            }),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            desk: None,
            taken: VecDeque::new(),
        }
    }

    /// A turn, of one or many children, begins: until it [ends](Self::end), mail wakes nobody. What has come
    /// by now is there to be taken; what comes later waits for the next time, so that a thread which never
    /// stops sending holds up nothing.
    pub fn begin(&mut self) {
        let mut state = self.inbox.state();
        state.attended = true;
        self.taken.append(&mut state.mail);
    }

    /// Takes the next mail, to be [delivered](crate::Driver::deliver) to the child that it is for.
    pub fn next_mail(&mut self) -> Option<(ChildId, Mail<N>)> {
        self.taken.pop_front()
    }

    /// Takes the next request, to be [asked](crate::Driver::ask) of the child that it is for. A driver takes
    /// those for its own child; after its turn, these are left for others.
    pub fn next_request(&mut self) -> Option<(ChildId, Request<N>)> {
        self.requests.pop()
    }

    /// The turn ends. Mail that has come meanwhile, and every later one, wakes the loop.
    pub fn end(&mut self) {
        let mut state = self.inbox.state();
        state.attended = false;
        state.woken = !state.mail.is_empty();
        let woken = state.woken;
        drop(state);
        if woken {
            (self.inbox.wake)();
        }
    }

    /// Asks for things on behalf of a child, between turns; [`next_request`](Self::next_request) brings
    /// them to its driver.
    pub fn control(&mut self, child: ChildId) -> Control<'_, N> {
        self.requests.control(child)
    }

    /// A handle for other threads.
    pub fn remote(&self) -> Remote<N> {
        Remote {
            inbox: Arc::clone(&self.inbox),
        }
    }

    /// Whether requests wait to be carried out.
    pub fn has_requests(&self) -> bool {
        !self.requests.is_empty()
    }

    /// An answer that comes by mail.
    pub(crate) fn answer(&self, child: ChildId, id: NotificationId) -> Answer {
        let inbox = Arc::clone(&self.inbox);
        Answer::new(id, move |result| inbox.put(child, Mail::Answer(id, result)))
    }

    /// How much mail has come, so that what comes later can be told from it.
    pub(crate) fn mail_so_far(&self) -> usize {
        self.inbox.state().mail.len()
    }

    /// The result, if this notification was answered before its callback returned, when so much mail had
    /// come before.
    pub(crate) fn take_answer(
        &mut self,
        child: ChildId,
        id: NotificationId,
        before: usize,
    ) -> Option<Result<(), Failure>> {
        let mut state = self.inbox.state();
        let is_it = |mail: &(ChildId, Mail<N>)| {
            mail.0 == child && matches!(mail.1, Mail::Answer(answered, _) if answered == id)
        };
        let place = state.mail.iter().skip(before).position(is_it)?;
        match state.mail.remove(before + place)? {
            (_, Mail::Answer(_, result)) => Some(result),
            (_, Mail::Request(_)) => None,
        }
    }
}

/// Nobody will read the mail any more: what is there is dropped, and every later one.
impl<N> Drop for Shared<N> {
    fn drop(&mut self) {
        let mut state = self.inbox.state();
        state.closed = true;
        let unread = mem::take(&mut state.mail);
        drop(state);
        drop(unread);
    }
}

/// What other threads send to a child.
#[derive(Debug)]
#[non_exhaustive]
pub enum Mail<N> {
    /// A notification was answered.
    Answer(NotificationId, Result<(), Failure>),
    /// Something was asked for.
    Request(Request<N>),
}

impl<N> Mail<N> {
    /// The request, if it is one.
    pub fn into_request(self) -> Option<Request<N>> {
        match self {
            Self::Request(request) => Some(request),
            Self::Answer(..) => None,
        }
    }
}

/// A handle for other threads to the children of one loop, by their ids. What is asked for through it wakes
/// the loop.
///
/// What is asked of a child that is no longer there is not lost in silence: the loop that owns the set is
/// given it back. What is asked when the loop itself is gone is dropped.
#[derive(Debug)]
pub struct Remote<N> {
    inbox: Arc<Inbox<N>>,
}

impl<N> Remote<N> {
    /// As [`Control::notify`].
    pub fn notify(&self, child: ChildId, notification: N) {
        self.ask(child, Request::Notify(notification));
    }

    /// As [`Control::progress`].
    pub fn progress(&self, child: ChildId) {
        self.ask(child, Request::Progress);
    }

    /// As [`Control::ready`].
    pub fn ready(&self, child: ChildId) {
        self.ask(child, Request::Ready);
    }

    /// As [`Control::fail`].
    pub fn fail(&self, child: ChildId, failure: impl Into<Failure>) {
        self.ask(child, Request::Fail(failure.into()));
    }

    /// As [`Control::terminate`].
    pub fn terminate(&self, child: ChildId) {
        self.ask(child, Request::Terminate);
    }

    /// As [`Control::escalate`].
    pub fn escalate(&self, child: ChildId) {
        self.ask(child, Request::Escalate);
    }

    /// As [`Control::kill`].
    pub fn kill(&self, child: ChildId) {
        self.ask(child, Request::Kill);
    }

    /// As [`Control::pass_on`].
    pub fn pass_on(&self, child: ChildId, signal: Signal, target: Target) {
        self.ask(child, Request::PassOn(signal, target));
    }

    /// As [`Control::set_idle_timeout`].
    pub fn set_idle_timeout(&self, child: ChildId, timeout: Option<Duration>) {
        self.ask(child, Request::SetIdleTimeout(timeout));
    }

    /// As [`Control::set_ladder`].
    pub fn set_ladder(&self, child: ChildId, ladder: Ladder) {
        self.ask(child, Request::SetLadder(ladder));
    }

    /// As [`Control::suspended`].
    pub fn suspended(&self, child: ChildId) {
        self.ask(child, Request::Suspended);
    }

    /// As [`Control::resumed`].
    pub fn resumed(&self, child: ChildId) {
        self.ask(child, Request::Resumed);
    }

    /// As [`Control::hold_output`].
    pub fn hold_output(&self, child: ChildId, stream: Stream) {
        self.ask(child, Request::HoldOutput(stream));
    }

    /// As [`Control::release_output`].
    pub fn release_output(&self, child: ChildId, stream: Stream) {
        self.ask(child, Request::ReleaseOutput(stream));
    }

    /// As [`Control::close_output`].
    pub fn close_output(&self, child: ChildId, stream: Stream) {
        self.ask(child, Request::CloseOutput(stream));
    }

    /// As [`Control::ask`].
    pub fn ask(&self, child: ChildId, request: Request<N>) {
        self.inbox.put(child, Mail::Request(request));
    }
}

impl<N> Clone for Remote<N> {
    fn clone(&self) -> Self {
        Self {
            inbox: Arc::clone(&self.inbox),
        }
    }
}

/// Where mail waits for the loop.
pub(crate) struct Inbox<N> {
    state: Mutex<State<N>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

struct State<N> {
    mail: VecDeque<(ChildId, Mail<N>)>,
    /// A turn is under way, which looks here before it ends.
    attended: bool,
    /// The loop has been woken and has not looked yet.
    woken: bool,
    /// The loop is gone.
    closed: bool,
}

impl<N> Inbox<N> {
    fn put(&self, child: ChildId, mail: Mail<N>) {
        let mut state = self.state();
        if state.closed {
            // Dropping a payload may run code that sends mail.
            drop(state);
            return drop(mail);
        }
        state.mail.push_back((child, mail));
        let wake = !state.attended && !mem::replace(&mut state.woken, true);
        drop(state);
        if wake {
            (self.wake)();
        }
    }

    fn state(&self) -> MutexGuard<'_, State<N>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<N> fmt::Debug for Inbox<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}

/// How much is read at a time: what a pipe holds by default.
const CHUNK: usize = 64 * 1024;
