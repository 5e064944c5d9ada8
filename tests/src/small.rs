//! Small configurations, for exhaustive search: durations of a few nanoseconds.

use std::time::Duration;

use childminder::Target::{self, Group, Leader};
use childminder::{Activity, Config, Ladder, Signal, Stage, Sweep};

use crate::config::JUST_TOO_LONG;

/// Configurations that together have every option on and off, with every kind of ladder: none, to the
/// leader, to the group, mixed, with and without an end, with no wait at all.
pub fn small_configs() -> Vec<Config> {
    let mut configs = Vec::new();
    for (number, ladder) in ladders().into_iter().enumerate() {
        for (limits, mut config) in limits().into_iter().enumerate() {
            config.ladder = ladder;
            config.sweep = SWEEPS[(number + limits) % SWEEPS.len()];
            config.stray_timeout = STRAYS[(number + 2 * limits) % STRAYS.len()];
            config.final_notification = (number + limits / 2) % 2 == 1;
            configs.push(config);
        }
    }
    configs.push(Config {
        ladder: interrupt_and_kill_the_leader(),
        ..Config::launchpad(ns(2))
    });
    configs
}

/// The ladder that [`Event::SetLadder`](childminder::Event::SetLadder) brings.
pub fn another_ladder() -> Ladder {
    ladder(&[(Signal::HUP, Group, Some(1))])
}

const SWEEPS: [Sweep; 3] = [Sweep::Terminated, Sweep::Never, Sweep::Always];

const STRAYS: [Option<Duration>; 4] = [None, Some(ns(2)), None, Some(Duration::from_millis(3))];

fn limits() -> Vec<Config> {
    let off = Config {
        run_timeout: Some(JUST_TOO_LONG),
        notification_timeout: None,
        drain_timeout: None,
        ..Config::default()
    };
    vec![
        off,
        Config {
            idle_timeout: Some(ns(2)),
            warn_timeout: Some(ns(1)),
            drain_timeout: Some(ns(1)),
            ..off
        },
        Config {
            idle_timeout: Some(ns(1)),
            first_output_timeout: Some(ns(1)),
            run_timeout: Some(ns(2)),
            activity: Activity::Stdout,
            drain_timeout: Some(ns(0)),
            ..off
        },
        Config {
            first_output_timeout: Some(ns(2)),
            notification_timeout: Some(ns(1)),
            heartbeat_interval: Some(ns(0)),
            warn_timeout: Some(ns(2)),
            activity: Activity::Stderr,
            ..off
        },
        Config {
            run_timeout: Some(ns(3)),
            notification_timeout: Some(ns(2)),
            activity: Activity::Explicit,
            drain_timeout: Some(ns(2)),
            ..off
        },
        Config {
            heartbeat_interval: Some(ns(2)),
            notification_timeout: Some(ns(1)),
            idle_timeout: Some(ns(3)),
            ..off
        },
        Config {
            heartbeat_interval: Some(ns(1)),
            idle_timeout: Some(ns(0)),
            warn_timeout: Some(ns(0)),
            drain_timeout: Some(ns(1)),
            ..off
        },
        Config {
            idle_timeout: Some(ns(2)),
            first_output_timeout: Some(ns(0)),
            notification_timeout: Some(ns(0)),
            drain_timeout: Some(ns(1)),
            ..off
        },
    ]
}

fn ladders() -> Vec<Ladder> {
    vec![
        Ladder::NONE,
        ladder(&[(Signal::INT, Group, Some(1)), (Signal::KILL, Group, None)]),
        interrupt_and_kill_the_leader(),
        ladder(&[
            (Signal::INT, Leader, Some(1)),
            (Signal::KILL, Group, Some(1)),
        ]),
        ladder(&[
            (Signal::INT, Group, Some(0)),
            (Signal::TERM, Leader, Some(0)),
        ]),
        ladder(&[
            (Signal::INT, Group, Some(1)),
            (Signal::TERM, Leader, Some(1)),
            (Signal::HUP, Group, Some(0)),
            (Signal::KILL, Group, Some(2)),
        ]),
        ladder(&[(Signal::KILL, Group, Some(1))]),
    ]
}

fn interrupt_and_kill_the_leader() -> Ladder {
    ladder(&[(Signal::INT, Leader, Some(2)), (Signal::KILL, Leader, None)])
}

fn ladder(stages: &[(Signal, Target, Option<u64>)]) -> Ladder {
    let stages: Vec<_> = stages
        .iter()
        .map(|(signal, target, wait)| Stage {
            signal: *signal,
            target: *target,
            wait: wait.map(ns),
        })
        .collect();
    Ladder::new(&stages).expect("at most four stages")
}

const fn ns(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}
