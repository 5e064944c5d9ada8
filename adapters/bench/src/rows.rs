//! All that is measured.

mod command;
mod lateness;
mod monitors;
mod pump;
mod scale;
mod spawn;

use std::io;
use std::time::Duration;

use crate::contestant::Args;
use crate::race::{Better, Goal, Race, Row};
use crate::workshop::Workshop;

/// Takes a sample.
pub(crate) type Contest = fn(&mut Args<'_>) -> io::Result<Vec<f64>>;

pub(crate) const CONTESTANTS: &[&[(&str, Contest)]] = &[
    spawn::CONTESTANTS,
    lateness::CONTESTANTS,
    scale::CONTESTANTS,
    monitors::CONTESTANTS,
    pump::CONTESTANTS,
];

pub(crate) fn all(workshop: &Workshop) -> Vec<Race> {
    let groups = [
        spawn::races(workshop),
        lateness::races(workshop),
        scale::races(workshop),
        monitors::races(workshop),
        pump::races(workshop),
        command::races(workshop),
    ];
    groups.into_iter().flatten().collect()
}

/// A row of which less is better.
fn less(name: &'static str, unit: &'static str, goal: Goal) -> Row {
    Row {
        name,
        unit,
        better: Better::Less,
        goal,
    }
}

/// A row of which more is better.
fn more(name: &'static str, unit: &'static str, goal: Goal) -> Row {
    Row {
        better: Better::More,
        ..less(name, unit, goal)
    }
}

/// In microseconds.
fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The time that each of so many takes, in microseconds.
fn each(whole: Duration, count: usize) -> f64 {
    micros(whole) / counted(count)
}

/// To be divided by; there is no share of nothing.
pub(crate) fn counted(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are few")]
    let some = count as f64;
    if count == 0 { f64::NAN } else { some }
}
