//! What a process does, and how it takes a signal.

use std::time::Duration;

use childminder::{ExitStatus, Signal, Stream};

use crate::time::nanos;

/// What a process does, step by step, and how it takes signals.
///
/// A process that comes to the end of its script exits with code 0. A signal kills it, unless the script says
/// otherwise.
///
/// ```
/// use childminder::{Signal, Stream};
/// use childminder_sim::{Reaction, Script};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let child = Script::new()
///     .writes(Stream::Stdout, 80)
///     .forks(Script::new().ignores(Signal::INT).hangs())
///     .sleeps(3 * second)
///     .on(Signal::INT, Reaction::Exits { after: second, code: 130, last_words: 20 })
///     .exits(0);
/// # let _ = child;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script {
    steps: Vec<Line>,
    default: Reaction,
    reactions: Vec<(Signal, Reaction)>,
}

/// How a process takes a signal that can be caught.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reaction {
    /// It dies of it, at once.
    #[default]
    Dies,
    /// It ignores it.
    Ignores,
    /// It writes this much to standard output, and goes on as before.
    Writes {
        /// How much.
        bytes: u64,
    },
    /// It leaves what it did, tidies up, says something on standard output and exits.
    Exits {
        /// How long it tidies up.
        after: Duration,
        /// Its exit code.
        code: i32,
        /// How much it writes in the moment before.
        last_words: u64,
    },
}

impl Script {
    /// A process that exits at once, with code 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes this many bytes: those from 0 to 250 over and over, in an order that is the stream's. A process that
    /// writes to a pipe that the supervisor has closed gets SIGPIPE.
    #[must_use]
    pub fn writes(self, stream: Stream, bytes: u64) -> Self {
        self.then(Step::Writes { stream, bytes })
    }

    /// Writes this text.
    #[must_use]
    pub fn prints(mut self, stream: Stream, text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        self.steps.push(Line::Prints { stream, text });
        self
    }

    /// Does nothing for a while.
    #[must_use]
    pub fn sleeps(self, span: Duration) -> Self {
        self.then(Step::Sleeps { nanos: nanos(span) })
    }

    /// Sleeps and writes to standard output, this many `times`.
    #[must_use]
    pub fn writes_every(self, interval: Duration, bytes: u64, times: usize) -> Self {
        (0..times).fold(self, |script, _| {
            script.sleeps(interval).writes(Stream::Stdout, bytes)
        })
    }

    /// Forks another process into its group, which inherits its ends of the pipes. If it outlives its parent, it
    /// is a stray: a look shows it once the parent is dead, as it shows a subreaper those that it has inherited.
    #[must_use]
    pub fn forks(mut self, child: Self) -> Self {
        self.steps.push(Line::Forks(child));
        self
    }

    /// Closes its end of a pipe. The supervisor sees the end of the file once all have.
    #[must_use]
    pub fn closes(self, stream: Stream) -> Self {
        self.then(Step::Closes { stream })
    }

    /// Begins a session, and so a group, of its own, like a daemon. A group's leader cannot, and this
    /// does nothing then.
    #[must_use]
    pub fn leaves_group(self) -> Self {
        self.then(Step::LeavesGroup)
    }

    /// From here on, runs as another user: the supervisor may not signal it (EPERM). The leader cannot, and this
    /// does nothing then.
    #[must_use]
    pub fn becomes_immune(self) -> Self {
        self.then(Step::BecomesImmune)
    }

    /// From here on, when it is killed as a stray, it has just forked a process that hangs and does the same, one
    /// time less: `times` looks show another.
    #[must_use]
    pub fn forks_when_killed(self, times: u8) -> Self {
        self.then(Step::ForksWhenKilled { times })
    }

    /// Stops itself, as with Ctrl-Z. It goes on when SIGCONT comes.
    #[must_use]
    pub fn stops(self) -> Self {
        self.then(Step::Stops)
    }

    /// Sleeps inside the kernel, where no signal wakes it, not even SIGKILL: a process in state D.
    #[must_use]
    pub fn sleeps_unkillably(self, span: Duration) -> Self {
        self.then(Step::SleepsUnkillably { nanos: nanos(span) })
    }

    /// Exits. What follows in the script never happens.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        self.then(Step::Ends(ExitStatus::Code(code)))
    }

    /// Crashes.
    #[must_use]
    pub fn dies_of(self, signal: Signal) -> Self {
        self.then(Step::Ends(ExitStatus::Signal(signal)))
    }

    /// Does nothing more, ever. What follows in the script never happens.
    #[must_use]
    pub fn hangs(self) -> Self {
        self.then(Step::Hangs)
    }

    /// How it takes this signal. SIGKILL, SIGSTOP and SIGCONT cannot be caught.
    #[must_use]
    pub fn on(mut self, signal: Signal, reaction: Reaction) -> Self {
        self.reactions.push((signal, reaction));
        self
    }

    /// How it takes every signal that [`on`](Self::on) says nothing of.
    #[must_use]
    pub fn on_others(mut self, reaction: Reaction) -> Self {
        self.default = reaction;
        self
    }

    /// Ignores this signal.
    #[must_use]
    pub fn ignores(self, signal: Signal) -> Self {
        self.on(signal, Reaction::Ignores)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(Line::Step(step));
        self
    }
}

#[derive(Clone, Debug)]
enum Line {
    Step(Step),
    Forks(Script),
    Prints { stream: Stream, text: Vec<u8> },
}

/// One thing that a process does, as the machine runs it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Writes {
        stream: Stream,
        bytes: u64,
    },
    /// This part of the programs' text.
    Prints {
        stream: Stream,
        from: usize,
        to: usize,
    },
    Sleeps {
        nanos: u64,
    },
    /// The index of the child's program.
    Forks {
        program: usize,
    },
    Closes {
        stream: Stream,
    },
    LeavesGroup,
    BecomesImmune,
    ForksWhenKilled {
        times: u8,
    },
    Stops,
    SleepsUnkillably {
        nanos: u64,
    },
    Ends(ExitStatus),
    Hangs,
}

/// The scripts of a run, laid out flat in four lists, which are cleared and filled again for the
/// next run without an allocation. The leader's is the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Programs {
    list: Vec<Program>,
    steps: Vec<Step>,
    reactions: Vec<(Signal, Reaction)>,
    text: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Program {
    first_step: usize,
    reactions: (usize, usize),
    default: Reaction,
}

impl Programs {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.steps.clear();
        self.reactions.clear();
        self.text.clear();
    }

    /// The program's index. Every program ends with an end, so that none runs on into the next.
    pub(crate) fn add(
        &mut self,
        default: Reaction,
        reactions: &[(Signal, Reaction)],
        steps: &[Step],
    ) -> usize {
        let first_reaction = self.reactions.len();
        self.reactions.extend_from_slice(reactions);
        self.list.push(Program {
            first_step: self.steps.len(),
            reactions: (first_reaction, self.reactions.len()),
            default,
        });
        self.steps.extend_from_slice(steps);
        self.steps.push(Step::Ends(ExitStatus::Code(0)));
        self.list.len() - 1
    }

    /// Adds a script and all that it forks. The one that forks comes before its children.
    pub(crate) fn add_script(&mut self, script: &Script) -> usize {
        let plain: Vec<Step> = script
            .steps
            .iter()
            .map(|line| match line {
                Line::Step(step) => *step,
                Line::Prints { stream, text } => self.print(*stream, text),
                Line::Forks(_) => Step::Hangs,
            })
            .collect();
        let index = self.add(script.default, &script.reactions, &plain);
        let first_step = self.list[index].first_step;
        for (offset, line) in script.steps.iter().enumerate() {
            if let Line::Forks(child) = line {
                let program = self.add_script(child);
                self.steps[first_step + offset] = Step::Forks { program };
            }
        }
        index
    }

    fn print(&mut self, stream: Stream, text: &[u8]) -> Step {
        let from = self.text.len();
        self.text.extend_from_slice(text);
        let to = self.text.len();
        Step::Prints { stream, from, to }
    }

    pub(crate) fn text(&self, from: usize, to: usize) -> &[u8] {
        &self.text[from..to]
    }

    pub(crate) fn start(&self, program: usize) -> usize {
        self.list[program].first_step
    }

    pub(crate) fn step(&self, index: usize) -> Step {
        self.steps[index]
    }

    pub(crate) fn reaction(&self, program: usize, signal: Signal) -> Reaction {
        let program = &self.list[program];
        let (first, end) = program.reactions;
        self.reactions[first..end]
            .iter()
            .rev()
            .find(|(to, _)| *to == signal)
            .map_or(program.default, |(_, reaction)| *reaction)
    }
}
