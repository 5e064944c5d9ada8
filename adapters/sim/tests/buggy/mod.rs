//! A plain loop around the core, with room for one bug.

use std::collections::VecDeque;
use std::time::Duration;

use childminder::{
    Action, Event, Instant, MonitorState, NotificationId, NotificationKind, Signal, Stream, Target,
};
use childminder_sim::{Delivery, Job, Kernel, Payload, Read, Request, Scenario, Supervisor};

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
}

pub(crate) struct Buggy {
    bug: Bug,
    monitor: MonitorState,
    started: bool,
    exited: bool,
    ended: [bool; 2],
    queued: VecDeque<Payload>,
    running: Option<NotificationId>,
    latest_error: Option<childminder::Error>,
}

impl Buggy {
    pub(crate) fn new(scenario: &Scenario, bug: Bug) -> Self {
        Self {
            bug,
            monitor: MonitorState::new(*scenario.config()),
            started: false,
            exited: false,
            ended: [false; 2],
            queued: VecDeque::new(),
            running: None,
            latest_error: None,
        }
    }
}

impl Supervisor for Buggy {
    fn turn(&mut self, kernel: &mut Kernel) {
        if !self.started {
            self.started = true;
            self.feed(kernel, Event::Started);
        }
        if self.bug == Bug::TicksBeforeItReads {
            self.feed(kernel, Event::Tick);
        }
        self.read(kernel);
        self.look_for_exit(kernel);
        self.take_requests(kernel);
        self.take_answers(kernel);
        if self
            .monitor
            .poll_timeout()
            .is_some_and(|at| at <= kernel.now())
        {
            self.read(kernel);
            self.feed(kernel, Event::Tick);
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let at = self.monitor.poll_timeout()?;
        match self.bug {
            Bug::Oversleeps => Some(at.after(Duration::from_secs(1))),
            Bug::NeverWakes => None,
            _ => Some(at),
        }
    }
}

impl Buggy {
    fn read(&mut self, kernel: &mut Kernel) {
        for (index, stream) in Stream::ALL.into_iter().enumerate() {
            while !self.ended[index] && !self.is_over() {
                match kernel.read(stream) {
                    Read::Bytes(bytes) => self.feed(kernel, Event::Output { stream, bytes }),
                    Read::Empty => break,
                    Read::End => self.end(kernel, index),
                    Read::Failed => {
                        kernel.close(stream);
                        self.feed(kernel, Event::Fail);
                        self.end(kernel, index);
                    }
                }
            }
        }
    }

    fn end(&mut self, kernel: &mut Kernel, index: usize) {
        self.ended[index] = true;
        if self.ended == [true; 2] && self.bug != Bug::ForgetsTheEnd {
            self.feed(kernel, Event::OutputClosed);
        }
    }

    fn look_for_exit(&mut self, kernel: &mut Kernel) {
        let again = self.bug == Bug::TellsTheExitTwice;
        if self.bug == Bug::IgnoresTheExit || self.exited && !again || self.is_over() {
            return;
        }
        let Some(status) = kernel.exit_status() else {
            return;
        };
        self.exited = true;
        match self.bug {
            Bug::SignalsTheDead => drop(kernel.signal(Signal::TERM, Target::Leader)),
            Bug::KillsUnprovoked => drop(kernel.signal(Signal::KILL, Target::Group)),
            Bug::ReapsAtOnce => drop(kernel.reap()),
            _ => {}
        }
        self.feed(kernel, Event::ChildExited(status));
        if self.bug == Bug::EndsWithTheExit && self.ended != [true; 2] && !self.is_over() {
            self.ended = [true; 2];
            self.feed(kernel, Event::OutputClosed);
        }
    }

    fn take_requests(&mut self, kernel: &mut Kernel) {
        while !self.is_over()
            && let Some(request) = kernel.next_request()
        {
            match (request, self.bug) {
                (Request::Notify(payload), Bug::TurnsTheQueueRound) => {
                    self.queued.push_front(payload);
                    self.feed(kernel, Event::Notify);
                }
                (Request::Notify(payload), _) => {
                    self.queued.push_back(payload);
                    self.feed(kernel, Event::Notify);
                }
                (Request::Fail, Bug::SwallowsFailures) => self.feed(kernel, Event::Terminate),
                (Request::Suspended, Bug::IgnoresSuspension) => {}
                _ => {
                    if let Some(event) = request.event() {
                        self.feed(kernel, event);
                    }
                }
            }
        }
    }

    fn take_answers(&mut self, kernel: &mut Kernel) {
        while let Some(answer) = kernel.next_answer() {
            if let Some(id) = self.running.take() {
                let ok = answer.ok;
                self.feed(kernel, Event::NotifyDone { id, ok });
            }
        }
    }

    fn feed(&mut self, kernel: &mut Kernel, event: Event) {
        if let Err(misuse) = self.monitor.handle(kernel.now(), event) {
            return kernel.misused(misuse);
        }
        while let Some(action) = self.monitor.poll_action() {
            self.act(kernel, action);
        }
        if self.bug == Bug::IsImpatient && event == Event::Terminate {
            self.feed(kernel, Event::Escalate);
        }
    }

    fn act(&mut self, kernel: &mut Kernel, action: Action) {
        match action {
            Action::RecordError { error, .. } => {
                self.latest_error = Some(error);
                kernel.note(error);
            }
            Action::SendSignal { signal, target } => self.send(kernel, signal, target),
            Action::DiscardNotifications { .. } => {
                for payload in self.queued.drain(..) {
                    if self.bug != Bug::NeverDiscards {
                        kernel.discard(payload);
                    }
                }
            }
            Action::RunNotification { id, kind } => self.run(kernel, id, kind),
            Action::ScheduleTimer(_) => {}
            Action::Reap => match self.bug {
                Bug::NeverReaps => {}
                Bug::KillsAfterReap => {
                    kernel.reap();
                    kernel.signal(Signal::KILL, Target::Group);
                }
                _ => drop(kernel.reap()),
            },
            Action::Finish(mut outcome) => {
                match self.bug {
                    Bug::LatestErrorWins => outcome.error = self.latest_error,
                    Bug::CriesLeak => outcome.leaked = true,
                    Bug::ForgetsTermination => outcome.terminated = false,
                    Bug::FinishesTwice => kernel.finish(outcome),
                    _ => {}
                }
                kernel.finish(outcome);
            }
        }
    }

    fn send(&mut self, kernel: &mut Kernel, signal: Signal, target: Target) {
        let delivery = match self.bug {
            Bug::NeverSignals => return,
            Bug::NeverSweeps if self.exited && signal == Signal::KILL => return,
            Bug::SendsAnother if signal == Signal::INT => kernel.signal(Signal::TERM, target),
            _ => kernel.signal(signal, target),
        };
        match delivery {
            Delivery::Sent if signal != Signal::KILL => drop(kernel.signal(CONT, target)),
            Delivery::Refused if !self.is_over() => self.feed(kernel, Event::Fail),
            _ => {}
        }
    }

    fn run(&mut self, kernel: &mut Kernel, id: NotificationId, kind: NotificationKind) {
        let job = match (kind, self.queued.front()) {
            (NotificationKind::Requested, Some(payload)) => Job::Requested(*payload),
            _ => Job::Heartbeat,
        };
        if kind == NotificationKind::Requested {
            self.queued.pop_front();
        }
        kernel.run(job);
        if self.bug == Bug::AnswersItself {
            return self.feed(kernel, Event::NotifyDone { id, ok: true });
        }
        self.running = Some(id);
    }

    fn is_over(&self) -> bool {
        self.monitor.outcome().is_some()
    }
}

const CONT: Signal = Signal::new(18).expect("18 is a signal");
