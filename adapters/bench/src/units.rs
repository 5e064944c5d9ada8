//! Times and counts as figures.

use std::time::Duration;

/// In microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The time that each of so many takes, in microseconds.
pub(crate) fn each(whole: Duration, count: usize) -> f64 {
    micros(whole) / counted(count)
}

/// To be divided by; there is no share of nothing.
pub(crate) fn counted(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are few")]
    let some = count as f64;
    if count == 0 { f64::NAN } else { some }
}
