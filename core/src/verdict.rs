//! The errors, in the order in which they were noticed.

use crate::action::{Error, FailureId, NotificationId};
use crate::signal::ExitStatus;

/// What has gone wrong, and how much of it has been polled.
///
/// Failures reported from outside are without number, but every other error happens at most once in
/// a run: a progress deadline is not armed again once the ladder has started, and no notification
/// starts after the first error but the final one. So it is enough to remember the place at which each of those was
/// noticed, counted from 1. All other places are outside failures, numbered as they come. A place
/// is kept in half a word: after four billion failures, any later error counts as one more of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Verdict {
    noticed: u64,
    polled: u64,
    places: [u32; Distinct::ALL.len()],
}

/// What errors are about, as others know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) exit: Option<ExitStatus>,
    /// The latest but for the final one.
    pub(crate) notification: NotificationId,
    pub(crate) final_notification: NotificationId,
}

impl Verdict {
    pub(crate) fn note_failure(&mut self) -> FailureId {
        self.noticed = self.noticed.saturating_add(1);
        self.failure_at(self.noticed)
    }

    pub(crate) fn note(&mut self, error: Distinct) {
        self.noticed = self.noticed.saturating_add(1);
        self.places[error as usize] = u32::try_from(self.noticed).unwrap_or(u32::MAX);
    }

    /// The oldest error that has not been polled, and whether it is the first of all.
    pub(crate) fn poll(&mut self, facts: Facts) -> Option<(Error, bool)> {
        if self.polled == self.noticed {
            return None;
        }
        self.polled += 1;
        Some((self.error_at(self.polled, facts), self.polled == 1))
    }

    pub(crate) fn has_error(&self) -> bool {
        self.noticed > 0
    }

    pub(crate) fn first(&self, facts: Facts) -> Option<Error> {
        self.has_error().then(|| self.error_at(1, facts))
    }

    fn error_at(&self, place: u64, facts: Facts) -> Error {
        Distinct::ALL
            .into_iter()
            .find(|error| u64::from(self.places[*error as usize]) == place)
            .and_then(|error| error.about(facts))
            .unwrap_or_else(|| Error::External(self.failure_at(place)))
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
pub(crate) enum Distinct {
    IdleTimeout,
    FirstOutputTimeout,
    RunTimeout,
    Exit,
    Notification,
    NotificationTimeout,
    FinalNotification,
    FinalNotificationTimeout,
    Unkillable,
}

impl Distinct {
    const ALL: [Self; 9] = [
        Self::IdleTimeout,
        Self::FirstOutputTimeout,
        Self::RunTimeout,
        Self::Exit,
        Self::Notification,
        Self::NotificationTimeout,
        Self::FinalNotification,
        Self::FinalNotificationTimeout,
        Self::Unkillable,
    ];

    fn about(self, facts: Facts) -> Option<Error> {
        Some(match self {
            Self::IdleTimeout => Error::IdleTimeout,
            Self::FirstOutputTimeout => Error::FirstOutputTimeout,
            Self::RunTimeout => Error::RunTimeout,
            Self::Exit => Error::Exit(facts.exit?),
            Self::Notification => Error::Notification(facts.notification),
            Self::NotificationTimeout => Error::NotificationTimeout(facts.notification),
            Self::FinalNotification => Error::Notification(facts.final_notification),
            Self::FinalNotificationTimeout => Error::NotificationTimeout(facts.final_notification),
            Self::Unkillable => Error::Unkillable,
        })
    }
}
