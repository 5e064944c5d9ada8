//! The judge of a supervisor.
//!
//! It knows the config, and every call of the supervisor: what it learned, and what it did. From that, and not
//! from any state machine of the core's, it decides what may be done, and by when what must be done.
//!
//! It cannot see into a supervisor, only what it does. So it works with bounds. What is done too soon is too soon
//! even for the earliest moment at which it could have been decided; what comes too late is too late even for the
//! latest. In between it says nothing: a breach is a breach for certain.

mod clock;
mod ending;
mod errors;
mod jobs;
mod limits;
mod output;
mod signals;
mod strays;
mod waking;

use childminder::{Error, ExitStatus, Instant, Outcome, Signal, Stream, Target};
use childminder_driver::Sighting;

use crate::notification::{Answer, Job, Payload};
use crate::owner::Request;
use crate::process::Pipe;
use crate::rule::Rule;
use crate::scenario::Scenario;

use self::clock::{Clock, Mark};
use self::errors::Errors;
use self::jobs::Jobs;
use self::limits::Limits;
use self::output::Output;
use self::signals::Signals;
use self::strays::Hunt;

#[derive(Debug, Default)]
pub(crate) struct Oracle {
    limits: Limits,
    clock: Clock,
    /// Counts every call, so that it is known which of two came first.
    count: u32,
    turns: u32,
    /// In which turn the latest suspension began.
    suspended_in: u32,
    start: Mark,
    exit: Option<Exit>,
    reaped: bool,
    finished: bool,
    output: Output,
    /// When each could have been decided, if it could.
    possible: Possible,
    /// Whether a warning of this silence has come.
    warned: bool,
    /// Since when it is certain that the child must end.
    must_end: Moment,
    jobs: Jobs,
    errors: Errors,
    signals: Signals,
    hunt: Hunt,
    /// What is to be passed on.
    passing_on: Vec<(Signal, Target)>,
}

#[derive(Clone, Copy, Debug)]
struct Exit {
    status: ExitStatus,
    mark: Mark,
    count: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Possible {
    idle: Moment,
    warning: Moment,
    first_output: Moment,
    run: Moment,
    notification: Moment,
    /// A fault, which may be called an error.
    fault: Moment,
}

/// A point in the run: the earliest time that it can have been, and what had come before it.
#[derive(Clone, Copy, Debug)]
struct Moment {
    most: u64,
    count: u32,
}

impl Moment {
    const NEVER: Self = Self {
        most: u64::MAX,
        count: u32::MAX,
    };

    fn has_come(self) -> bool {
        self.count < u32::MAX
    }

    fn or(self, other: Self) -> Self {
        if self.has_come() { self } else { other }
    }
}

impl Default for Moment {
    fn default() -> Self {
        Self::NEVER
    }
}

/// What the supervisor learns.
impl Oracle {
    pub(crate) fn begin(&mut self, scenario: &Scenario) {
        *self = Self {
            limits: Limits::of(&scenario.config),
            signals: Signals::with(&scenario.config.ladder),
            ..Self::default()
        };
        for stream in Stream::ALL {
            if !scenario.piped[stream as usize] {
                self.output.end(stream);
            }
        }
    }

    pub(crate) fn turn(&mut self, seen: u64) {
        self.turns += 1;
        self.clock.turn(seen);
    }

    pub(crate) fn time_passes(&mut self, seen: u64, pipes: &[Pipe; 2]) {
        self.look(pipes);
        self.clock.advance(seen);
    }

    pub(crate) fn read(&mut self, stream: Stream, pipes: &[Pipe; 2]) {
        self.look(pipes);
        self.begun();
        if self.limits.counts(stream) {
            self.active();
        }
    }

    pub(crate) fn output_ended(&mut self, stream: Stream) {
        self.output.end(stream);
    }

    pub(crate) fn saw_exit(&mut self, status: ExitStatus, pipes: &[Pipe; 2]) {
        self.look(pipes);
        self.exit = Some(Exit {
            status,
            mark: self.clock.mark(),
            count: self.count,
        });
        self.hunt.may_begin(self.clock.mark());
        self.clock.resume();
    }

    pub(crate) fn took_request(&mut self, request: Request, pipes: &[Pipe; 2]) {
        self.look(pipes);
        match request {
            Request::Notify(_) => self.jobs.asked(),
            Request::Progress => self.active(),
            Request::Ready => {
                self.begun();
                self.active();
            }
            Request::SetIdleTimeout(limit) => {
                self.limits.set_idle(limit);
                self.active();
            }
            Request::Fail => {
                self.errors.failed_outside(self.count);
                self.must_end_now();
            }
            Request::Terminate => self.must_end_now(),
            Request::Escalate => {
                if self.may_have_begun_to_end() {
                    self.signals.escalate(self.clock.mark());
                }
                self.hunt.hurry(self.clock.mark());
                self.must_end_now();
                self.clock.perhaps_resume();
            }
            Request::Kill => {
                let surely = self.can_signal();
                let begun = self.must_end.has_come();
                let may_have_begun = self.may_have_begun_to_end();
                let now = self.clock.mark();
                self.signals.kill(now, surely, begun, may_have_begun);
                self.must_end_now();
                self.clock.perhaps_resume();
            }
            Request::PassOn(signal, target) => self.passing_on.push((signal, target)),
            Request::SetLadder(ladder) => {
                if self.may_have_begun_to_end() {
                    self.signals.forget_ladder(self.must_end.has_come());
                } else {
                    self.signals = Signals::with(&ladder);
                }
            }
            Request::Suspended => {
                let surely = !self.may_have_begun_to_end();
                self.suspended_in = self.turns;
                self.clock.suspend(surely);
            }
            Request::Resumed => self.clock.resume(),
        }
    }

    /// Whether it came too late to matter.
    pub(crate) fn took_answer(&mut self, answer: Answer, pipes: &[Pipe; 2]) -> bool {
        self.look(pipes);
        let late = !self.jobs.landed(answer.job, self.clock.mark());
        if !late {
            self.possible.notification = Moment::NEVER;
            if !answer.ok {
                self.errors.job_failed(self.count);
                self.must_end_now();
            }
        }
        late
    }

    /// A read or a signal failed. The supervisor may call that an error, or not.
    pub(crate) fn faulted(&mut self) {
        self.errors.faults += 1;
        let now = self.this_moment();
        self.possible.fault = self.possible.fault.or(now);
        self.clock.perhaps_resume();
    }

    pub(crate) fn refused(&mut self) {
        self.faulted();
        self.signals.refused = true;
    }

    pub(crate) fn was_refused(&self) -> bool {
        self.signals.refused
    }

    /// Whether the leader was given up as unkillable.
    pub(crate) fn gave_leader_up(&self) -> bool {
        self.errors.unkillable
    }

    pub(crate) fn has_seen_strays(&self) -> bool {
        self.hunt.has_seen()
    }

    pub(crate) fn stages_sent(&self) -> usize {
        self.signals.sent
    }
}

/// It judges what the supervisor does.
impl Oracle {
    pub(crate) fn signalled(
        &mut self,
        signal: Signal,
        target: Target,
        pipes: &[Pipe; 2],
    ) -> Result<(), Rule> {
        self.look(pipes);
        self.not_finished()?;
        self.judge_signal(signal, target)
    }

    pub(crate) fn passed_on(
        &mut self,
        signal: Signal,
        target: Target,
        pipes: &[Pipe; 2],
    ) -> Result<(), Rule> {
        self.look(pipes);
        self.not_finished()?;
        if self.exit.is_some() && target == Target::Leader {
            return Err(Rule::SignalledDeadLeader(signal));
        }
        let asked = self.passing_on.len();
        self.passing_on.retain(|it| *it != (signal, target));
        if self.passing_on.len() == asked {
            return Err(Rule::PassedOnUnasked(signal));
        }
        Ok(())
    }

    pub(crate) fn looked_for_strays(&mut self, sighting: Option<Sighting>) {
        let is_last = self.may_be_over();
        self.hunt.looked(sighting, self.clock.mark(), is_last);
    }

    pub(crate) fn killed_strays(&mut self, pipes: &[Pipe; 2]) -> Result<(), Rule> {
        self.look(pipes);
        self.not_finished()?;
        self.judge_hunt()
    }

    pub(crate) fn reaped(&mut self) -> Result<(), Rule> {
        self.not_finished()?;
        self.reaped = true;
        self.judge_look()
    }

    pub(crate) fn ran(&mut self, job: Job, pipes: &[Pipe; 2]) -> Result<(), Rule> {
        self.look(pipes);
        self.not_finished()?;
        self.judge_run(job)
    }

    pub(crate) fn discarded(&mut self, payload: Payload) -> Result<(), Rule> {
        self.not_finished()?;
        if self.errors.first.is_none() && !self.jobs.final_has_run() {
            return Err(Rule::DiscardedWithoutError(payload));
        }
        self.jobs.discard(payload)
    }

    pub(crate) fn noted(&mut self, error: Error, pipes: &[Pipe; 2]) -> Result<(), Rule> {
        self.look(pipes);
        self.not_finished()?;
        self.judge_error(error)
    }

    pub(crate) fn warned(&mut self, pipes: &[Pipe; 2]) -> Result<(), Rule> {
        self.look(pipes);
        self.not_finished()?;
        let is_at_its_end = !self.can_signal() || self.must_end.has_come();
        if is_at_its_end || self.warned || !self.possible.warning.has_come() {
            return Err(Rule::WarnedWithoutReason);
        }
        self.warned = true;
        Ok(())
    }

    pub(crate) fn finished(&mut self, outcome: &Outcome, pipes: &[Pipe; 2]) -> Result<(), Rule> {
        self.look(pipes);
        self.not_finished()?;
        self.finished = true;
        self.judge_end(outcome)
    }

    pub(crate) fn turn_ends(
        &mut self,
        wake: Option<Instant>,
        pipes: &[Pipe; 2],
    ) -> Result<(), Rule> {
        self.look(pipes);
        if let Some((signal, _)) = self.passing_on.first()
            && self.can_signal()
        {
            return Err(Rule::NeverPassedOn(*signal));
        }
        self.judge_wake(wake)
    }

    fn not_finished(&self) -> Result<(), Rule> {
        if self.finished {
            return Err(Rule::ActedAfterFinish);
        }
        Ok(())
    }
}

/// What could be decided, and what must.
impl Oracle {
    /// At every call: which deadlines could a supervisor find to be over by now? Not the idle one, if
    /// it could have read output before it looked at the clock: progress wins.
    fn look(&mut self, pipes: &[Pipe; 2]) {
        self.count += 1;
        let now = self.this_moment();
        if self.exit.is_none() {
            let since_start = self.clock.most_since(self.start);
            if !self.possible.run.has_come() && since_start >= self.limits.run {
                self.possible.run = now;
            }
            let overlooked = pipes.iter().any(|pipe| pipe.overlooked > 0);
            if !self.possible.first_output.has_come()
                && since_start >= self.limits.first_output
                && !self.output.begun
                && !overlooked
            {
                self.possible.first_output = now;
            }
            if !self.possible.idle.has_come()
                && self.clock.most_since(self.output.active) >= self.limits.idle
                && !self.limits.overlooked(pipes)
            {
                self.possible.idle = now;
            }
            if !self.possible.warning.has_come()
                && self.clock.most_since(self.output.active) >= self.limits.warning
                && !self.limits.overlooked(pipes)
            {
                self.possible.warning = now;
            }
        }
        if !self.possible.notification.has_come()
            && let Some(since) = self.jobs.waiting_since(self.limits.notification)
            && self.clock.most_since(since) >= self.limits.notification
        {
            self.possible.notification = now;
        }
    }

    fn this_moment(&self) -> Moment {
        Moment {
            most: self.clock.mark().most,
            count: self.count,
        }
    }

    fn begun(&mut self) {
        self.output.begun = true;
        self.possible.first_output = Moment::NEVER;
    }

    fn active(&mut self) {
        self.output.active = self.clock.mark();
        self.possible.idle = Moment::NEVER;
        self.possible.warning = Moment::NEVER;
        self.warned = false;
    }

    fn must_end_now(&mut self) {
        let now = self.this_moment();
        self.must_end = self.must_end.or(now);
        self.clock.perhaps_resume();
        if self.can_signal() {
            self.signals.must_have_begun = true;
        }
    }

    fn can_signal(&self) -> bool {
        self.exit.is_none() && !self.errors.unkillable
    }

    fn may_have_begun_to_end(&self) -> bool {
        self.earliest_reason_to_end() < u64::MAX
    }

    /// `u64::MAX` if there is none.
    fn earliest_reason_to_end(&self) -> u64 {
        let Possible {
            idle,
            warning: _,
            first_output,
            run,
            notification,
            fault,
        } = self.possible;
        [self.must_end, idle, first_output, run, notification, fault]
            .iter()
            .fold(u64::MAX, |earliest, moment| earliest.min(moment.most))
    }
}
