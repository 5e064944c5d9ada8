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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Timers([Instant; Deadline::ALL.len()]);

impl Timers {
    pub(crate) const OFF: Self = Self([Instant::FAR_FUTURE; Deadline::ALL.len()]);

    #[inline]
    pub(crate) fn set(&mut self, deadline: Deadline, at: Instant) {
        self.0[deadline as usize] = at;
    }

    #[inline]
    pub(crate) fn stop(&mut self, deadline: Deadline) {
        self.set(deadline, Instant::FAR_FUTURE);
    }

    pub(crate) fn get(&self, deadline: Deadline) -> Instant {
        self.0[deadline as usize]
    }

    /// The same deadlines, as far from `to` as they were from `from`.
    pub(crate) fn moved(mut self, from: Instant, to: Instant) -> Self {
        for at in &mut self.0 {
            *at = at.moved(from, to);
        }
        self
    }

    /// The earliest deadline, of several the first in the list; it may be due in the far future.
    pub(crate) fn next(&self) -> Option<(Instant, Deadline)> {
        self.0
            .into_iter()
            .zip(Deadline::ALL)
            .min_by_key(|(at, _)| *at)
    }
}
