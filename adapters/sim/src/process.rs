//! Processes and pipes, as the kernel knows them.

use childminder::{ExitStatus, Signal, Stream};

/// A process. What it does with its time is in the world's hands; this is what can be known of it.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) group: u32,
    pub(crate) program: usize,
    /// Its next step.
    pub(crate) step: usize,
    /// Counts what it has set out to do, so that what it no longer wants can be told from what it does.
    pub(crate) act: u32,
    pub(crate) life: Life,
    pub(crate) stopped: bool,
    /// It was its turn while it was stopped.
    pub(crate) missed: bool,
    /// Asleep where no signal wakes it.
    pub(crate) unkillable: bool,
    /// What it exits with, and its last words, once it tidies up.
    pub(crate) tidying: Option<(i32, u64)>,
    pub(crate) holds: [bool; 2],
    pub(crate) pending: Pending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    /// Only the leader: everybody else is an orphan, and reaped by init at once.
    Zombie(ExitStatus),
    Gone,
}

impl Process {
    pub(crate) fn new(pid: u32, group: u32, program: usize, step: usize, holds: [bool; 2]) -> Self {
        Self {
            pid,
            group,
            program,
            step,
            act: 0,
            life: Life::Alive,
            stopped: false,
            missed: false,
            unkillable: false,
            tidying: None,
            holds,
            pending: Pending::default(),
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.life == Life::Alive
    }

    /// Whether a signal sent to it now would wait.
    pub(crate) fn is_deaf(&self, signal: Signal) -> bool {
        self.unkillable || self.stopped && signal != Signal::KILL
    }
}

/// Signals that wait until they can be delivered: one bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pending(u128);

impl Pending {
    pub(crate) fn add(&mut self, signal: Signal) {
        self.0 |= bit(signal);
    }

    pub(crate) fn has(self, signal: Signal) -> bool {
        self.0 & bit(signal) != 0
    }

    /// SIGKILL comes before all others, which come by number.
    pub(crate) fn take(&mut self) -> Option<Signal> {
        if self.0 == 0 {
            return None;
        }
        let signal = if self.has(Signal::KILL) {
            Signal::KILL
        } else {
            i32::try_from(self.0.trailing_zeros())
                .ok()
                .and_then(Signal::new)?
        };
        self.0 &= !bit(signal);
        Some(signal)
    }
}

fn bit(signal: Signal) -> u128 {
    1 << signal.number()
}

/// The supervisor's end of a pipe. However much is written, it never fills up: a child that waits for
/// its reader is silent, and a script can say that in other words.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pipe {
    /// What can be read.
    pub(crate) waiting: u64,
    /// What could be read at the beginning of the turn, and has not been.
    pub(crate) overlooked: u64,
    /// How many processes hold the other end.
    pub(crate) holders: u32,
    /// Whether the supervisor has read the end of the file, or closed the pipe.
    pub(crate) done: bool,
}

impl Pipe {
    pub(crate) fn is_readable(&self) -> bool {
        !self.done && (self.waiting > 0 || self.holders == 0)
    }
}

pub(crate) fn index(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}

/// SIGCONT and its kin, by the numbers that Linux gives them on most machines. POSIX does not fix
/// them, so the core does not name them.
pub(crate) mod linux {
    use childminder::Signal;

    pub(crate) const PIPE: Signal = Signal::new(13).expect("13 is a signal");
    pub(crate) const CONT: Signal = Signal::new(18).expect("18 is a signal");
    pub(crate) const STOP: Signal = Signal::new(19).expect("19 is a signal");

    /// SIGCHLD, SIGURG, SIGWINCH: who has made no plans for them does not notice them.
    pub(crate) fn is_harmless(signal: Signal) -> bool {
        matches!(signal.number(), 17 | 23 | 28)
    }
}
