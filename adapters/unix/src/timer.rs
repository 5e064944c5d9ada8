//! A moment to wait for, as a descriptor.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use childminder::Instant;
use rustix::io::{Errno, retry_on_intr};

use crate::sys;

/// A descriptor that becomes readable at a moment of [`clock`](crate::clock): a `timerfd_create(2)`
/// descriptor, non-blocking and close-on-exec.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use childminder_unix::{Timer, clock};
/// use std::time::Duration;
///
/// let timer = Timer::new()?;
/// timer.set(Some(clock::now().after(Duration::from_millis(20))))?;
/// // … wait until `timer.as_fd()` is readable …
/// timer.clear()?;
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Timer {
    fd: OwnedFd,
}

impl Timer {
    /// One that waits for no moment.
    ///
    /// # Errors
    ///
    /// - `Unsupported` on other systems than Linux: there the caller keeps the time.
    /// - What the system says when there are too many descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self { fd: sys::timer()? })
    }

    /// Has it become readable at this moment, in place of any set before: at once if the moment is past,
    /// never with `None`. Until then it is unreadable, even if it was readable before.
    ///
    /// # Errors
    ///
    /// None that are known; if the kernel finds one, here it is.
    pub fn set(&self, at: Option<Instant>) -> io::Result<()> {
        sys::set_timer(&self.fd, at)
    }

    /// Makes it unreadable, until another moment is set and comes. Never blocks. A moment that was set and has
    /// not come yet still comes.
    ///
    /// # Errors
    ///
    /// As [`set`](Self::set).
    pub fn clear(&self) -> io::Result<()> {
        match retry_on_intr(|| rustix::io::read(&self.fd, &mut [0; 8])) {
            // Its moment has not come.
            Ok(_) | Err(Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
