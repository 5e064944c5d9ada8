//! The axis of time.

use std::time::{Duration, UNIX_EPOCH};

use crate::timeline::words::span;

/// The time that a picture shows, in nanoseconds from its left end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) zero: Zero,
    /// Not zero.
    pub(crate) length: u64,
}

/// What the left end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zero {
    /// The start of every run.
    Start,
    /// This moment by the clock, in nanoseconds since 1970.
    Clock(u64),
}

/// A place on the axis that has a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) at: u64,
    pub(crate) label: String,
}

impl Axis {
    /// At most so many ticks, at round times.
    pub(crate) fn ticks(&self, most: u64) -> Vec<Tick> {
        let step = steps()
            .find(|step| self.length / step < most.max(1))
            .unwrap_or(u64::MAX);
        let first = match self.zero {
            Zero::Start => 0,
            Zero::Clock(unix) => (step - unix % step) % step,
        };
        let mut ticks = Vec::new();
        let mut next = Some(first);
        while let Some(at) = next.filter(|at| *at <= self.length) {
            let label = self.label(at, step);
            ticks.push(Tick { at, label });
            next = at.checked_add(step);
        }
        ticks
    }

    /// What the axis shows.
    pub(crate) fn title(&self) -> String {
        match self.zero {
            Zero::Start => "Time counts from the start of each run.".to_owned(),
            Zero::Clock(unix) => match self.days(unix) {
                (day, last) if day == last => format!("Time is UTC, on {day}."),
                (day, last) => format!("Time is UTC, from {day} to {last}."),
            },
        }
    }

    /// A moment of the axis by the clock, if it shows that; with the date, if there are several.
    pub(crate) fn clock(&self, at: u64) -> Option<String> {
        let Zero::Clock(unix) = self.zero else {
            return None;
        };
        let (day, last) = self.days(unix);
        let utc = utc(unix.saturating_add(at));
        let time = &utc[11..23];
        Some(if day == last {
            time.to_owned()
        } else {
            format!("{} {time}", &utc[5..10])
        })
    }

    /// The first day and the last.
    fn days(&self, unix: u64) -> (String, String) {
        let day = |at| utc(at)[..10].to_owned();
        (day(unix), day(unix.saturating_add(self.length)))
    }

    fn label(&self, at: u64, step: u64) -> String {
        let Zero::Clock(unix) = self.zero else {
            return exactly(at, step);
        };
        let utc = utc(unix.saturating_add(at));
        let is_long = self.length >= DAY;
        match step {
            DAY.. => utc[5..10].to_owned(),
            MINUTE.. if is_long => format!("{} {}", &utc[5..10], &utc[11..16]),
            MINUTE.. => utc[11..16].to_owned(),
            SECOND.. => utc[11..19].to_owned(),
            _ => utc[11..20 + decimals(step)].to_owned(),
        }
    }
}

/// As `2026-11-28T08:31:27.123456789Z`.
fn utc(unix: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_nanos(unix);
    humantime::format_rfc3339_nanos(time).to_string()
}

/// A multiple of `step`.
fn exactly(at: u64, step: u64) -> String {
    if at == 0 || step >= SECOND || at < SECOND {
        return span(at);
    }
    let seconds = at % MINUTE / SECOND;
    let places = decimals(step);
    let decimals = &format!("{:09}", at % SECOND)[..places];
    if at < MINUTE {
        format!("{seconds}.{decimals}s")
    } else {
        format!("{}{seconds:02}.{decimals}s", span(at / MINUTE * MINUTE))
    }
}

/// How many decimals of a second tell multiples of this apart.
fn decimals(step: u64) -> usize {
    let zeros = (0..9).take_while(|zeros| step.is_multiple_of(10_u64.pow(*zeros + 1)));
    9 - zeros.count()
}

/// The steps between ticks, each longer than the one before.
fn steps() -> impl Iterator<Item = u64> {
    let decimal = |unit: u64| [unit, 2 * unit, 5 * unit];
    let below_seconds = (0..9).flat_map(move |power| decimal(10_u64.pow(power)));
    let of = |unit: u64, counts: &'static [u64]| counts.iter().map(move |count| count * unit);
    let days = (0..5).flat_map(move |power| decimal(10_u64.pow(power) * DAY));
    below_seconds
        .chain(of(SECOND, &[1, 2, 5, 10, 15, 30]))
        .chain(of(MINUTE, &[1, 2, 5, 10, 15, 30]))
        .chain(of(60 * MINUTE, &[1, 2, 3, 6, 12]))
        .chain(days)
}

const SECOND: u64 = 1_000_000_000;

const MINUTE: u64 = 60 * SECOND;

const DAY: u64 = 24 * 60 * MINUTE;

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(zero: Zero, length: u64, most: u64) -> Vec<String> {
        let ticks = Axis { zero, length }.ticks(most);
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn from_nanoseconds_to_years_ticks_are_round() {
        let start = |length, most| labels(Zero::Start, length, most);
        assert_eq!(start(1, 5), ["0s", "1ns"]);
        assert_eq!(start(2_500, 4), ["0s", "1µs", "2µs"]);
        assert_eq!(start(SECOND, 3), ["0s", "500ms", "1.0s"]);
        assert_eq!(
            start(3 * SECOND, 8),
            ["0s", "500ms", "1.0s", "1.5s", "2.0s", "2.5s", "3.0s"]
        );
        assert_eq!(start(100 * SECOND, 5), ["0s", "30s", "1m", "1m30s"]);
        assert_eq!(
            start(MINUTE + SECOND / 2, 400)[300..],
            ["1m00.0s", "1m00.2s", "1m00.4s"]
        );
        assert_eq!(
            start(5 * 60 * MINUTE, 6),
            ["0s", "1h", "2h", "3h", "4h", "5h"]
        );
        assert_eq!(start(40 * DAY, 4), ["0s", "20d", "40d"]);
        assert!(start(u64::MAX, 6).len() <= 6);
    }

    #[test]
    fn by_the_clock_they_are_round_times_of_day() {
        // 2026-11-28, 08:31:27.
        let unix = 1_795_854_687 * SECOND;
        let clock = |length, most| labels(Zero::Clock(unix), length, most);
        assert_eq!(clock(10 * SECOND, 4), ["08:31:30", "08:31:35"]);
        assert_eq!(
            clock(SECOND / 10, 3),
            ["08:31:27.00", "08:31:27.05", "08:31:27.10"]
        );
        assert_eq!(clock(20 * MINUTE, 3), ["08:40", "08:50"]);
        assert_eq!(clock(DAY, 3), ["11-28 12:00", "11-29 00:00"]);
        assert_eq!(clock(4 * DAY, 3), ["11-29", "12-01"]);
        let axis = Axis {
            zero: Zero::Clock(unix),
            length: SECOND,
        };
        assert_eq!(axis.clock(1_500_000).as_deref(), Some("08:31:27.001"));
        assert_eq!(axis.title(), "Time is UTC, on 2026-11-28.");
        let axis = Axis {
            length: DAY,
            ..axis
        };
        assert_eq!(axis.title(), "Time is UTC, from 2026-11-28 to 2026-11-29.");
        assert_eq!(axis.clock(DAY).as_deref(), Some("11-29 08:31:27.000"));
    }

    #[test]
    fn there_are_never_more_than_asked_for() {
        for zero in [Zero::Start, Zero::Clock(1_795_854_687_123_456_789)] {
            for power in 0..64 {
                for length in [1 << power, u64::MAX >> power] {
                    for most in [1, 3, 8] {
                        let count = labels(zero, length, most).len() as u64;
                        assert!(count <= most + 1, "{count} of {most} in {length}");
                    }
                }
            }
        }
    }
}
