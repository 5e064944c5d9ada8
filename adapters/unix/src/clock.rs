//! The clock by which a [`Timer`](crate::Timer) counts: `CLOCK_MONOTONIC`, in nanoseconds.

use std::time;

use childminder::Instant;
use rustix::time::{ClockId, clock_gettime};

/// The present. On Linux the origin is the boot, and time during which the machine is suspended does not count.
///
/// ```
/// use childminder_unix::clock;
///
/// let before = clock::now();
/// assert!(clock::now() >= before);
/// ```
pub fn now() -> Instant {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    Instant(seconds.saturating_mul(NANOS).saturating_add(nanos))
}

/// This moment by the clock of the standard library.
///
/// It is as far from the present of that clock as `moment` is from [`now`]. The two presents are read one
/// after the other, so the same moment may come out some microseconds apart each time. A moment that the
/// standard library cannot represent becomes the present.
pub fn to_std(moment: Instant) -> time::Instant {
    let (ours, theirs) = (now(), time::Instant::now());
    let there = if moment >= ours {
        theirs.checked_add(moment.since(ours))
    } else {
        theirs.checked_sub(ours.since(moment))
    };
    there.unwrap_or(theirs)
}

const NANOS: u64 = 1_000_000_000;
