//! Every kind of [`Config`], from proptest and from bytes.
//!
//! Both draw from the same short lists. Short, so that durations are often equal and deadlines fall
//! together; with the extremes in them, because that is where arithmetic goes wrong.

use std::time::Duration;

use childminder::{Activity, Config, Ladder, Signal, Stage, Sweep, Target};
use proptest::prelude::*;
use proptest::sample::select;

use crate::bytes::Bytes;

/// Any configuration.
pub fn any_config() -> impl Strategy<Value = Config> {
    let timeouts = (
        any_timeout(),
        any_warn_timeout(),
        any_timeout(),
        any_timeout(),
        any_timeout(),
        any_timeout(),
        any_timeout(),
    );
    let ends = (select(SWEEPS), any_stray_timeout(), any::<bool>());
    (timeouts, select(ACTIVITIES), any_ladder(), ends).prop_map(
        |(timeouts, activity, ladder, (sweep, stray_timeout, final_notification))| {
            let (idle, warn, first_output, run, notification, heartbeat, drain) = timeouts;
            Config {
                idle_timeout: idle,
                warn_timeout: warn,
                first_output_timeout: first_output,
                run_timeout: run,
                notification_timeout: notification,
                heartbeat_interval: heartbeat,
                final_notification,
                drain_timeout: drain,
                activity,
                ladder,
                sweep,
                stray_timeout,
            }
        },
    )
}

/// Any ladder, of no stage to the most there can be.
pub fn any_ladder() -> impl Strategy<Value = Ladder> {
    let stage =
        (select(SIGNALS), select(TARGETS), any_timeout()).prop_map(|(signal, target, wait)| {
            Stage {
                signal,
                target,
                wait,
            }
        });
    prop::collection::vec(stage, 0..=Ladder::MAX_STAGES).prop_map(|stages| ladder_of(&stages))
}

/// Any timeout, none included.
pub fn any_timeout() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![
        3 => Just(None),
        6 => select(USUAL).prop_map(Some),
        2 => select(EXTREME).prop_map(Some),
    ]
}

/// Mostly none: a monitor that is to warn is never calm.
fn any_warn_timeout() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![
        6 => Just(None),
        1 => any_timeout(),
    ]
}

/// Any stray timeout; none in half of the cases.
fn any_stray_timeout() -> impl Strategy<Value = Option<Duration>> {
    prop_oneof![
        3 => Just(None),
        2 => select(STRAYS),
        1 => any_timeout(),
    ]
}

/// The configuration that these bytes stand for.
pub fn config_from(bytes: &mut Bytes<'_>) -> Config {
    Config {
        idle_timeout: timeout_from(bytes),
        first_output_timeout: timeout_from(bytes),
        run_timeout: timeout_from(bytes),
        notification_timeout: timeout_from(bytes),
        heartbeat_interval: timeout_from(bytes),
        drain_timeout: timeout_from(bytes),
        activity: bytes.choose(ACTIVITIES),
        ladder: ladder_from(bytes),
        sweep: bytes.choose(SWEEPS),
        stray_timeout: bytes.choose(STRAYS).or_else(|| timeout_from(bytes)),
        final_notification: bytes.choose(&[false, true]),
        warn_timeout: match bytes.byte() % 4 {
            3 => timeout_from(bytes),
            _ => None,
        },
    }
}

/// The ladder that the next bytes stand for.
pub fn ladder_from(bytes: &mut Bytes<'_>) -> Ladder {
    let length = bytes.choose(&[2, 1, 3, 4, 0]);
    let stages: Vec<_> = (0..length)
        .map(|_| Stage {
            signal: bytes.choose(SIGNALS),
            target: bytes.choose(TARGETS),
            wait: timeout_from(bytes),
        })
        .collect();
    ladder_of(&stages)
}

fn timeout_from(bytes: &mut Bytes<'_>) -> Option<Duration> {
    match bytes.byte() % 11 {
        0..3 => None,
        3..9 => Some(bytes.choose(USUAL)),
        _ => Some(bytes.choose(EXTREME)),
    }
}

fn ladder_of(stages: &[Stage]) -> Ladder {
    Ladder::new(stages).expect("no more stages than there can be")
}

const USUAL: &[Duration] = &[
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(7),
];

const EXTREME: &[Duration] = &[
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_nanos(2),
    Duration::from_nanos(u64::MAX / 2),
    Duration::from_nanos(u64::MAX - 1),
    Duration::from_nanos(u64::MAX),
    JUST_TOO_LONG,
    Duration::MAX,
];

/// So many nanoseconds that of a `u64` of them, cut short, 0.3 seconds would be left.
pub const JUST_TOO_LONG: Duration = Duration::from_secs(18_446_744_074);

const ACTIVITIES: &[Activity] = &[
    Activity::AnyOutput,
    Activity::Stdout,
    Activity::Stderr,
    Activity::Explicit,
];

const SWEEPS: &[Sweep] = &[Sweep::Terminated, Sweep::Never, Sweep::Always];

const STRAYS: &[Option<Duration>] = &[
    None,
    Some(Duration::from_millis(3)),
    Some(Duration::from_secs(5)),
];

const SIGNALS: &[Signal] = &[Signal::INT, Signal::TERM, Signal::KILL];

const TARGETS: &[Target] = &[Target::Group, Target::Leader];
