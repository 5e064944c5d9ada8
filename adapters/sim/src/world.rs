//! What happens of its own accord: processes act, jobs end, owners ask, clocks are set.

use std::mem;

use childminder::{ExitStatus, Signal, Stream};
use childminder_driver::{Ready, Sighting, Trigger};

use crate::agenda::Coming;
use crate::coverage::Seen;
use crate::machine::{Machine, Source};
use crate::moment::Moment;
use crate::notification::Answer;
use crate::owner::Request;
use crate::process::{Life, Process, index, linux};
use crate::scenario::Scenario;
use crate::script::{Reaction, Step};
use crate::supervisor::Supervisor;
use crate::time::{Clock, nanos};

/// The machine is set up, and time goes by.
impl Machine {
    pub(crate) fn boot(&mut self, keep_trace: bool) {
        let scenario = &self.scenario;
        self.latency = nanos(scenario.weather.latency);
        self.oversleep = nanos(scenario.weather.oversleep);
        self.call_time = nanos(scenario.weather.call);
        self.clock = Clock::default();
        self.dice = scenario.dice(Scenario::MACHINE);
        self.log.begin(scenario.seed, keep_trace);
        self.oracle.begin(scenario);
        self.agenda.clear();
        self.answers.clear();
        self.processes.clear();
        for (pipe, piped) in self.pipes.iter_mut().zip(scenario.piped) {
            pipe.begin(piped);
        }
        (self.asked, self.taken, self.jobs, self.reads) = (0, 0, 0, 0);
        (self.reaped, self.reused, self.shut_down, self.saw_exit) = (false, false, false, false);
        (self.interrupted, self.stolen, self.exit_edge) = (false, false, false);
        self.listens_for_exit = true;
        (self.wake, self.overslept, self.news_at) = (None, 0, Some(0));
        (self.outcome, self.breach) = (None, None);
        self.coverage.begin();
        let on_edge = scenario.weather.trigger == Trigger::Edge;
        self.coverage.add_if(on_edge, Seen::OnEdge);
        let uncaptured = scenario.piped != [true; 2];
        self.coverage.add_if(uncaptured, Seen::Uncaptured);
        self.plan_ahead();
        self.spawn(LEADER, LEADER, (0, 0), self.scenario.piped);
    }

    fn plan_ahead(&mut self) {
        let weather = self.scenario.weather;
        self.agenda.plan(self.scenario.shutdown, Coming::Shutdown);
        if let Some((at, _)) = self.scenario.requests.first() {
            self.agenda.plan(*at, Coming::Request);
        }
        if let Some(set) = weather.clock_set {
            self.agenda.plan(nanos(set.at), Coming::ClockSet);
        }
        for _ in 0..weather.spurious {
            let at = self.dice.below(self.scenario.shutdown / 8);
            self.agenda.plan(at, Coming::Spurious);
        }
    }

    /// Lets everything happen that comes before the supervisor's next turn, and then it is that turn's
    /// time. False if there will not be one: nothing more can happen, and it does not want to be woken.
    pub(crate) fn pass_until_turn(&mut self) -> bool {
        loop {
            let turn = self.turn_at();
            let Some(at) = self
                .agenda
                .next_at()
                .filter(|at| self.comes_first(*at, turn))
            else {
                if turn == u64::MAX {
                    return false;
                }
                self.clock.time = self.clock.time.max(turn);
                return true;
            };
            self.clock.time = self.clock.time.max(at);
            self.happen_next();
        }
    }

    fn turn_at(&self) -> u64 {
        let news = self.news_at.unwrap_or(u64::MAX);
        let Some(wake) = self.wake else { return news };
        let own = self.clock.when(wake).saturating_add(self.overslept);
        news.min(own)
    }

    fn comes_first(&self, at: u64, turn: u64) -> bool {
        at < turn || at == turn && !self.scenario.weather.timer_first
    }

    pub(crate) fn begin_turn(&mut self) {
        self.note_down(Moment::Turn);
        self.news_at = None;
        let trigger = self.scenario.weather.trigger;
        self.told = if self.is_exit_announced() {
            Ready::EXIT
        } else {
            Ready::NONE
        };
        self.exit_edge = false;
        for (stream, pipe) in Stream::ALL.into_iter().zip(&mut self.pipes) {
            pipe.overlooked = pipe.waiting() as u64;
            if pipe.tell(trigger) {
                self.told |= Ready::output(stream);
            }
        }
        self.oracle.turn(self.clock.seen());
    }

    /// What the supervisor has left unlooked at wakes it again, if its loop is level-triggered.
    pub(crate) fn end_turn<S: Supervisor>(&mut self, supervisor: &S) {
        let wake = supervisor.wake_at();
        self.listens_for_exit = supervisor.waits_for(Source::Exit);
        for (stream, pipe) in Stream::ALL.into_iter().zip(&mut self.pipes) {
            pipe.listened = supervisor.waits_for(Source::Output(stream));
        }
        if self.outcome.is_none() {
            let verdict = self.oracle.turn_ends(wake, &self.pipes);
            self.judge(verdict);
            self.news_at = None;
            if self.has_news() {
                self.tell_news();
            }
        }
        self.wake = wake;
        self.overslept = self.at_most(self.oversleep);
    }

    fn has_news(&self) -> bool {
        let trigger = self.scenario.weather.trigger;
        self.pipes.iter().any(|pipe| pipe.is_announced(trigger))
            || self.is_exit_announced()
            || self.is_ready(Source::Answers)
            || self.is_ready(Source::Requests)
    }

    /// At the start of every call: it takes its time, and things happen meanwhile.
    #[inline]
    pub(crate) fn call(&mut self) {
        if self.call_time > 0 {
            self.take_time();
        }
    }

    fn take_time(&mut self) {
        let until = self.clock.time + self.at_most(self.call_time);
        while let Some(at) = self.agenda.next_at().filter(|at| *at <= until) {
            self.clock.time = self.clock.time.max(at);
            self.happen_next();
        }
        self.clock.time = until;
        self.oracle.time_passes(self.clock.seen(), &self.pipes);
    }

    fn at_most(&mut self, most: u64) -> u64 {
        if most == 0 {
            return 0;
        }
        self.dice.below(most + 1)
    }

    fn tell_news(&mut self) {
        if self.news_at.is_none() {
            let late = self.at_most(self.latency);
            self.news_at = Some(self.clock.time + late);
        }
    }

    fn happen_next(&mut self) {
        let Some((_, coming)) = self.agenda.pop() else {
            return;
        };
        match coming {
            Coming::Acts { process, act } => self.act(process, act),
            Coming::Answer(answer) => self.answer(answer),
            Coming::Request => self.ask(),
            Coming::ClockSet => self.set_clock(),
            Coming::Spurious => {
                self.coverage.add(Seen::Spurious);
                self.tell_news();
            }
            Coming::Shutdown => self.shut_down(),
        }
    }

    /// Whether to [`haunt`](Self::haunt): when there is something to haunt it with, and now and then
    /// besides, because it takes its time.
    pub(crate) fn is_haunted(&self) -> bool {
        self.scenario.seed.is_multiple_of(8)
            || self.agenda.has_answers()
            || !self.answers.is_empty()
    }

    /// After the end: jobs that were given up are answered, the owner asks for one thing more, the pid is a
    /// stranger's, and a last turn shows whether the supervisor keeps still.
    pub(crate) fn haunt(&mut self) {
        self.clock.time += 1;
        self.answer_all();
        if self.asked < self.scenario.requests.len() {
            self.coverage.add(Seen::LateRequest);
            self.ask();
        }
    }
}

/// The owner, the jobs and the machine.
impl Machine {
    fn ask(&mut self) {
        let Some((_, request)) = self.scenario.requests.get(self.asked).copied() else {
            return;
        };
        self.asked += 1;
        self.note_down(Moment::OwnerAsks(request.into()));
        match request {
            Request::Suspended => self.signal_group(linux::STOP),
            Request::Resumed => self.signal_group(linux::CONT),
            _ => {}
        }
        self.coverage.add_request(&request);
        if let Some((at, _)) = self.scenario.requests.get(self.asked) {
            self.agenda.plan(*at, Coming::Request);
        }
        self.tell_news();
    }

    /// What is suspended is resumed, or no supervisor could come to its end.
    fn resume(&mut self) {
        let now = self.clock.time;
        let next = self.asked;
        self.scenario.requests.insert(next, (now, Request::Resumed));
        self.ask();
    }

    fn signal_group(&mut self, signal: Signal) {
        for process in 0..self.processes.len() {
            if self.processes[process].group == LEADER {
                self.deliver(process, signal);
            }
        }
    }

    pub(crate) fn answer(&mut self, answer: Answer) {
        self.job_ends(answer);
        self.answers.push(answer);
        self.tell_news();
    }

    pub(crate) fn job_ends(&mut self, answer: Answer) {
        self.note_down(Moment::JobEnds(answer));
        self.coverage.add_if(!answer.ok, Seen::FailedJob);
    }

    fn set_clock(&mut self) {
        if let Some(set) = self.scenario.weather.clock_set {
            self.clock.set(nanos(set.by), set.forward);
            self.coverage.add(if set.forward {
                Seen::ClockForward
            } else {
                Seen::ClockBack
            });
            self.note_down(Moment::ClockSet(self.clock.now()));
        }
    }

    fn shut_down(&mut self) {
        self.shut_down = true;
        self.note_down(Moment::Shutdown);
        self.coverage.add(Seen::Shutdown);
        for process in 0..self.processes.len() {
            self.processes[process].unkillable = false;
            self.deliver(process, Signal::KILL);
        }
        let suspends = |(_, request): &&(u64, Request)| {
            matches!(request, Request::Suspended | Request::Resumed)
        };
        let latest = self.scenario.requests[..self.asked].iter().rfind(suspends);
        if let Some((_, Request::Suspended)) = latest {
            self.resume();
        }
        self.answer_all();
        self.tell_news();
    }

    fn answer_all(&mut self) {
        while let Some(answer) = self.agenda.take_answer() {
            self.answer(answer);
        }
    }
}

/// Processes act.
impl Machine {
    fn spawn(&mut self, pid: u32, group: u32, (parent, program): (usize, usize), holds: [bool; 2]) {
        self.enter(pid, group, (parent, program), holds);
        self.set_out(self.processes.len() - 1, self.clock.time);
    }

    fn enter(&mut self, pid: u32, group: u32, (parent, program): (usize, usize), holds: [bool; 2]) {
        let step = self.scenario.programs.start(program);
        let process = Process::new(pid, group, parent, (program, step), holds);
        for (pipe, held) in self.pipes.iter_mut().zip(holds) {
            pipe.holders += u32::from(held);
        }
        self.processes.push(process);
        self.note_down(Moment::Starts { pid });
    }

    /// Whatever it wanted to do before, it does no more.
    fn set_out(&mut self, process: usize, at: u64) {
        self.processes[process].act += 1;
        let act = self.processes[process].act;
        self.agenda.plan(at, Coming::Acts { process, act });
    }

    fn act(&mut self, process: usize, act: u32) {
        let doing = &mut self.processes[process];
        if !doing.is_alive() || doing.act != act {
            return;
        }
        self.rouse(process);
        let doing = &mut self.processes[process];
        if !doing.is_alive() || doing.act != act {
            return;
        }
        if doing.stopped {
            doing.missed = true;
            return;
        }
        if let Some((code, last_words)) = doing.tidying {
            self.write(process, Stream::Stdout, Written::Bytes(last_words));
            self.die(process, ExitStatus::Code(code));
            return;
        }
        while self.is_free(process, act) {
            let step = self.scenario.programs.step(self.processes[process].step);
            self.processes[process].step += 1;
            if !self.take_step(process, step) {
                break;
            }
        }
    }

    fn is_free(&self, process: usize, act: u32) -> bool {
        let process = &self.processes[process];
        process.is_alive() && process.act == act
    }

    /// Whether it goes on with the next step at once.
    fn take_step(&mut self, process: usize, step: Step) -> bool {
        let pid = self.processes[process].pid;
        let now = self.clock.time;
        match step {
            Step::Writes { stream, bytes } => self.write(process, stream, Written::Bytes(bytes)),
            Step::Prints { stream, from, to } => {
                self.write(process, stream, Written::Text { from, to });
            }
            Step::Forks { program } => self.fork(process, program),
            Step::Closes { stream } => self.let_go(process, stream),
            Step::LeavesGroup => self.leave_group(process),
            Step::BecomesImmune => self.become_immune(process),
            Step::ForksWhenKilled { times } => self.processes[process].forks_when_killed = times,
            Step::Sleeps { nanos } => {
                self.set_out(process, now.saturating_add(nanos));
                return false;
            }
            Step::SleepsUnkillably { nanos } => {
                self.processes[process].unkillable = true;
                self.coverage.add(Seen::UnkillableSleep);
                self.note_down(Moment::SleepsUnkillably { pid });
                self.set_out(process, now.saturating_add(nanos));
                return false;
            }
            Step::Stops => {
                self.processes[process].missed = true;
                self.coverage.add(Seen::StoppedItself);
                self.stop_process(process);
                return false;
            }
            Step::Ends(status) => {
                self.die(process, status);
                return false;
            }
            Step::Hangs => return false,
        }
        true
    }

    fn write(&mut self, process: usize, stream: Stream, written: Written) {
        let pid = self.processes[process].pid;
        let bytes = written.length();
        if bytes == 0 || !self.processes[process].holds[index(stream)] {
            return;
        }
        let pipe = &mut self.pipes[index(stream)];
        if pipe.done {
            self.deliver(process, linux::PIPE);
            return;
        }
        match written {
            Written::Bytes(_) => pipe.fill(stream, bytes),
            Written::Text { from, to } => pipe.write(self.scenario.programs.text(from, to)),
        }
        self.note_down(Moment::Writes {
            pid,
            stream,
            bytes: bytes as u64,
        });
        self.announce(stream);
    }

    fn announce(&mut self, stream: Stream) {
        let trigger = self.scenario.weather.trigger;
        if self.pipes[index(stream)].announce(trigger) {
            self.tell_news();
        }
    }

    fn fork(&mut self, process: usize, program: usize) {
        let parent = &self.processes[process];
        let (pid, group, holds) = (parent.pid, parent.group, parent.holds);
        let child = self.next_pid();
        self.note_down(Moment::Forks { pid, child });
        self.spawn(child, group, (process, program), holds);
    }

    /// A copy of itself, which hangs.
    fn fork_when_killed(&mut self, process: usize) {
        let parent = &self.processes[process];
        let (pid, group, holds, program) = (parent.pid, parent.group, parent.holds, parent.program);
        let left = parent.forks_when_killed - 1;
        let child = self.next_pid();
        self.note_down(Moment::Forks { pid, child });
        self.enter(child, group, (process, program), holds);
        if let Some(copy) = self.processes.last_mut() {
            copy.forks_when_killed = left;
        }
        self.coverage.add(Seen::ForkedWhileKilled);
    }

    fn next_pid(&self) -> u32 {
        LEADER + u32::try_from(self.processes.len()).unwrap_or(u32::MAX - LEADER)
    }

    fn become_immune(&mut self, process: usize) {
        if process > 0 {
            self.processes[process].immune = true;
            let pid = self.processes[process].pid;
            self.note_down(Moment::BecomesImmune { pid });
        }
    }

    fn leave_group(&mut self, process: usize) {
        let leaver = &mut self.processes[process];
        if leaver.pid != leaver.group {
            leaver.group = leaver.pid;
            let pid = leaver.pid;
            self.coverage.add(Seen::LeftGroup);
            self.note_down(Moment::LeavesGroup { pid });
        }
    }

    fn let_go(&mut self, process: usize, stream: Stream) {
        if !mem::take(&mut self.processes[process].holds[index(stream)]) {
            return;
        }
        let pid = self.processes[process].pid;
        if self.processes[process].is_alive() {
            self.note_down(Moment::Closes { pid, stream });
        }
        let pipe = &mut self.pipes[index(stream)];
        pipe.holders -= 1;
        if pipe.holders == 0 && !pipe.done {
            self.announce(stream);
        }
    }

    fn die(&mut self, process: usize, status: ExitStatus) {
        let pid = self.processes[process].pid;
        let is_leader = process == 0;
        self.stolen |= is_leader && self.scenario.weather.lost_exit;
        self.processes[process].life = if is_leader && !self.stolen {
            Life::Zombie(status)
        } else {
            Life::Gone
        };
        self.note_down(Moment::Dies { pid, status });
        if is_leader {
            for pipe in &mut self.pipes {
                pipe.before_death = pipe.written();
            }
        }
        for stream in Stream::ALL {
            self.let_go(process, stream);
        }
        if is_leader {
            self.coverage.add_if(self.stolen, Seen::LostExit);
            self.exit_edge = true;
            self.tell_news();
        } else {
            self.reuse_pid();
        }
    }

    /// A pid is in use for as long as its process is not reaped and its group has a member. Then the
    /// very next process that the machine starts is given it: the worst case, every time.
    pub(crate) fn reuse_pid(&mut self) {
        let in_use = self
            .processes
            .iter()
            .any(|process| process.is_alive() && process.group == LEADER);
        if self.reaped && !in_use && !self.reused {
            self.reused = true;
            self.coverage.add(Seen::PidReused);
            self.note_down(Moment::Reused { pid: LEADER });
        }
    }
}

/// Strays are looked for and killed.
impl Machine {
    /// Living ones, and how many of these have refused to be killed. A stray whose parent lives is not seen.
    pub(crate) fn sight_strays(&mut self) -> Sighting {
        let mut sighting = Sighting::default();
        for process in 1..self.processes.len() {
            let sighted = self.is_stray(process);
            self.processes[process].sighted = sighted;
            sighting.living += u64::from(sighted);
            sighting.immune += u64::from(sighted && self.processes[process].refused);
        }
        sighting
    }

    pub(crate) fn kill_sighted(&mut self) {
        for process in 1..self.processes.len() {
            if !self.processes[process].sighted || !self.processes[process].is_alive() {
                continue;
            }
            if self.processes[process].immune {
                self.processes[process].refused = true;
                continue;
            }
            let awake = !self.processes[process].unkillable;
            if awake && self.processes[process].forks_when_killed > 0 {
                self.fork_when_killed(process);
            }
            let is_of_chain = self.processes[process].parent > 0;
            self.coverage.add_if(is_of_chain, Seen::ChainKilled);
            self.deliver(process, Signal::KILL);
        }
    }

    /// A process that lives, and whose parent is dead: the kernel gave it to the supervisor.
    pub(crate) fn is_stray(&self, process: usize) -> bool {
        let parent = self.processes[process].parent;
        process > 0 && self.processes[process].is_alive() && !self.processes[parent].is_alive()
    }
}

/// Processes are signalled.
impl Machine {
    pub(crate) fn deliver(&mut self, process: usize, signal: Signal) {
        if !self.processes[process].is_alive() {
            return;
        }
        if signal == linux::CONT {
            self.continue_process(process);
        } else if signal == linux::STOP {
            self.stop_process(process);
        } else if self.processes[process].is_deaf(signal) {
            self.processes[process].pending.add(signal);
        } else {
            self.react(process, signal);
        }
    }

    fn react(&mut self, process: usize, signal: Signal) {
        let Process {
            pid,
            program,
            tidying,
            ..
        } = self.processes[process];
        if signal == Signal::KILL {
            return self.die(process, ExitStatus::Signal(signal));
        }
        if tidying.is_some() || linux::is_harmless(signal) {
            return;
        }
        let reaction = self.scenario.programs.reaction(program, signal);
        if reaction == Reaction::Dies {
            return self.die(process, ExitStatus::Signal(signal));
        }
        self.note_down(Moment::Takes { pid, signal });
        match reaction {
            Reaction::Dies | Reaction::Ignores => {}
            Reaction::Writes { bytes } => {
                // Not to a pipe that is closed: that would be a signal again, and so on for ever.
                if !self.pipes[0].done {
                    self.write(process, Stream::Stdout, Written::Bytes(bytes));
                }
            }
            Reaction::Exits {
                after,
                code,
                last_words,
            } => {
                self.coverage.add_if(last_words > 0, Seen::LastWords);
                self.processes[process].tidying = Some((code, last_words));
                self.set_out(process, self.clock.time.saturating_add(nanos(after)));
            }
        }
    }

    fn stop_process(&mut self, process: usize) {
        let stopped = &mut self.processes[process];
        if !mem::replace(&mut stopped.stopped, true) {
            let pid = stopped.pid;
            self.note_down(Moment::Stops { pid });
        }
    }

    fn continue_process(&mut self, process: usize) {
        if !mem::take(&mut self.processes[process].stopped) {
            return;
        }
        let pid = self.processes[process].pid;
        self.note_down(Moment::Continues { pid });
        self.deliver_pending(process);
        let continued = &mut self.processes[process];
        if continued.is_alive() && mem::take(&mut continued.missed) {
            self.set_out(process, self.clock.time);
        }
    }

    /// It wakes from an unkillable sleep, if it was in one.
    fn rouse(&mut self, process: usize) {
        if mem::take(&mut self.processes[process].unkillable) {
            self.deliver_pending(process);
        }
    }

    /// Some may have to wait again: for those that stop, or for SIGCONT.
    fn deliver_pending(&mut self, process: usize) {
        let mut pending = mem::take(&mut self.processes[process].pending);
        while let Some(signal) = pending.take() {
            self.deliver(process, signal);
        }
    }
}

/// What a process writes.
#[derive(Clone, Copy, Debug)]
enum Written {
    /// So much of what is always written.
    Bytes(u64),
    /// This part of the programs' text.
    Text { from: usize, to: usize },
}

impl Written {
    fn length(self) -> usize {
        match self {
            Self::Bytes(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
            Self::Text { from, to } => to - from,
        }
    }
}

/// The leader's pid, and its group's.
pub(crate) const LEADER: u32 = 100;
