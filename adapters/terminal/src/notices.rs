//! Signals that tell of a change, as a descriptor.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

/// Handlers of some signals, and a descriptor that is readable when one of these has come.
#[derive(Debug)]
pub(crate) struct Notices {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
}

impl Notices {
    pub(crate) fn of(signals: &[c_int]) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, signals)?;
        Ok(Self { delivery })
    }

    /// Takes those that have come since the last call; of each signal, at most one. Never blocks.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = c_int> + '_ {
        self.delivery.pending()
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}
