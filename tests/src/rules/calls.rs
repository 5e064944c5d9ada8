//! What any call may do.

use childminder::{Action, Event, Instant, MonitorState};

use super::{Violation, each_turn, ensure};
use crate::history::{History, Seen};
use crate::run::Run;

/// A spurious `Tick` changes nothing. Draining actions eagerly or lazily leads to the same outcome.
///
/// The second half is about two runs: see [`same_outcome`].
pub fn rule_13_spurious_ticks(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let due = moment.before.next_deadline();
        let is_due = due.is_some_and(|(due, _)| due <= moment.after.now());
        if moment.event != Some(Event::Tick) || is_due {
            return Ok(());
        }
        let is_unchanged = moment.turn.seen == moment.before.seen();
        ensure(
            is_unchanged,
            moment.number,
            "a spurious Tick changes something",
        )?;
        if !moment.is_eager {
            return Ok(());
        }
        let next = due.map(|(due, _)| Action::ScheduleTimer(Some(due)));
        let only_arms = moment.turn.polled == Vec::from_iter(next);
        ensure(
            only_arms,
            moment.number,
            "a spurious Tick asks for something",
        )
    })
}

/// The second half of rule 13: whether two runs that were told the same, and took it in the same way,
/// end with the same outcome, however each was polled. What was taken in differently is another run: a
/// notification that was not polled cannot be answered.
///
/// An error takes back the notification that was started and not polled, where the other run waits for
/// its answer. So one may have ended and the other not yet; and if the answer is overdue, that is one
/// more error, which may start the ladder after a bad exit that did not. Nothing else may differ.
pub fn same_outcome(one: &History, other: &History) -> Result<(), Violation> {
    let both = || one.turns.iter().zip(&other.turns);
    if !both().all(|(a, b)| (a.at, a.event, a.result) == (b.at, b.event, b.result)) {
        return Ok(());
    }
    let outcome = |history: &History| history.turns.last().and_then(|turn| turn.seen.outcome);
    let (Some(ours), Some(mut theirs)) = (outcome(one), outcome(other)) else {
        return Ok(());
    };
    if notifications_told(one) != notifications_told(other) {
        theirs.terminated = ours.terminated;
    }
    // A sighting counts only where the look was polled. Where it does not, the final notification begins later, and may
    // be overdue in one of them only.
    if theirs.strays != ours.strays && one.config.final_notification {
        theirs.error = ours.error;
    }
    theirs.strays = ours.strays;
    let end = one.turns.len() - 1;
    ensure(ours == theirs, end, "polled otherwise, it ends otherwise")
}

fn notifications_told(history: &History) -> usize {
    let runs = |action: &Action| matches!(action, Action::RunNotification { .. });
    history.actions().filter(|(_, action)| runs(action)).count()
}

/// No sequence of events panics. A call that makes no sense returns `Misuse` and changes nothing.
pub fn rule_15_misuse_changes_nothing(history: &History) -> Result<(), Violation> {
    let mut last: Option<&Seen> = None;
    for (number, turn) in history.turns.iter().enumerate() {
        if turn.result.is_err() {
            ensure(!turn.changed, number, "misuse changes the state")?;
            let looks_same = last.is_none_or(|last| *last == turn.seen);
            ensure(looks_same, number, "misuse changes an answer")?;
        }
        last = Some(&turn.seen_polled);
    }
    each_turn(history, |moment| {
        let is_right = moment.before.judge(moment.turn.event) == moment.turn.result;
        ensure(
            is_right,
            moment.number,
            "this makes sense, or none, differently",
        )
    })
}

/// The same events give the same actions, always: no hash order, no clock, no address.
pub fn rule_16_repeatable(history: &History) -> Result<(), Violation> {
    let mut run = Run::new(history.config);
    for (number, turn) in history.turns.iter().enumerate() {
        run.drain(turn.drain);
        run.tell(turn.at, turn.event);
        let is_same = run.last() == turn;
        ensure(is_same, number, "told again, it does otherwise")?;
    }
    Ok(())
}

/// The same events do the same where output takes the long way through the monitor.
pub fn rule_16_the_long_way(history: &History) -> Result<(), Violation> {
    let [mut short, mut long] = [Run::new(history.config), Run::new(history.config)];
    for (number, turn) in history.turns.iter().enumerate() {
        if turn.result.is_ok() {
            long.disturb(turn.at);
        }
        for run in [&mut short, &mut long] {
            run.drain(turn.drain);
            run.tell(turn.at, turn.event);
        }
        let is_same =
            short.monitor() == long.monitor() && short.last().polled == long.last().polled;
        ensure(is_same, number, "the long way leads elsewhere")?;
    }
    Ok(())
}

/// Tells the monitor what it knows: that its child is suspended, or is not. So it has something to settle
/// and to be polled for, as far as it can see, and what comes next cannot take a short way.
pub fn disturb(monitor: &mut MonitorState, now: Instant) {
    let known = if monitor.is_suspended() {
        Event::Suspended
    } else {
        Event::Resumed
    };
    // Before the start and after the end this is refused, and there is no short way.
    let _ = monitor.handle(now, known);
}
