//! The reference model: what had to happen, worked out from what did.
//!
//! The core keeps a state and changes it. This model keeps none. It has a [`Chronicle`], the plain
//! list of what the owner told, which deadlines fired and which actions were polled; and every
//! question ("when is the idle deadline?", "has the ladder started?", "what is still to be told?") is
//! answered by looking back through that list, as if it had never been asked before. Slow, and hard
//! to get wrong in the same way as the core.
//!
//! Read it in this order:
//!
//! - [`past`]: the chronicle, and looking back in it;
//! - [`end`]: the exit, the end of the output, the reap, the finish;
//! - [`ladder`]: when it starts, what it sends, when it gives up;
//! - [`notifications`]: tickets, and what becomes of each;
//! - [`errors`]: what went wrong, in order;
//! - [`deadlines`]: when each is due, suspensions taken out;
//! - [`strays`]: when they are looked for, and what became of them;
//! - [`passed_on`]: the signals that are delivered as they are;
//! - [`misuse`]: which events make sense;
//! - [`owed`]: the actions decided and not yet polled.
//!
//! Two conventions run through all of it. Time is the caller's, and an event told with an earlier
//! time than the one before happens at the time of the one before. Within an entry of the chronicle,
//! the entry itself comes first and its consequences (an error, a signal, the next notification)
//! follow at once.

pub mod deadlines;
pub mod end;
pub mod errors;
pub mod ladder;
pub mod misuse;
pub mod notifications;
pub mod owed;
pub mod passed_on;
pub mod past;
pub mod strays;

use std::fmt;

use childminder::{Action, Config, Event, Instant};

use crate::history::History;
pub use past::{Chronicle, Entry, Past, What};

/// Whether everything in `history` is as it had to be: every result, every action, every answer.
///
/// # Errors
///
/// The first difference.
pub fn check(history: &History) -> Result<(), Difference> {
    let mut chronicle = Chronicle::new(history.config);
    for (turn, told) in history.turns.iter().enumerate() {
        let result = chronicle.past().judge(told.event);
        compare(turn, "result", &result, &told.result)?;
        if result.is_ok() {
            chronicle.tell(told.at, told.event);
            let ticket = chronicle.past().ticket();
            compare(turn, "ticket", &ticket, &told.ticket)?;
        }
        let seen = chronicle.past().seen();
        compare(turn, "answers before polling", &seen, &told.seen)?;
        for action in &told.polled {
            let owed = chronicle.past().owed().first().copied();
            compare(turn, "action", &owed, &Some(*action))?;
            chronicle.ask(*action);
        }
        if told.drained {
            let owed = chronicle.past().owed();
            compare(turn, "actions left", &owed, &Vec::new())?;
        }
        let seen = chronicle.past().seen();
        compare(turn, "answers after polling", &seen, &told.seen_polled)?;
    }
    Ok(())
}

/// The actions that follow each of these events when all of them are polled every time. What makes
/// no sense has no actions.
pub fn expected_actions(config: Config, events: &[(Instant, Event)]) -> Vec<Vec<Action>> {
    let mut chronicle = Chronicle::new(config);
    let mut actions = Vec::new();
    for (at, event) in events {
        if chronicle.past().judge(*event).is_ok() {
            chronicle.tell(*at, *event);
        }
        let owed = chronicle.past().owed();
        for action in &owed {
            chronicle.ask(*action);
        }
        actions.push(owed);
    }
    actions
}

/// Where a history and the model part ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The number of the turn.
    pub turn: usize,
    /// What differs.
    pub what: &'static str,
    /// What the model expects.
    pub expected: String,
    /// What the monitor did.
    pub observed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            turn,
            what,
            expected,
            observed,
        } = self;
        write!(
            f,
            "turn {turn}, {what}:\n  expected {expected}\n  observed {observed}"
        )
    }
}

impl std::error::Error for Difference {}

fn compare<T: fmt::Debug + PartialEq>(
    turn: usize,
    what: &'static str,
    expected: &T,
    observed: &T,
) -> Result<(), Difference> {
    if expected == observed {
        return Ok(());
    }
    Err(Difference {
        turn,
        what,
        expected: format!("{expected:?}"),
        observed: format!("{observed:?}"),
    })
}
