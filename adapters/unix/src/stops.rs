//! Being stopped, as a shell's job.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use childminder::Signal;
use nix::sys::signal::{self, SigSet, SigmaskHow};
use rustix::io::{Errno, retry_on_intr};

use crate::sys;

/// The wish that we stop, which the terminal's Ctrl-Z and others send as SIGTSTP, held back so that it can
/// be passed on to the child first. Dropped, it holds nothing back any more.
///
/// Takes the feature `terminal`.
#[derive(Debug)]
pub struct Stops {
    fd: OwnedFd,
    /// The mask to come back to.
    before: SigSet,
}

impl Stops {
    /// Holds SIGTSTP back from this thread and from those that it starts later; the process must not have
    /// others. SIGTTOU is blocked as well, so that we can write to a terminal that the child has.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors or threads.
    pub fn new() -> io::Result<Self> {
        let tstp = SigSet::from(signal::Signal::SIGTSTP);
        let before = tstp.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let fd = sys::signalfd(&tstp).inspect_err(|_| {
            // It was taken a moment ago.
            let _ = before.thread_set_mask();
        })?;
        SigSet::from(signal::Signal::SIGTTOU).thread_block()?;
        Ok(Self { fd, before })
    }

    /// Whether a SIGTSTP has come since this was last asked. Never blocks.
    ///
    /// # Errors
    ///
    /// None that are known; if the kernel finds one, here it is.
    pub fn take(&self) -> io::Result<bool> {
        // As long as a `signalfd_siginfo`, and longer than what is written where there are none.
        let mut signal = [0; 128];
        match retry_on_intr(|| rustix::io::read(&self.fd, &mut signal)) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops this process with `signal`, and returns when it has been continued, which SIGCONT tells; or at
    /// once, without a SIGCONT, where nobody would continue it: the kernel drops the stop signals that come
    /// of terminals for a process group that no shell minds (an orphaned one). For the same reason SIGTSTP
    /// takes the place of SIGSTOP, which would not be dropped. Other signals do nothing.
    ///
    /// # Errors
    ///
    /// None that are known.
    pub fn stop(&self, signal: Signal) -> io::Result<()> {
        let signal = match signal::Signal::try_from(signal.number()) {
            Ok(signal @ (signal::Signal::SIGTTIN | signal::Signal::SIGTTOU)) => signal,
            Ok(signal::Signal::SIGTSTP | signal::Signal::SIGSTOP) => signal::Signal::SIGTSTP,
            _ => return Ok(()),
        };
        // It stops this thread, and with it the process, before `raise` returns.
        let before = SigSet::from(signal).thread_swap_mask(SigmaskHow::SIG_UNBLOCK)?;
        let raised = signal::raise(signal);
        before.thread_set_mask()?;
        Ok(raised?)
    }
}

impl Drop for Stops {
    fn drop(&mut self) {
        // It was taken once.
        let _ = self.before.thread_set_mask();
    }
}

impl AsFd for Stops {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
