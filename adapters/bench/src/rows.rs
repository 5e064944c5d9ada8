//! All that is measured.

mod command;
mod lateness;
mod monitors;
mod pump;
mod scale;
mod spawn;

use crate::contestant::Contest;
use crate::race::{Better, Goal, Race, Row};
use crate::workshop::Workshop;

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
