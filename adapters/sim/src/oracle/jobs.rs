//! Notifications: first in, first out, one at a time; each runs once or is discarded once.

use crate::notification::{Job, Payload};
use crate::oracle::{Mark, Moment, Oracle};
use crate::rule::Rule;

#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// How many were asked for, and how many of these ran or were discarded.
    asked: u64,
    settled: u64,
    in_flight: Option<(Job, Mark)>,
    /// When one could be started that waits.
    free: Mark,
    beats: u64,
    final_has_run: bool,
}

impl Jobs {
    pub(super) fn asked(&mut self) {
        self.asked += 1;
    }

    /// Whether it was in flight.
    pub(super) fn landed(&mut self, job: Job, now: Mark) -> bool {
        if !matches!(self.in_flight, Some((flying, _)) if flying == job) {
            return false;
        }
        self.in_flight = None;
        self.free = now;
        true
    }

    pub(super) fn discard(&mut self, payload: Payload) -> Result<(), Rule> {
        if payload.0 != self.settled + 1 || payload.0 > self.asked {
            return Err(Rule::DiscardedOutOfOrder(payload));
        }
        self.settled += 1;
        Ok(())
    }

    pub(super) fn give_up(&mut self) {
        self.in_flight = None;
    }

    pub(super) fn in_flight_since(&self) -> Option<Mark> {
        self.in_flight.map(|(_, since)| since)
    }

    /// Since when, at the earliest, a time limit may count: a job that has no time at all is overdue before
    /// it is known to run.
    pub(super) fn waiting_since(&self, limit: u64) -> Option<Mark> {
        if limit == 0 {
            return Some(self.free);
        }
        self.in_flight_since()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_none()
    }

    pub(super) fn final_has_run(&self) -> bool {
        self.final_has_run
    }

    pub(super) fn unsettled(&self) -> Option<Payload> {
        (self.settled < self.asked).then_some(Payload(self.settled + 1))
    }
}

impl Oracle {
    pub(super) fn judge_run(&mut self, job: Job) -> Result<(), Rule> {
        if self.jobs.in_flight.is_some() {
            return Err(Rule::RanTwoAtOnce(job));
        }
        if self.jobs.final_has_run {
            return Err(Rule::RanAfterFinal(job));
        }
        if job != Job::Final && self.errors.has_happened() {
            return Err(Rule::RanAfterError(job));
        }
        match job {
            Job::Requested(payload) => {
                let next = payload.0 == self.jobs.settled + 1;
                if !next || payload.0 > self.jobs.asked {
                    return Err(Rule::RanOutOfOrder(payload));
                }
                self.jobs.settled += 1;
            }
            Job::Final => self.judge_final()?,
            Job::Heartbeat => {
                // One at the start, and one for each interval since.
                let passed = self.clock.most_since(self.start);
                let due = match self.limits.heartbeat {
                    0 | u64::MAX => 0,
                    interval => 1 + passed / interval,
                };
                self.jobs.beats += 1;
                if self.jobs.beats > due {
                    return Err(Rule::RanUndueHeartbeat);
                }
            }
        }
        self.jobs.in_flight = Some((job, self.clock.mark()));
        Ok(())
    }

    /// Without any time, the final notification is overdue before it runs.
    pub(super) fn final_without_time(&mut self) {
        let is_due = self.limits.final_notification && self.limits.notification == 0;
        if is_due && !self.can_signal() {
            self.jobs.final_has_run = true;
            self.errors.final_begins();
        }
    }

    fn judge_final(&mut self) -> Result<(), Rule> {
        if !self.limits.final_notification {
            return Err(Rule::RanFinalUnasked);
        }
        if !self.may_be_over() || self.jobs.unsettled().is_some() {
            return Err(Rule::RanFinalEarly);
        }
        self.judge_look()?;
        self.jobs.final_has_run = true;
        self.errors.final_begins();
        self.possible.notification = Moment::NEVER;
        Ok(())
    }
}
