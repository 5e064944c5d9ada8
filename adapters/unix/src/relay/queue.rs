//! What waits to be written, and the thread that writes it.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};

use super::{Flow, RelayEvent};

/// What a relay and its thread share.
pub(super) struct Shared {
    pub(super) target: OwnedFd,
    /// None when there is nothing more to tell.
    tell: Mutex<Option<Tell>>,
    queue: Mutex<Queue>,
    pub(super) filled: Condvar,
    /// There is nothing to write any more.
    pub(super) written: Condvar,
}

type Tell = Box<dyn FnMut(RelayEvent) + Send>;

#[derive(Debug, Default)]
pub(super) struct Queue {
    chunks: VecDeque<Box<[u8]>>,
    /// Those in `chunks`, and those just being written.
    pub(super) bytes: usize,
    /// The writer was asked to stop, and not told of room since.
    full: bool,
    pub(super) waited_for: bool,
    life: Life,
    pub(super) has_thread: bool,
    refused: Refused,
}

/// What the target's kind does not know.
#[derive(Debug, Default)]
struct Refused {
    /// Writes that do not wait.
    writes: bool,
    /// Bytes out of a pipe.
    pipes: bool,
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

impl Queue {
    /// Whether the target can be tried at once, and nothing is overtaken.
    pub(super) fn may_write(&self) -> bool {
        self.may_overtake() && !self.refused.writes
    }

    pub(super) fn never_writes(&mut self) {
        self.refused.writes = true;
    }

    /// Whether a pipe can be tried as a source, and nothing is overtaken.
    pub(super) fn may_pass(&self) -> bool {
        self.may_overtake() && !self.refused.pipes
    }

    pub(super) fn never_passes(&mut self) {
        self.refused.pipes = true;
    }

    fn may_overtake(&self) -> bool {
        self.bytes == 0 && self.life == Life::Open
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.life != Life::Ended && !bytes.is_empty() {
            self.bytes += bytes.len();
            self.chunks.push_back(bytes.into());
        }
        self.full |= self.bytes > HIGH_WATER;
    }

    pub(super) fn flow(&self) -> Flow {
        if self.full {
            Flow::Hold
        } else {
            Flow::Continue
        }
    }

    /// Whether a thread must be made, which is asked once.
    pub(super) fn needs_thread(&mut self) -> bool {
        self.bytes > 0 && !mem::replace(&mut self.has_thread, true)
    }
}

impl Shared {
    pub(super) fn new(target: OwnedFd, tell: Tell) -> Self {
        Self {
            target,
            tell: Mutex::new(Some(tell)),
            queue: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
        }
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread's work: until it fails, or nothing more will come.
    pub(super) fn write_all(&self) {
        self.end_with(self.pass_on());
    }

    /// Nothing will be written any more, and nothing told.
    pub(super) fn end_with(&self, result: io::Result<()>) {
        if let Err(failure) = result
            && self.end() == Ending::First
        {
            self.tell(RelayEvent::Failed(failure));
        }
        if self.clear() == WaitedFor::Yes {
            self.tell(RelayEvent::Flushed);
        }
        *self.teller() = None;
    }

    /// Nothing will be written any more. False if that was so already.
    pub(super) fn give_up(&self) -> bool {
        let is_first = self.end() == Ending::First;
        if is_first {
            self.clear();
        }
        is_first
    }

    /// Nothing will come any more.
    pub(super) fn close(&self) {
        let mut queue = self.queue();
        if queue.life == Life::Open {
            queue.life = Life::Closing;
        }
        self.filled.notify_one();
    }

    fn tell(&self, event: RelayEvent) {
        if let Some(tell) = &mut *self.teller() {
            tell(event);
        }
    }

    fn teller(&self) -> MutexGuard<'_, Option<Tell>> {
        self.tell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass_on(&self) -> io::Result<()> {
        while let Some(chunk) = self.next() {
            // In small pieces, so that a reader that is slow can be told from one that stands still.
            for piece in chunk.chunks(PIECE) {
                write_all(&self.target, piece)?;
                self.has_written(piece.len());
            }
        }
        Ok(())
    }

    fn has_written(&self, bytes: usize) {
        let mut queue = self.queue();
        queue.bytes = queue.bytes.saturating_sub(bytes);
        if queue.bytes > 0 {
            return;
        }
        self.written.notify_all();
        let has_room = mem::take(&mut queue.full);
        let is_flushed = mem::take(&mut queue.waited_for);
        drop(queue);
        if has_room {
            self.tell(RelayEvent::Room);
        }
        if is_flushed {
            self.tell(RelayEvent::Flushed);
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
        let before = mem::replace(&mut *self.queue(), ended);
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

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("target", &self.target)
            .field("queue", &self.queue)
            .finish_non_exhaustive()
    }
}

/// Another process that shares the stream may have made it non-blocking.
fn write_all(target: &OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match retry_on_intr(|| rustix::io::write(target, bytes)) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::AGAIN) => {
                let mut fds = [PollFd::from_borrowed_fd(target.as_fd(), PollFlags::OUT)];
                retry_on_intr(|| poll(&mut fds, None))?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// How much is written at a time.
const PIECE: usize = 8 * 1024;

/// When more than this waits to be written, the writer is asked to stop.
pub(super) const HIGH_WATER: usize = 1024 * 1024;
