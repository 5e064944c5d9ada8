//! What the child writes.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use rustix::io::Errno;

use crate::sys::pipe_capacity;

/// Our end of the child's output: non-blocking and close-on-exec.
///
/// ```
/// use childminder_unix::Child;
/// use std::io::ErrorKind;
/// use std::process::{Command, Stdio};
///
/// let mut child = Child::spawn(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()))?;
/// let stdin = child.take_stdin();
/// let stdout = child.take_stdout().expect("standard output is piped");
///
/// let mut buffer = [0; 512];
/// assert_eq!(stdout.read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
///
/// drop(stdin);
/// child.reap()?;
/// assert_eq!(stdout.read(&mut buffer)?, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Pipe {
    fd: OwnedFd,
}

impl Pipe {
    /// Makes `fd`, a close-on-exec descriptor of ours alone, non-blocking.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&fd, true)?;
        Ok(Self { fd })
    }

    /// Reads what is there, at most `buffer.len()` bytes, as `read(2)` does; 0 is the end: the other
    /// end is open in no process any more. (So it is for an empty buffer, which is of no use here.)
    ///
    /// An interrupted read is begun again. The `EIO` with which Linux ends a PTY counts as the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there yet.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.fd, &mut *buffer)) {
            Err(Errno::IO) => Ok(0),
            result => Ok(result?),
        }
    }

    /// How many bytes are there to read now (`FIONREAD`).
    ///
    /// # Errors
    ///
    /// None that a pipe or PTY has; if the kernel finds one, here it is.
    pub fn waiting(&self) -> io::Result<usize> {
        let bytes = rustix::io::ioctl_fionread(&self.fd)?;
        Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
    }

    /// How many bytes it holds (`F_GETPIPE_SZ`); none of a PTY, or where the system does not tell.
    pub fn capacity(&self) -> Option<usize> {
        pipe_capacity(self.as_fd())
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Pipe {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// It stays non-blocking.
impl From<Pipe> for OwnedFd {
    fn from(pipe: Pipe) -> Self {
        pipe.fd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pty_that_nobody_has_open_is_at_its_end() {
        let pty = nix::pty::openpty(None, None).expect("a PTY");
        let pipe = Pipe::new(pty.master).expect("a pipe");
        let mut buffer = [0; 16];
        let silent = pipe.read(&mut buffer).expect_err("nothing is there yet");
        assert_eq!(silent.kind(), io::ErrorKind::WouldBlock);

        drop(pty.slave);
        assert_eq!(pipe.read(&mut buffer).expect("the end"), 0);
    }
}
