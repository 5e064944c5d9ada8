//! The config, in nanoseconds; `u64::MAX` is none.

use std::time::Duration;

use childminder::{Activity, Config, Stream, Sweep};

use crate::process::Pipe;
use crate::time::{limit, nanos};

#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) idle: u64,
    pub(super) warning: u64,
    pub(super) first_output: u64,
    pub(super) run: u64,
    pub(super) notification: u64,
    pub(super) heartbeat: u64,
    pub(super) final_notification: bool,
    pub(super) drain: u64,
    pub(super) strays: u64,
    pub(super) sweep: Sweep,
    activity: Activity,
}

impl Limits {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            idle: limit(config.idle_timeout),
            warning: limit(config.warn_timeout),
            first_output: limit(config.first_output_timeout),
            run: limit(config.run_timeout),
            notification: limit(config.notification_timeout),
            heartbeat: limit(config.heartbeat_interval),
            final_notification: config.final_notification,
            drain: limit(config.drain_timeout),
            strays: config
                .stray_timeout
                .map_or(u64::MAX, |span| nanos(span).min(u64::MAX - 1)),
            sweep: config.sweep,
            activity: config.activity,
        }
    }

    pub(super) fn set_idle(&mut self, idle: Option<Duration>) {
        self.idle = limit(idle);
    }

    pub(super) fn counts(&self, stream: Stream) -> bool {
        self.activity.counts(stream)
    }

    /// Whether there is output that counts, was there before the turn began, and was not read.
    pub(super) fn overlooked(&self, pipes: &[Pipe; 2]) -> bool {
        Stream::ALL
            .into_iter()
            .zip(pipes)
            .any(|(stream, pipe)| pipe.overlooked > 0 && self.counts(stream))
    }
}
