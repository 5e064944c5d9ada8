//! What is readable among many descriptors.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::io::retry_on_intr;

use crate::sys::queue;

/// A set of descriptors that tells which of them are readable: an `epoll(7)` instance on Linux, a
/// `kqueue(2)` elsewhere; close-on-exec.
///
/// It is level-triggered: a descriptor is ready as long as there is something to read. A hang-up and an error
/// count as readable, since a read finds them. Only what is [to be written to](Self::add_writable) is told of by edges.
///
/// The selector is a descriptor itself, readable while one of its own is. So a caller can put many
/// descriptors into the event loop that it already has, as one. It never waits by itself.
///
/// ```
/// use childminder_unix::{Selector, Wakeup};
///
/// let selector = Selector::new()?;
/// let (one, other) = (Wakeup::new()?, Wakeup::new()?);
/// selector.add(&one, 1)?;
/// selector.add(&other, 2)?;
///
/// other.wake()?;
/// // … wait until `selector.as_fd()` is readable …
/// let mut keys = Vec::new();
/// selector.ready(&mut keys)?;
/// assert_eq!(keys, [2]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Selector {
    fd: OwnedFd,
}

impl Selector {
    /// How many keys one call of [`ready`](Self::ready) tells at most.
    pub const BATCH: usize = queue::BATCH;

    /// One without descriptors.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: queue::new()? })
    }

    /// Adds `fd`, which [`ready`](Self::ready) then calls by this key. Two descriptors may have the same key.
    ///
    /// [Remove](Self::remove) a descriptor before it is closed: epoll goes on telling of a closed one as
    /// long as a copy of it is open, in this process or in another.
    ///
    /// # Errors
    ///
    /// - `AlreadyExists` on Linux when the descriptor is in the set. A `kqueue` gives it the new key instead.
    /// - `PermissionDenied` on Linux for a descriptor that is always readable, such as a regular file.
    /// - `InvalidInput` for a key that has more bits than a pointer, on other systems than Linux.
    /// - What the system says when there are too many descriptors in sets (`epoll(7)`).
    pub fn add(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        Ok(queue::add(&self.fd, fd.as_fd(), key)?)
    }

    /// Adds `fd`, which is told of once each time that it becomes writable, and now if it is.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn add_writable(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        Ok(queue::add_writable(&self.fd, fd.as_fd(), key)?)
    }

    /// Removes what was added so.
    ///
    /// # Errors
    ///
    /// `NotFound` when it is not in the set.
    pub fn remove_writable(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(queue::remove_writable(&self.fd, fd.as_fd())?)
    }

    /// Removes `fd`.
    ///
    /// # Errors
    ///
    /// `NotFound` when it is not in the set.
    pub fn remove(&self, fd: impl AsFd) -> io::Result<()> {
        Ok(queue::remove(&self.fd, fd.as_fd())?)
    }

    /// Appends the keys of the descriptors that are readable, at most [`BATCH`](Self::BATCH) of them, with
    /// one system call. Never blocks. The next call begins with those that found no room.
    ///
    /// # Errors
    ///
    /// None that are known; if the kernel finds one, here it is.
    pub fn ready(&self, keys: &mut Vec<u64>) -> io::Result<()> {
        Ok(retry_on_intr(|| queue::ready(&self.fd, keys))?)
    }
}

impl AsFd for Selector {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Selector {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
