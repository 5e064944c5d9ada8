//! The child's output on its way to ours.
//!
//! Each of our streams is written by a thread. We share the stream with other programs, so we must not make it
//! non-blocking; and we must not block on it, because deadlines go on. When a writer lags by a megabyte, the
//! child is not read for a while.
//!
//! A reader that stands still is waited for if the command ended by itself: a pager takes its time. If the
//! command was ended, the reader is given up once it has read nothing for three seconds. That is an error, and
//! it says how much is lost.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use childminder::Stream;
use childminder_driver::Handler;
use mio::Waker;
use rustix::event::{PollFd, PollFlags, poll};

use crate::minded::Minded;

/// What an owner's `relay` of a stream cannot pass on is an error, and is not read any more. A reader that left
/// closes the child's pipe too, as if there were nothing between them.
pub(crate) fn look_after_relays<H: Handler>(
    child: &mut Minded<H>,
    relay: impl Fn(&H, Stream) -> Option<&Relay>,
) {
    for stream in Stream::ALL {
        let Some(relay) = relay(child.handler(), stream) else {
            continue;
        };
        let (failure, again) = (relay.take_failure(), relay.has_room_again());
        if let Some(failure) = failure {
            if let Some(loss) = loss(stream, &failure) {
                child.control().fail(loss);
            }
            child.control().close_output(stream);
        } else if again {
            child.control().release_output(stream);
        }
    }
}

/// Waits until all is written. Gives up when `wait` says that somebody is waiting for us, or when nothing has
/// been read for as long as `patience`; then what is left is lost, and is a failure of its relay.
pub(crate) fn flush<E>(
    relays: [&Relay; 2],
    patience: Option<Duration>,
    mut wait: impl FnMut(Option<Duration>) -> Result<bool, E>,
) -> Result<(), E> {
    let unread = || relays.map(Relay::unread);
    let (mut before, mut left) = (unread(), patience);
    while relays.iter().any(|relay| !relay.is_flushed()) {
        let begun = Instant::now();
        if left == Some(Duration::ZERO) || wait(left.map(|left| left.min(A_MOMENT)))? {
            for relay in relays {
                relay.give_up();
            }
            break;
        }
        // If it was longer, we were stopped, and the reader perhaps with us.
        let waited = begun.elapsed().min(A_MOMENT);
        left = left.map(|left| left.saturating_sub(waited));
        if before != unread() {
            (before, left) = (unread(), patience);
        }
    }
    Ok(())
}

/// One of our own streams, written to by a thread of its own: a reader that is slow, or asleep, holds
/// up neither the loop nor the other stream.
#[derive(Debug)]
pub(crate) struct Relay {
    target: OwnedFd,
    shared: Arc<Shared>,
}

impl Relay {
    /// `waker` is woken when there is room again, when nothing can be written any more, and when all
    /// is written, if that is waited for.
    pub(crate) fn new(target: impl AsFd, waker: Arc<Waker>) -> io::Result<Self> {
        let target = target.as_fd().try_clone_to_owned()?;
        let file = File::from(target.try_clone()?);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
        });
        let relay = Self {
            target,
            shared: Arc::clone(&shared),
        };
        thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || {
                let failure = shared.pass_on(file, &waker);
                shared.end(failure);
                wake(&waker);
            })?;
        Ok(relay)
    }

    /// Takes these bytes, always. Whether the caller should stop, until there is [room
    /// again](Self::has_room_again).
    pub(crate) fn write(&self, bytes: &[u8]) -> bool {
        let mut queue = self.shared.queue();
        if !queue.ended {
            queue.bytes += bytes.len();
            queue.chunks.push_back(bytes.into());
        }
        queue.full |= queue.bytes > HIGH_WATER;
        self.shared.filled.notify_one();
        queue.full
    }

    /// Whether there is room again, once after [`write`](Self::write) asked to stop.
    pub(crate) fn has_room_again(&self) -> bool {
        let mut queue = self.shared.queue();
        let again = queue.full && queue.bytes < LOW_WATER;
        queue.full &= !again;
        again
    }

    /// Why nothing can be written any more; told once.
    fn take_failure(&self) -> Option<io::Error> {
        self.shared.queue().failure.take()
    }

    /// What is lost because nothing can be written any more, as [`loss`] has it; told once.
    pub(crate) fn take_loss(&self, stream: Stream) -> Option<String> {
        loss(stream, &self.take_failure()?)
    }

    /// Whether everything has been written, or can no longer be. If not, it is waited for.
    pub(crate) fn is_flushed(&self) -> bool {
        let mut queue = self.shared.queue();
        queue.waited_for = queue.bytes > 0;
        !queue.waited_for
    }

    /// Waits until everything has been written, or can no longer be, but for no longer than a moment.
    pub(crate) fn settle(&self) {
        let queue = self.shared.queue();
        let _ = self
            .shared
            .written
            .wait_timeout_while(queue, A_MOMENT, |queue| queue.bytes > 0);
    }

    /// How many bytes have not been written yet.
    fn unwritten(&self) -> usize {
        self.shared.queue().bytes
    }

    /// The same, and how many of those that have been wait in a pipe.
    fn unread(&self) -> (usize, u64) {
        let waiting = rustix::io::ioctl_fionread(&self.target);
        (self.unwritten(), waiting.unwrap_or(0))
    }

    /// What has not been written by now will not be, which is a failure; neither will what follows.
    fn give_up(&self) {
        let unwritten = self.unwritten();
        if unwritten > 0 {
            let lost = format!("nobody has read the last {unwritten} bytes");
            self.shared.end(io::Error::other(lost));
        }
    }
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
    /// There is nothing to write any more.
    written: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Box<[u8]>>,
    /// Those in `chunks`, and those just being written.
    bytes: usize,
    full: bool,
    waited_for: bool,
    ended: bool,
    failure: Option<io::Error>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until it fails.
    fn pass_on(&self, mut target: File, waker: &Waker) -> io::Error {
        loop {
            let chunk = self.next();
            // In small pieces, so that a reader that is slow can be told from one that stands
            // still.
            for piece in chunk.chunks(PIECE) {
                if let Err(error) = write_all(&mut target, piece) {
                    return error;
                }
                self.has_written(piece.len(), waker);
            }
        }
    }

    fn has_written(&self, bytes: usize, waker: &Waker) {
        let mut queue = self.queue();
        queue.bytes = queue.bytes.saturating_sub(bytes);
        if queue.bytes == 0 {
            self.written.notify_all();
        }
        let room = queue.full && queue.bytes < LOW_WATER;
        if room || (queue.waited_for && queue.bytes == 0) {
            wake(waker);
        }
    }

    /// The first failure counts.
    fn end(&self, failure: io::Error) {
        let mut queue = self.queue();
        if !queue.ended {
            queue.failure = Some(failure);
        }
        queue.ended = true;
        queue.chunks.clear();
        queue.bytes = 0;
        self.written.notify_all();
    }

    fn next(&self) -> Box<[u8]> {
        let mut queue = self.queue();
        loop {
            if let Some(chunk) = queue.chunks.pop_front() {
                return chunk;
            }
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What is lost by this failure of one of our streams; a reader that left has lost nothing.
fn loss(stream: Stream, failure: &io::Error) -> Option<String> {
    let name = match stream {
        Stream::Stdout => "standard output",
        Stream::Stderr => "standard error",
    };
    (failure.kind() != io::ErrorKind::BrokenPipe)
        .then(|| format!("cannot write to {name}: {failure}"))
}

/// The kernel does not refuse to wake an eventfd; if it did, the loop would look at its next turn.
fn wake(waker: &Waker) {
    let _ = waker.wake();
}

/// Somebody else may have made our stream non-blocking, for everybody who shares it.
fn write_all(target: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match target.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                rustix::io::retry_on_intr(|| {
                    poll(&mut [PollFd::new(target, PollFlags::OUT)], None)
                })?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How long nothing may be read of what a command wrote that was ended, before the rest is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// How much is written at a time.
const PIECE: usize = 8 * 1024;

/// How long a reader is waited for that ought to read at once.
const A_MOMENT: Duration = Duration::from_millis(500);

/// More than this waiting to be written, and the child is not read for a while.
const HIGH_WATER: usize = 1024 * 1024;

/// Less than this, and it is read again.
const LOW_WATER: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use mio::{Poll, Token};

    use super::*;

    #[test]
    fn who_was_asked_to_stop_is_told_to_go_on_whatever_was_written_meanwhile() {
        let poll = Poll::new().expect("a poll");
        let waker = Waker::new(poll.registry(), Token(0)).expect("a waker");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let relay = Relay::new(&writer, Arc::new(waker)).expect("a relay");
        let chunk = vec![0; 64 * 1024];
        let mut written = 0;
        while !relay.write(&chunk) {
            written += chunk.len();
        }
        written += chunk.len();

        let mut some = vec![0; HIGH_WATER / 2];
        reader.read_exact(&mut some).expect("half of it");
        while relay.shared.queue().bytes > HIGH_WATER {
            thread::yield_now();
        }
        assert!(relay.write(b"!"), "there is not enough room yet");
        assert!(!relay.has_room_again());

        let mut rest = vec![0; written + 1 - some.len()];
        reader.read_exact(&mut rest).expect("the rest");
        while !relay.is_flushed() {
            thread::yield_now();
        }
        assert!(relay.has_room_again());
        assert!(!relay.has_room_again());
        assert!(!relay.write(b"!"));
    }
}
