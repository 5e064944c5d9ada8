//! The twenty-three rules, each as a predicate over a whole run.
//!
//! A predicate judges what was told and what was asked for, in whatever way the actions were polled.
//! Where a rule speaks of a time or a state, it asks the [`model`](crate::model) what the past was.
//!
//! - [`ending`]: how a run ends, and with what (rules 1 to 3);
//! - [`notifications`]: what becomes of a notification (4, 5, 12 and 22);
//! - [`signals`]: the ladder and the sweep (6 to 9);
//! - [`deadlines`]: when a deadline fires (10, 11, 14, 21 and 23);
//! - [`strays`]: signals passed on, and what the child left behind (17 to 20);
//! - [`calls`]: what any call may do (13, 15 and 16).

pub mod calls;
pub mod deadlines;
pub mod ending;
pub mod notifications;
pub mod signals;
pub mod strays;

use std::fmt;

use childminder::{Action, Deadline, Error, Event, Signal, Target};

use crate::history::{History, Turn};
use crate::model::{Chronicle, Past, What};

pub use calls::{
    disturb, rule_13_spurious_ticks, rule_15_misuse_changes_nothing, rule_16_repeatable,
    rule_16_the_long_way, same_outcome,
};
pub use deadlines::{
    rule_10_idle, rule_11_first_output_and_run, rule_14_never_stalls,
    rule_21_waits_while_suspended, rule_23_warnings,
};
pub use ending::{
    rule_1_finish_once_last, rule_2_first_error_wins, rule_3_last_notification_counts,
};
pub use notifications::{
    rule_4_one_at_a_time, rule_5_bad_notifications, rule_12_heartbeats, rule_22_final_notification,
};
pub use signals::{rule_6_ladder_once, rule_7_no_signal_too_late, rule_8_leaks, rule_9_sweep};
pub use strays::{
    rule_17_passed_on, rule_18_strays_are_looked_for, rule_19_strays_are_killed,
    rule_20_fate_of_strays,
};

/// A rule: whether a run keeps it.
pub type Rule = fn(&History) -> Result<(), Violation>;

/// Every rule, in order.
pub const ALL: [Rule; 23] = [
    rule_1_finish_once_last,
    rule_2_first_error_wins,
    rule_3_last_notification_counts,
    rule_4_one_at_a_time,
    rule_5_bad_notifications,
    rule_6_ladder_once,
    rule_7_no_signal_too_late,
    rule_8_leaks,
    rule_9_sweep,
    rule_10_idle,
    rule_11_first_output_and_run,
    rule_12_heartbeats,
    rule_13_spurious_ticks,
    rule_14_never_stalls,
    rule_15_misuse_changes_nothing,
    rule_16_repeatable,
    rule_17_passed_on,
    rule_18_strays_are_looked_for,
    rule_19_strays_are_killed,
    rule_20_fate_of_strays,
    rule_21_waits_while_suspended,
    rule_22_final_notification,
    rule_23_warnings,
];

/// Whether a run keeps all of them.
pub fn check(history: &History) -> Result<(), Violation> {
    ALL.iter().try_for_each(|rule| rule(history))
}

/// How a run breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The number of the turn that breaks it.
    pub turn: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "turn {}: {}", self.turn, self.what)
    }
}

impl std::error::Error for Violation {}

/// A violation in this turn, unless `kept`.
fn ensure(kept: bool, turn: usize, what: &str) -> Result<(), Violation> {
    if kept {
        return Ok(());
    }
    Err(Violation {
        turn,
        what: what.into(),
    })
}

/// A turn, for rules about what followed from what.
struct Moment<'a> {
    /// Its number.
    number: usize,
    /// The turn itself.
    turn: &'a Turn,
    /// What the monitor was told in it, if that made sense.
    event: Option<Event>,
    /// What had happened before it.
    before: Past<'a>,
    /// What has happened at its end.
    after: Past<'a>,
    /// Whether nothing was left to poll before it, nor is after it: what was polled in this turn is
    /// what this turn decided.
    is_eager: bool,
}

impl Moment<'_> {
    /// Whether this is a `Tick` at or after this deadline.
    fn is_due(&self, deadline: Deadline) -> bool {
        let due = self.before.deadline(deadline);
        self.event == Some(Event::Tick) && due.is_some_and(|due| due <= self.after.now())
    }

    /// What was polled in this turn, each with whether it was a signal passed on.
    fn polled(&self) -> impl Iterator<Item = (bool, Action)> {
        let new = self.after.all().skip(self.before.entries.len());
        new.filter_map(|(_, what)| match what {
            What::Asked(action) => Some((false, action)),
            What::PassedOn(action) => Some((true, action)),
            _ => None,
        })
    }

    /// The signals of the ladder and the sweep that were polled in this turn.
    fn signals(&self) -> Vec<(Signal, Target)> {
        let own = self.polled().filter(|(is_passed_on, _)| !is_passed_on);
        let signals = own.filter_map(|(_, action)| match action {
            Action::SendSignal { signal, target } => Some((signal, target)),
            _ => None,
        });
        signals.collect()
    }

    /// Whether this error was recorded in this turn.
    fn records(&self, wanted: Error) -> bool {
        self.turn.polled.iter().any(|action| match action {
            Action::RecordError { error, .. } => *error == wanted,
            _ => false,
        })
    }
}

/// Goes through the turns, with the past as it was at each.
fn each_turn(
    history: &History,
    mut judge: impl FnMut(&Moment<'_>) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let (chronicle, ends) = Chronicle::of(history);
    let past = chronicle.past();
    let mut before = past.before(0);
    let mut drained = true;
    for (number, (turn, end)) in history.turns.iter().zip(ends).enumerate() {
        let after = past.before(end);
        judge(&Moment {
            number,
            turn,
            event: turn.result.is_ok().then_some(turn.event),
            before,
            after,
            is_eager: drained && turn.drained,
        })?;
        before = after;
        drained = turn.drained;
    }
    Ok(())
}
