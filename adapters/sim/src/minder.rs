//! Our reference loop around the core.

use std::collections::VecDeque;

use childminder::{
    Action, Event, Instant, MonitorState, NotificationId, NotificationKind, Signal, Stream, Target,
};

use crate::habits::{Habits, Order, Polls, Timer};
use crate::kernel::{Kernel, Read, Source};
use crate::moment::Delivery;
use crate::notification::{Job, Payload};
use crate::owner::Request;
use crate::process::{index, linux};
use crate::scenario::Scenario;
use crate::supervisor::Supervisor;

/// A loop around [`MonitorState`], in short: look, tell the core, do as it says.
///
/// It has all the freedoms that a loop has, and takes those that the scenario's [`Habits`] name.
#[derive(Debug)]
pub struct Minder {
    monitor: MonitorState,
    habits: Habits,
    started: bool,
    exited: bool,
    ended: [bool; 2],
    queued: VecDeque<(NotificationId, Payload)>,
    running: Option<(NotificationId, Job)>,
    /// What `ScheduleTimer` said last.
    scheduled: Option<Instant>,
    /// How many more actions to perform in this turn, and whether some were left.
    actions_left: u32,
    unfinished: Option<Instant>,
    noted: bool,
}

impl Minder {
    /// For this scenario's child.
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            monitor: MonitorState::new(scenario.config),
            habits: scenario.habits,
            started: false,
            exited: false,
            ended: [false; 2],
            queued: VecDeque::new(),
            running: None,
            scheduled: None,
            actions_left: 0,
            unfinished: None,
            noted: false,
        }
    }

    /// The state machine, to query.
    pub fn monitor(&self) -> &MonitorState {
        &self.monitor
    }
}

impl Supervisor for Minder {
    fn turn(&mut self, kernel: &mut Kernel) {
        self.begin(kernel);
        match self.habits.order {
            Order::OutputFirst => {
                self.read_some(kernel);
                self.look_for_exit(kernel);
                self.take_answers(kernel);
                self.take_requests(kernel);
            }
            Order::ExitFirst => {
                self.look_for_exit(kernel);
                self.read_some(kernel);
                self.take_requests(kernel);
                self.take_answers(kernel);
            }
            Order::OwnerFirst => {
                self.take_requests(kernel);
                self.take_answers(kernel);
                self.read_some(kernel);
                self.look_for_exit(kernel);
            }
        }
        if self.habits.polls == Polls::OncePerTurn {
            self.perform(kernel);
        }
        self.look_at_the_clock(kernel);
    }

    fn lingers(&self) -> bool {
        true
    }

    fn wake_at(&self) -> Option<Instant> {
        match self.habits.timer {
            _ if self.unfinished.is_some() => self.unfinished,
            Timer::Asked => self.monitor.poll_timeout(),
            Timer::Told => self.scheduled,
        }
    }
}

/// The steps of a turn.
impl Minder {
    /// What was left over comes first.
    fn begin(&mut self, kernel: &mut Kernel) {
        self.unfinished = None;
        self.actions_left = u32::MAX;
        if let Polls::Lazily(actions) = self.habits.polls {
            self.actions_left = u32::from(actions);
            self.perform(kernel);
        }
        if !self.started {
            self.started = true;
            self.feed(kernel, Event::Started);
        }
    }

    fn read_some(&mut self, kernel: &mut Kernel) {
        for stream in Stream::ALL {
            self.read(kernel, stream, self.habits.reads_per_turn);
        }
    }

    fn read(&mut self, kernel: &mut Kernel, stream: Stream, times: u8) {
        for _ in 0..times {
            if !kernel.is_ready(Source::Output(stream)) || self.is_over() {
                return;
            }
            match kernel.read(stream) {
                Read::Empty => return,
                Read::Bytes(bytes) => self.feed(kernel, Event::Output { stream, bytes }),
                Read::End => self.end(kernel, stream),
                Read::Failed => {
                    kernel.close(stream);
                    self.feed(kernel, Event::Fail);
                    self.end(kernel, stream);
                }
            }
        }
    }

    fn end(&mut self, kernel: &mut Kernel, stream: Stream) {
        self.ended[index(stream)] = true;
        if self.ended == [true; 2] && !self.is_over() {
            self.feed(kernel, Event::OutputClosed);
        }
    }

    fn look_for_exit(&mut self, kernel: &mut Kernel) {
        if self.exited || !kernel.is_ready(Source::Exit) || self.is_over() {
            return;
        }
        if let Some(status) = kernel.exit_status() {
            self.exited = true;
            self.feed(kernel, Event::ChildExited(status));
        }
    }

    /// The answer to a job that was given up may come after the end.
    fn take_answers(&mut self, kernel: &mut Kernel) {
        while kernel.is_ready(Source::Answers)
            && let Some(answer) = kernel.next_answer()
        {
            match self.running.take() {
                Some((id, job)) if job == answer.job => {
                    let ok = answer.ok;
                    self.feed(kernel, Event::NotifyDone { id, ok });
                }
                _ => kernel.complain("an answer to a job that was not run"),
            }
        }
    }

    fn take_requests(&mut self, kernel: &mut Kernel) {
        while kernel.is_ready(Source::Requests)
            && !self.is_over()
            && let Some(request) = kernel.next_request()
        {
            match (request, request.event()) {
                (Request::Notify(payload), _) => self.notify(kernel, payload),
                (_, Some(event)) => self.feed(kernel, event),
                (_, None) => kernel.complain("a request that is no event"),
            }
        }
    }

    fn notify(&mut self, kernel: &mut Kernel, payload: Payload) {
        match self.monitor.notify(kernel.now()) {
            Ok(id) => self.queued.push_back((id, payload)),
            Err(misuse) => kernel.misused(misuse),
        }
        if self.habits.polls != Polls::OncePerTurn {
            self.perform(kernel);
        }
    }

    /// Before a deadline fires, all that has been written by now is read: progress wins.
    fn look_at_the_clock(&mut self, kernel: &mut Kernel) {
        let due = |at: Option<Instant>, kernel: &Kernel| at.is_some_and(|at| at <= kernel.now());
        let wake = match self.habits.timer {
            Timer::Asked => self.monitor.poll_timeout(),
            Timer::Told => self.scheduled,
        };
        // Every tick may ask for another timer, so who is behind with the actions does not tick idly.
        let idly = self.habits.ticks_always && self.actions_left > 0;
        if !idly && !due(wake, kernel) {
            return;
        }
        for stream in Stream::ALL {
            self.read(kernel, stream, u8::MAX);
        }
        self.scheduled = None;
        self.feed(kernel, Event::Tick);
        if self.habits.polls == Polls::OncePerTurn {
            self.perform(kernel);
        }
    }

    fn is_over(&self) -> bool {
        self.monitor.outcome().is_some()
    }
}

/// Between the core and the kernel.
impl Minder {
    fn feed(&mut self, kernel: &mut Kernel, event: Event) {
        if let Err(misuse) = self.monitor.handle(kernel.now(), event) {
            kernel.misused(misuse);
        }
        if self.habits.polls != Polls::OncePerTurn {
            self.perform(kernel);
        }
    }

    fn perform(&mut self, kernel: &mut Kernel) {
        while self.actions_left > 0 {
            let Some(action) = self.monitor.poll_action() else {
                return;
            };
            self.actions_left -= 1;
            self.act(kernel, action);
        }
        if self.monitor.clone().poll_action().is_some() {
            self.unfinished = Some(kernel.now());
        }
    }

    fn act(&mut self, kernel: &mut Kernel, action: Action) {
        match action {
            Action::RecordError { error, first } => {
                kernel.note(error);
                if first == std::mem::replace(&mut self.noted, true) {
                    kernel.complain("more than one error was called the first, or none");
                }
            }
            Action::SendSignal { signal, target } => self.send(kernel, signal, target),
            Action::DiscardNotifications { first, last } => self.discard(kernel, first, last),
            Action::RunNotification { id, kind } => self.run(kernel, id, kind),
            Action::ScheduleTimer(at) => self.scheduled = at,
            Action::Reap => {
                kernel.reap();
            }
            Action::Finish(outcome) => {
                kernel.finish(outcome);
                if self.scheduled.is_some() {
                    kernel.complain("a timer was left behind at the end");
                }
            }
        }
    }

    /// A stopped process does not see a signal until it is continued.
    fn send(&mut self, kernel: &mut Kernel, signal: Signal, target: Target) {
        match kernel.signal(signal, target) {
            Delivery::Sent if signal != Signal::KILL => {
                kernel.signal(linux::CONT, target);
            }
            Delivery::Refused if !self.is_over() => self.feed(kernel, Event::Fail),
            _ => {}
        }
    }

    fn discard(&mut self, kernel: &mut Kernel, first: NotificationId, last: NotificationId) {
        while let Some((id, payload)) = self.queued.pop_front() {
            if !(first..=last).contains(&id) {
                kernel.complain("a notification was passed over");
                return;
            }
            kernel.discard(payload);
            if id == last {
                return;
            }
        }
    }

    fn run(&mut self, kernel: &mut Kernel, id: NotificationId, kind: NotificationKind) {
        let job = match kind {
            NotificationKind::Requested => match self.queued.pop_front() {
                Some((queued, payload)) if queued == id => Job::Requested(payload),
                _ => return kernel.complain("a notification was run that is not the next"),
            },
            // Every other kind is one that the core queues itself.
            _ => Job::Heartbeat,
        };
        self.running = Some((id, job));
        kernel.run(job);
    }
}
