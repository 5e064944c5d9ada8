//! Signals that are passed on, and what the child left behind.

use childminder::{Action, Event, Strays, Sweep, Target};

use super::{Moment, Violation, each_turn, ensure};
use crate::history::History;

/// A signal that is passed on is sent once, as it is, to a target that can still take it, and moves
/// nothing else.
pub fn rule_17_passed_on(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        let mut passed_on = moment.polled().filter(|(is_passed_on, _)| *is_passed_on);
        let Some(Event::PassOn { signal, target }) = moment.event else {
            let is_quiet = !moment.is_eager || passed_on.next().is_none();
            return ensure(is_quiet, *number, "a signal is sent that was not passed on");
        };
        let can_take = match target {
            Target::Leader => moment.before.is_running(),
            Target::Group => moment.before.child_over().is_none(),
        };
        if moment.is_eager {
            let wanted = can_take.then_some(Action::SendSignal { signal, target });
            let sent = turn.polled.iter().copied();
            ensure(sent.eq(wanted), *number, "not sent just once, as it is")?;
        }
        ensure(
            turn.seen == moment.before.seen(),
            *number,
            "a signal that is passed on moves something else",
        )
    })
}

/// Strays are looked for exactly when the child is over (or, swept, when the leader is dead and its
/// group had SIGKILL), and `Finish` and `Reap` wait until none is left to wait for or the deadline has
/// come.
pub fn rule_18_strays_are_looked_for(history: &History) -> Result<(), Violation> {
    let is_sought = history.config.stray_timeout.is_some();
    each_turn(history, |moment| {
        let Moment { number, after, .. } = moment;
        let is_over = after.hunt().over().is_some();
        for (_, action) in moment.polled() {
            match action {
                Action::LookForStrays => {
                    let may_look = after.child_over().is_some() || after.early_look().is_some();
                    ensure(is_sought && may_look, *number, "a look too early")?;
                }
                Action::Reap | Action::Finish(_) => {
                    ensure(
                        is_over || !is_sought,
                        *number,
                        "the end does not wait for strays",
                    )?;
                }
                _ => {}
            }
        }
        let is_due = is_sought && after.child_over().is_some() && !is_over;
        let is_asked = after.hunt().looks.iter().any(|look| look.asked.is_some());
        let is_withheld = is_due && moment.turn.drained && !is_asked;
        ensure(!is_withheld, *number, "no look at the end of the child")
    })
}

/// Strays are killed only in a swept run, only after a look that showed some, and never after `Reap`.
pub fn rule_19_strays_are_killed(history: &History) -> Result<(), Violation> {
    let (mut living, mut is_reaped) = (0, false);
    let mut has_asked = false;
    for (number, turn) in history.turns.iter().enumerate() {
        if let (
            Event::StraysSeen {
                living: seen,
                immune,
            },
            Ok(()),
            true,
        ) = (turn.event, turn.result, has_asked)
        {
            living = seen.saturating_sub(immune);
            has_asked = false;
        }
        for action in &turn.polled {
            match action {
                Action::KillStrays => {
                    let is_swept = match history.config.sweep {
                        Sweep::Always => true,
                        Sweep::Terminated => turn.seen.terminating,
                        _ => false,
                    };
                    ensure(
                        is_swept,
                        number,
                        "strays are killed though nothing is swept",
                    )?;
                    ensure(living > 0, number, "no strays to kill")?;
                    ensure(!is_reaped, number, "strays are killed after Reap")?;
                }
                Action::LookForStrays => has_asked = true,
                Action::Reap => is_reaped = true,
                _ => {}
            }
        }
    }
    Ok(())
}

/// `Finish` says what became of them.
pub fn rule_20_fate_of_strays(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Some(outcome) = moment.turn.seen.outcome else {
            return Ok(());
        };
        let hunt = moment.after.hunt();
        let is_swept = moment.after.swept_since().is_some();
        let shown = hunt.latest_answer().is_some_and(|answer| answer.shows_any);
        let is_right = match outcome.strays {
            Strays::None => hunt.kills.is_empty() && !shown && !hunt.looks.is_empty(),
            Strays::Killed => is_swept && !hunt.kills.is_empty() && !shown,
            Strays::Left => !is_swept && shown,
            Strays::Survived => is_swept && shown,
            _ => hunt.over().is_none_or(|fate| fate == Strays::Unknown),
        };
        ensure(is_right, moment.number, "the wrong word on strays")
    })
}
