//! The child, its kin, its pipes and the clock.

use std::time::Duration;

use childminder::{ExitStatus, Instant, NotificationId, Stream};

use crate::Answer;
use crate::kernel::STREAMS;

/// What is so, whether anybody looks or not.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(super) struct World {
    pub(super) now: Instant,
    pub(super) pipes: [Pipe; 2],
    pub(super) life: Life,
    pub(super) reaped: bool,
    /// The answers that are still owed.
    pub(super) owed: Vec<Answer>,
    pub(super) reads_of_turn: usize,
    /// Something was asked of the kernel that it could not tell.
    pub(super) blind: bool,
    pub(super) deregistering_fails: bool,
    /// The loop will hear that the child has died, or that somebody has answered.
    news: bool,
}

/// Whether there is a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    Dead(ExitStatus),
    /// Somebody else has reaped it.
    Vanished,
}

/// One stream of output. The kernel announces what comes after a read that would have blocked, once,
/// and nothing else.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(super) struct Pipe {
    /// Whether there was one at all.
    pub(super) piped: bool,
    /// Our end.
    pub(super) open: bool,
    /// Somebody may still write.
    pub(super) written_to: bool,
    /// It is full again after every read.
    flooded: bool,
    pub(super) written: u64,
    pub(super) read: u64,
    /// How much had been written when the leader died.
    pub(super) before_death: u64,
    /// A read has shown the end.
    pub(super) end_seen: bool,
    pub(super) failed: bool,
    armed: bool,
    news: bool,
}

/// What happens without anybody's doing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    Wrote {
        stream: Stream,
        bytes: u64,
    },
    Closed(Stream),
    Died {
        status: ExitStatus,
        closing: [bool; 2],
    },
    Vanished,
    Passed(Duration),
    Answered(Answered),
    Flooded(Stream),
    Ebbed(Stream),
}

/// An answer that is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// Which of those that are owed.
    pub(super) which: u8,
    pub(super) ok: bool,
}

/// How a read goes, when there is something to read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    Full,
    Short(usize),
    Failed,
}

impl World {
    pub(super) fn new(piped: [bool; 2]) -> Self {
        Self {
            now: Instant::ZERO,
            pipes: piped.map(Pipe::new),
            life: Life::Alive,
            reaped: false,
            owed: Vec::new(),
            reads_of_turn: 0,
            blind: false,
            deregistering_fails: false,
            news: false,
        }
    }

    /// Returns the answer that this gave.
    pub(super) fn happens(&mut self, happening: Happening) -> Option<(NotificationId, bool)> {
        match happening {
            Happening::Wrote { stream, bytes } => self.pipe_mut(stream).write(bytes),
            Happening::Closed(stream) => self.pipe_mut(stream).end(),
            Happening::Died { status, closing } => self.die(Life::Dead(status), closing),
            Happening::Vanished => self.die(Life::Vanished, [true; 2]),
            Happening::Passed(time) => self.pass(time),
            Happening::Flooded(stream) => {
                self.pipe_mut(stream).flooded = true;
                self.pipe_mut(stream).write(u64::MAX);
            }
            Happening::Ebbed(stream) => self.pipe_mut(stream).flooded = false,
            Happening::Answered(Answered { which, ok }) => {
                if !self.owed.is_empty() {
                    let answer = self.owed.remove(usize::from(which) % self.owed.len());
                    return Some(self.answer(answer, ok));
                }
            }
        }
        None
    }

    /// What must still happen for it to come to an end.
    pub(super) fn ending(&self) -> Vec<Happening> {
        let answers = self
            .owed
            .iter()
            .map(|_| Happening::Answered(Answered { which: 0, ok: true }));
        let dies = Happening::Died {
            status: ExitStatus::Code(0),
            closing: [true; 2],
        };
        let closed = STREAMS.into_iter().map(Happening::Closed);
        answers.chain([dies]).chain(closed).collect()
    }

    pub(super) fn answer(&mut self, answer: Answer, ok: bool) -> (NotificationId, bool) {
        let id = answer.id();
        answer.done(ok);
        self.news = true;
        (id, ok)
    }

    /// That is an answer, too.
    pub(super) fn drop_answer(&mut self, answer: Answer) {
        drop(answer);
        self.news = true;
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// The loop hears of everything that it has not heard of.
    pub(super) fn tell_news(&mut self) {
        self.news = false;
        for pipe in &mut self.pipes {
            pipe.news = false;
        }
    }

    pub(super) fn turn_begins(&mut self) {
        self.reads_of_turn = 0;
        self.blind = false;
    }

    pub(super) fn pipe_mut(&mut self, stream: Stream) -> &mut Pipe {
        &mut self.pipes[stream as usize]
    }

    pub(super) fn pipe(&self, stream: Stream) -> &Pipe {
        &self.pipes[stream as usize]
    }

    pub(super) fn has_news(&self) -> bool {
        self.news || self.pipes.iter().any(|pipe| pipe.open && pipe.news)
    }

    fn die(&mut self, life: Life, closing: [bool; 2]) {
        if self.life != Life::Alive {
            return;
        }
        self.life = life;
        self.news = true;
        for (pipe, closing) in self.pipes.iter_mut().zip(closing) {
            pipe.before_death = pipe.written;
            if closing {
                pipe.end();
            }
        }
    }
}

impl Pipe {
    fn new(piped: bool) -> Self {
        Self {
            piped,
            open: piped,
            written_to: piped,
            flooded: false,
            written: 0,
            read: 0,
            before_death: 0,
            end_seen: false,
            failed: false,
            armed: true,
            news: false,
        }
    }

    /// As much as fits.
    fn write(&mut self, bytes: u64) {
        let bytes = bytes.min(CAPACITY - self.waiting());
        if self.written_to && self.open && bytes > 0 {
            self.written += bytes;
            self.announce();
        }
    }

    /// Nobody will write any more.
    fn end(&mut self) {
        if self.written_to {
            self.written_to = false;
            self.announce();
        }
    }

    fn announce(&mut self) {
        self.news |= self.armed;
        self.armed = false;
    }

    /// The next bytes, `None` if a read would block.
    pub(super) fn take(&mut self, most: usize) -> Option<usize> {
        if self.waiting() == 0 && self.written_to {
            self.armed = true;
            return None;
        }
        let bytes = self.waiting().min(most as u64);
        self.end_seen |= bytes == 0;
        self.read += bytes;
        if self.flooded {
            self.write(u64::MAX);
        }
        usize::try_from(bytes).ok()
    }

    pub(super) fn waiting(&self) -> u64 {
        self.written - self.read
    }

    /// Whether a read would bring something, if only the end.
    pub(super) fn is_readable(&self) -> bool {
        self.open && (self.waiting() > 0 || !self.written_to)
    }
}

/// More than a turn reads.
const CAPACITY: u64 = 256 * 1024;
