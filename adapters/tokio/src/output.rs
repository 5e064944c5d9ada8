//! What a child writes, on its way to a reader.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use childminder::{Config, Stream};
use childminder_driver::{ChildId, Remote, Request};
use tokio::io::{AsyncRead, ReadBuf};

use crate::notification::Notification;

/// One stream of a child's output, to be read.
///
/// A reader that is slow holds the child up: when 64 KiB wait to be read, no more is taken from the pipe
/// until half of that has been read, and the child blocks once its pipe is full. Silence that comes of this
/// is not held against the child. When the child has exited, what it left in its pipe is taken at once, so
/// that a slow reader delays nothing. What has been taken stays readable after the end of the child and of
/// the runtime.
///
/// Dropping it closes the pipe: a child that still writes gets SIGPIPE.
pub struct Output {
    stream: Stream,
    child: ChildId,
    remote: Remote<Notification>,
    buffers: Arc<Buffers>,
}

impl Output {
    pub(crate) fn new(
        stream: Stream,
        child: ChildId,
        remote: Remote<Notification>,
        buffers: Arc<Buffers>,
    ) -> Self {
        Self {
            stream,
            child,
            remote,
            buffers,
        }
    }

    /// Until this is dropped, only the last of what comes is kept, and the child is not held up.
    pub(crate) fn keep_last(&self) -> KeepsLast<'_> {
        let mut state = self.buffers.state();
        state.buffers[self.stream as usize].reader = Reader::KeepsLast;
        state.release(self.stream, &mut self.ask());
        KeepsLast(self)
    }

    /// Hands out all that is there to be read; ready at the end of the stream.
    pub(crate) fn poll_to_end(
        &self,
        context: &mut Context<'_>,
        mut each: impl FnMut(&[u8]),
    ) -> Poll<()> {
        let mut state = self.buffers.state();
        let buffer = &mut state.buffers[self.stream as usize];
        let (front, back) = buffer.bytes.as_slices();
        for part in [front, back] {
            if !part.is_empty() {
                each(part);
            }
        }
        buffer.bytes.clear();
        if buffer.ended {
            return Poll::Ready(());
        }
        buffer.waker = Some(context.waker().clone());
        state.release(self.stream, &mut self.ask());
        Poll::Pending
    }

    fn ask(&self) -> impl FnMut(Request<Notification>) {
        |request| self.remote.ask(self.child, request)
    }
}

impl AsyncRead for Output {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        target: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.buffers.state();
        let mark = state.mark;
        let buffer = &mut state.buffers[self.stream as usize];
        if buffer.bytes.is_empty() && !buffer.ended && target.remaining() > 0 {
            buffer.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        buffer.give(target);
        if buffer.bytes.len() <= mark / 2 {
            state.release(self.stream, &mut self.ask());
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        let mut state = self.buffers.state();
        let buffer = &mut state.buffers[self.stream as usize];
        buffer.reader = Reader::Gone;
        buffer.bytes = VecDeque::new();
        state.release(self.stream, &mut self.ask());
        self.ask()(Request::CloseOutput(self.stream));
    }
}

/// While there is one, of this output only the last is kept.
pub(crate) struct KeepsLast<'a>(&'a Output);

impl Drop for KeepsLast<'_> {
    fn drop(&mut self) {
        let mut state = self.0.buffers.state();
        state.buffers[self.0.stream as usize].reader = Reader::Reads;
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("stream", &self.stream)
            .field("child", &self.child)
            .finish_non_exhaustive()
    }
}

/// Both streams of one child. The handler fills them, in turns of the set; readers empty them, anywhere.
pub(crate) struct Buffers(Mutex<State>);

impl Buffers {
    pub(crate) fn new(config: &Config) -> Self {
        Self(Mutex::new(State {
            buffers: [Buffer::new(), Buffer::new()],
            mark: MARK,
            idle_timeout: config.idle_timeout,
        }))
    }

    /// The child wrote this.
    pub(crate) fn push(
        &self,
        stream: Stream,
        bytes: &[u8],
        ask: &mut impl FnMut(Request<Notification>),
    ) {
        let mut state = self.state();
        let mark = state.mark;
        let buffer = &mut state.buffers[stream as usize];
        if buffer.reader == Reader::Gone {
            return;
        }
        buffer.bytes.extend(bytes);
        let waker = buffer.waker.take();
        if buffer.reader == Reader::KeepsLast {
            let dropped = buffer.bytes.len().saturating_sub(MARK);
            buffer.bytes.drain(..dropped);
        } else if buffer.bytes.len() >= mark {
            state.hold(stream, ask);
        }
        drop(state);
        wake(waker);
    }

    /// It counts from now, or from the moment when no stream is held any more.
    pub(crate) fn set_idle_timeout(
        &self,
        timeout: Option<Duration>,
        ask: &mut impl FnMut(Request<Notification>),
    ) {
        let mut state = self.state();
        state.idle_timeout = timeout;
        let is_held = state.buffers.iter().any(|buffer| buffer.held);
        ask(Request::SetIdleTimeout(timeout.filter(|_| !is_held)));
    }

    /// The leader has exited: takes what it left.
    pub(crate) fn exited(&self, ask: &mut impl FnMut(Request<Notification>)) {
        let mut state = self.state();
        state.mark = MARK_AFTER_EXIT;
        for stream in Stream::ALL {
            state.release(stream, ask);
        }
    }

    /// No more will come from this stream.
    pub(crate) fn end(&self, stream: Stream) {
        let mut state = self.state();
        let buffer = &mut state.buffers[stream as usize];
        buffer.ended = true;
        let waker = buffer.waker.take();
        drop(state);
        wake(waker);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    buffers: [Buffer; 2],
    /// A stream is held when so much of it waits to be read.
    mark: usize,
    idle_timeout: Option<Duration>,
}

impl State {
    /// A child that waits for its reader is not silent: while a stream is held, the idle timeout is off. The
    /// driver would read a held pipe before that deadline, and the buffer would grow by one pipe's content
    /// each time.
    fn hold(&mut self, stream: Stream, ask: &mut impl FnMut(Request<Notification>)) {
        // Also if it is held: a release that a reader asked for before may be on its way.
        self.buffers[stream as usize].held = true;
        ask(Request::HoldOutput(stream));
        if self.idle_timeout.is_some() {
            ask(Request::SetIdleTimeout(None));
        }
    }

    fn release(&mut self, stream: Stream, ask: &mut impl FnMut(Request<Notification>)) {
        if !std::mem::replace(&mut self.buffers[stream as usize].held, false) {
            return;
        }
        ask(Request::ReleaseOutput(stream));
        let is_held = self.buffers.iter().any(|buffer| buffer.held);
        if self.idle_timeout.is_some() && !is_held {
            ask(Request::SetIdleTimeout(self.idle_timeout));
        }
    }
}

struct Buffer {
    bytes: VecDeque<u8>,
    held: bool,
    ended: bool,
    reader: Reader,
    waker: Option<Waker>,
}

impl Buffer {
    fn new() -> Self {
        Self {
            bytes: VecDeque::new(),
            held: false,
            ended: false,
            reader: Reader::Reads,
            waker: None,
        }
    }

    fn give(&mut self, target: &mut ReadBuf<'_>) {
        let (front, back) = self.bytes.as_slices();
        let mut given = 0;
        for part in [front, back] {
            let length = part.len().min(target.remaining());
            target.put_slice(&part[..length]);
            given += length;
        }
        self.bytes.drain(..given);
        if self.ended && self.bytes.is_empty() {
            self.bytes = VecDeque::new();
        }
    }
}

/// What is done with what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Reads,
    /// The outcome is awaited, and nothing reads.
    KeepsLast,
    /// The pipe is closed, or will be soon.
    Gone,
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// As much as a pipe holds by default.
const MARK: usize = 64 * 1024;

/// What an unprivileged process can make a pipe hold: as much as a leader leaves behind. A reader that is
/// slow must not make the drain last; a descendant that writes on must not fill the memory.
const MARK_AFTER_EXIT: usize = MARK + 1024 * 1024;
