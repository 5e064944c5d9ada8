//! How a run ends, and with what.

use childminder::{Action, Error, Event};

use super::{Violation, each_turn, ensure};
use crate::history::History;
use crate::model::Chronicle;

/// `Finish` comes exactly once, is the last action, and comes only after the exit is known, output is
/// closed or the drain is over, and no notification is in flight or queued.
pub fn rule_1_finish_once_last(history: &History) -> Result<(), Violation> {
    let actions: Vec<_> = history.actions().collect();
    let is_finish = |(_, action): &(usize, Action)| matches!(action, Action::Finish(_));
    let Some(place) = actions.iter().position(is_finish) else {
        return finish_is_not_withheld(history);
    };
    let (end, _) = actions[place];
    ensure(place + 1 == actions.len(), end, "an action follows Finish")?;

    let outcome = history.outcome().expect("Finish was polled");
    let so_far = || history.accepted().take_while(|(number, _)| *number <= end);
    let was_told = |event| so_far().any(|(_, turn)| turn.event == event);
    let gave_up = has_recorded(&actions, Error::Unkillable);
    let exit_is_known = match outcome.exit {
        Some(status) => was_told(Event::ChildExited(status)),
        None => gave_up,
    };
    ensure(exit_is_known, end, "Finish without an exit")?;
    let output_is_over = was_told(Event::OutputClosed) || outcome.leaked;
    ensure(output_is_over, end, "Finish with the output open")?;

    let mut settled = Vec::new();
    for (_, action) in &actions {
        match action {
            Action::RunNotification { id, .. } => {
                let is_answered = [true, false]
                    .into_iter()
                    .any(|ok| was_told(Event::NotifyDone { id: *id, ok }));
                let is_over =
                    is_answered || has_recorded(&actions, Error::NotificationTimeout(*id));
                ensure(is_over, end, "Finish with a notification in flight")?;
                settled.push(id.number());
            }
            Action::DiscardNotifications { first, last } => {
                settled.extend(first.number()..=last.number());
            }
            _ => {}
        }
    }
    let tickets = so_far().filter(|(_, turn)| turn.event == Event::Notify);
    for (_, turn) in tickets {
        let is_settled = turn.ticket.is_some_and(|ticket| settled.contains(&ticket));
        ensure(is_settled, end, "Finish with a notification queued")?;
    }
    Ok(())
}

/// Once all that `Finish` waits for has come, and everything has been polled, it was polled too.
fn finish_is_not_withheld(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let is_over = moment.after.outcome().is_some();
        let is_withheld = is_over && moment.turn.drained;
        ensure(!is_withheld, moment.number, "Finish is withheld")
    })
}

/// The first error wins. Every later one is recorded with `first: false`, none is swallowed; but a bad
/// exit status after a first error is its consequence and is only kept in the outcome's `exit`.
pub fn rule_2_first_error_wins(history: &History) -> Result<(), Violation> {
    let mut recorded = Vec::new();
    for (number, action) in history.actions() {
        match action {
            Action::RecordError { error, first } => {
                let is_first = recorded.is_empty();
                ensure(first == is_first, number, "the wrong error is the first")?;
                let is_exit = matches!(error, Error::Exit(_));
                ensure(first || !is_exit, number, "a bad exit is a later error")?;
                recorded.push(error);
            }
            Action::Finish(outcome) => {
                let is_first = outcome.error == recorded.first().copied();
                ensure(is_first, number, "the outcome has another error")?;
            }
            _ => {}
        }
    }

    let (chronicle, _) = Chronicle::of(history);
    let expected: Vec<_> = chronicle
        .past()
        .errors()
        .into_iter()
        .map(|(_, error)| error)
        .collect();
    let end = history.turns.len().saturating_sub(1);
    let is_drained = history.turns.last().is_some_and(|turn| turn.drained);
    ensure(expected.starts_with(&recorded), end, "an error too many")?;
    let is_complete = !is_drained || expected.len() == recorded.len();
    ensure(is_complete, end, "an error is swallowed")
}

/// A clean exit whose last notification then fails is a failure.
pub fn rule_3_last_notification_counts(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Some(Event::NotifyDone { id, ok: false }) = moment.event else {
            return Ok(());
        };
        let exited_well = moment
            .before
            .exit()
            .is_some_and(|(_, status)| status.is_success());
        if !exited_well || moment.before.first_error().is_some() {
            return Ok(());
        }
        let failure = Some(Error::Notification(id));
        let is_noticed = moment.turn.seen.first_error == failure;
        ensure(is_noticed, moment.number, "the failure is not noticed")?;
        let is_kept = history.outcome().is_none_or(|end| end.error == failure);
        ensure(is_kept, moment.number, "the outcome is not the failure")
    })
}

fn has_recorded(actions: &[(usize, Action)], wanted: Error) -> bool {
    actions.iter().any(|(_, action)| match action {
        Action::RecordError { error, .. } => *error == wanted,
        _ => false,
    })
}
