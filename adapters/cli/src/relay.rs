//! The child's output on its way to ours.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use mio::Waker;
use rustix::event::{PollFd, PollFlags, poll};

/// One of our own streams, written to by a thread of its own: a reader that is slow, or asleep, holds
/// up neither the loop nor the other stream.
#[derive(Debug)]
pub(crate) struct Relay {
    shared: Arc<Shared>,
}

impl Relay {
    /// `waker` is woken when there is room again, when the reader is gone, and when all is written.
    pub(crate) fn new(target: impl AsFd, waker: Arc<Waker>) -> io::Result<Self> {
        let target = File::from(target.as_fd().try_clone_to_owned()?);
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            filled: Condvar::new(),
        });
        let relay = Self {
            shared: Arc::clone(&shared),
        };
        thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || {
                let failure = shared.write_all_to(target, &waker).err();
                shared.end(failure, &waker);
            })?;
        Ok(relay)
    }

    /// Takes these bytes, always. Whether the caller should stop for now.
    pub(crate) fn write(&self, bytes: &[u8]) -> bool {
        let mut queue = self.shared.queue();
        if !queue.done {
            queue.bytes += bytes.len();
            queue.chunks.push_back(bytes.into());
        }
        queue.full = queue.bytes > HIGH_WATER;
        self.shared.filled.notify_one();
        queue.full
    }

    /// Nothing more will be written.
    pub(crate) fn close(&self) {
        self.shared.queue().closed = true;
        self.shared.filled.notify_one();
    }

    /// Whether there is room again, once after [`write`](Self::write) asked to stop.
    pub(crate) fn has_room_again(&self) -> bool {
        let mut queue = self.shared.queue();
        let again = queue.full && queue.bytes < LOW_WATER;
        queue.full &= !again;
        again
    }

    /// Why nothing can be written any more; told once.
    pub(crate) fn take_failure(&self) -> Option<io::Error> {
        self.shared.queue().failure.take()
    }

    /// Whether everything has been written, or can no longer be.
    pub(crate) fn is_done(&self) -> bool {
        self.shared.queue().done
    }
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Box<[u8]>>,
    bytes: usize,
    full: bool,
    closed: bool,
    done: bool,
    failure: Option<io::Error>,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all_to(&self, mut target: File, waker: &Waker) -> io::Result<()> {
        while let Some(chunk) = self.next() {
            write_all(&mut target, &chunk)?;
            let mut queue = self.queue();
            queue.bytes -= chunk.len();
            if queue.full && queue.bytes < LOW_WATER {
                wake(waker);
            }
        }
        Ok(())
    }

    fn end(&self, failure: Option<io::Error>, waker: &Waker) {
        let mut queue = self.queue();
        queue.done = true;
        queue.failure = failure;
        queue.chunks.clear();
        queue.bytes = 0;
        wake(waker);
    }

    fn next(&self) -> Option<Box<[u8]>> {
        let mut queue = self.queue();
        loop {
            if let Some(chunk) = queue.chunks.pop_front() {
                return Some(chunk);
            }
            if queue.closed {
                return None;
            }
            queue = self
                .filled
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
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

/// More than this waiting to be written, and the child is not read for a while.
const HIGH_WATER: usize = 1024 * 1024;

/// Less than this, and it is read again.
const LOW_WATER: usize = 256 * 1024;
