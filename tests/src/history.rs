//! What happened in a run, as seen from outside.

use std::fmt;

use childminder::{Action, Config, Deadline, Error, Event, Instant, Misuse, MonitorState, Outcome};

use crate::op::Drain;
use crate::source::Source;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// What the monitor was made with.
    pub config: Config,
    /// What it was told, and what it asked for, in order.
    pub turns: Vec<Turn>,
}

/// One event, what became of it, and the actions polled after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When, as the caller said; it may lie before the turn before.
    pub at: Instant,
    /// What the monitor was told.
    pub event: Event,
    /// Whether that made sense.
    pub result: Result<(), Misuse>,
    /// The number of the ticket that a `Notify` or `Fail` was given.
    pub ticket: Option<u64>,
    /// Whether the event changed the state at all.
    pub changed: bool,
    /// What the monitor answered when asked before anything was polled.
    pub seen: Seen,
    /// How many actions were to be polled.
    pub drain: Drain,
    /// The actions polled.
    pub polled: Vec<Action>,
    /// Whether `poll_action` said that there were no more.
    pub drained: bool,
    /// What the monitor answered when asked after the polling.
    pub seen_polled: Seen,
}

/// Everything that can be asked of a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `poll_timeout`.
    pub timeout: Option<Instant>,
    /// `timeout_reason`.
    pub reason: Option<Deadline>,
    /// `deadline`, for each of [`Deadline::ALL`].
    pub deadlines: [Option<Instant>; Deadline::ALL.len()],
    /// `first_error`.
    pub first_error: Option<Error>,
    /// `is_terminating`.
    pub terminating: bool,
    /// `outcome`.
    pub outcome: Option<Outcome>,
}

impl Seen {
    /// Asks `monitor` everything.
    pub fn of(monitor: &MonitorState) -> Self {
        Self {
            timeout: monitor.poll_timeout(),
            reason: monitor.timeout_reason(),
            deadlines: Deadline::ALL.map(|deadline| monitor.deadline(deadline)),
            first_error: monitor.first_error(),
            terminating: monitor.is_terminating(),
            outcome: monitor.outcome(),
        }
    }
}

impl History {
    /// The events that made sense, with the number of their turn.
    pub fn accepted(&self) -> impl Iterator<Item = (usize, &Turn)> {
        self.turns
            .iter()
            .enumerate()
            .filter(|(_, turn)| turn.result.is_ok())
    }

    /// The actions, with the number of the turn in which each was polled.
    pub fn actions(&self) -> impl Iterator<Item = (usize, Action)> {
        self.turns
            .iter()
            .enumerate()
            .flat_map(|(number, turn)| turn.polled.iter().map(move |action| (number, *action)))
    }

    /// What the run ended with, if `Finish` was polled.
    pub fn outcome(&self) -> Option<Outcome> {
        self.actions().find_map(|(_, action)| match action {
            Action::Finish(outcome) => Some(outcome),
            _ => None,
        })
    }
}

/// A regression test, ready to paste.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "#[test]\nfn regression() {{")?;
        writeln!(f, "    let mut run = Run::new({});", self.config.source())?;
        let mut drain = Drain::All;
        for turn in &self.turns {
            if turn.drain != drain {
                drain = turn.drain;
                writeln!(f, "    run.drain({});", drain.source())?;
            }
            let Turn { at, event, .. } = turn;
            writeln!(f, "    run.tell({}, {});", at.source(), event.source())?;
            if let Err(misuse) = turn.result {
                writeln!(f, "    // {misuse:?}")?;
            }
            for action in &turn.polled {
                writeln!(f, "    // -> {action:?}")?;
            }
        }
        writeln!(f, "    keeps_the_rules(&run);\n}}")
    }
}
