//! The ladder and the sweep.

use childminder::{Action, Deadline, Error, Event, Signal, Sweep, Target};

use super::{Moment, Violation, each_turn, ensure};
use crate::history::History;
use crate::model::Chronicle;

/// The ladder starts once, whatever asks for it. A stage is sent when the one before has waited out its
/// `wait`, never earlier, unless `Escalate` says so. After the last stage's `wait`, if it has one, the
/// child counts as `Unkillable`: recorded, and finished without an exit status.
pub fn rule_6_ladder_once(history: &History) -> Result<(), Violation> {
    let (chronicle, _) = Chronicle::of(history);
    let past = chronicle.past();
    let mut stages = past.stages_set();
    stages.extend(past.kill().into_iter().flat_map(|_| past.stages()));
    let mut left = stages.iter();
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        let is_lasting = turn.seen.terminating || moment.before.ladder_start().is_none();
        ensure(is_lasting, *number, "the ladder comes to rest again")?;

        for (signal, target) in moment.signals().into_iter().take(ladder_signals(moment)) {
            let is_next = left.any(|stage| (stage.signal, stage.target) == (signal, target));
            ensure(is_next, *number, "not a stage of the ladder still to come")?;
        }
        if moment.is_eager && ladder_signals(moment) > 0 {
            let is_first = moment.before.ladder_start().is_none();
            let may_go_on =
                matches!(moment.event, Some(Event::Escalate | Event::Kill)) || is_stage_due(moment);
            ensure(is_first || may_go_on, *number, "a stage is sent too early")?;
        }

        let gives_up = moment.records(Error::Unkillable);
        if gives_up && moment.is_eager {
            ensure(is_stage_due(moment), *number, "given up too early")?;
            ensure(
                moment.before.exit().is_none(),
                *number,
                "given up after it exited",
            )?;
            let all_sent = left.len() == 0;
            ensure(all_sent, *number, "given up before the last stage")?;
        }
        for action in &turn.polled {
            if let Action::Finish(outcome) = action {
                let exit = moment.after.exit().map(|(_, status)| status);
                ensure(outcome.exit == exit, *number, "another exit status")?;
            }
        }
        Ok(())
    })
}

/// Whether this is a `Tick` at which the wait of a stage is over. One that starts the ladder may go up
/// all of it, if nothing is to be waited for.
fn is_stage_due(moment: &Moment<'_>) -> bool {
    let is_tick = moment.event == Some(Event::Tick);
    let starts = is_tick && moment.before.ladder_start().is_none();
    starts || moment.is_due(Deadline::Stage)
}

/// How many of the signals polled in this turn are the ladder's: the last signal of all may be the
/// sweep.
fn ladder_signals(moment: &Moment<'_>) -> usize {
    let polled = moment.signals().len();
    let told: Vec<_> = moment.after.asked().map(|(_, action)| action).collect();
    let is_last = signals(&told).count() == moment.after.signals().len();
    let sweeps = polled > 0 && is_last && moment.after.is_swept();
    polled - usize::from(sweeps)
}

/// No `SendSignal` to the leader after `ChildExited`, none at all after `Reap`.
pub fn rule_7_no_signal_too_late(history: &History) -> Result<(), Violation> {
    let mut has_exited = false;
    let mut is_reaped = false;
    for (number, turn) in history.turns.iter().enumerate() {
        let exits = matches!(turn.event, Event::ChildExited(_));
        has_exited |= exits && turn.result.is_ok();
        for action in &turn.polled {
            match action {
                Action::SendSignal { target, .. } => {
                    ensure(!is_reaped, number, "a signal after Reap")?;
                    let is_alive = *target == Target::Group || !has_exited;
                    ensure(is_alive, number, "a signal to a dead leader")?;
                }
                Action::Reap => {
                    ensure(has_exited, number, "Reap of a living child")?;
                    ensure(!is_reaped, number, "a second Reap")?;
                    is_reaped = true;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// While output is still open after the exit, something in the group holds it: a ladder under way goes
/// on with its group stages; when the drain is over, no stage is sent any more, and the outcome says `Leaked`.
pub fn rule_8_leaks(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        let is_held = moment.before.exit().is_some() && moment.before.output_end().is_none();
        if is_held && moment.is_eager && moment.is_due(Deadline::Stage) {
            let sent = moment.before.sent();
            let next = sent.last().map_or(0, |sent| sent.index + 1);
            let mut to_come = moment.before.stages().into_iter().skip(next);
            let wanted = to_come.find(|stage| stage.target == Target::Group);
            let is_sent = wanted.is_none_or(|stage| {
                let mut polled = moment.signals().into_iter();
                polled.any(|sent| sent == (stage.signal, Target::Group))
            });
            // At the same moment the drain may end first, which frees the leader to be reaped.
            let may_reap = moment.after.first_fired(Deadline::Drain).is_some();
            ensure(
                is_sent || may_reap,
                *number,
                "the group's stage is not sent",
            )?;
        }
        let drained = moment.after.first_fired(Deadline::Drain);
        let drained = drained.filter(|entry| *entry >= moment.before.entries.len());
        if let Some(drained) = drained
            && moment.is_eager
        {
            let mut sent = moment.after.sent();
            sent.retain(|sent| (moment.before.entries.len()..drained).contains(&sent.entry));
            let sweep = usize::from(moment.after.is_swept());
            let is_over = moment.signals().len() <= sent.len() + sweep;
            ensure(is_over, *number, "a stage is sent after the drain")?;
        }
        if is_held && moment.is_eager && moment.is_due(Deadline::Drain) {
            let is_reaped = turn.polled.contains(&Action::Reap);
            let is_hunted = moment.after.hunt().over().is_none();
            let may_wait = history.config.stray_timeout.is_some() && is_hunted;
            ensure(
                is_reaped || may_wait,
                *number,
                "no Reap at the end of the drain",
            )?;
        }
        for action in &turn.polled {
            if let Action::Finish(outcome) = action {
                let closed_at = moment.after.first_told(Event::OutputClosed);
                let gave_up = moment.after.given_up();
                let drained_at = moment.after.first_fired(Deadline::Drain);
                let given_up_at = gave_up.into_iter().chain(drained_at).min();
                let leaked = given_up_at.is_some_and(|at| closed_at.is_none_or(|then| at < then));
                ensure(outcome.leaked == leaked, *number, "the wrong word on leaks")?;
            }
        }
        Ok(())
    })
}

/// A swept run (by default one that was being terminated) sends SIGKILL to the group before `Reap`, so
/// no member outlives its monitor.
pub fn rule_9_sweep(history: &History) -> Result<(), Violation> {
    let (chronicle, _) = Chronicle::of(history);
    let past = chronicle.past();
    let stages = past.stages_set().len() + usize::from(past.kill().is_some());
    let actions: Vec<_> = past.asked().map(|(_, action)| action).collect();
    let sent = signals(&actions).count();
    let end = history.turns.len().saturating_sub(1);
    let most = stages + usize::from(history.config.sweep != Sweep::Never);
    ensure(sent <= most, end, "a signal too many")?;

    let is_reap = |(_, action): &(usize, Action)| *action == Action::Reap;
    let Some((number, _)) = history.actions().find(is_reap) else {
        return Ok(());
    };
    let terminating = history.turns[number].seen.terminating;
    if !terminating && history.config.sweep != Sweep::Always {
        return ensure(sent == 0, number, "a signal though nothing was ended");
    }
    if history.config.sweep == Sweep::Never {
        return ensure(sent <= stages, number, "swept though nobody asked");
    }
    let all_sent = sent == chronicle.past().signals().len();
    ensure(all_sent, number, "reaped with a signal withheld")?;
    // It is the last of all: by rule 7 none follows the reap.
    let last = signals(&actions).last();
    let is_swept = last == Some((Signal::KILL, Target::Group));
    ensure(is_swept, number, "reaped without a sweep")
}

fn signals(actions: &[Action]) -> impl Iterator<Item = (Signal, Target)> {
    actions.iter().filter_map(|action| match action {
        Action::SendSignal { signal, target } => Some((*signal, *target)),
        _ => None,
    })
}
