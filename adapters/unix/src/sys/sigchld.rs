//! The watch for systems without pidfds: a descriptor that every SIGCHLD makes readable.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::SigId;
use signal_hook::consts::SIGCHLD;
use signal_hook::low_level::{pipe, unregister};

/// Handles SIGCHLD as long as it lives, beside other handlers that `signal-hook` has.
#[derive(Debug)]
pub(crate) struct Sigchld {
    ours: UnixStream,
    /// A copy of the end that the handler writes to.
    theirs: UnixStream,
    id: SigId,
}

impl Sigchld {
    pub(crate) fn new() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        theirs.set_nonblocking(true)?;
        let id = pipe::register(SIGCHLD, theirs.try_clone()?)?;
        Ok(Self { ours, theirs, id })
    }

    /// Readable again, though no SIGCHLD comes.
    pub(crate) fn renew(&self) {
        // If it is full, it is readable.
        let _ = (&self.theirs).write(b"!");
    }

    /// Unreadable again, until the next SIGCHLD.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let mut bytes = [0; 64];
        loop {
            match (&self.ours).read(&mut bytes) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

impl AsFd for Sigchld {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }
}

impl Drop for Sigchld {
    fn drop(&mut self) {
        unregister(self.id);
    }
}
