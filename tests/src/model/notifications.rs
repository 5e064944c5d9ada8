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

    /// When each notification but the final one was answered in time, the first one first: they run in order, so the
    /// n-th answer is that of ticket n.
    pub fn answers(self) -> Vec<usize> {
        let overdue = self.overdue();
        self.all_answers()
            .filter(|(_, id)| !self.is_final(*id))
            .map(|(entry, _)| entry)
            .filter(|entry| precedes(*entry, overdue))
            .collect()
    }

    fn all_answers(self) -> impl Iterator<Item = (usize, NotificationId)> {
        self.told().filter_map(|(entry, event)| match event {
            Event::NotifyDone { id, .. } => Some((entry, id)),
            _ => None,
        })
    }

    /// Whether the answer to `id` that was told at `entry` came too late.
    pub fn is_late_answer(self, entry: usize, id: NotificationId) -> bool {
        let overdue = if self.is_final(id) {
            self.final_overdue()
        } else {
            self.overdue()
        };
        !precedes(entry, overdue)
    }

    /// When a notification other than the final one became overdue. There is at most one, since none starts after an
    /// error but the final one.
    pub fn overdue(self) -> Option<usize> {
        let first = self.first_fired(Deadline::Notification)?;
        self.before(first).in_flight().map(|_| first)
    }

    /// The same of the final one.
    pub fn final_overdue(self) -> Option<usize> {
        let latest = self
            .all()
            .rfind(|(_, what)| *what == What::Fired(Deadline::Notification));
        let (latest, _) = latest?;
        (self.overdue() != Some(latest)).then_some(latest)
    }

    /// The number of the final notification: the one behind all others.
    pub fn final_number(self) -> usize {
        self.tickets().len() + 1
    }

    /// Whether this is the final notification's ticket.
    pub fn is_final(self, id: NotificationId) -> bool {
        id == ticket(self.final_number())
    }

    /// When the final notification was started: all else was over, for the first time.
    pub fn final_start(self) -> Option<usize> {
        if !self.config.final_notification {
            return None;
        }
        let mut ends = self.child_over()?..self.entries.len();
        ends.find(|end| self.before(end + 1).is_all_else_over())
    }

    /// Whether the final notification is running, as far as the monitor knows.
    pub fn is_final_in_flight(self) -> bool {
        let is_answered = self.all_answers().any(|(_, id)| self.is_final(id));
        self.final_start().is_some() && !is_answered && self.final_overdue().is_none()
    }

    /// Whether the owner was told to run the final notification.
    pub fn final_is_told(self) -> bool {
        self.asked().any(|(_, action)| is_run_of(action, true))
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

    /// How many notifications the owner has been told to run, without the final one.
    pub fn runs_told(self) -> usize {
        self.asked()
            .filter(|(_, action)| is_run_of(*action, false))
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

    /// The number of the notification that is running, if it is not the final one, as far as the monitor knows, whether
    /// the owner has been told yet or not.
    pub fn in_flight(self) -> Option<usize> {
        let number = self.kept();
        let is_answered = self.answers().len() >= number;
        let is_overdue = self.overdue().is_some();
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
        let is_final = self.is_final(id);
        let (latest, told) = if is_final {
            (self.final_number(), usize::from(self.final_is_told()))
        } else {
            (self.runs_told(), self.runs_told())
        };
        let given = self
            .all_answers()
            .filter(|(_, id)| self.is_final(*id) == is_final)
            .count();
        id.number() == latest as u64 && given < told
    }
}

fn is_run_of(action: Action, is_final: bool) -> bool {
    matches!(action, Action::RunNotification { kind, .. }
        if (kind == NotificationKind::Final) == is_final)
}

/// The ticket of this number.
pub fn ticket(number: usize) -> NotificationId {
    NotificationId::new(number as u64).expect("tickets count from one")
}

/// How many tickets there are up to this one.
fn count(id: NotificationId) -> usize {
    usize::try_from(id.number()).expect("a run has few notifications")
}
