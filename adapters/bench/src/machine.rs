//! Whether anything else had the machine's time.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::table::quantile;

/// Watches the machine while the rounds run.
pub(crate) struct Machine {
    before: Ticks,
    /// How long the same loop took each time, in milliseconds.
    spins: Vec<f64>,
    begun: Instant,
}

/// The processors' time since the start of the machine, in seconds.
#[derive(Clone, Copy)]
struct Ticks {
    all: f64,
    idle: f64,
    stolen: f64,
    ours: f64,
}

impl Machine {
    pub(crate) fn begin() -> Self {
        Self {
            before: Ticks::now(),
            spins: Vec::new(),
            begun: Instant::now(),
        }
    }

    /// Takes some time in which nothing but this thread's speed counts.
    pub(crate) fn spin(&mut self) {
        let begun = Instant::now();
        let mut number = 1_u64;
        for _ in 0..2_000_000 {
            number = black_box(
                number
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .rotate_left(7),
            );
        }
        black_box(number);
        self.spins.push(begun.elapsed().as_secs_f64() * 1e3);
    }

    pub(crate) fn verdict(&self) -> String {
        let now = Ticks::now();
        let all = (now.all - self.before.all).max(0.01);
        let busy = all - (now.idle - self.before.idle);
        let share = |seconds: f64| 100.0 * (seconds / all).max(0.0);
        let others = share(busy - (now.ours - self.before.ours));
        let stolen = share(now.stolen - self.before.stolen);
        let usual = quantile(&self.spins, 0.5);
        let slow = quantile(&self.spins, 0.9) / quantile(&self.spins, 0.1);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let trusted = others < OTHERS && stolen < STOLEN && slow < SLOW;
        let verdict = if trusted {
            "The machine was quiet."
        } else {
            "**The machine was too busy to trust the figures**; ratios may be of use."
        };
        format!(
            "{verdict} In {:.0} s, other processes had {others:.1} % of the processors' time (at most {OTHERS} are fine), \
             other machines {stolen:.1} % ({STOLEN}).\nA loop that took {usual:.2} ms each time was {slow:.2} times as slow in \
             its worst tenth as in its best ({SLOW}). Load: {}",
            self.begun.elapsed().as_secs_f64(),
            load.trim(),
        )
    }
}

impl Ticks {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let first = stat.lines().next().unwrap_or_default();
        let ticks: Vec<f64> = first
            .split_whitespace()
            .skip(1)
            // Guests' time is in the user's as well.
            .take(8)
            .filter_map(|field| field.parse().ok())
            .collect();
        let seconds = |place: usize| ticks.get(place).map_or(0.0, |ticks| ticks / TICKS_A_SECOND);
        Self {
            all: ticks.iter().sum::<f64>() / TICKS_A_SECOND,
            idle: seconds(3) + seconds(4),
            stolen: seconds(7),
            ours: seconds_of(UsageWho::RUSAGE_SELF) + children_seconds(),
        }
    }
}

/// The processors' time that the children had which were waited for, with theirs.
pub(crate) fn children_seconds() -> f64 {
    seconds_of(UsageWho::RUSAGE_CHILDREN)
}

fn seconds_of(who: UsageWho) -> f64 {
    let Ok(usage) = getrusage(who) else {
        return 0.0;
    };
    #[expect(clippy::cast_precision_loss, reason = "it is no more than days")]
    let micros = (usage.user_time() + usage.system_time()).num_microseconds() as f64;
    micros / 1e6
}

/// `USER_HZ`, which is the same on every Linux that Rust runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// In percent.
const OTHERS: f64 = 5.0;
const STOLEN: f64 = 2.0;

/// Of the worst tenth to the best.
const SLOW: f64 = 1.15;
