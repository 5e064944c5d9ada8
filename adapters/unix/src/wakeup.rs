//! A way to interrupt a wait.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::sys;

/// A descriptor that any thread can make readable, non-blocking and close-on-exec: an `eventfd(2)`; a pipe
/// where there are none.
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
    /// Where to write, if not to the same.
    other_end: Option<OwnedFd>,
}

impl Wakeup {
    /// One that is not woken.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors.
    pub fn new() -> io::Result<Self> {
        sys::wakeup().map(Self::from)
    }

    /// Makes the descriptor readable, until it is cleared. Never blocks.
    ///
    /// # Errors
    ///
    /// None that are known for such a descriptor; if the kernel finds one, here it is.
    pub fn wake(&self) -> io::Result<()> {
        // As an eventfd has it; to a pipe, eight bytes are as good as one.
        let one = 1_u64.to_ne_bytes();
        let to = self.other_end.as_ref().unwrap_or(&self.fd);
        let write = || rustix::io::retry_on_intr(|| rustix::io::write(to, &one));
        // A loop sleeps on if this fails, so it is tried twice.
        match write().or_else(|_| write()) {
            // It is full, so the descriptor is readable.
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
        let mut bytes = [0; 512];
        loop {
            match rustix::io::retry_on_intr(|| rustix::io::read(&self.fd, &mut bytes)) {
                Ok(length) if length == bytes.len() => {}
                // Nothing is left, or it was not woken.
                Ok(_) | Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl From<sys::Ends> for Wakeup {
    fn from((fd, other_end): sys::Ends) -> Self {
        Self { fd, other_end }
    }
}

impl AsFd for Wakeup {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
