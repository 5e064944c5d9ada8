//! What a supervisor can do: the calls of the simulated machine.

use std::time::Duration;

use childminder::{
    Config, Error, ExitStatus, Instant, Misuse, Outcome, Signal, Strays, Stream, Sweep, Target,
};
use childminder_driver::{Ready, Sighting, Trigger};

use crate::agenda::{Agenda, Coming};
use crate::coverage::{Coverage, Seen};
use crate::dice::Dice;
use crate::moment::{Delivery, Moment};
use crate::notification::{Answer, Job, Payload, Reply};
use crate::oracle::Oracle;
use crate::owner::Request;
use crate::process::{Life, Pipe, Process, index};
use crate::rule::Rule;
use crate::scenario::Scenario;
use crate::time::{Clock, nanos};
use crate::trace::Log;

/// One child and the processes that it starts, its pipes, its owner and the clock. A [`Supervisor`](crate::Supervisor) is
/// handed it in each of its turns, and does through it what a real one does through system calls.
/// No call blocks.
///
/// Behind it stands an oracle that watches every call. The first breach of a [`Rule`] ends the run.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub struct Machine {
    pub(crate) scenario: Scenario,
    /// The weather, in nanoseconds.
    pub(crate) latency: u64,
    pub(crate) oversleep: u64,
    pub(crate) call_time: u64,
    pub(crate) clock: Clock,
    pub(crate) dice: Dice,
    pub(crate) agenda: Agenda,
    pub(crate) processes: Vec<Process>,
    pub(crate) pipes: [Pipe; 2],
    /// Whether the leader was reaped, and whether its pid belongs to another process by now.
    pub(crate) reaped: bool,
    pub(crate) reused: bool,
    pub(crate) shut_down: bool,
    /// How many requests the owner has made, and how many of them were taken.
    pub(crate) asked: usize,
    pub(crate) taken: usize,
    pub(crate) jobs: usize,
    pub(crate) answers: Vec<Answer>,
    pub(crate) reads: u32,
    pub(crate) interrupted: bool,
    /// Something else has reaped the leader.
    pub(crate) stolen: bool,
    pub(crate) saw_exit: bool,
    /// The leader's death is to be announced.
    pub(crate) exit_edge: bool,
    pub(crate) listens_for_exit: bool,
    /// What the selector said when it woke the loop.
    pub(crate) told: Ready,
    /// When to wake the supervisor because of something that has happened.
    pub(crate) news_at: Option<u64>,
    /// When it wants to be woken, by its own clock, and how late that will be.
    pub(crate) wake: Option<Instant>,
    pub(crate) overslept: u64,
    pub(crate) oracle: Oracle,
    pub(crate) log: Log,
    pub(crate) coverage: Coverage,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) ended_at: u64,
    pub(crate) breach: Option<Rule>,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// [`Machine::read`]: bytes, or the end.
    Output(Stream),
    /// [`Machine::exit_status`].
    Exit,
    /// [`Machine::next_answer`].
    Answers,
    /// [`Machine::next_request`].
    Requests,
}

/// What a read returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// So many bytes, at least one.
    Bytes(u64),
    /// Nothing now (EAGAIN).
    Empty,
    /// Nothing was read, because a signal came in between (EINTR). Read again.
    Interrupted,
    /// The end: no process holds the other end any more. Once seen, it is seen by every later read.
    End,
    /// An error, and so will be every later read. Best closed.
    Failed,
}

/// What can be asked.
impl Machine {
    /// What the clock shows. In some weathers it goes on between two calls, and may be set back.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// What the supervisor is to do, and is held to.
    pub fn config(&self) -> &Config {
        &self.scenario.config
    }

    /// Whether there is something new to be had, as `epoll_wait(2)` says it. It takes no time, and
    /// stays so until it is had.
    #[inline]
    pub fn is_ready(&self, source: Source) -> bool {
        match source {
            Source::Output(stream) => self.pipes[index(stream)].is_readable(),
            Source::Exit => self.is_dead() && !self.saw_exit,
            Source::Answers => !self.answers.is_empty(),
            Source::Requests => self.taken < self.asked && self.outcome.is_none(),
        }
    }

    /// Reads from a pipe all that there is.
    pub fn read(&mut self, stream: Stream) -> Read {
        self.take(stream, usize::MAX)
    }

    /// Reads from a pipe, as much as fits into `buffer` at the most.
    pub fn read_into(&mut self, stream: Stream, buffer: &mut [u8]) -> Read {
        let from = self.pipes[index(stream)].read;
        let read = self.take(stream, buffer.len());
        let length = self.pipes[index(stream)].read - from;
        buffer[..length].copy_from_slice(self.pipes[index(stream)].bytes(from, length));
        read
    }

    /// How many bytes can be read (FIONREAD), or `None` if the machine cannot say.
    pub fn waiting(&mut self, stream: Stream) -> Option<usize> {
        self.call();
        let failing = u16::from(self.scenario.weather.failing_waiting);
        if failing > 0 && self.dice.one_in(failing) {
            self.oracle.faulted();
            self.coverage.add(Seen::WaitingFailed);
            self.pipes[index(stream)].overlooked = 0;
            return None;
        }
        Some(self.pipes[index(stream)].waiting())
    }

    /// Gives a pipe up. A process that writes to it after that gets SIGPIPE.
    pub fn close(&mut self, stream: Stream) {
        self.call();
        if !self.pipes[index(stream)].done {
            self.end_pipe(stream);
            self.note_down(Moment::ClosesPipe { stream });
        }
    }

    /// How the leader ended, or `None` while it lives: `waitid` with `WNOHANG` and `WNOWAIT`. It is
    /// [lost](ExitStatus::Lost) if something else has reaped it.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        let status = self.look_for_exit()?;
        self.see_exit(status);
        Some(status)
    }

    /// The next thing that the owner asks for.
    pub fn next_request(&mut self) -> Option<Request> {
        self.call();
        if self.outcome.is_some() {
            return None;
        }
        let request = self.hear_request()?;
        self.take_request(request);
        Some(request)
    }

    /// The next job that has ended.
    pub fn next_answer(&mut self) -> Option<Answer> {
        self.call();
        let answer = self.hear_answer()?;
        self.take_answer(answer);
        Some(answer)
    }
}

/// What can be done.
impl Machine {
    /// Sends a signal: `kill(2)`, to the leader or to its group. A stopped process sees it when it is
    /// continued, unless it is SIGKILL.
    pub fn signal(&mut self, signal: Signal, target: Target) -> Delivery {
        self.call();
        let delivery = self.deliver_to(signal, target);
        self.note_down(Moment::Signals {
            signal,
            target,
            delivery,
        });
        if self.reaped {
            self.breached(if self.reused {
                Rule::SignalledStranger(signal)
            } else {
                Rule::SignalledAfterReap(signal)
            });
        }
        let verdict = self.oracle.signalled(signal, target, &self.pipes);
        self.judge(verdict);
        if self.oracle.stages_sent() > 1 {
            self.coverage.add(Seen::SecondStage);
        }
        if delivery == Delivery::Sent {
            self.reach(signal, target);
        }
        delivery
    }

    /// Passes a signal on that the owner wants delivered as it is: a stopped process is not continued for it.
    pub fn pass_on(&mut self, signal: Signal, target: Target) -> Delivery {
        self.call();
        let delivery = self.deliver_to(signal, target);
        self.note_down(Moment::PassesOn {
            signal,
            target,
            delivery,
        });
        self.coverage.add(Seen::PassedOn);
        let refused = delivery == Delivery::Refused;
        self.coverage.add_if(refused, Seen::PassOnRefused);
        if self.reaped {
            self.breached(if self.reused {
                Rule::SignalledStranger(signal)
            } else {
                Rule::SignalledAfterReap(signal)
            });
        }
        let verdict = self.oracle.passed_on(signal, target, &self.pipes);
        self.judge(verdict);
        if delivery == Delivery::Sent {
            self.reach(signal, target);
        }
        delivery
    }

    /// Looks for strays: counts what lives of all that the child started, as far as it can be seen, and reaps
    /// what is dead. A stray is seen once its parent is dead. `None` if this kernel cannot show strays.
    pub fn find_strays(&mut self) -> Option<Sighting> {
        self.call();
        if self.scenario.weather.unseen_strays {
            self.note_down(Moment::SeesNoStrays);
            self.coverage.add(Seen::StraysUnseen);
            self.oracle.looked_for_strays(None);
            return None;
        }
        let sighting = self.sight_strays();
        let Sighting { living, immune } = sighting;
        self.note_down(Moment::SeesStrays { living, immune });
        self.oracle.looked_for_strays(Some(sighting));
        Some(sighting)
    }

    /// Sends SIGKILL to each stray that the latest look has shown. What it starts while it dies is found by the
    /// next look.
    pub fn kill_strays(&mut self) {
        self.call();
        self.note_down(Moment::KillsStrays);
        let open = self.pipes.iter().any(|pipe| !pipe.done);
        self.coverage.add_if(open, Seen::StraysHuntedEarly);
        let verdict = self.oracle.killed_strays(&self.pipes);
        self.judge(verdict);
        self.kill_sighted();
    }

    /// Removes the dead leader from the process table. As soon as its group has no member left, its pid is given
    /// to another process.
    pub fn reap(&mut self) -> Option<ExitStatus> {
        self.call();
        let Life::Zombie(status) = self.processes[0].life else {
            self.breached(Rule::ReapedNobody);
            return None;
        };
        self.note_down(Moment::Reaps);
        self.coverage
            .add_if(self.scenario.weather.failing_reap, Seen::ReapFailed);
        let verdict = self.oracle.reaped();
        self.judge(verdict);
        self.processes[0].life = Life::Gone;
        self.reaped = true;
        self.saw_exit = true;
        self.reuse_pid();
        Some(status)
    }

    /// Starts a job; [`next_answer`](Self::next_answer) tells how it ended.
    pub fn run(&mut self, job: Job) {
        let reply = self.start_job(job);
        let answer = Answer { job, ok: reply.ok };
        self.end_job(answer, reply.after);
    }

    /// Drops a notification that will never run.
    pub fn discard(&mut self, payload: Payload) {
        self.call();
        self.note_down(Moment::Discards(payload));
        self.coverage.add(Seen::Discarded);
        let verdict = self.oracle.discarded(payload);
        self.judge(verdict);
    }

    /// Notes an error, when it is noticed.
    pub fn note(&mut self, error: Error) {
        self.call();
        self.note_down(Moment::Notes(error));
        self.coverage.add_error(error);
        let verdict = self.oracle.noted(error, &self.pipes);
        self.judge(verdict);
    }

    /// Warns of the child's silence.
    pub fn warn(&mut self) {
        self.call();
        self.note_down(Moment::Warns);
        self.coverage.add(Seen::Warned);
        let verdict = self.oracle.warned(&self.pipes);
        self.judge(verdict);
    }

    /// Declares the run over. Nothing may follow, other than looking.
    pub fn finish(&mut self, outcome: Outcome) {
        self.call();
        self.note_down(Moment::Finishes(outcome));
        self.coverage.add_outcome(&outcome);
        let verdict = self.oracle.finished(&outcome, &self.pipes);
        self.judge(verdict);
        if let Some(pid) = self.survivor(&outcome) {
            self.breached(Rule::LeftSurvivor { pid });
        }
        if let Some(pid) = self.overlooked_stray(&outcome) {
            self.breached(Rule::OverlookedStray { pid });
        }
        let refused = self.processes.iter().any(|it| it.refused && it.is_alive());
        let survived = outcome.strays == Strays::Survived;
        self.coverage
            .add_if(survived && refused, Seen::ImmuneSurvived);
        let gone = outcome.strays == Strays::None && self.oracle.has_seen_strays();
        self.coverage.add_if(gone, Seen::StraysGone);
        self.ended_at = self.clock.time;
        self.outcome = Some(outcome);
    }

    /// The supervisor's core has rejected an event as a misuse.
    pub fn misused(&mut self, misuse: Misuse) {
        self.breached(Rule::Misuse(misuse));
    }

    /// The supervisor has found a fault with itself.
    pub fn complain(&mut self, about: &'static str) {
        self.breached(Rule::Complaint(about));
    }
}

/// The same in smaller steps: between a call of the driver's and the event that it makes of it, its handler is
/// called.
impl Machine {
    pub(crate) fn look_for_exit(&mut self) -> Option<ExitStatus> {
        self.call();
        match self.processes[0].life {
            Life::Zombie(status) => Some(status),
            Life::Gone if self.stolen => Some(ExitStatus::Lost),
            _ => None,
        }
    }

    pub(crate) fn see_exit(&mut self, status: ExitStatus) {
        if self.saw_exit {
            return;
        }
        self.saw_exit = true;
        let open = self.pipes.iter().any(|pipe| !pipe.done);
        self.coverage.add_if(open, Seen::ExitBeforeEnd);
        self.note_down(Moment::SeesExit(status));
        self.oracle.saw_exit(status, &self.pipes);
    }

    pub(crate) fn hear_request(&mut self) -> Option<Request> {
        if self.taken == self.asked {
            return None;
        }
        let (_, request) = self.scenario.requests[self.taken];
        self.taken += 1;
        Some(request)
    }

    pub(crate) fn take_request(&mut self, request: Request) {
        self.note_down(Moment::TakesRequest(request.into()));
        self.oracle.took_request(request, &self.pipes);
    }

    pub(crate) fn hear_answer(&mut self) -> Option<Answer> {
        if self.answers.is_empty() {
            return None;
        }
        Some(self.answers.remove(0))
    }

    pub(crate) fn take_answer(&mut self, answer: Answer) {
        self.note_down(Moment::TakesAnswer(answer));
        if self.oracle.took_answer(answer, &self.pipes) {
            self.coverage.add(Seen::LateAnswer);
        }
    }

    /// How it will go.
    pub(crate) fn start_job(&mut self, job: Job) -> Reply {
        self.call();
        self.note_down(Moment::Runs(job));
        let verdict = self.oracle.ran(job, &self.pipes);
        self.judge(verdict);
        self.coverage.add_if(job == Job::Heartbeat, Seen::Heartbeat);
        self.coverage.add_if(job == Job::Final, Seen::Final);
        let reply = self.scenario.reply(self.jobs);
        self.jobs += 1;
        reply
    }

    pub(crate) fn end_job(&mut self, answer: Answer, after: Option<Duration>) {
        let after = after.map_or(u64::MAX, nanos);
        if after == 0 || self.shut_down {
            self.answer(answer);
        } else {
            let at = self.clock.time.saturating_add(after);
            self.agenda.plan(at, Coming::Answer(answer));
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.processes[0].life != Life::Alive
    }

    /// Whether the loop will be woken for the leader's death.
    pub(crate) fn is_exit_announced(&self) -> bool {
        match self.scenario.weather.trigger {
            Trigger::Level => self.listens_for_exit && self.is_ready(Source::Exit),
            Trigger::Edge => self.exit_edge,
        }
    }

    fn take(&mut self, stream: Stream, most: usize) -> Read {
        self.call();
        let pipe = &mut self.pipes[index(stream)];
        if pipe.done {
            return Read::End;
        }
        if !pipe.is_readable() {
            pipe.arm();
            return Read::Empty;
        }
        if self.is_interrupted() {
            return Read::Interrupted;
        }
        self.reads += 1;
        let failing = u32::from(self.scenario.weather.failing_read);
        if failing > 0 && self.reads >= failing {
            self.oracle.faulted();
            self.coverage.add(Seen::ReadFailed);
            self.pipes[index(stream)].failed = true;
            self.note_down(Moment::ReadFails { stream });
            return Read::Failed;
        }
        let waiting = self.pipes[index(stream)].waiting().min(most);
        if waiting == 0 {
            self.pipes[index(stream)].end_seen = true;
            self.end_pipe(stream);
            self.note_down(Moment::ReadsEnd { stream });
            return Read::End;
        }
        let length = if self.scenario.weather.short_reads {
            1 + usize::try_from(self.dice.below(waiting as u64)).unwrap_or_default()
        } else {
            waiting
        };
        self.oracle.read(stream, &self.pipes);
        let bytes = length as u64;
        let pipe = &mut self.pipes[index(stream)];
        pipe.read += length;
        pipe.overlooked = pipe.overlooked.saturating_sub(bytes);
        self.note_down(Moment::Reads { stream, bytes });
        Read::Bytes(bytes)
    }

    /// Not twice in a row.
    fn is_interrupted(&mut self) -> bool {
        let interrupts = u16::from(self.scenario.weather.interrupts);
        if interrupts == 0 {
            return false;
        }
        self.interrupted = !self.interrupted && self.dice.one_in(interrupts);
        self.coverage.add_if(self.interrupted, Seen::Interrupted);
        self.interrupted
    }

    fn end_pipe(&mut self, stream: Stream) {
        self.oracle.output_ended(stream);
        if !self.saw_exit && self.pipes.iter().filter(|pipe| pipe.done).count() == 1 {
            self.coverage.add(Seen::EndBeforeExit);
        }
        let pipe = &mut self.pipes[index(stream)];
        pipe.done = true;
        pipe.overlooked = 0;
    }

    fn deliver_to(&mut self, signal: Signal, target: Target) -> Delivery {
        let refusals = u16::from(self.scenario.weather.refusals);
        if refusals > 0 && self.dice.one_in(refusals) {
            self.oracle.refused();
            self.coverage.add(Seen::Refused);
            return Delivery::Refused;
        }
        if self.stolen {
            return Delivery::Gone;
        }
        let group = self.processes[0].pid;
        let mut living = self
            .processes
            .iter()
            .filter(|process| process.group == group && process.is_alive());
        let reached = match target {
            Target::Leader => self.processes[0].life != Life::Gone,
            // A zombie is a member, until it is reaped.
            Target::Group => {
                let survivors = living.next().is_some();
                let sweep = signal == Signal::KILL && self.saw_exit;
                self.coverage.add_if(survivors && sweep, Seen::Swept);
                survivors || !self.reaped
            }
        };
        if matches!(self.processes[0].life, Life::Zombie(_)) && !self.saw_exit {
            self.coverage.add(Seen::SignalledZombie);
        }
        if reached || self.reused {
            Delivery::Sent
        } else {
            Delivery::Gone
        }
    }

    /// A process that was to be swept and lives. One that sleeps unkillably does not count: it dies when it wakes.
    fn survivor(&self, outcome: &Outcome) -> Option<u32> {
        let swept = match self.scenario.config.sweep {
            Sweep::Terminated => outcome.terminated,
            Sweep::Always => true,
            _ => false,
        };
        if !swept || outcome.exit.is_none() || self.stolen || self.oracle.was_refused() {
            return None;
        }
        let group = self.processes[0].pid;
        self.processes
            .iter()
            .find(|process| {
                process.group == group
                    && process.is_alive()
                    && !process.immune
                    && !(process.unkillable && process.pending.has(Signal::KILL))
            })
            .map(|process| process.pid)
    }

    /// A process that lives although the outcome says that none is left. Where the leader was given up, it may
    /// have died after the latest look, so that its children are strays only since then.
    fn overlooked_stray(&self, outcome: &Outcome) -> Option<u32> {
        let none_left = matches!(outcome.strays, Strays::None | Strays::Killed);
        if !none_left || self.oracle.gave_leader_up() {
            return None;
        }
        let strays = self.processes.iter().skip(1);
        strays
            .filter(|process| process.is_alive())
            .map(|process| process.pid)
            .next()
    }

    fn reach(&mut self, signal: Signal, target: Target) {
        match target {
            Target::Leader => self.deliver(0, signal),
            Target::Group => {
                let group = self.processes[0].pid;
                for process in 0..self.processes.len() {
                    let member = &self.processes[process];
                    if member.group == group && !member.immune {
                        self.deliver(process, signal);
                    }
                }
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as for `Moment::code`")]
    pub(crate) fn note_down(&mut self, moment: Moment) {
        self.log.add(self.clock.time, moment);
    }

    pub(crate) fn judge(&mut self, verdict: Result<(), Rule>) {
        if let Err(rule) = verdict {
            self.breached(rule);
        }
    }

    pub(crate) fn demand(&mut self, holds: bool, rule: Rule) {
        if !holds {
            self.breached(rule);
        }
    }

    /// The first breach counts: what comes after it may be its consequence.
    pub(crate) fn breached(&mut self, rule: Rule) {
        self.breach.get_or_insert(rule);
    }
}
