//! Tickets, and what becomes of each.

use std::time::Duration;

use childminder::{Action, Deadline, Event, NotificationId, NotificationKind};

use super::past::{Past, What, precedes};

/// A notification queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The entry that queued it.
    pub entry: usize,
    /// Who did.
    pub kind: NotificationKind,
}

impl Past<'_> {
    /// How often the heart beats, if it does. An interval of nothing is none, and neither is one of 584
    /// years.
    pub fn heartbeat_interval(self) -> Option<Duration> {
        let forever = Duration::from_nanos(u64::MAX);
        self.config
            .heartbeat_interval
            .filter(|interval| !interval.is_zero() && *interval < forever)
    }

    /// Every notification ever queued: ticket `n` is at index `n - 1`. A beat is left out while the
    /// one before has not been answered.
    pub fn tickets(self) -> Vec<Ticket> {
        let beats = self.heartbeat_interval().is_some();
        let mut tickets = Vec::new();
        let mut last_beat = 0;
        let mut answered = 0;
        for (entry, what) in self.all() {
            let kind = match what {
                What::Told(Event::Notify) => NotificationKind::Requested,
                What::Told(Event::Started) if beats => NotificationKind::Heartbeat,
                What::Fired(Deadline::Heartbeat) if last_beat <= answered => {
                    NotificationKind::Heartbeat
                }
                What::Told(Event::NotifyDone { .. }) => {
                    answered += 1;
                    continue;
                }
                _ => continue,
            };
            tickets.push(Ticket { entry, kind });
            if kind == NotificationKind::Heartbeat {
                last_beat = tickets.len();
            }
        }
        tickets
    }

    /// When each notification was answered in time, the first one first: they run in order, so the
    /// n-th answer is that of ticket n.
    pub fn answers(self) -> Vec<usize> {
        let overdue = self.first_fired(Deadline::Notification);
        self.told()
            .filter(|(_, event)| matches!(event, Event::NotifyDone { .. }))
            .map(|(entry, _)| entry)
            .filter(|entry| precedes(*entry, overdue))
            .collect()
    }

    /// Whether the answer told at `entry` came too late. No notification starts after an overdue one,
    /// so every answer after it is its own.
    pub fn is_late_answer(self, entry: usize) -> bool {
        !precedes(entry, self.first_fired(Deadline::Notification))
    }

    /// When each notification was started: the moment at which it was queued and all before it were
    /// answered, if nothing had gone wrong by then.
    pub fn starts(self) -> Vec<usize> {
        let answers = self.answers();
        let first_error = self.first_error().map(|(entry, _)| entry);
        let mut starts = Vec::new();
        for (index, ticket) in self.tickets().into_iter().enumerate() {
            let free = match index.checked_sub(1) {
                None => Some(0),
                Some(before) => answers.get(before).copied(),
            };
            let Some(start) = free.map(|free| free.max(ticket.entry)) else {
                break;
            };
            if !precedes(start, first_error) {
                break;
            }
            starts.push(start);
        }
        starts
    }

    /// How many notifications the owner has been told to run.
    pub fn runs_told(self) -> usize {
        self.asked()
            .filter(|(_, action)| matches!(action, Action::RunNotification { .. }))
            .count()
    }

    /// How many notifications are past taking back: the owner was told to run them, or nothing has
    /// gone wrong yet. An error takes back the one that was started and not told.
    pub fn kept(self) -> usize {
        match self.first_error() {
            None => self.starts().len(),
            Some(_) => self.runs_told(),
        }
    }

    /// The number of the notification that is running, as far as the monitor knows, whether the owner
    /// has been told yet or not.
    pub fn in_flight(self) -> Option<usize> {
        let number = self.kept();
        let is_answered = self.answers().len() >= number;
        let is_overdue = self.first_fired(Deadline::Notification).is_some();
        (!is_answered && !is_overdue).then_some(number)
    }

    /// Whether any notification waits for its turn.
    pub fn is_anything_queued(self) -> bool {
        self.first_error().is_none() && self.tickets().len() > self.starts().len()
    }

    /// The tickets, from the first to the last number, that will never run and have not been told to
    /// be discarded.
    pub fn to_discard(self) -> Option<(usize, usize)> {
        self.first_error()?;
        let told = self.asked().rev().find_map(|(_, action)| match action {
            Action::DiscardNotifications { last, .. } => Some(last),
            _ => None,
        });
        let told = told.map_or(0, count);
        let first = told.max(self.kept()) + 1;
        let last = self.tickets().len();
        (first <= last).then_some((first, last))
    }

    /// Whether the owner may answer `id`: it is in flight and was told to run, or it is overdue and
    /// has not been answered.
    pub fn may_answer(self, id: NotificationId) -> bool {
        let latest = self.runs_told();
        let given = self
            .told()
            .filter(|(_, event)| matches!(event, Event::NotifyDone { .. }))
            .count();
        id.number() == latest as u64 && given < latest
    }
}

/// The ticket of this number.
pub fn ticket(number: usize) -> NotificationId {
    NotificationId::new(number as u64).expect("tickets count from one")
}

/// How many tickets there are up to this one.
fn count(id: NotificationId) -> usize {
    usize::try_from(id.number()).expect("a run has few notifications")
}
