//! Being stopped, as a shell's job.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use childminder::Signal;
use nix::sys::signal::{self, SigSet, SigmaskHow};
use rustix::io::{Errno, retry_on_intr};

use crate::sys;

/// SIGTSTP, which Ctrl-Z at the terminal sends, held back so that it can be passed on to the child first. Its
/// descriptor is readable when one has come. Dropped, it gives back the signal mask that was there before.
#[derive(Debug)]
pub struct HeldStop {
    fd: OwnedFd,
    /// The mask to come back to.
    before: SigSet,
}

impl HeldStop {
    /// Blocks SIGTSTP in this thread and in those that it starts later. A thread that was started before would
    /// still be stopped, and the process with it. SIGTTOU is blocked as well, so that this process can write to a
    /// terminal that the child has.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors or threads.
    pub fn new() -> io::Result<Self> {
        let tstp = SigSet::from(signal::Signal::SIGTSTP);
        let before = tstp.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        let fd = sys::signalfd(&tstp).inspect_err(|_| {
            // The kernel took this mask a moment ago.
            let _ = before.thread_set_mask();
        })?;
        SigSet::from(signal::Signal::SIGTTOU).thread_block()?;
        Ok(Self { fd, before })
    }

    /// Whether a SIGTSTP has come since the last call. Never blocks.
    ///
    /// # Errors
    ///
    /// None that are known; if the kernel finds one, here it is.
    pub fn take(&self) -> io::Result<bool> {
        // A `signalfd_siginfo` on Linux, a few bytes elsewhere.
        let mut signal = [0; 128];
        match retry_on_intr(|| rustix::io::read(&self.fd, &mut signal)) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Stops this process with `signal`, and returns when SIGCONT has continued it.
    ///
    /// Returns at once, without a SIGCONT, in an orphaned process group, which no shell watches: there the kernel
    /// drops SIGTSTP, SIGTTIN and SIGTTOU, since nothing would continue the process. SIGSTOP, which it would not
    /// drop, is replaced by SIGTSTP. Other signals do nothing.
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

impl Drop for HeldStop {
    fn drop(&mut self) {
        // The kernel took this mask before.
        let _ = self.before.thread_set_mask();
    }
}

impl AsFd for HeldStop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
