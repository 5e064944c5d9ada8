//! Time as the caller tells it.

use core::fmt;
use core::time::Duration;

/// A moment: nanoseconds since an origin that the caller chose, and kept, for one monitor.
///
/// The core has no clock. All arithmetic saturates, so no moment and no duration can make it panic;
/// [`Instant::FAR_FUTURE`] is the moment that never comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// The caller's origin.
    pub const ZERO: Self = Self(0);

    /// The moment that never comes, 584 years after the origin. A deadline that would lie here, or
    /// beyond, is no deadline.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The moment `span` after this one, [`FAR_FUTURE`](Self::FAR_FUTURE) at the latest.
    #[must_use]
    pub const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// The moment as far from `to` as this one is from `from`. What never comes stays so.
    pub(crate) const fn moved(self, from: Self, to: Self) -> Self {
        if self.0 == Self::FAR_FUTURE.0 {
            self
        } else if self.0 >= from.0 {
            Self(to.0.saturating_add(self.0 - from.0))
        } else {
            Self(to.0.saturating_sub(from.0 - self.0))
        }
    }

    /// The time from `earlier` to this moment, zero if it lies the other way round.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Seconds since the origin, with as many decimals as there are: `12.5s`.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, mut rest) = (self.0 / SECOND, self.0 % SECOND);
        if rest == 0 {
            return write!(f, "{seconds}s");
        }
        // A width that is known only at run time could panic, as far as the compiler can see.
        write!(f, "{seconds}.")?;
        while rest > 0 {
            rest *= 10;
            write!(f, "{}", rest / SECOND)?;
            rest %= SECOND;
        }
        f.write_str("s")
    }
}

/// Whole nanoseconds, `u64::MAX` at the most.
pub(crate) const fn nanos(span: Duration) -> u64 {
    span.as_secs()
        .saturating_mul(SECOND)
        .saturating_add(span.subsec_nanos() as u64)
}

/// A limit in nanoseconds; none is `u64::MAX`, and so is one that is longer.
pub(crate) const fn limit_nanos(limit: Option<Duration>) -> u64 {
    match limit {
        Some(limit) => nanos(limit),
        None => u64::MAX,
    }
}

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;
