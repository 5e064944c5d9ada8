//! Output on its way to a stream of our own.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

/// One of our own streams, written to by a thread of its own, so that a reader which is slow, or stands still, holds
/// up no loop.
///
/// We share such a stream with other programs, so we must not make it non-blocking; and we must not block on it,
/// because deadlines go on. What is written is taken always, and kept. When more than a megabyte is kept, the
/// caller is asked to stop until there is room again.
///
/// Dropping it does not wait: the thread ends when all is written, or can no longer be.
///
/// ```
/// use childminder_unix::{Flow, Relay, RelayEvent};
/// use std::io::Read as _;
/// use std::sync::mpsc;
///
/// let (mut reader, writer) = std::io::pipe()?;
/// let (sender, events) = mpsc::channel();
/// let relay = Relay::new(&writer, move |event| drop(sender.send(event)))?;
///
/// // The reader sleeps, and the pipe holds much less.
/// while relay.write(&[b'x'; 64 * 1024]) == Flow::Continue {}
/// drop(writer);
/// std::thread::spawn(move || reader.read_to_end(&mut Vec::new()));
/// assert!(matches!(events.recv()?, RelayEvent::Room));
/// assert_eq!(relay.write(b"more"), Flow::Continue);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Relay {
    target: OwnedFd,
    shared: Arc<Shared>,
}

/// What a relay tells, from its thread.
#[derive(Debug)]
#[non_exhaustive]
pub enum RelayEvent {
    /// There is room again, after [`Flow::Hold`].
    Room,
    /// All is written, or can no longer be, which [was waited for](Relay::is_flushed).
    Flushed,
    /// Nothing can be written any more, and what was not is lost. `BrokenPipe` is a reader that has left, which
    /// loses nothing. Only [`Flushed`](Self::Flushed) may follow, where that is waited for.
    Failed(io::Error),
}

/// What a writer should do.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Write no more until [`RelayEvent::Room`] comes. What is written all the same is taken.
    Hold,
}

impl Relay {
    /// Writes to a duplicate of `target`. `tell` is called on the relay's thread, which it holds up.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors or threads.
    pub fn new(
        target: impl AsFd,
        mut tell: impl FnMut(RelayEvent) + Send + 'static,
    ) -> io::Result<Self> {
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
                if let Err(failure) = shared.pass_on(file, &mut tell)
                    && shared.end() == Ending::First
                {
                    tell(RelayEvent::Failed(failure));
                }
                if shared.clear() == WaitedFor::Yes {
                    tell(RelayEvent::Flushed);
                }
            })?;
        Ok(relay)
    }

    /// Waits until all that these relays took is written, calling `wait` again and again, which sleeps until
    /// something happens, but no longer than it is told. Gives up when `wait` returns that the caller is in a hurry, or
    /// when `patience` is over. Returns what was given up of each, as [`give_up`](Self::give_up) does.
    ///
    /// # Errors
    ///
    /// Those of `wait`.
    pub fn flush<E>(
        relays: &[&Self],
        patience: Patience,
        mut wait: impl FnMut(Option<Duration>) -> Result<Hurry, E>,
    ) -> Result<Vec<Option<io::Error>>, E> {
        let unread = || {
            relays
                .iter()
                .map(|relay| relay.unread())
                .collect::<Vec<_>>()
        };
        let (mut before, mut free, mut idle) = (unread(), patience.free, patience.idle);
        while relays.iter().any(|relay| !relay.is_flushed()) {
            let is_free = free != Some(Duration::ZERO);
            let left = if is_free { free } else { Some(idle) };
            let begun = Instant::now();
            let is_over = left == Some(Duration::ZERO);
            if is_over || wait(left.map(|left| left.min(A_MOMENT)))? == Hurry::Yes {
                return Ok(relays.iter().map(|relay| relay.give_up()).collect());
            }
            // A longer wait means that this process was stopped, and the reader perhaps with it.
            let waited = begun.elapsed().min(A_MOMENT);
            if is_free {
                free = free.map(|free| free.saturating_sub(waited));
            } else {
                idle = idle.saturating_sub(waited);
            }
            let now = unread();
            if before != now {
                (before, idle) = (now, patience.idle);
            }
        }
        Ok(relays.iter().map(|_| None).collect())
    }

    /// Takes these bytes, always; after a failure they are dropped. Never blocks.
    pub fn write(&self, bytes: &[u8]) -> Flow {
        let mut queue = self.shared.queue();
        if queue.life != Life::Ended {
            queue.bytes += bytes.len();
            queue.chunks.push_back(bytes.into());
        }
        queue.full |= queue.bytes > HIGH_WATER;
        self.shared.filled.notify_one();
        if queue.full {
            Flow::Hold
        } else {
            Flow::Continue
        }
    }

    /// Whether everything has been written, or can no longer be. If not, [`RelayEvent::Flushed`] will tell.
    pub fn is_flushed(&self) -> bool {
        let mut queue = self.shared.queue();
        queue.waited_for = queue.bytes > 0;
        !queue.waited_for
    }

    /// Blocks until everything has been written, or can no longer be, but for half a second at most: for a reader
    /// that ought to read at once.
    pub fn wait_briefly(&self) {
        let queue = self.shared.queue();
        let _ = self
            .shared
            .written
            .wait_timeout_while(queue, A_MOMENT, |queue| queue.bytes > 0);
    }

    /// How many bytes have not been written yet, and how many that have been wait in the pipe. As long as both stay the
    /// same, the reader reads nothing.
    pub fn unread(&self) -> (usize, u64) {
        let waiting = rustix::io::ioctl_fionread(&self.target);
        (self.unwritten(), waiting.unwrap_or(0))
    }

    /// What has not been written by now will not be, and neither will what follows. Returns a failure that says how
    /// much is lost, if it is any; no [`RelayEvent::Failed`] tells of it.
    pub fn give_up(&self) -> Option<io::Error> {
        let unwritten = self.unwritten();
        let is_lost = unwritten > 0 && self.shared.end() == Ending::First;
        if is_lost {
            self.shared.clear();
        }
        is_lost.then(|| io::Error::other(format!("nobody has read the last {unwritten} bytes")))
    }

    fn unwritten(&self) -> usize {
        self.shared.queue().bytes
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        if queue.life == Life::Open {
            queue.life = Life::Closing;
        }
        self.shared.filled.notify_one();
    }
}

/// How long readers are [waited for](Relay::flush). While this process is stopped, that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For so long, they need read nothing. `None` is for ever.
    pub free: Option<Duration>,
    /// After that: for how long they may read nothing.
    pub idle: Duration,
}

impl Patience {
    /// They are waited for however long they take.
    pub const ENDLESS: Self = Self {
        free: None,
        idle: Duration::ZERO,
    };

    /// They may read nothing for so long.
    pub fn with_idle(idle: Duration) -> Self {
        Self {
            free: Some(Duration::ZERO),
            idle,
        }
    }
}

/// Whether a caller that waits is in a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurry {
    /// It waits on.
    No,
    /// What is not written yet is given up.
    Yes,
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
    /// The writer was asked to stop, and not told of room since.
    full: bool,
    waited_for: bool,
    life: Life,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Open,
    /// Nothing will come any more; what is there is written.
    Closing,
    /// Nothing will be written any more.
    Ended,
}

/// Whether a caller waits for all to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitedFor {
    No,
    Yes,
}

/// Whether this is what has ended a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    First,
    Later,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until it fails, or nothing more will come.
    fn pass_on(&self, mut target: File, tell: &mut impl FnMut(RelayEvent)) -> io::Result<()> {
        while let Some(chunk) = self.next() {
            // In small pieces, so that a reader that is slow can be told from one that stands still.
            for piece in chunk.chunks(PIECE) {
                write_all(&mut target, piece)?;
                self.has_written(piece.len(), tell);
            }
        }
        Ok(())
    }

    fn has_written(&self, bytes: usize, tell: &mut impl FnMut(RelayEvent)) {
        let mut queue = self.queue();
        queue.bytes = queue.bytes.saturating_sub(bytes);
        if queue.bytes == 0 {
            self.written.notify_all();
        }
        let has_room = queue.full && queue.bytes < LOW_WATER;
        queue.full &= !has_room;
        let is_flushed = queue.waited_for && queue.bytes == 0;
        queue.waited_for &= !is_flushed;
        drop(queue);
        if has_room {
            tell(RelayEvent::Room);
        }
        if is_flushed {
            tell(RelayEvent::Flushed);
        }
    }

    fn end(&self) -> Ending {
        let mut queue = self.queue();
        let ending = match queue.life {
            Life::Ended => Ending::Later,
            Life::Open | Life::Closing => Ending::First,
        };
        queue.life = Life::Ended;
        queue.chunks.clear();
        self.filled.notify_all();
        ending
    }

    /// Nothing is waited for any more; whether it was. A failure has been told by now, so that a caller that waits for
    /// this has heard of it.
    fn clear(&self) -> WaitedFor {
        let ended = Queue {
            life: Life::Ended,
            ..Queue::default()
        };
        let before = std::mem::replace(&mut *self.queue(), ended);
        self.written.notify_all();
        if before.waited_for {
            WaitedFor::Yes
        } else {
            WaitedFor::No
        }
    }

    /// None when there will be none.
    fn next(&self) -> Option<Box<[u8]>> {
        let mut queue = self.queue();
        loop {
            if let Some(chunk) = queue.chunks.pop_front() {
                return Some(chunk);
            }
            if queue.life != Life::Open {
                return None;
            }
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Another process that shares the stream may have made it non-blocking.
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

/// How much is written at a time.
const PIECE: usize = 8 * 1024;

/// How long a reader is waited for that ought to read at once.
const A_MOMENT: Duration = Duration::from_millis(500);

/// When more than this waits to be written, the writer is asked to stop.
const HIGH_WATER: usize = 1024 * 1024;

/// When less than this does, there is room again.
const LOW_WATER: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    fn relay(target: impl AsFd) -> (Relay, Receiver<RelayEvent>) {
        let (sender, events) = channel();
        let tell = move |event| drop(sender.send(event));
        (Relay::new(target, tell).expect("a relay"), events)
    }

    fn next(events: &Receiver<RelayEvent>) -> RelayEvent {
        let event = events.recv_timeout(Duration::from_secs(30));
        event.expect("an event")
    }

    #[test]
    fn a_writer_that_was_asked_to_stop_is_told_of_room_whatever_was_written_meanwhile() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let (relay, events) = relay(&writer);
        let chunk = vec![0; 64 * 1024];
        let mut written = 0;
        while relay.write(&chunk) == Flow::Continue {
            written += chunk.len();
        }
        written += chunk.len();

        let mut some = vec![0; HIGH_WATER / 2];
        reader.read_exact(&mut some).expect("half of it");
        while relay.unwritten() > HIGH_WATER {
            thread::yield_now();
        }
        assert_eq!(relay.write(b"!"), Flow::Hold, "there is not enough room");
        assert!(events.try_recv().is_err());
        assert!(!relay.is_flushed());

        let mut rest = vec![0; written + 1 - some.len()];
        reader.read_exact(&mut rest).expect("the rest");
        assert!(matches!(next(&events), RelayEvent::Room));
        assert!(matches!(next(&events), RelayEvent::Flushed));
        assert!(relay.is_flushed());
        assert_eq!(relay.write(b"!"), Flow::Continue);
    }

    #[test]
    fn a_reader_that_leaves_is_told_of_once() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let (relay, events) = relay(&writer);
        drop(reader);
        // As long as a process that another test spawns has a copy of the reader, a write succeeds.
        let error = loop {
            let _ = relay.write(b"x");
            match events.recv_timeout(Duration::from_millis(10)) {
                Ok(RelayEvent::Failed(error)) => break error,
                Ok(event) => panic!("{event:?}"),
                Err(_) => {}
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(relay.write(b"x"), Flow::Continue);
        while relay.unwritten() > 0 {
            thread::yield_now();
        }
        assert!(relay.is_flushed());
        assert!(relay.give_up().is_none());
        assert!(events.recv().is_err(), "the thread has ended");
    }

    /// The caller may look just before the failure is told, or between that and the end.
    #[test]
    fn a_wait_for_what_cannot_be_written_ends_with_an_event() {
        for _ in 0..200 {
            let full = File::options().write(true).open("/dev/full");
            let (relay, events) = relay(full.expect("/dev/full"));
            let _ = relay.write(b"x");
            let mut has_failed = false;
            while !relay.is_flushed() {
                has_failed |= matches!(next(&events), RelayEvent::Failed(_));
            }
            assert!(has_failed || matches!(next(&events), RelayEvent::Failed(_)));
        }
    }

    #[test]
    fn what_is_not_read_is_given_up_when_patience_is_over() {
        let (_reader, writer) = io::pipe().expect("a pipe");
        let (relay, events) = relay(&writer);
        let _ = relay.write(&vec![0; HIGH_WATER]);
        let impatient = Relay::flush(&[&relay], Patience::with_idle(Duration::ZERO), |_| {
            unreachable!("there is no patience to wait with")
        });
        let mut lost: Vec<_> =
            impatient.unwrap_or_else(|never: std::convert::Infallible| match never {});
        let said = lost.remove(0).expect("much is lost").to_string();
        assert!(said.starts_with("nobody has read the last "), "{said}");
        assert!(relay.is_flushed());
        assert!(events.try_recv().is_err());
    }

    #[test]
    fn what_was_taken_is_written_though_the_relay_is_dropped() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let (relay, _events) = relay(&writer);
        drop(writer);
        let _ = relay.write(&vec![0; HIGH_WATER]);
        drop(relay);
        let mut read = Vec::new();
        reader.read_to_end(&mut read).expect("all of it");
        assert_eq!(read.len(), HIGH_WATER);
    }
}
