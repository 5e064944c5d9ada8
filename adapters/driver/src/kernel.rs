//! What a turn asks of the kernel.

use std::io;
use std::ops::{BitOr, BitOrAssign};

use childminder::{ExitStatus, Signal, Stream, Target};

/// One child and our ends of its output, as the calls that a turn makes.
///
/// The real kernel implements it (`childminder-mio`), and the simulated one (`childminder-sim`), so that
/// what is simulated is what ships. No call may block, but [`reap`](Self::reap), which is asked for a dead
/// child only.
pub trait Kernel {
    /// Whether our end of this stream is open. Asked once, when the driver starts.
    fn is_open(&self, stream: Stream) -> bool;

    /// How readiness is announced.
    fn trigger(&self) -> Trigger;

    /// Takes what the child is to find on its standard input, with the end behind it, and writes it from now on as
    /// there is room. A child that does not read it, or closes it early, is no error. Asked for once at most, when the
    /// driver starts.
    ///
    /// # Errors
    ///
    /// An error is a failure of the run. A kernel that does not say otherwise knows no input.
    fn give_input(&mut self, input: Vec<u8>) -> io::Result<()> {
        let _ = input;
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this kernel gives a child no input",
        ))
    }

    /// Reads what is there of this stream, which is open: some bytes, or zero at its end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing is there yet; after `Interrupted` the read is begun again. Any other error
    /// is a failure of the run, and the stream is closed.
    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize>;

    /// Has what is there of this stream, which is open, go on to where it belongs, at most `most` bytes and without a
    /// detour through our memory; `buffer` is for those that are to be seen. `None` if that is not arranged, or not
    /// possible now: then the stream is read. Its end is found by a read, too.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing is there, or no room where it belongs; when there is, the stream is announced to be ready
    /// again. Any other error is as one of [`read`](Self::read).
    fn forward(
        &mut self,
        stream: Stream,
        most: usize,
        buffer: &mut [u8],
    ) -> Option<io::Result<Forwarded>> {
        let _ = (stream, most, buffer);
        None
    }

    /// How many bytes of this stream, which is open, can be read now (`FIONREAD`).
    ///
    /// # Errors
    ///
    /// An error is a failure of the run.
    fn waiting(&mut self, stream: Stream) -> io::Result<usize>;

    /// Closes our end of this stream, which is open. A selector must have forgotten it first: a process
    /// that is being forked may hold a copy of the descriptor, which would keep the registration alive.
    fn close(&mut self, stream: Stream);

    /// How the leader ended, or `None` while it lives; it is not reaped by this (`waitid` with `WNOHANG`
    /// and `WNOWAIT`).
    ///
    /// # Errors
    ///
    /// An error means that the status is lost, because something else has reaped the child. The run goes on
    /// with [`ExitStatus::Lost`], and the error is told to the handler.
    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>>;

    /// Sends a signal. A target that is already dead is not an error; a stopped target is continued to see
    /// the signal.
    ///
    /// # Errors
    ///
    /// An error, such as `EPERM`, is a failure of the run.
    fn signal(&mut self, signal: Signal, target: Target) -> io::Result<()>;

    /// Sends a signal as it is: a stopped target finds it when it is continued.
    ///
    /// # Errors
    ///
    /// An error is told to [`Handler::refused`](crate::Handler::refused).
    fn pass_on(&mut self, signal: Signal, target: Target) -> io::Result<()>;

    /// Looks for what the child started, directly or not, and that outlives it, wherever it has gone: reaps those
    /// that are dead, and counts those that live. `None` if they cannot be seen.
    fn find_strays(&mut self) -> Option<Sighting> {
        None
    }

    /// Sends SIGKILL to each stray that was found last. One that refuses is counted as immune by the next
    /// [`find_strays`](Self::find_strays).
    fn kill_strays(&mut self) {}

    /// Removes the dead leader from the process table. Not asked for if its exit status is lost.
    ///
    /// # Errors
    ///
    /// An error is a failure of the run.
    fn reap(&mut self) -> io::Result<()>;
}

/// So many bytes of a stream have gone on to where they belong; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// They are in the buffer, too.
    Seen(usize),
    /// Nobody has seen them.
    Unseen(usize),
}

impl Forwarded {
    /// How many bytes.
    pub fn length(self) -> usize {
        match self {
            Self::Seen(length) | Self::Unseen(length) => length,
        }
    }
}

/// What a look for strays has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// How many are alive.
    pub living: u64,
    /// How many of these have refused to be killed (`EPERM`).
    pub immune: u64,
}

/// How a selector announces that something is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// For as long as it is so. A short read is the end of what there is, for now.
    Level,
    /// Once, when it becomes so. Every read goes on until it would block, and what a budget leaves unread
    /// is remembered.
    Edge,
}

/// What may be ready. It is a hint: one too many costs a call, one that is missing is not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready(u8);

impl Ready {
    /// Nothing of the child's: the turn is for requests, answers and deadlines.
    pub const NONE: Self = Self(0);
    /// Standard output is readable, or at its end.
    pub const STDOUT: Self = Self(1);
    /// Standard error is readable, or at its end.
    pub const STDERR: Self = Self(2);
    /// The leader may have exited.
    pub const EXIT: Self = Self(4);
    /// Anything: for a loop that does not know.
    pub const ALL: Self = Self(7);

    /// This stream is readable, or at its end.
    pub const fn output(stream: Stream) -> Self {
        match stream {
            Stream::Stdout => Self::STDOUT,
            Stream::Stderr => Self::STDERR,
        }
    }

    /// Whether everything of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn clear(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

impl BitOr for Ready {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
