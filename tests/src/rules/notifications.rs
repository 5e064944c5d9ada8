//! What becomes of a notification.

use childminder::{Action, Deadline, Error, Event, NotificationKind};

use super::{Moment, Violation, each_turn, ensure};
use crate::history::History;
use crate::model::Chronicle;
use crate::model::notifications::ticket;

/// Notifications run first in, first out, one at a time. After the first error none starts: the queued
/// ones are discarded, the one in flight is waited for (up to `notification_timeout`).
pub fn rule_4_one_at_a_time(history: &History) -> Result<(), Violation> {
    let mut latest = 0;
    let mut is_in_flight = false;
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        if let Some(Event::NotifyDone { id, .. }) = moment.event
            && !moment.before.is_final(id)
        {
            let is_latest = id.number() == latest;
            ensure(is_latest, *number, "the answer is not to the latest")?;
            is_in_flight = false;
        }
        for action in &turn.polled {
            match action {
                Action::RunNotification { kind, .. } if *kind == NotificationKind::Final => {
                    ensure(!is_in_flight, *number, "two at a time")?;
                }
                Action::RunNotification { id, kind } => {
                    let id = id.number();
                    ensure(id == latest + 1, *number, "out of order")?;
                    ensure(!is_in_flight, *number, "two at a time")?;
                    let is_well = turn.seen.first_error.is_none();
                    ensure(is_well, *number, "started after an error")?;
                    let is_as_queued = kind_of(moment, id) == Some(*kind);
                    ensure(is_as_queued, *number, "not of the kind queued")?;
                    latest = id;
                    is_in_flight = true;
                }
                Action::DiscardNotifications { first, last } => {
                    let has_failed = turn.seen.first_error.is_some();
                    ensure(has_failed, *number, "discarded without an error")?;
                    ensure(first <= last, *number, "an empty range is discarded")?;
                    let was_kept = first.number() > latest;
                    ensure(was_kept, *number, "discarded after it ran")?;
                }
                Action::RecordError {
                    error: Error::NotificationTimeout(id),
                    ..
                } if id.number() == latest => is_in_flight = false,
                Action::Finish(_) => {
                    ensure(!is_in_flight, *number, "not waited for")?;
                }
                _ => {}
            }
        }
        let has_settled = !turn.drained
            || moment.after.first_error().is_none()
            || moment.after.to_discard().is_none();
        ensure(has_settled, *number, "queued and not discarded")
    })
}

/// A failed or overdue notification is an error and starts the ladder. A late answer to an overdue one
/// is ignored.
pub fn rule_5_bad_notifications(history: &History) -> Result<(), Violation> {
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        let entry = moment.before.entries.len();
        match moment.event {
            Some(Event::NotifyDone { id, .. }) if moment.before.is_late_answer(entry, id) => {
                let is_ignored = turn.seen == moment.before.seen();
                ensure(is_ignored, *number, "a late answer does something")?;
                let is_silent = !moment.is_eager || turn.polled.is_empty();
                ensure(is_silent, *number, "a late answer asks for something")
            }
            Some(Event::NotifyDone { id, ok: false }) => {
                is_an_error(moment, Error::Notification(id))?;
                starts_the_ladder(moment)
            }
            Some(Event::Tick) if moment.is_due(Deadline::Notification) => {
                let last = moment.before.final_number();
                let id = ticket(moment.before.in_flight().unwrap_or(last));
                is_an_error(moment, Error::NotificationTimeout(id))?;
                starts_the_ladder(moment)
            }
            _ => Ok(()),
        }
    })
}

fn is_an_error(moment: &Moment<'_>, wanted: Error) -> Result<(), Violation> {
    let is_noticed = moment.turn.seen.first_error.is_some();
    ensure(is_noticed, moment.number, "no error is noticed")?;
    let is_recorded = moment.records(wanted);
    let is_due = !moment.is_eager || is_recorded;
    ensure(is_due, moment.number, "the error is not recorded")
}

/// Somebody can be signalled while the child runs, and while something holds its output.
fn starts_the_ladder(moment: &Moment<'_>) -> Result<(), Violation> {
    let can_be_signalled = moment.before.is_running() || moment.after.output_end().is_none();
    let is_started = !can_be_signalled || moment.turn.seen.terminating;
    ensure(is_started, moment.number, "the ladder is not started")
}

/// The final notification runs once if it is asked for, and else never. It comes when all else is over, whatever went
/// wrong, and nothing but its failure comes between it and `Finish`.
pub fn rule_22_final_notification(history: &History) -> Result<(), Violation> {
    let mut has_run = false;
    let mut was_polled_too_late = false;
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        for action in &turn.polled {
            match action {
                Action::RunNotification { id, kind } if *kind == NotificationKind::Final => {
                    let is_wanted = history.config.final_notification;
                    ensure(is_wanted, *number, "nobody asked for it")?;
                    ensure(!has_run, *number, "it runs twice")?;
                    let is_time = moment.after.is_all_else_over();
                    ensure(is_time, *number, "it runs before the end")?;
                    let is_behind = moment.after.is_final(*id);
                    ensure(is_behind, *number, "its ticket is another's")?;
                    has_run = true;
                }
                Action::Finish(_) => {
                    let is_due = history.config.final_notification && !was_polled_too_late;
                    ensure(has_run >= is_due, *number, "the end is not told")?;
                }
                Action::RecordError {
                    error: Error::NotificationTimeout(id),
                    ..
                } => was_polled_too_late = moment.after.is_final(*id),
                Action::RecordError { .. } | Action::ScheduleTimer(_) | Action::Reap => {}
                // The sweep, if a child that was given up exits after all.
                Action::SendSignal { .. } if moment.before.given_up().is_some() => {}
                _ => ensure(!has_run, *number, "something follows it")?,
            }
        }
        let is_queued_behind = has_run && moment.event == Some(Event::Notify);
        ensure(!is_queued_behind, *number, "another is queued behind it")
    })
}

/// A heartbeat is a notification the core queues itself: at `Started`, then at start + k x interval;
/// missed beats are skipped, not made up, and a beat is skipped while the one before has not run.
pub fn rule_12_heartbeats(history: &History) -> Result<(), Violation> {
    let (chronicle, _) = Chronicle::of(history);
    let Some(interval) = chronicle.past().heartbeat_interval() else {
        return no_heartbeats(history);
    };
    let mut beats: u128 = 0;
    each_turn(history, |moment| {
        let Moment { turn, number, .. } = moment;
        if moment.event == Some(Event::Started) && moment.is_eager {
            let beats_at_once = turn.polled.iter().any(is_beat);
            ensure(beats_at_once, *number, "no beat at the start")?;
        }
        beats += turn.polled.iter().filter(|action| is_beat(action)).count() as u128;
        if let Some(start) = moment.after.start() {
            let elapsed = moment.after.now().since(moment.after.at(start));
            let most = 1 + elapsed.as_nanos() / interval.as_nanos();
            ensure(beats <= most, *number, "a beat is made up for")?;
        }
        let next = turn.seen.deadlines[Deadline::Heartbeat as usize];
        if moment.event == Some(Event::Tick) {
            let is_ahead = next.is_none_or(|next| next > moment.after.now());
            ensure(is_ahead, *number, "a missed beat is not skipped")?;
        }
        let may_beat = moment.after.is_running() && turn.seen.first_error.is_none();
        ensure(may_beat || next.is_none(), *number, "beats on at the end")
    })
}

fn no_heartbeats(history: &History) -> Result<(), Violation> {
    for (number, action) in history.actions() {
        ensure(!is_beat(&action), number, "a beat that nobody asked for")?;
    }
    Ok(())
}

fn is_beat(action: &Action) -> bool {
    let beat = NotificationKind::Heartbeat;
    matches!(action, Action::RunNotification { kind, .. } if *kind == beat)
}

fn kind_of(moment: &Moment<'_>, number: u64) -> Option<NotificationKind> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    Some(moment.after.tickets().get(index)?.kind)
}
