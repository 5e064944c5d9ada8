//! Nanoseconds: true ones, and those that a supervisor sees.

use std::time::Duration;

use childminder::Instant;

pub(crate) const MILLISECOND: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MILLISECOND;

/// Whole nanoseconds, `u64::MAX` at the most, which stands for "never".
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// `u64::MAX` is none.
pub(crate) fn limit(span: Option<Duration>) -> u64 {
    span.map_or(u64::MAX, nanos)
}

/// True time only goes forward. What the supervisor sees can be set, in either direction.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    pub(crate) time: u64,
    ahead: u64,
    behind: u64,
}

impl Clock {
    pub(crate) fn seen(&self) -> u64 {
        self.time
            .saturating_add(self.ahead)
            .saturating_sub(self.behind)
    }

    pub(crate) fn now(&self) -> Instant {
        Instant(self.seen())
    }

    /// The true moment at which the clock will show `seen`, unless it is set again; now, if it does.
    pub(crate) fn when(&self, seen: Instant) -> u64 {
        if seen == Instant::FAR_FUTURE {
            return u64::MAX;
        }
        seen.0
            .saturating_add(self.behind)
            .saturating_sub(self.ahead)
            .max(self.time)
    }

    pub(crate) fn set(&mut self, by: u64, forward: bool) {
        if forward {
            self.ahead += by;
        } else {
            self.behind += by;
        }
    }
}
