//! Signals to this process, by handlers, where the kernel has no descriptor for them.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use nix::libc::siginfo_t;
use nix::sys::signal::SigSet;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;

use super::Came;

/// The handlers stay until the end of the process.
#[derive(Debug)]
pub(crate) struct SignalQueue {
    delivery: SignalDelivery<UnixStream, WithRawSiginfo>,
}

impl SignalQueue {
    pub(crate) fn new(signals: &[i32]) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        // It stays as long as the handlers do: a write of theirs that nothing could read would be a SIGPIPE, whose
        // handler would write again, for ever.
        mem::forget(read.try_clone()?);
        let delivery = SignalDelivery::with_pipe(read, write, WithRawSiginfo, signals)?;
        Ok(Self { delivery })
    }

    pub(crate) fn add(&mut self, signals: &[i32]) -> io::Result<()> {
        let mut signals = signals.iter();
        signals.try_for_each(|signal| self.delivery.handle().add_signal(*signal))
    }

    #[expect(clippy::unused_self, reason = "the handlers need no signal blocked")]
    pub(crate) fn unblock_others(&self) -> io::Result<()> {
        Ok(SigSet::empty().thread_set_mask()?)
    }

    /// What has come since the last call; a flood of one signal leaves only the first few.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Came> + use<'_> {
        self.delivery.pending().map(|info| came(&info))
    }
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

fn came(info: &siginfo_t) -> Came {
    // SAFETY: every signal that a process sends has the sender's id where this looks for it; where a timer's has
    // something else, it is a number all the same.
    #[expect(unsafe_code, reason = "a signal's details are a union")]
    let sender = unsafe { info.si_pid() };
    Came {
        signal: info.si_signo,
        code: info.si_code,
        sender: sender.cast_unsigned(),
    }
}

#[cfg(test)]
mod tests {
    use nix::sys::signal::{Signal, raise};

    use super::*;

    #[test]
    fn what_is_handled_comes() {
        let mut queue = SignalQueue::new(&[]).expect("a queue");
        let signal = Signal::SIGURG;
        queue.add(&[signal as i32]).expect("a handler");
        assert_eq!(queue.take().count(), 0);
        raise(signal).expect("sent");
        let came: Vec<_> = queue.take().collect();
        assert_eq!(came.len(), 1);
        assert_eq!(came[0].signal, signal as i32);
        assert_eq!(came[0].sender, std::process::id());
    }
}
