//! Sleep: never past a deadline.

use childminder::{Deadline, ExitStatus, Instant};

use crate::oracle::{Exit, Oracle};
use crate::rule::Rule;

impl Oracle {
    /// A supervisor that is late already must want to be woken at once.
    pub(super) fn judge_wake(&self, wake: Option<Instant>) -> Result<(), Rule> {
        if self.finished {
            return Ok(());
        }
        let now = self.clock.now();
        let wake = wake.map_or(u64::MAX, |at| at.0);
        if wake <= now {
            return Ok(());
        }
        if self.must_end.has_come() && self.can_signal() && self.signals.is_overdue() {
            return Err(Rule::NeverSignals);
        }
        if self.must_kill_strays() {
            return Err(Rule::NeverKillsStrays);
        }
        let (at, deadline) = self.first_deadline();
        if wake > at.max(now) {
            return Err(Rule::SleepsThrough(deadline));
        }
        Ok(())
    }

    /// Output is waited for no longer: strays were looked for, or the leader was reaped. Where something else has
    /// reaped it, that cannot be seen.
    fn is_released(&self) -> bool {
        let lost = |exit: Exit| exit.status == ExitStatus::Lost;
        self.reaped
            || self.errors.unkillable
            || self.hunt.has_last_look()
            || self.exit.is_some_and(lost) && self.may_end()
    }

    /// The first of the deadlines that are armed for sure, each at its latest; `u64::MAX` if none is.
    fn first_deadline(&self) -> (u64, Deadline) {
        let limits = &self.limits;
        let mut first = (u64::MAX, Deadline::Heartbeat);
        let mut armed = |mark, limit, deadline| {
            first = first.min((self.clock.latest(mark, limit), deadline));
        };
        if self.can_signal() {
            if !self.must_end.has_come() {
                armed(self.output.active, limits.idle, Deadline::Idle);
                if !self.warned {
                    armed(self.output.active, limits.warning, Deadline::Warning);
                }
                armed(self.start, limits.run, Deadline::Run);
                if !self.output.begun {
                    armed(self.start, limits.first_output, Deadline::FirstOutput);
                }
            }
            if let Some((sent, wait)) = self.signals.last() {
                armed(sent, wait, Deadline::Stage);
            }
        }
        if let Some((looked, pause)) = self.next_look() {
            armed(looked, pause, Deadline::StrayLook);
        }
        if let Some(since) = self.jobs.in_flight_since() {
            armed(since, limits.notification, Deadline::Notification);
        }
        if let Some(exit) = self.exit
            && !self.output.is_over()
            && !self.is_released()
        {
            armed(exit.mark, limits.drain, Deadline::Drain);
        }
        first
    }
}
