//! Signals to this process, as the kernel queues them: blocked, and read from a descriptor (`signalfd(2)`).

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};

use nix::libc::{c_ulong, sigset_t};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::io::retry_on_intr;

use super::Came;

/// Blocks some signals in the thread that makes it, and in those that this one starts later.
#[derive(Debug)]
pub(crate) struct SignalQueue {
    fd: SignalFd,
    signals: Numbers,
}

impl SignalQueue {
    pub(crate) fn new(signals: &[i32]) -> io::Result<Self> {
        let signals = Numbers::of(signals);
        let set = signals.set();
        // Before it is blocked, so that none is lost or does what it does by default.
        let fd = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        set.thread_block()?;
        Ok(Self { fd, signals })
    }

    pub(crate) fn add(&mut self, signals: &[i32]) -> io::Result<()> {
        let added = Numbers::of(signals);
        let all = Numbers(self.signals.0 | added.0);
        self.fd.set_mask(&all.set())?;
        added.set().thread_block()?;
        self.signals = all;
        Ok(())
    }

    pub(crate) fn unblock_others(&self) -> io::Result<()> {
        Ok(self.signals.set().thread_set_mask()?)
    }

    /// What has come since the last call. A second signal of the same number that was not read in time is one with the
    /// first, unless it is a real-time signal.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Came> + use<> {
        let mut came = Vec::new();
        let mut bytes = [0; RECORD * RECORDS_AT_ONCE];
        // All of it: a loop that waits for edges does not hear of what is left.
        while let Ok(length @ 1..) = retry_on_intr(|| rustix::io::read(&self.fd, &mut bytes)) {
            came.extend(bytes[..length].chunks_exact(RECORD).map(came_of));
            if length < bytes.len() {
                break;
            }
        }
        came.into_iter()
    }
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A bit for each signal, from 1 on.
#[derive(Clone, Copy, Debug)]
struct Numbers(u64);

impl Numbers {
    /// Of those that are signals; the caller knows which may be blocked.
    fn of(signals: &[i32]) -> Self {
        let places = signals
            .iter()
            .filter_map(|signal| u32::try_from(signal - 1).ok());
        Self(
            places
                .filter_map(|place| 1_u64.checked_shl(place))
                .fold(0, |all, bit| all | bit),
        )
    }

    fn set(self) -> SigSet {
        let mut words = [0; size_of::<sigset_t>() / size_of::<c_ulong>()];
        let bits = c_ulong::BITS as usize;
        for place in (0..64).filter(|place| self.0 >> place & 1 == 1) {
            words[place / bits] |= 1 << (place % bits);
        }
        // SAFETY: a set is these words, whatever is in them; the C library's own functions would leave out real-time
        // signals that it keeps for itself, though it may not use them.
        #[expect(unsafe_code, reason = "no wrapper knows the real-time signals")]
        unsafe {
            SigSet::from_sigset_t_unchecked(mem::transmute::<
                [c_ulong; size_of::<sigset_t>() / size_of::<c_ulong>()],
                sigset_t,
            >(words))
        }
    }
}

/// From a `signalfd_siginfo`: it begins with the signal, an error, a code and the sender.
fn came_of(record: &[u8]) -> Came {
    let word = |place: usize| {
        let bytes = record[4 * place..].first_chunk();
        i32::from_ne_bytes(*bytes.expect("a record is longer"))
    };
    Came {
        signal: word(0),
        code: word(2),
        sender: word(3).cast_unsigned(),
    }
}

/// In bytes.
const RECORD: usize = 128;

const RECORDS_AT_ONCE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_has_come_is_taken_at_once() {
        let mut queue = SignalQueue::new(&[REALTIME]).expect("a queue");
        for _ in 0..100 {
            // SAFETY: it is blocked in this thread, to which it is sent.
            #[expect(unsafe_code, reason = "the safe wrappers know no real-time signals")]
            let raised = unsafe { nix::libc::raise(REALTIME) };
            assert_eq!(raised, 0);
        }
        assert_eq!(queue.take().count(), 100);
    }

    const REALTIME: i32 = 40;
}
