//! Sleep: never past a deadline.

use childminder::{Deadline, Instant};

use crate::oracle::Oracle;
use crate::rule::Rule;

impl Oracle {
    /// Who is late already must want to be woken at once.
    pub(super) fn judge_wake(&self, wake: Option<Instant>) -> Result<(), Rule> {
        if self.finished {
            return Ok(());
        }
        let now = self.clock.now();
        let wake = wake.map_or(u64::MAX, |at| at.0);
        if wake <= now {
            return Ok(());
        }
        if self.must_end.is_some() && self.can_signal() && self.signals.is_overdue() {
            return Err(Rule::NeverSignals);
        }
        match self.first_deadline() {
            Some((at, deadline)) if wake > at.max(now) => Err(Rule::SleepsThrough(deadline)),
            _ => Ok(()),
        }
    }

    fn can_signal(&self) -> bool {
        self.exit.is_none() && !self.errors.unkillable
    }

    /// Output is waited for no longer.
    fn is_released(&self) -> bool {
        self.reaped || self.errors.unkillable
    }

    /// The deadlines that are armed for sure, each at its latest.
    fn first_deadline(&self) -> Option<(u64, Deadline)> {
        let alive = self.can_signal();
        let minding = alive && self.must_end.is_none();
        let when = |so: bool, mark, limit, deadline| {
            let at = if so {
                self.clock.latest(mark, limit)
            } else {
                None
            };
            at.map(|at| (at, deadline))
        };
        let limits = &self.limits;
        let unseen = minding && !self.output.wrote;
        let (flown, flying) = match self.jobs.in_flight_since() {
            Some(since) => (since, true),
            None => (self.start, false),
        };
        let (sent, wait) = self.signals.last().unwrap_or((self.start, u64::MAX));
        let (exited, draining) = match self.exit {
            Some(exit) => (exit.mark, !self.output.is_over() && !self.is_released()),
            None => (self.start, false),
        };
        [
            when(minding, self.output.active, limits.idle, Deadline::Idle),
            when(
                unseen,
                self.start,
                limits.first_output,
                Deadline::FirstOutput,
            ),
            when(minding, self.start, limits.run, Deadline::Run),
            when(flying, flown, limits.notification, Deadline::Notification),
            when(alive, sent, wait, Deadline::Stage),
            when(draining, exited, limits.drain, Deadline::Drain),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
