//! The caller's time, less the time spent suspended.

use crate::time::Instant;

/// Two readings of one clock: `now` is the caller's, `running` stands still while suspended.
/// Deadlines are kept in running time, so that suspending moves none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Clock {
    now: Instant,
    held: u64,
}

impl Clock {
    /// A `now` that runs backwards is taken as the last one seen.
    #[inline]
    pub(crate) fn advance(&mut self, now: Instant) {
        self.now = now.max(self.now);
    }

    /// The same while suspended.
    pub(crate) fn advance_suspended(&mut self, now: Instant) {
        let before = self.now;
        self.advance(now);
        self.held += self.now.0 - before.0;
    }

    #[inline]
    pub(crate) fn running(&self) -> Instant {
        Instant(self.now.0 - self.held)
    }

    /// A clock that shows `now`, and has never stood still.
    pub(crate) const fn starting_at(now: Instant) -> Self {
        Self { now, held: 0 }
    }

    /// What it was last told.
    pub(crate) fn now(&self) -> Instant {
        self.now
    }

    /// When the caller's clock will show the running time `at`, if nothing is suspended until then.
    pub(crate) fn callers(&self, at: Instant) -> Instant {
        Instant(at.0.saturating_add(self.held))
    }
}
