//! Output on its way to a stream of our own.

mod queue;

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{Errno, retry_on_intr};

use self::queue::Shared;
use crate::Pipe;
use crate::sys::{splice_at_once, tee_at_once, write_at_once};

/// One of our own streams, written to in such a way that a reader which is slow, or stands still, holds up no loop.
///
/// We share such a stream with other programs, so we must not make it non-blocking; and we must not block on it,
/// because deadlines go on. What the stream takes at once is written at once, where the system can tell (Linux, for
/// pipes; since 6.4 for sockets). The rest is kept, and written by a thread of the relay's own, which begins when it is needed
/// for the first time. When more than a megabyte is kept, the caller is asked to stop until all of it is written.
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

/// What came of [moving](Relay::move_from) output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes, never zero, are in the target.
    Bytes(usize),
    /// There is some, for which the target has no room now. It [becomes writable](Relay#impl-AsFd-for-Relay).
    Full,
    /// There is none now, but there may come some.
    Nothing,
    /// It cannot be done now: read the pipe, and [write](Relay::write) what is read.
    Impossible,
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
    /// Writes to a duplicate of `target`. `tell` is called on the relay's thread, which it holds up; by
    /// [`write`](Self::write), if that thread cannot be made.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors.
    pub fn new(
        target: impl AsFd,
        tell: impl FnMut(RelayEvent) + Send + 'static,
    ) -> io::Result<Self> {
        let target = target.as_fd().try_clone_to_owned()?;
        Ok(Self {
            shared: Arc::new(Shared::new(target, Box::new(tell))),
        })
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
        let written = if queue.may_write() {
            retry_on_intr(|| write_at_once(self.as_fd(), bytes))
        } else {
            Ok(0)
        };
        // Any other error is there for the thread to find, and to tell.
        if matches!(written, Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL)) {
            queue.never_writes();
        }
        queue.push(&bytes[written.unwrap_or(0)..]);
        let flow = queue.flow();
        let needs_thread = queue.needs_thread();
        drop(queue);
        self.shared.filled.notify_one();
        if needs_thread {
            self.begin_thread();
        }
        flow
    }

    /// Moves what waits in `pipe` to the target, inside the kernel, without a copy and unseen (`splice(2)`): as much as
    /// there is room for, at most `most` bytes. Never blocks. For a target that is a pipe, on Linux.
    pub fn move_from(&self, pipe: &Pipe, most: usize) -> Moved {
        self.pass(pipe, || splice_at_once(pipe.as_fd(), self.as_fd(), most))
    }

    /// The same, at most `buffer.len()` bytes, which are in `buffer` afterwards, too (`tee(2)`, and a read).
    ///
    /// # Errors
    ///
    /// What the system says when it cannot read what it has copied, and would copy it again. None is known.
    pub fn copy_from(&self, pipe: &Pipe, buffer: &mut [u8]) -> io::Result<Moved> {
        let moved = self.pass(pipe, || {
            tee_at_once(pipe.as_fd(), self.as_fd(), buffer.len())
        });
        let Moved::Bytes(length) = moved else {
            return Ok(moved);
        };
        // They still wait in the pipe, which nobody else reads.
        match pipe.read(&mut buffer[..length]) {
            Ok(read) if read == length => Ok(moved),
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// What was written before comes first.
    fn pass(&self, pipe: &Pipe, pass: impl FnMut() -> Result<usize, Errno>) -> Moved {
        let mut queue = self.shared.queue();
        if !queue.may_pass() {
            return Moved::Impossible;
        }
        match retry_on_intr(pass) {
            Ok(length) if length > 0 => Moved::Bytes(length),
            // What comes between the two counts as waiting for room, of which the target tells at once.
            Err(Errno::AGAIN) => match pipe.waiting() {
                Ok(0) => Moved::Nothing,
                Ok(_) => Moved::Full,
                Err(_) => Moved::Impossible,
            },
            // The pipe is at its end, or the target's reader has left: a read or a write finds which.
            Ok(_) | Err(Errno::PIPE) => Moved::Impossible,
            Err(_) => {
                queue.never_passes();
                Moved::Impossible
            }
        }
    }

    fn begin_thread(&self) {
        let shared = Arc::clone(&self.shared);
        let thread = thread::Builder::new().name("relay".to_owned());
        if let Err(failure) = thread.spawn(move || shared.write_all()) {
            self.shared.end_with(Err(failure));
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
        let waiting = rustix::io::ioctl_fionread(self.as_fd());
        (self.unwritten(), waiting.unwrap_or(0))
    }

    /// What has not been written by now will not be, and neither will what follows. Returns a failure that says how
    /// much is lost, if it is any; no [`RelayEvent::Failed`] tells of it.
    pub fn give_up(&self) -> Option<io::Error> {
        let unwritten = self.unwritten();
        let is_lost = unwritten > 0 && self.shared.give_up();
        is_lost.then(|| io::Error::other(format!("nobody has read the last {unwritten} bytes")))
    }

    fn unwritten(&self) -> usize {
        self.shared.queue().bytes
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// What is written to. To wait for room there after [`Moved::Full`], and for nothing else.
impl AsFd for Relay {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.target.as_fd()
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

/// How long a reader is waited for that ought to read at once.
const A_MOMENT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read as _, Write as _};
    use std::sync::mpsc::{Receiver, channel};

    use super::queue::HIGH_WATER;
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

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_pipe_takes_at_once_is_written_at_once() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let (relay, _events) = relay(&writer);
        let now = rustix::pipe::fcntl_getpipe_size(&writer).expect("its size");
        assert_eq!(relay.write(&vec![b'.'; now]), Flow::Continue);
        assert!(relay.is_flushed());
        assert!(!relay.shared.queue().has_thread);
        reader.read_exact(&mut vec![0; now]).expect("all of it");
    }

    /// The reader reads so little at a time that the pipe is full again and again.
    #[test]
    fn what_is_written_at_once_and_what_is_not_come_in_their_order() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let (relay, events) = relay(&writer);
        drop(writer);
        let pieces: Vec<Vec<u8>> = (0..400_u32)
            .map(|n| n.to_ne_bytes().repeat(1 + n as usize * 7 % 2000))
            .collect();
        let expected = pieces.concat();
        let read = thread::spawn(move || {
            let (mut all, mut some) = (Vec::new(), [0; 3000]);
            while let Ok(length @ 1..) = reader.read(&mut some) {
                all.extend_from_slice(&some[..length]);
            }
            all
        });
        for (n, piece) in pieces.iter().enumerate() {
            let _ = relay.write(piece);
            // As long as nothing is kept, what comes next is written at once.
            while n % 50 == 0 && !relay.is_flushed() {
                assert!(matches!(
                    next(&events),
                    RelayEvent::Flushed | RelayEvent::Room
                ));
            }
        }
        drop(relay);
        assert!(read.join().expect("the reader") == expected);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_waits_in_a_pipe_goes_on_as_long_as_there_is_room_and_nothing_waits_before_it() {
        let (source, mut child) = io::pipe().expect("a pipe");
        let source = Pipe::new(source.into()).expect("a pipe");
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let (relay, _events) = relay(&writer);
        drop(writer);
        let mut read = |length: usize| {
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes).expect("so much");
            String::from_utf8(bytes).expect("text")
        };
        let mut seen = [0; 4];
        assert_eq!(relay.move_from(&source, 9), Moved::Nothing);

        child.write_all(b"the end").expect("written");
        assert_eq!(relay.move_from(&source, 4), Moved::Bytes(4));
        assert_eq!(
            relay.copy_from(&source, &mut seen).expect("no error"),
            Moved::Bytes(3)
        );
        assert_eq!(&seen, b"end\0");
        assert_eq!(read(7), "the end");

        let room = rustix::pipe::fcntl_getpipe_size(relay.as_fd()).expect("its size");
        let _ = relay.write(&vec![b'.'; room]);
        child.write_all(b"more").expect("written");
        assert_eq!(relay.move_from(&source, 9), Moved::Full);
        assert_eq!(
            relay.copy_from(&source, &mut seen).expect("no error"),
            Moved::Full
        );
        assert!(!relay.shared.queue().has_thread);
        let _ = relay.write(b"!");
        assert_eq!(
            relay.move_from(&source, 9),
            Moved::Impossible,
            "something waits"
        );
        assert_eq!(
            relay.copy_from(&source, &mut seen).expect("no error"),
            Moved::Impossible
        );
        assert_eq!(read(room + 1).trim_start_matches('.'), "!");
        relay.wait_briefly();
        assert_eq!(
            relay.copy_from(&source, &mut seen).expect("no error"),
            Moved::Bytes(4)
        );
        assert_eq!((&seen, &*read(4)), (b"more", "more"));

        drop(child);
        assert_eq!(
            relay.move_from(&source, 9),
            Moved::Impossible,
            "it is at its end"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_takes_nothing_from_a_pipe_in_this_way() {
        let (source, mut child) = io::pipe().expect("a pipe");
        let source = Pipe::new(source.into()).expect("a pipe");
        let file = tempfile::tempfile().expect("a file");
        let (relay, _events) = relay(&file);
        child.write_all(b"here").expect("written");
        assert_eq!(
            relay.copy_from(&source, &mut [0; 9]).expect("no error"),
            Moved::Impossible
        );
        assert_eq!(source.waiting().expect("a number"), 4);
    }
}
