//! A plain loop around the core, with room for one bug.

use std::collections::VecDeque;
use std::time::Duration;

use childminder::{
    Action, Deadline, Event, ExitStatus, Instant, MonitorState, NotificationId, NotificationKind,
    Signal, Strays, Stream, Target,
};
use childminder_driver::Sighting;
use childminder_sim::{Delivery, Job, Machine, Payload, Read, Request, Scenario, Supervisor};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    KillsAfterReap,
    SignalsTheDead,
    KillsUnprovoked,
    SendsAnother,
    IsImpatient,
    NeverSignals,
    ReapsAtOnce,
    AnswersItself,
    TurnsTheQueueRound,
    NeverDiscards,
    SwallowsFailures,
    LatestErrorWins,
    FinishesTwice,
    NeverReaps,
    NeverSweeps,
    EndsWithTheExit,
    CriesLeak,
    ForgetsTermination,
    TicksBeforeItReads,
    IgnoresSuspension,
    Oversleeps,
    NeverWakes,
    IgnoresTheExit,
    ForgetsTheEnd,
    TellsTheExitTwice,
    NeverLooksForStrays,
    SaysAllStraysAreDead,
    KillsUnsweptStrays,
    LeavesSweptStrays,
    GivesStraysUpAtOnce,
    ReapsBeforeItLooks,
    SleepsOverStrays,
    NeverPassesOn,
    PassesOnToTheLadder,
    IgnoresKill,
    NeverTellsTheEnd,
    TellsTheEndTwice,
    TellsTheEndUnasked,
    NeverWarns,
    WarnsTwice,
    WarnsAtTheStart,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Buggy {
    bug: Bug,
    monitor: MonitorState,
    started: bool,
    exited: bool,
    lost: bool,
    ended: [bool; 2],
    queued: VecDeque<Payload>,
    /// What runs, or is overdue.
    running: Vec<(Job, NotificationId)>,
    latest_error: Option<childminder::Error>,
    /// Whether the signals at hand are passed on.
    passing_on: bool,
}

impl Buggy {
    pub(crate) fn new(scenario: &Scenario, bug: Bug) -> Self {
        Self {
            bug,
            monitor: MonitorState::new(*scenario.config()),
            started: false,
            exited: false,
            lost: false,
            ended: [false; 2],
            queued: VecDeque::new(),
            running: Vec::new(),
            latest_error: None,
            passing_on: false,
        }
    }
}

impl Supervisor for Buggy {
    fn turn(&mut self, machine: &mut Machine) {
        if !self.started {
            self.started = true;
            self.feed(machine, Event::Started);
            if self.bug == Bug::WarnsAtTheStart {
                machine.warn();
            }
        }
        if self.bug == Bug::TicksBeforeItReads {
            self.feed(machine, Event::Tick);
        }
        self.read(machine);
        self.look_for_exit(machine);
        self.take_requests(machine);
        self.take_answers(machine);
        if self
            .monitor
            .poll_timeout()
            .is_some_and(|at| at <= machine.now())
        {
            self.read(machine);
            self.feed(machine, Event::Tick);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let at = self.monitor.poll_timeout()?;
        match self.bug {
            Bug::Oversleeps => Some(at.after(Duration::from_secs(1))),
            Bug::NeverWakes => None,
            Bug::SleepsOverStrays if self.monitor.timeout_reason() == Some(Deadline::StrayLook) => {
                self.monitor.deadline(Deadline::Strays)
            }
            _ => Some(at),
        }
    }
}

impl Buggy {
    fn read(&mut self, machine: &mut Machine) {
        for (index, stream) in Stream::ALL.into_iter().enumerate() {
            while !self.ended[index] && !self.is_over() {
                match machine.read(stream) {
                    Read::Bytes(bytes) => self.feed(machine, Event::Output { stream, bytes }),
                    Read::Empty => break,
                    Read::Interrupted => {}
                    Read::End => self.end(machine, index),
                    Read::Failed => {
                        machine.close(stream);
                        self.feed(machine, Event::Fail);
                        self.end(machine, index);
                    }
                }
            }
        }
    }

    fn end(&mut self, machine: &mut Machine, index: usize) {
        self.ended[index] = true;
        if self.ended == [true; 2] && self.bug != Bug::ForgetsTheEnd {
            self.feed(machine, Event::OutputClosed);
        }
    }

    fn look_for_exit(&mut self, machine: &mut Machine) {
        let again = self.bug == Bug::TellsTheExitTwice;
        if self.bug == Bug::IgnoresTheExit || self.exited && !again || self.is_over() {
            return;
        }
        let Some(status) = machine.exit_status() else {
            return;
        };
        self.exited = true;
        self.lost = status == ExitStatus::Lost;
        match self.bug {
            Bug::SignalsTheDead => drop(machine.signal(Signal::TERM, Target::Leader)),
            Bug::KillsUnprovoked => drop(machine.signal(Signal::KILL, Target::Group)),
            Bug::ReapsAtOnce => drop(machine.reap()),
            _ => {}
        }
        self.feed(machine, Event::ChildExited(status));
        if self.bug == Bug::EndsWithTheExit && self.ended != [true; 2] && !self.is_over() {
            self.ended = [true; 2];
            self.feed(machine, Event::OutputClosed);
        }
    }

    fn take_requests(&mut self, machine: &mut Machine) {
        while !self.is_over()
            && let Some(request) = machine.next_request()
        {
            match (request, self.bug) {
                (Request::Notify(payload), _) if self.monitor.preliminary_outcome().is_some() => {
                    machine.discard(payload);
                }
                (Request::Notify(payload), Bug::TurnsTheQueueRound) => {
                    self.queued.push_front(payload);
                    self.feed(machine, Event::Notify);
                }
                (Request::Notify(payload), _) => {
                    self.queued.push_back(payload);
                    self.feed(machine, Event::Notify);
                }
                (Request::Fail, Bug::SwallowsFailures) | (Request::Kill, Bug::IgnoresKill) => {
                    self.feed(machine, Event::Terminate);
                }
                (Request::Suspended, Bug::IgnoresSuspension)
                | (Request::PassOn(..), Bug::NeverPassesOn) => {}
                _ => {
                    if let Some(event) = request.event() {
                        self.feed(machine, event);
                    }
                }
            }
        }
    }

    fn take_answers(&mut self, machine: &mut Machine) {
        while let Some(answer) = machine.next_answer() {
            let mut running = self.running.iter();
            let place = running.position(|(job, _)| *job == answer.job);
            if let Some((_, id)) = place.map(|place| self.running.swap_remove(place)) {
                let ok = answer.ok;
                self.feed(machine, Event::NotifyDone { id, ok });
            }
        }
    }

    fn feed(&mut self, machine: &mut Machine, event: Event) {
        if let Err(misuse) = self.monitor.handle(machine.now(), event) {
            return machine.misused(misuse);
        }
        let passes_on = matches!(event, Event::PassOn { .. });
        while let Some(action) = self.monitor.poll_action() {
            self.passing_on = passes_on;
            self.act(machine, action);
        }
        if self.bug == Bug::IsImpatient && event == Event::Terminate {
            self.feed(machine, Event::Escalate);
        }
    }

    fn act(&mut self, machine: &mut Machine, action: Action) {
        match action {
            Action::RecordError { error, .. } => {
                self.latest_error = Some(error);
                machine.note(error);
            }
            Action::Warn => self.warn(machine),
            Action::SendSignal { signal, target } => self.send(machine, signal, target),
            Action::KillStrays if self.bug == Bug::LeavesSweptStrays => {}
            Action::KillStrays => machine.kill_strays(),
            Action::LookForStrays => self.look_for_strays(machine),
            Action::DiscardNotifications { .. } => {
                for payload in self.queued.drain(..) {
                    if self.bug != Bug::NeverDiscards {
                        machine.discard(payload);
                    }
                }
            }
            Action::RunNotification { id, kind } => self.run(machine, id, kind),
            Action::ScheduleTimer(_) => {}
            // Another process has that pid by now.
            Action::Reap if self.lost => {}
            Action::Reap => match self.bug {
                Bug::NeverReaps => {}
                Bug::KillsAfterReap => {
                    machine.reap();
                    let _ = machine.signal(Signal::KILL, Target::Group);
                }
                _ => drop(machine.reap()),
            },
            Action::Finish(mut outcome) => {
                match self.bug {
                    Bug::LatestErrorWins => outcome.error = self.latest_error,
                    Bug::CriesLeak => outcome.leaked = true,
                    Bug::ForgetsTermination => outcome.terminated = false,
                    Bug::SaysAllStraysAreDead => outcome.strays = Strays::None,
                    Bug::FinishesTwice => machine.finish(outcome),
                    Bug::TellsTheEndUnasked => machine.run(Job::Final),
                    _ => {}
                }
                machine.finish(outcome);
            }
        }
    }

    fn warn(&self, machine: &mut Machine) {
        if self.bug == Bug::NeverWarns {
            return;
        }
        machine.warn();
        if self.bug == Bug::WarnsTwice {
            machine.warn();
        }
    }

    fn look_for_strays(&mut self, machine: &mut Machine) {
        if self.bug == Bug::ReapsBeforeItLooks && !self.lost && self.exited {
            machine.reap();
        }
        let sighting = match self.bug {
            Bug::NeverLooksForStrays => Some(Sighting::default()),
            _ => machine.find_strays(),
        };
        let Some(Sighting { living, immune }) = sighting else {
            return self.feed(machine, Event::StraysUnseen);
        };
        let immune = match self.bug {
            Bug::GivesStraysUpAtOnce => living,
            _ => immune,
        };
        self.feed(machine, Event::StraysSeen { living, immune });
        if self.bug == Bug::KillsUnsweptStrays && living > 0 && !self.is_over() {
            machine.kill_strays();
        }
    }

    fn send(&mut self, machine: &mut Machine, signal: Signal, target: Target) {
        if self.passing_on && self.bug != Bug::PassesOnToTheLadder {
            return match machine.pass_on(signal, target) {
                Delivery::Refused if !self.is_over() => self.feed(machine, Event::Fail),
                _ => {}
            };
        }
        let delivery = match self.bug {
            Bug::NeverSignals => return,
            Bug::NeverSweeps if self.exited && signal == Signal::KILL => return,
            Bug::SendsAnother if signal == Signal::INT => machine.signal(Signal::TERM, target),
            _ => machine.signal(signal, target),
        };
        match delivery {
            Delivery::Sent if signal != Signal::KILL => drop(machine.signal(CONT, target)),
            Delivery::Refused if !self.is_over() => self.feed(machine, Event::Fail),
            _ => {}
        }
    }

    fn run(&mut self, machine: &mut Machine, id: NotificationId, kind: NotificationKind) {
        let job = match (kind, self.queued.front()) {
            (NotificationKind::Requested, Some(payload)) => Job::Requested(*payload),
            (NotificationKind::Final, _) => Job::Final,
            _ => Job::Heartbeat,
        };
        if kind == NotificationKind::Requested {
            self.queued.pop_front();
        }
        if job == Job::Final && self.bug == Bug::NeverTellsTheEnd {
            return self.feed(machine, Event::NotifyDone { id, ok: true });
        }
        machine.run(job);
        if job == Job::Final && self.bug == Bug::TellsTheEndTwice {
            machine.run(job);
        }
        if self.bug == Bug::AnswersItself {
            return self.feed(machine, Event::NotifyDone { id, ok: true });
        }
        self.running.push((job, id));
    }

    fn is_over(&self) -> bool {
        self.monitor.outcome().is_some()
    }
}

const CONT: Signal = Signal::new(18).expect("18 is a signal");
