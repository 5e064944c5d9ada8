//! A way to interrupt a wait.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::sys;

/// A descriptor that any thread can make readable: an `eventfd(2)`, non-blocking and close-on-exec.
///
/// The loop waits for it like for any other descriptor and [clears](Self::clear) it before it looks
/// at why it was woken. However often it was woken, one clear is enough. Threads share it in an `Arc`.
///
/// ```
/// use childminder_unix::Wakeup;
/// use std::sync::Arc;
///
/// let wakeup = Arc::new(Wakeup::new()?);
/// let another = Arc::clone(&wakeup);
/// std::thread::spawn(move || another.wake());
/// // … wait until `wakeup.as_fd()` is readable …
/// wakeup.clear()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Wakeup {
    fd: OwnedFd,
}

impl Wakeup {
    /// One that nobody has woken yet.
    ///
    /// # Errors
    ///
    /// What `eventfd(2)` says when there are too many descriptors; `Unsupported` on a system without it.
    pub fn new() -> io::Result<Self> {
        sys::eventfd().map(|fd| Self { fd })
    }

    /// Makes the descriptor readable, until it is cleared. Never blocks.
    ///
    /// # Errors
    ///
    /// None that `eventfd(2)` has for such a descriptor; if the kernel finds one, here it is.
    pub fn wake(&self) -> io::Result<()> {
        let one = 1_u64.to_ne_bytes();
        match rustix::io::retry_on_intr(|| rustix::io::write(&self.fd, &one)) {
            // The counter is full, so the descriptor is readable.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the descriptor unreadable, until it is woken again. Never blocks.
    ///
    /// # Errors
    ///
    /// As [`wake`](Self::wake).
    pub fn clear(&self) -> io::Result<()> {
        let mut counter = [0; 8];
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.fd, &mut counter)) {
            // Nobody had woken it.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Wakeup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
