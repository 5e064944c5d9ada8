//! The errors, in the order in which they were noticed.

use crate::action::{Error, FailureId, NotificationId};
use crate::signal::ExitStatus;

/// What has gone wrong, and how much of it has been told.
///
/// Failures reported from outside are without number, but every other error happens at most once in
/// a run: a progress deadline is not armed again once the ladder has started, and no notification
/// starts after the first error. So it is enough to remember the place at which each of those was
/// noticed, counted from 1. All other places are outside failures, numbered as they come. A place
/// is kept in half a word: after four billion failures, any later error is told as one more of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Verdict {
    noticed: u64,
    told: u64,
    places: [u32; Once::ALL.len()],
    exit: Option<ExitStatus>,
    notification: Option<NotificationId>,
}

impl Verdict {
    pub(crate) fn note_failure(&mut self) -> FailureId {
        self.noticed = self.noticed.saturating_add(1);
        self.failure_at(self.noticed)
    }

    pub(crate) fn note_exit(&mut self, status: ExitStatus) {
        self.exit = Some(status);
        self.note(Once::Exit);
    }

    pub(crate) fn note_notification(&mut self, id: NotificationId) {
        self.notification = Some(id);
        self.note(Once::Notification);
    }

    pub(crate) fn note_notification_timeout(&mut self, in_flight: Option<NotificationId>) {
        self.notification = in_flight;
        self.note(Once::NotificationTimeout);
    }

    pub(crate) fn note(&mut self, once: Once) {
        self.noticed = self.noticed.saturating_add(1);
        self.places[once as usize] = u32::try_from(self.noticed).unwrap_or(u32::MAX);
    }

    /// The oldest error that has not been told, and whether it is the first of all.
    pub(crate) fn tell(&mut self) -> Option<(Error, bool)> {
        if self.told == self.noticed {
            return None;
        }
        self.told += 1;
        Some((self.error_at(self.told), self.told == 1))
    }

    pub(crate) fn first(&self) -> Option<Error> {
        (self.noticed > 0).then(|| self.error_at(1))
    }

    fn error_at(&self, place: u64) -> Error {
        Once::ALL
            .into_iter()
            .find(|once| u64::from(self.places[*once as usize]) == place)
            .and_then(|once| self.once(once))
            .unwrap_or_else(|| Error::External(self.failure_at(place)))
    }

    fn once(&self, once: Once) -> Option<Error> {
        Some(match once {
            Once::IdleTimeout => Error::IdleTimeout,
            Once::FirstOutputTimeout => Error::FirstOutputTimeout,
            Once::RunTimeout => Error::RunTimeout,
            Once::Exit => Error::Exit(self.exit?),
            Once::Notification => Error::Notification(self.notification?),
            Once::NotificationTimeout => Error::NotificationTimeout(self.notification?),
            Once::Unkillable => Error::Unkillable,
        })
    }

    /// The number of the outside failure at `place`: the places before it that nothing else took.
    fn failure_at(&self, place: u64) -> FailureId {
        let others = self
            .places
            .iter()
            .filter(|taken| (1..place).contains(&u64::from(**taken)));
        FailureId::after((place - 1).saturating_sub(others.count() as u64))
    }
}

/// An error that happens at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Once {
    IdleTimeout,
    FirstOutputTimeout,
    RunTimeout,
    Exit,
    Notification,
    NotificationTimeout,
    Unkillable,
}

impl Once {
    const ALL: [Self; 7] = [
        Self::IdleTimeout,
        Self::FirstOutputTimeout,
        Self::RunTimeout,
        Self::Exit,
        Self::Notification,
        Self::NotificationTimeout,
        Self::Unkillable,
    ];
}
