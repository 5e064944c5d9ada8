//! The stop signals that come to a child before its exec.

use std::io::{self, PipeReader, PipeWriter, Read as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use nix::libc::{self, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU};
use rustix::io::ioctl_fionbio;

/// The signals that a [`Recorder`](crate::sys::disposition::Recorder) is for: those that stop a process and can be
/// handled, and the one that continues it.
pub(super) const RECORDED: [i32; 4] = [SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT];

/// What has been recorded: a bit for each that came since the last SIGCONT.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stops(u32);

impl Stops {
    #[cfg(target_os = "linux")]
    pub(super) fn forget_in_memory() {
        IN_MEMORY.with(|stops| stops.store(0, Ordering::Relaxed));
    }

    /// What a child of this thread has recorded in our memory.
    #[cfg(target_os = "linux")]
    pub(super) fn in_memory() -> Self {
        Self(IN_MEMORY.with(|stops| stops.load(Ordering::Relaxed)))
    }

    fn add(self, signal: i32) -> Self {
        match signal {
            SIGCONT => Self::default(),
            stop => Self(self.0 | 1 << (stop & 31)),
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = i32> {
        RECORDED
            .into_iter()
            .filter(move |signal| self.0 & 1 << signal != 0)
    }
}

/// A recorder for a child that shares our memory, and this thread's own data.
#[cfg(target_os = "linux")]
pub(super) extern "C" fn record_in_memory(signal: libc::c_int) {
    IN_MEMORY.with(|stops| {
        let recorded = Stops(stops.load(Ordering::Relaxed));
        stops.store(recorded.add(signal).0, Ordering::Relaxed);
    });
}

/// Where a child with a memory of its own records them.
#[derive(Debug)]
pub(super) struct RecordPipe {
    reader: PipeReader,
    writer: PipeWriter,
}

impl RecordPipe {
    pub(super) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        Ok(Self { reader, writer })
    }

    /// In the child: what [`record_in_pipe`] writes to from now on.
    pub(super) fn select(&self) {
        SELECTED.store(self.writer.as_raw_fd(), Ordering::Relaxed);
    }

    /// In the parent, after the exec.
    pub(super) fn read(mut self) -> Stops {
        let mut stops = Stops::default();
        let mut signals = [0; 64];
        // The pipe is empty at the first error.
        while let Ok(length @ 1..) = self.reader.read(&mut signals) {
            for signal in &signals[..length] {
                stops = stops.add((*signal).into());
            }
        }
        stops
    }
}

/// A recorder for a forked child: one system call.
pub(super) extern "C" fn record_in_pipe(signal: libc::c_int) {
    let pipe: RawFd = SELECTED.load(Ordering::Relaxed);
    // SAFETY: the child selects its pipe before it lets this function be called, and never closes it; the exec does.
    #[expect(unsafe_code, reason = "a signal handler can borrow from nothing")]
    let pipe = unsafe { BorrowedFd::borrow_raw(pipe) };
    // The numbers of signals are small. If there are more than fit into a pipe, the first ones will do.
    let _ = rustix::io::write(pipe, &[signal.to_le_bytes()[0]]);
}

thread_local! {
    /// It needs no initialization and no destructor, so a signal handler may use it.
    static IN_MEMORY: AtomicU32 = const { AtomicU32::new(0) };
}

/// Only written to in a forked child, whose memory is its own.
static SELECTED: AtomicI32 = AtomicI32::new(-1);
