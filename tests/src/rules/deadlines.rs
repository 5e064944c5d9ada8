//! When a deadline fires.

use childminder::{Action, Deadline, Error, Event};

use super::{Moment, Violation, each_turn, ensure};
use crate::history::History;

/// The idle deadline is last activity + `idle_timeout`, and fires at the first `Tick` at or after it.
/// `Output` that arrives late but before that `Tick` still counts: progress wins. After the exit, or
/// once the ladder has started, nothing revives it.
pub fn rule_10_idle(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        let is_over = !moment.after.is_running() || turn.seen.terminating;
        let armed = turn.seen.deadlines[Deadline::Idle as usize];
        ensure(!is_over || armed.is_none(), *number, "idle, yet at an end")?;

        if !moment.is_eager {
            return Ok(());
        }
        let fires = moment.records(Error::IdleTimeout);
        // Of those due, the earliest fires and starts the ladder, which ends the idle deadline.
        let is_first = moment
            .before
            .next_deadline()
            .is_some_and(|(due, first)| first == Deadline::Idle && due <= moment.after.now());
        let is_due = moment.event == Some(Event::Tick) && is_first;
        ensure(fires || !is_due, *number, "the idle deadline did not fire")?;
        ensure(
            !fires || moment.is_due(Deadline::Idle),
            *number,
            "idle too early",
        )
    })
}

/// `first_output_timeout` ends at the first output, or when the child is ready, `run_timeout` only with the exit.
pub fn rule_11_first_output_and_run(history: &History) -> Result<(), Violation> {
    let mut has_begun = false;
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        has_begun |= match moment.event {
            Some(Event::Output { bytes, .. }) => bytes > 0,
            event => event == Some(Event::Ready),
        };
        let armed = |deadline| turn.seen.deadlines[deadline as usize].is_some();
        let may_arm = !has_begun || !armed(Deadline::FirstOutput);
        ensure(may_arm, *number, "still waiting for the first output")?;
        let may_arm = moment.after.is_running() || !armed(Deadline::Run);
        ensure(may_arm, *number, "the run goes on after its end")?;

        if !moment.is_eager {
            return Ok(());
        }
        let is_late = moment.records(Error::FirstOutputTimeout);
        ensure(!(is_late && has_begun), *number, "late, yet it has begun")?;
        let may_fire = !is_late || moment.is_due(Deadline::FirstOutput);
        ensure(may_fire, *number, "first output too early")?;

        let fires = moment.records(Error::RunTimeout);
        let is_due = moment.is_due(Deadline::Run);
        // Another deadline of the same `Tick` may have given the child up before.
        let is_moot = moment.records(Error::Unkillable);
        ensure(fires || !is_due || is_moot, *number, "the run did not end")?;
        ensure(!fires || is_due, *number, "the run ended too early")
    })
}

/// Every deadline waits while the child is suspended.
pub fn rule_21_waits_while_suspended(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        let is_armed = turn.seen.deadlines.iter().any(Option::is_some);
        let waits = !moment.after.is_suspended() || !is_armed && turn.seen.timeout.is_none();
        ensure(waits, *number, "a deadline goes on while suspended")?;
        let is_tick = moment.event == Some(Event::Tick);
        let is_idle =
            !is_tick || !moment.before.is_suspended() || turn.seen == moment.before.seen();
        ensure(is_idle, *number, "a deadline fires while suspended")
    })
}

/// Somebody who sleeps exactly until `poll_timeout` never stalls: whenever a deadline is pending,
/// `poll_timeout` is `Some`, and never later than it.
pub fn rule_14_never_stalls(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Moment {
            turn,
            number,
            after,
            ..
        } = moment;
        let wake = turn.seen_polled.timeout;
        for due in after.deadlines() {
            let is_covered = due.is_none_or(|due| wake.is_some_and(|wake| wake <= due));
            ensure(is_covered, *number, "sleeps through a deadline")?;
        }
        let has_reason = turn.seen.reason.is_some() == turn.seen.timeout.is_some();
        ensure(has_reason, *number, "a wake-up without a reason")?;
        // Whoever goes by `ScheduleTimer` alone is woken in time as well.
        let is_armed = after.armed() <= wake && after.armed().is_some() || wake.is_none();
        ensure(is_armed || !turn.drained, *number, "no timer in time")?;
        // What was due has fired: the next wake-up lies ahead, or the same moment brought it about.
        let is_stuck =
            moment.event == Some(Event::Tick) && wake.is_some_and(|wake| wake <= after.now());
        ensure(!is_stuck, *number, "a Tick leaves something due")
    })
}

/// A warning comes `warn_timeout` after the latest activity, once in a silence, while the child runs and the
/// ladder is at rest; and nothing but the next wake-up comes of it.
pub fn rule_23_warnings(history: &History) -> Result<(), Violation> {
    let mut has_warned = false;
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        let is_active = moment
            .event
            .is_some_and(|event| moment.before.is_activity(event));
        has_warned &= !is_active;
        let is_over = !moment.after.is_running() || turn.seen.terminating;
        let armed = turn.seen.deadlines[Deadline::Warning as usize];
        ensure(!is_over || armed.is_none(), *number, "will warn at an end")?;

        let warnings = turn.polled.iter().filter(|action| **action == Action::Warn);
        let warnings = warnings.count();
        ensure(warnings <= 1, *number, "warns twice at once")?;
        let warns = warnings == 1;
        ensure(
            !(warns && is_active),
            *number,
            "warns of a silence that is over",
        )?;
        ensure(!(warns && is_over), *number, "warns at an end")?;
        ensure(
            !(warns && has_warned),
            *number,
            "warns twice of one silence",
        )?;
        has_warned |= warns;

        if !moment.is_eager {
            return Ok(());
        }
        let is_due = moment.is_due(Deadline::Warning);
        ensure(warns || !is_due || is_over, *number, "does not warn")?;
        ensure(!warns || is_due, *number, "warns too early")?;
        let is_alone =
            |deadline: &Deadline| *deadline == Deadline::Warning || !moment.is_due(*deadline);
        let follows = |action: &Action| !matches!(action, Action::Warn | Action::ScheduleTimer(_));
        let acts = is_due && Deadline::ALL.iter().all(is_alone) && turn.polled.iter().any(follows);
        ensure(!acts, *number, "a warning does something")
    })
}
