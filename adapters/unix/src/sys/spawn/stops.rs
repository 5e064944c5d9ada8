//! The stop signals that come to a child before its exec.

use std::io::{self, PipeReader, PipeWriter, Read as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::libc::{self, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU};
use rustix::io::ioctl_fionbio;

use crate::sys::disposition::{Recorder, ignore, record};

/// Those that stop a process and can be handled.
pub(super) const STOPS: [i32; 3] = [SIGTSTP, SIGTTIN, SIGTTOU];

/// Has `recorder` called for these from now on. What is pending was sent to the group that the child has left, so
/// it is dropped if `has_left` says so. In the child, with every signal blocked.
pub(super) fn record_from_now(recorder: Recorder, has_left: bool) {
    for signal in STOPS.into_iter().chain([SIGCONT]) {
        if has_left {
            ignore(signal);
        }
        record(signal, recorder);
    }
}

/// What has been recorded: a number for each stop since the last SIGCONT.
#[derive(Debug, Default)]
pub(super) struct Stops(Vec<i32>);

impl Stops {
    fn add(&mut self, signal: i32) {
        match signal {
            SIGCONT => self.0.clear(),
            stop => self.0.push(stop),
        }
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = i32> {
        self.0.into_iter()
    }
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
                stops.add((*signal).into());
            }
        }
        stops
    }
}

/// A [`Recorder`] for a forked child: one system call.
pub(super) extern "C" fn record_in_pipe(signal: libc::c_int) {
    let pipe: RawFd = SELECTED.load(Ordering::Relaxed);
    // SAFETY: the child selects its pipe before it lets this function be called, and never closes it; the exec does.
    #[expect(unsafe_code, reason = "a signal handler can borrow from nothing")]
    let pipe = unsafe { BorrowedFd::borrow_raw(pipe) };
    // The numbers of signals are small. If there are more than fit into a pipe, the first ones will do.
    let _ = rustix::io::write(pipe, &[signal.to_le_bytes()[0]]);
}

/// Only written to in a forked child, whose memory is its own.
static SELECTED: AtomicI32 = AtomicI32::new(-1);
