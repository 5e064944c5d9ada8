//! The table of states at the top of the core's `monitor.rs`, against what the search sees.

use std::collections::BTreeSet;

use std::time::Duration;

use childminder::{Config, MonitorState, Sweep};
use childminder_tests::search::{Draining, search_seeing};
use childminder_tests::small::small_configs;

/// A machine, the state before an event, and the state after it.
type Transition = (&'static str, &'static str, &'static str);

#[test]
fn the_table_has_every_transition_that_is_seen_and_no_other() {
    assert_eq!(seen(), written());
}

/// What the search of two configurations comes by: one has an end for the output, the other's ladder
/// has one for the child.
fn seen() -> BTreeSet<Transition> {
    let mut seen = BTreeSet::new();
    let ends: [fn(&Config) -> bool; 2] = [
        |config| config.drain_timeout.is_some() && config.sweep == Sweep::Always,
        |config| {
            let mut stages = config.ladder.stages();
            config.ladder.stages().count() > 0 && stages.all(|stage| stage.wait.is_some())
        },
    ];
    for has_end in ends {
        let config = small_configs().into_iter().find(has_end);
        let config = Config {
            stray_timeout: Some(Duration::from_nanos(2)),
            ..config.expect("every kind of configuration is there")
        };
        search_seeing(config, Draining::Eager, MOST, |before, after| {
            seen.extend(transitions(before, after));
        })
        .unwrap_or_else(|violation| panic!("{violation}"));
    }
    seen
}

fn transitions(before: &MonitorState, after: &MonitorState) -> impl Iterator<Item = Transition> {
    let states = before.states().into_iter().zip(after.states());
    MACHINES
        .into_iter()
        .zip(states)
        .map(|(machine, (from, to))| (machine, from, to))
        .filter(|(_, from, to)| from != to)
}

/// What the table says: chains of states, with arrows in them and semicolons between them.
fn written() -> BTreeSet<Transition> {
    let mut written = BTreeSet::new();
    for machine in MACHINES {
        let row = MONITOR
            .lines()
            .find_map(|line| line.strip_prefix(&format!("//! | {machine} | ")))
            .expect("a row for each machine");
        let (chains, _) = row.split_once(" | ").expect("a column of states");
        for chain in chains.split("; ") {
            let states: Vec<_> = chain.split(" → ").collect();
            let steps = states.windows(2);
            written.extend(steps.map(|step| (machine, step[0], step[1])));
        }
    }
    written
}

/// In the order of [`MonitorState::states`].
const MACHINES: [&str; 3] = ["child", "output", "strays"];

const MONITOR: &str = include_str!("../../core/src/monitor.rs");

/// More states than it takes to see every transition.
const MOST: usize = 3_000;
