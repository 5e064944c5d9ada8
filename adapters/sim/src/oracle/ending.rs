//! The end: once, not before everything is over, and true.

use childminder::{ExitStatus, Outcome, Sweep};

use crate::oracle::{Exit, Oracle};
use crate::rule::Rule;

impl Oracle {
    pub(super) fn judge_end(&self, outcome: &Outcome) -> Result<(), Rule> {
        self.judge_exit(outcome)?;
        self.judge_output(outcome)?;
        self.judge_jobs()?;
        self.judge_verdict(outcome)?;
        self.judge_terminated(outcome)?;
        self.judge_strays(outcome)
    }

    /// Whether the output has ended, or has been waited for long enough.
    pub(super) fn may_end(&self) -> bool {
        self.output.is_over() || self.may_leak()
    }

    fn may_leak(&self) -> bool {
        let drained = self
            .exit
            .is_some_and(|exit| self.clock.most_since(exit.mark) >= self.limits.drain);
        drained || self.errors.unkillable
    }

    fn judge_exit(&self, outcome: &Outcome) -> Result<(), Rule> {
        if self.can_signal() {
            return Err(Rule::FinishedBeforeExit);
        }
        if outcome.exit != self.exit.map(|exit| exit.status) {
            return Err(Rule::FinishedWithWrongExit);
        }
        let is_there = |exit: Exit| exit.status != ExitStatus::Lost;
        if self.exit.is_some_and(is_there) && !self.reaped {
            return Err(Rule::FinishedUnreaped);
        }
        Ok(())
    }

    fn judge_output(&self, outcome: &Outcome) -> Result<(), Rule> {
        if !outcome.leaked && !self.output.is_over() {
            return Err(Rule::FinishedBeforeOutputEnded);
        }
        if outcome.leaked && !self.may_leak() {
            return Err(Rule::FinishedWithFalseLeak);
        }
        Ok(())
    }

    fn judge_jobs(&self) -> Result<(), Rule> {
        if !self.jobs.is_idle() {
            return Err(Rule::FinishedInFlight);
        }
        // Without any time it is overdue before it runs.
        let is_due = self.limits.final_notification && self.limits.notification > 0;
        if is_due && !self.jobs.final_has_run() {
            return Err(Rule::NeverRanFinal);
        }
        match self.jobs.unsettled() {
            Some(payload) => Err(Rule::LostNotification(payload)),
            None => Ok(()),
        }
    }

    fn judge_verdict(&self, outcome: &Outcome) -> Result<(), Rule> {
        if outcome.error != self.errors.first {
            return Err(Rule::FinishedWithWrongError);
        }
        let bad_exit = self.exit.is_some_and(|exit| !exit.status.is_success());
        if !self.errors.all_noted() || outcome.error.is_none() && bad_exit {
            return Err(Rule::SwallowedError);
        }
        Ok(())
    }

    fn judge_terminated(&self, outcome: &Outcome) -> Result<(), Rule> {
        let can_be = self.may_have_begun_to_end();
        let sweep_tells = self.limits.sweep == Sweep::Terminated;
        let must_be = self.signals.must_have_begun || self.signals.has_begun(sweep_tells);
        if outcome.terminated && !can_be || !outcome.terminated && must_be {
            return Err(Rule::FinishedWithWrongTerminated);
        }
        Ok(())
    }
}
