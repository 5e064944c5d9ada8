//! Errors: none without a reason, none swallowed, and the first one wins.

use childminder::Error;

use crate::oracle::{Moment, Oracle};
use crate::rule::Rule;

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(super) struct Errors {
    /// The first that was noted.
    pub(super) first: Option<Error>,
    pub(super) unkillable: bool,
    /// Reads and signals that failed: errors, or not, as the supervisor sees fit.
    pub(super) faults: u32,
    /// The first event that is an error for sure.
    first_fact: Option<(Fact, u32)>,
    failures: u32,
    failures_noted: u32,
    job_failed: bool,
    job_failure_noted: bool,
    idle_noted: bool,
    first_output_noted: bool,
    run_noted: bool,
    overdue_noted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Failure,
    FailedJob,
}

impl Errors {
    pub(super) fn failed_outside(&mut self, count: u32) {
        self.failures += 1;
        self.first_fact.get_or_insert((Fact::Failure, count));
    }

    pub(super) fn job_failed(&mut self, count: u32) {
        self.job_failed = true;
        self.first_fact.get_or_insert((Fact::FailedJob, count));
    }

    /// The final notification begins, and may fail as one before it did.
    pub(super) fn final_begins(&mut self) {
        self.job_failed &= !self.job_failure_noted;
        self.job_failure_noted = false;
        self.overdue_noted = false;
    }

    pub(super) fn has_happened(&self) -> bool {
        self.first.is_some() || self.first_fact.is_some()
    }

    /// Whether all events that are errors for sure were noted.
    pub(super) fn all_noted(&self) -> bool {
        let job = self.job_failure_noted || !self.job_failed;
        job && self.failures_noted >= self.failures
    }
}

impl Oracle {
    pub(super) fn judge_error(&mut self, error: Error) -> Result<(), Rule> {
        if matches!(error, Error::NotificationTimeout(_)) && self.errors.overdue_noted {
            self.final_without_time();
        }
        if !self.has_reason(error) {
            return Err(Rule::NotedWithoutReason(error));
        }
        if self.errors.first.is_none() {
            self.errors.first = Some(error);
            if !self.was_first(error) {
                return Err(Rule::NotedLaterErrorFirst(error));
            }
        }
        match error {
            Error::Exit(_) => return Ok(()),
            Error::Unkillable => {
                self.errors.unkillable = true;
                self.hunt.may_begin(self.clock.mark());
            }
            Error::NotificationTimeout(_) => self.jobs.give_up(),
            _ => {}
        }
        self.must_end_now();
        Ok(())
    }

    /// Every error but an outside failure happens once.
    fn has_reason(&mut self, error: Error) -> bool {
        if error == Error::Unkillable {
            return self.could_be_unkillable() && !self.errors.unkillable;
        }
        let errors = &mut self.errors;
        let (so, noted) = match error {
            Error::IdleTimeout => (self.possible.idle.has_come(), &mut errors.idle_noted),
            Error::FirstOutputTimeout => (
                self.possible.first_output.has_come(),
                &mut errors.first_output_noted,
            ),
            Error::RunTimeout => (self.possible.run.has_come(), &mut errors.run_noted),
            Error::NotificationTimeout(_) => (
                self.possible.notification.has_come(),
                &mut errors.overdue_noted,
            ),
            Error::Notification(_) => (errors.job_failed, &mut errors.job_failure_noted),
            Error::External(_) => {
                errors.failures_noted += 1;
                return errors.failures_noted <= errors.failures + errors.faults;
            }
            Error::Exit(status) => {
                let seen = self.exit.is_some_and(|exit| exit.status == status);
                return seen && !status.is_success() && errors.first.is_none();
            }
            // `Unkillable` is judged above, and for any other error there is no reason here.
            _ => return false,
        };
        so && !std::mem::replace(noted, true)
    }

    /// Whether nothing else can have gone wrong before this error. A fault may be an error or not, so
    /// after one, more than one order is right.
    fn was_first(&self, error: Error) -> bool {
        if self.errors.faults > 0 {
            return true;
        }
        let fact = self.errors.first_fact;
        let exit = self.exit.filter(|exit| !exit.status.is_success());
        let before_fact = |count: u32| fact.is_none_or(|(_, at)| count < at);
        let before_exit = |count: u32| exit.is_none_or(|exit| count <= exit.count);
        let deadline = |at: Moment| at.has_come() && before_fact(at.count) && before_exit(at.count);
        match error {
            Error::IdleTimeout => deadline(self.possible.idle),
            Error::FirstOutputTimeout => deadline(self.possible.first_output),
            Error::RunTimeout => deadline(self.possible.run),
            Error::NotificationTimeout(_) => deadline(self.possible.notification),
            Error::Exit(_) => exit.is_some_and(|exit| before_fact(exit.count)),
            Error::External(_) => {
                fact.is_some_and(|(kind, at)| kind == Fact::Failure && before_exit(at))
            }
            Error::Notification(_) => {
                fact.is_some_and(|(kind, at)| kind == Fact::FailedJob && before_exit(at))
            }
            _ => fact.is_none(),
        }
    }
}
