//! Processes and pipes, as the machine knows them.

use std::mem;

use childminder::{ExitStatus, Signal, Stream};
use childminder_driver::Trigger;

/// A process, as the kernel knows it. `world.rs` makes it act.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) group: u32,
    /// Its parent's place in the list of processes; the leader has none of these.
    pub(crate) parent: usize,
    pub(crate) program: usize,
    /// Its next step.
    pub(crate) step: usize,
    /// The number of the act that it is to do next: a planned act with another number is void.
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
    /// It runs as another user: the supervisor may not signal it.
    pub(crate) immune: bool,
    /// It was to be killed as a stray, and that was refused.
    pub(crate) refused: bool,
    /// The latest look for strays has shown it.
    pub(crate) sighted: bool,
    /// How often it forks while strays are killed.
    pub(crate) forks_when_killed: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Alive,
    /// Only the leader, until it is reaped. Every other process is reaped in the moment of its death.
    Zombie(ExitStatus),
    Gone,
}

impl Process {
    pub(crate) fn new(
        pid: u32,
        group: u32,
        parent: usize,
        (program, step): (usize, usize),
        holds: [bool; 2],
    ) -> Self {
        Self {
            pid,
            group,
            parent,
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
            immune: false,
            refused: false,
            sighted: false,
            forks_when_killed: 0,
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

/// The supervisor's end of a pipe, and all that was ever written to it. However much that is, it never fills
/// up: a child that waits for its reader is silent, and a script can say that in other words.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(crate) struct Pipe {
    content: Vec<u8>,
    /// How much of it was read, and how much of that was delivered to a handler.
    pub(crate) read: usize,
    pub(crate) delivered: usize,
    /// How much had been written when the leader died.
    pub(crate) before_death: usize,
    /// What could be read at the beginning of the turn, and has not been.
    pub(crate) overlooked: u64,
    /// How many processes hold the other end.
    pub(crate) holders: u32,
    /// Whether there was one at all.
    pub(crate) piped: bool,
    /// Whether the supervisor has read the end of the file, or closed the pipe, or there was none.
    pub(crate) done: bool,
    pub(crate) end_seen: bool,
    pub(crate) failed: bool,
    /// Whether what comes next is announced, on the edge: the latest read found nothing.
    armed: bool,
    /// An announcement that no wake-up has brought to the loop yet.
    edge: bool,
    /// Whether the loop waits for it.
    pub(crate) listened: bool,
}

impl Pipe {
    /// As at the start of a run, in the memory of the one before.
    pub(crate) fn begin(&mut self, piped: bool) {
        let mut content = mem::take(&mut self.content);
        content.clear();
        *self = Self {
            content,
            piped,
            done: !piped,
            armed: true,
            listened: true,
            ..Self::default()
        };
    }

    pub(crate) fn is_readable(&self) -> bool {
        !self.done && (self.written() > self.read || self.holders == 0)
    }

    /// How much can be read.
    pub(crate) fn waiting(&self) -> usize {
        if self.done {
            return 0;
        }
        self.written() - self.read
    }

    pub(crate) fn written(&self) -> usize {
        self.content.len()
    }

    /// What was written there.
    pub(crate) fn bytes(&self, from: usize, length: usize) -> &[u8] {
        self.content.get(from..from + length).unwrap_or_default()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.content.extend_from_slice(bytes);
    }

    /// Writes what [`Script::writes`](crate::Script::writes) promises.
    pub(crate) fn fill(&mut self, stream: Stream, bytes: usize) {
        let text = &TEXT[stream as usize];
        let end = self.written() + bytes;
        self.content.reserve(bytes);
        while self.written() < end {
            let offset = self.written() % PERIOD;
            let length = (end - self.written()).min(text.len() - offset);
            self.content
                .extend_from_slice(&text[offset..offset + length]);
        }
    }

    /// There is something new, or the end. Whether the supervisor is to be woken for it.
    pub(crate) fn announce(&mut self, trigger: Trigger) -> bool {
        let edge = mem::take(&mut self.armed);
        self.edge |= edge;
        match trigger {
            Trigger::Level => self.listened,
            Trigger::Edge => edge,
        }
    }

    /// A read found nothing.
    pub(crate) fn arm(&mut self) {
        self.armed = true;
    }

    /// Whether the loop will be woken for what there is now.
    pub(crate) fn is_announced(&self, trigger: Trigger) -> bool {
        match trigger {
            Trigger::Level => self.listened && self.is_readable(),
            Trigger::Edge => self.edge,
        }
    }

    /// What the selector says when the loop is woken; on the edge, it says it once.
    pub(crate) fn tell(&mut self, trigger: Trigger) -> bool {
        let told = self.is_announced(trigger);
        self.edge = false;
        told
    }
}

/// What is written to each stream, over and over. Its period divides no power of two, so that no shift of it
/// by a buffer looks like itself.
static TEXT: [[u8; PERIOD * REPEATED]; 2] = [text(7), text(11)];

const fn text(factor: usize) -> [u8; PERIOD * REPEATED] {
    let mut text = [0; PERIOD * REPEATED];
    let mut at = 0;
    while at < text.len() {
        #[expect(clippy::cast_possible_truncation, reason = "any byte will do")]
        let byte = (at % PERIOD * factor) as u8;
        text[at] = byte;
        at += 1;
    }
    text
}

const PERIOD: usize = 251;
const REPEATED: usize = 17;

pub(crate) fn index(stream: Stream) -> usize {
    stream as usize
}

/// SIGCONT and its kin, by the numbers that Linux gives them on most machines. POSIX does not fix
/// them, so the core does not name them.
pub(crate) mod linux {
    use childminder::Signal;

    pub(crate) const USR1: Signal = Signal::new(10).expect("10 is a signal");
    pub(crate) const PIPE: Signal = Signal::new(13).expect("13 is a signal");
    pub(crate) const CONT: Signal = Signal::new(18).expect("18 is a signal");
    pub(crate) const STOP: Signal = Signal::new(19).expect("19 is a signal");

    /// SIGCHLD, SIGURG, SIGWINCH: a process that has not asked for them does not notice them.
    pub(crate) fn is_harmless(signal: Signal) -> bool {
        matches!(signal.number(), 17 | 23 | 28)
    }
}
