//! One table of named deadlines.

use crate::time::Instant;

/// A deadline's name: why the monitor wants to be woken.
///
/// Of two that are due at the same moment, the one higher in this list fires first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// `idle_timeout` after the latest activity.
    Idle,
    /// `first_output_timeout` after the start.
    FirstOutput,
    /// `run_timeout` after the start.
    Run,
    /// `notification_timeout` after the notification in flight was started.
    Notification,
    /// The end of the current ladder stage's wait.
    Stage,
    /// `drain_timeout` after the exit.
    Drain,
    /// The next heartbeat.
    Heartbeat,
    /// The strays are given up, or left alone.
    Strays,
    /// The next look at the strays.
    StrayLook,
    /// `warn_timeout` after the latest activity.
    Warning,
}

impl Deadline {
    /// Every deadline, in order.
    pub const ALL: [Self; 10] = [
        Self::Idle,
        Self::FirstOutput,
        Self::Run,
        Self::Notification,
        Self::Stage,
        Self::Drain,
        Self::Heartbeat,
        Self::Strays,
        Self::StrayLook,
        Self::Warning,
    ];
}

/// When each deadline is due; one that is off is due in the far future, which never comes.
///
/// Some deadlines are a living child's, and others come once it is over. These take the places of those, so that a monitor
/// stays small; what is not of the child's time of life is off, and stays off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timers {
    places: [Instant; 7],
    life: Life,
}

/// How far the child has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    /// Not begun. The limits that count from the start wait in the places of their deadlines.
    Ahead,
    On,
    /// Dead, or given up.
    Over,
}

impl Timers {
    /// Those of a child that will be started. The limits are in nanoseconds; `u64::MAX` is none.
    pub(crate) fn new(first_output: u64, run: u64) -> Self {
        let mut timers = Self {
            places: [Instant::FAR_FUTURE; 7],
            life: Life::On,
        };
        timers.set(Deadline::FirstOutput, Instant(first_output));
        timers.set(Deadline::Run, Instant(run));
        timers.life = Life::Ahead;
        timers
    }

    /// The child has started.
    pub(crate) fn start(&mut self, now: Instant) {
        self.life = Life::On;
        *self = self.moved(Instant::ZERO, now);
    }

    /// The child is dead, or given up, if it was not before.
    pub(crate) fn end(&mut self) {
        for deadline in Deadline::ALL {
            if place(deadline).0 == Some(Life::On) {
                self.stop(deadline);
            }
        }
        self.life = Life::Over;
    }

    #[inline]
    pub(crate) fn set(&mut self, deadline: Deadline, at: Instant) {
        let (life, place) = place(deadline);
        if self.is_in(life) {
            self.places[place] = at;
        }
    }

    /// Sets the idle deadline of a child that lives: in which part of its life it is, is not asked.
    #[inline]
    pub(crate) fn put_idle_off(&mut self, at: Instant) {
        let (_, place) = place(Deadline::Idle);
        self.places[place] = at;
    }

    #[inline]
    pub(crate) fn stop(&mut self, deadline: Deadline) {
        self.set(deadline, Instant::FAR_FUTURE);
    }

    pub(crate) fn get(&self, deadline: Deadline) -> Instant {
        let (life, place) = place(deadline);
        if self.is_in(life) {
            self.places[place]
        } else {
            Instant::FAR_FUTURE
        }
    }

    /// The same deadlines, as far from `to` as they were from `from`.
    pub(crate) fn moved(mut self, from: Instant, to: Instant) -> Self {
        if self.life != Life::Ahead {
            for at in &mut self.places {
                *at = at.moved(from, to);
            }
        }
        self
    }

    /// The earliest deadline, of several the first in the list; it may be due in the far future.
    pub(crate) fn next(&self) -> Option<(Instant, Deadline)> {
        Deadline::ALL
            .into_iter()
            .map(|deadline| (self.get(deadline), deadline))
            .min_by_key(|(at, _)| *at)
    }

    #[inline]
    fn is_in(&self, life: Option<Life>) -> bool {
        life.is_none_or(|life| life == self.life)
    }
}

/// In which part of the child's life this deadline can be armed, if not in all of it, and where it stands.
#[inline]
const fn place(deadline: Deadline) -> (Option<Life>, usize) {
    match deadline {
        Deadline::Idle => (Some(Life::On), 0),
        Deadline::FirstOutput => (Some(Life::On), 1),
        Deadline::Run => (Some(Life::On), 2),
        Deadline::Heartbeat => (Some(Life::On), 3),
        Deadline::Warning => (Some(Life::On), 4),
        Deadline::Drain => (Some(Life::Over), 0),
        Deadline::Strays => (Some(Life::Over), 1),
        Deadline::StrayLook => (Some(Life::Over), 2),
        Deadline::Notification => (None, 5),
        Deadline::Stage => (None, 6),
    }
}
