//! What must hold of a driver, beside what must hold of every supervisor.
//!
//! It sees what passes between the driver and its kernel, its handler and its monitor, and what was asked and
//! answered. A monitor of its own, the mirror, is told what the driver says that it tells its own.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::io;

use childminder::{
    Action, Config, Deadline, Error, Event, ExitStatus, Instant, MonitorState, NotificationId,
    NotificationKind, Outcome, Stream,
};
use childminder_driver::{Driver, Failure, Moment, Request};

use super::words::{self, Worded};
use crate::coverage::Seen;
use crate::machine::{Machine, Source};
use crate::moment::{Moment as Noted, RequestKind};
use crate::notification::{Answer as Ended, Job, Payload};
use crate::owner;
use crate::process::Life;
use crate::rule::{Rule, Work};

#[derive(Debug)]
pub(super) struct Judge {
    mirror: MonitorState,
    now: Instant,
    turn: u32,
    /// In this turn, a deadline was due that is not to come before the output.
    overruled: bool,
    /// In this turn, the machine could not say how much there was to read.
    blind: bool,
    reads: u32,
    /// The action that was announced and is not yet performed.
    owed: Option<Action>,
    exited: Option<ExitStatus>,
    finished: bool,
    streams: [Delivery; 2],
    numbers: u64,
    /// What was asked, in order, with the turn before whose end it was.
    asked: VecDeque<(u32, Asked)>,
    notifications: u64,
    /// Those that the monitor knows, and that are neither handed out nor discarded.
    tickets: VecDeque<(NotificationId, Payload)>,
    handed_out: Vec<(NotificationId, Job)>,
    /// Those that must be told of.
    failures: Vec<u64>,
    answers: Vec<Given>,
    /// The failure that the error at hand must bring, where it is no external one.
    reason: Option<u64>,
    lost: Option<u64>,
}

/// A notification, and how the handler and the oracle know it.
#[derive(Debug)]
pub(super) struct Tagged<N> {
    pub(super) payload: Payload,
    pub(super) notification: N,
}

/// What the handler got of one stream.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
struct Delivery {
    fed: usize,
    ended: bool,
    closed: bool,
    hold_asked: bool,
    close_asked: bool,
    /// Held at some time of this turn, or perhaps.
    held_in_turn: bool,
    /// Held for certain.
    held: bool,
    written_before_turn: usize,
    /// Nobody could write any more when this turn began.
    over_before_turn: bool,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Told(owner::Request),
    Fail(u64),
    Hold(Stream),
    Release(Stream),
    Close(Stream),
}

#[derive(Clone, Copy, Debug)]
struct Given {
    turn: u32,
    id: NotificationId,
    ok: bool,
    number: u64,
}

/// What is asked, answered and refused.
impl Judge {
    pub(super) fn new(config: Config) -> Self {
        Self {
            mirror: MonitorState::new(config),
            now: Instant::ZERO,
            turn: 0,
            overruled: false,
            blind: false,
            reads: 0,
            owed: None,
            exited: None,
            finished: false,
            streams: [Delivery::default(); 2],
            numbers: 0,
            asked: VecDeque::new(),
            notifications: 0,
            tickets: VecDeque::new(),
            handed_out: Vec::new(),
            failures: Vec::new(),
            answers: Vec::new(),
            reason: None,
            lost: None,
        }
    }

    /// As [`new`](Self::new), in the memory of the one before.
    pub(super) fn begin(&mut self, config: Config) {
        let mut old = std::mem::replace(self, Self::new(config));
        old.asked.clear();
        old.tickets.clear();
        old.handed_out.clear();
        old.failures.clear();
        old.answers.clear();
        self.asked = old.asked;
        self.tickets = old.tickets;
        self.handed_out = old.handed_out;
        self.failures = old.failures;
        self.answers = old.answers;
    }

    pub(super) fn owner_asks<N: From<Payload>>(
        &mut self,
        request: owner::Request,
    ) -> Request<Tagged<N>> {
        match request {
            owner::Request::Notify(payload) => self.notification(payload.into()),
            owner::Request::Fail => self.failure("the owner says so".into()),
            owner::Request::Progress => self.tell(request, Request::Progress),
            owner::Request::Terminate => self.tell(request, Request::Terminate),
            owner::Request::Escalate => self.tell(request, Request::Escalate),
            owner::Request::SetIdleTimeout(limit) => {
                self.tell(request, Request::SetIdleTimeout(limit))
            }
            owner::Request::SetLadder(ladder) => self.tell(request, Request::SetLadder(ladder)),
            owner::Request::Suspended => self.tell(request, Request::Suspended),
            owner::Request::Resumed => self.tell(request, Request::Resumed),
        }
    }

    /// `None` is a request of which nothing is known here.
    pub(super) fn asks<N>(
        &mut self,
        machine: &mut Machine,
        request: Request<N>,
    ) -> Option<Request<Tagged<N>>> {
        use owner::Request as Owners;
        let request = match request {
            Request::Notify(notification) => self.notification(notification),
            Request::Fail(failure) => self.failure(failure),
            Request::Progress => self.tell(Owners::Progress, Request::Progress),
            Request::Terminate => self.tell(Owners::Terminate, Request::Terminate),
            Request::Escalate => self.tell(Owners::Escalate, Request::Escalate),
            Request::SetIdleTimeout(limit) => self.tell(
                Owners::SetIdleTimeout(limit),
                Request::SetIdleTimeout(limit),
            ),
            Request::SetLadder(ladder) => {
                self.tell(Owners::SetLadder(ladder), Request::SetLadder(ladder))
            }
            Request::Suspended => self.tell(Owners::Suspended, Request::Suspended),
            Request::Resumed => self.tell(Owners::Resumed, Request::Resumed),
            Request::HoldOutput(stream) => {
                let delivery = &mut self.streams[stream as usize];
                delivery.hold_asked = true;
                delivery.held_in_turn = true;
                machine.coverage.add(Seen::Held);
                self.asked.push_back((self.turn, Asked::Hold(stream)));
                Request::HoldOutput(stream)
            }
            Request::ReleaseOutput(stream) => {
                let delivery = &mut self.streams[stream as usize];
                delivery.hold_asked = false;
                delivery.held = false;
                self.asked.push_back((self.turn, Asked::Release(stream)));
                Request::ReleaseOutput(stream)
            }
            Request::CloseOutput(stream) => {
                self.streams[stream as usize].close_asked = true;
                machine.coverage.add(Seen::ClosedByHandler);
                self.asked.push_back((self.turn, Asked::Close(stream)));
                Request::CloseOutput(stream)
            }
            _ => return None,
        };
        machine.coverage.add(Seen::HandlerAsked);
        if let Some((_, asked)) = self.asked.back() {
            machine.note_down(Noted::HandlerAsks(asked.kind()));
        }
        Some(request)
    }

    /// The answer, as it is given.
    pub(super) fn answered(
        &mut self,
        id: NotificationId,
        result: Result<(), Failure>,
    ) -> Result<(), Failure> {
        let number = self.number();
        self.answers.push(Given {
            turn: self.turn,
            id,
            ok: result.is_ok(),
            number,
        });
        result.map_err(|failure| Worded::wrap(number, failure))
    }

    /// Something that the machine fails with, and that the handler is to hear of.
    pub(super) fn fault(&mut self, words: &'static str) -> io::Error {
        let number = self.number();
        self.failures.push(number);
        words::fault(number, words)
    }

    pub(super) fn blinded(&mut self, words: &'static str) -> io::Error {
        self.blind = true;
        self.fault(words)
    }

    /// Why the exit status is lost.
    pub(super) fn lost(&mut self, words: &'static str) -> io::Error {
        let number = self.number();
        self.lost = Some(number);
        words::fault(number, words)
    }

    pub(super) fn is_held(&self, stream: Stream) -> bool {
        self.streams[stream as usize].hold_asked
    }

    fn notification<N>(&mut self, notification: N) -> Request<Tagged<N>> {
        self.notifications += 1;
        let payload = Payload(self.notifications);
        let tagged = Tagged {
            payload,
            notification,
        };
        self.tell(owner::Request::Notify(payload), Request::Notify(tagged))
    }

    fn failure<N>(&mut self, failure: Failure) -> Request<Tagged<N>> {
        let number = self.number();
        self.failures.push(number);
        self.asked.push_back((self.turn, Asked::Fail(number)));
        Request::Fail(Worded::wrap(number, failure))
    }

    fn tell<N>(&mut self, asked: owner::Request, request: Request<N>) -> Request<N> {
        self.asked.push_back((self.turn, Asked::Told(asked)));
        request
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The oldest request that can be seen to be carried out. What is done in silence (holds) is done by
    /// then.
    fn oldest(&mut self) -> Option<Asked> {
        while let Some((_, Asked::Hold(_) | Asked::Release(_) | Asked::Close(_))) =
            self.asked.front()
        {
            self.asked.pop_front();
        }
        self.asked.pop_front().map(|(_, asked)| asked)
    }
}

/// A turn, and the sleep after it.
impl Judge {
    pub(super) fn turn_begins(&mut self, machine: &Machine) {
        self.turn += 1;
        self.now = machine.now();
        self.overruled = false;
        self.blind = false;
        self.reads = 0;
        for (stream, pipe) in self.streams.iter_mut().zip(&machine.pipes) {
            stream.held_in_turn = stream.hold_asked;
            stream.held = stream.hold_asked;
            stream.written_before_turn = pipe.written();
            stream.over_before_turn = pipe.holders == 0;
        }
    }

    pub(super) fn turn_ends(&mut self, machine: &mut Machine) {
        self.demand(machine, self.owes_nothing(), Rule::ActionNotPerformed);
        for stream in Stream::ALL {
            let pipe = &machine.pipes[stream as usize];
            let whole = pipe.delivered == pipe.read;
            self.demand(machine, whole, Rule::LostOutput(stream));
        }
        if self.finished {
            while let Some(Given { id, ok, .. }) = self.answers.pop() {
                let job = self.job(id);
                machine.take_answer(Ended { job, ok });
            }
            return self.over(machine);
        }
        let is_late = |it: &&(u32, Asked)| it.0 < self.turn && Self::is_undone(machine, it.1);
        if let Some(kind) = self.asked.iter().find(is_late).map(|it| it.1.kind()) {
            machine.breached(Rule::RequestLate(kind));
        }
        let late = |given: &&Given| given.turn < self.turn;
        if let Some(given) = self.answers.iter().find(late) {
            machine.breached(Rule::AnswerLost(self.job(given.id)));
        }
        self.asked
            .retain(|it| it.0 == self.turn || Self::is_undone(machine, it.1));
    }

    /// Whether it can be seen that a request is not carried out.
    fn is_undone(machine: &Machine, asked: Asked) -> bool {
        match asked {
            Asked::Hold(_) | Asked::Release(_) => false,
            Asked::Close(stream) => !machine.pipes[stream as usize].done,
            Asked::Told(_) | Asked::Fail(_) => true,
        }
    }

    /// While nothing more happens, it does not sleep when something is to be done.
    pub(super) fn sleeps<N: Send + 'static>(
        &self,
        machine: &mut Machine,
        driver: &Driver<N>,
        wake: Option<Instant>,
    ) {
        let now = machine.now();
        let at_once = wake.is_some_and(|wake| wake <= now);
        if self.finished || at_once {
            return;
        }
        let sleeps_over = |machine: &mut Machine, work, asleep: bool| {
            self.demand(machine, !asleep, Rule::SleepsOverWork(work));
        };
        let undone = self.asked.iter().any(|it| Self::is_undone(machine, it.1));
        sleeps_over(machine, Work::Requests, undone);
        sleeps_over(machine, Work::Answers, !self.answers.is_empty());
        let trigger = machine.scenario.weather.trigger;
        for stream in Stream::ALL {
            let pipe = &mut machine.pipes[stream as usize];
            pipe.listened = driver.wants(stream);
            let unread = pipe.is_readable() && !pipe.is_announced(trigger);
            let asleep = unread && !self.is_held(stream);
            sleeps_over(machine, Work::Output(stream), asleep);
        }
        machine.listens_for_exit = driver.wants_exit();
        let unseen = machine.is_ready(Source::Exit) && !machine.is_exit_announced();
        sleeps_over(machine, Work::Exit, unseen);
        if let Some(at) = self.mirror.poll_timeout()
            && wake.is_none_or(|wake| wake > at.max(now))
            && let Some(deadline) = self.mirror.timeout_reason()
        {
            machine.breached(Rule::SleepsThrough(deadline));
        }
    }

    /// After the last turn.
    fn over(&mut self, machine: &mut Machine) {
        for stream in Stream::ALL {
            let delivery = self.streams[stream as usize];
            let piped = machine.pipes[stream as usize].piped;
            self.demand(machine, delivery.ended == piped, Rule::NeverEnded(stream));
            self.demand(machine, delivery.closed == piped, Rule::LeftOpen(stream));
        }
        let unsettled = self.asked.iter().find_map(|(_, asked)| match asked {
            Asked::Told(owner::Request::Notify(payload)) => Some(*payload),
            _ => None,
        });
        let ticket = self.tickets.front().map(|(_, payload)| *payload);
        if let Some(payload) = ticket.or(unsettled) {
            machine.breached(Rule::LostNotification(payload));
        }
        self.demand(machine, self.failures.is_empty(), Rule::FailureLost);
    }
}

/// What the monitor is told and asks for, and how that is done.
impl Judge {
    pub(super) fn told(&mut self, machine: &mut Machine, at: Instant, moment: Moment) {
        self.demand(machine, !self.finished, Rule::ActedAfterFinish);
        self.demand(machine, self.owes_nothing(), Rule::ActionNotPerformed);
        self.demand(machine, at == self.now, Rule::ToldUntrue);
        let is_due = self.mirror.poll_timeout().is_some_and(|due| due <= at);
        self.overruled |= is_due && self.output_decides(at);
        let next = self.mirror.poll_action();
        if let Moment::Action(action) = moment {
            self.demand(machine, next == Some(action), Rule::AnotherAction);
            self.owed = Some(action);
            return;
        }
        self.owed = None;
        self.reason = None;
        self.demand(machine, next.is_none(), Rule::ActionNotPerformed);
        match moment {
            Moment::Event(event) => {
                self.justify(machine, at, event);
                let taken = self.mirror.handle(at, event);
                self.demand(machine, taken.is_ok(), Rule::ToldUntrue);
            }
            Moment::Notified(id) => {
                let ticket = self.mirror.notify(at);
                self.demand(machine, ticket == Ok(id), Rule::ToldUntrue);
                match self.oldest() {
                    Some(Asked::Told(request @ owner::Request::Notify(payload))) => {
                        self.tickets.push_back((id, payload));
                        machine.take_request(request);
                    }
                    _ => machine.breached(Rule::RequestOutOfOrder),
                }
            }
            Moment::Failed(id) => {
                let ticket = self.mirror.fail(at);
                self.demand(machine, ticket == Ok(id), Rule::ToldUntrue);
            }
            Moment::Action(_) => {}
        }
    }

    /// Whether there is a cause for this event.
    fn justify(&mut self, machine: &mut Machine, at: Instant, event: Event) {
        match event {
            Event::Started => {}
            Event::Output { stream, bytes } => self.justify_output(machine, stream, bytes),
            Event::NotifyDone { id, ok } => self.justify_answer(machine, id, ok),
            Event::OutputClosed => {
                let over = machine.pipes.iter().all(|pipe| pipe.done);
                self.demand(machine, over, Rule::ToldUntrue);
            }
            Event::ChildExited(status) => {
                self.demand(machine, self.exited == Some(status), Rule::ExitMistold);
                self.justify_exit(machine);
                if status == ExitStatus::Lost {
                    self.reason = self.lost;
                }
                machine.see_exit(status);
            }
            Event::Tick => self.justify_tick(machine, at),
            _ => match self.oldest() {
                Some(Asked::Told(request)) if request.event() == Some(event) => {
                    machine.take_request(request);
                }
                _ => machine.breached(Rule::RequestOutOfOrder),
            },
        }
    }

    fn justify_output(&mut self, machine: &mut Machine, stream: Stream, bytes: u64) {
        let delivery = &mut self.streams[stream as usize];
        delivery.fed += usize::try_from(bytes).unwrap_or(usize::MAX);
        let (fed, held) = (delivery.fed, delivery.held);
        let read = machine.pipes[stream as usize].read;
        self.demand(machine, fed == read, Rule::MiscountedOutput(stream));
        let respected = !held || self.overruled;
        self.demand(machine, respected, Rule::IgnoredHold(stream));
    }

    fn justify_answer(&mut self, machine: &mut Machine, id: NotificationId, ok: bool) {
        let given = |given: &Given| (given.id, given.ok) == (id, ok);
        let Some(place) = self.answers.iter().position(given) else {
            return machine.breached(Rule::AnswerMadeUp);
        };
        let given = self.answers.remove(place);
        self.reason = (!ok).then_some(given.number);
        let job = self.job(id);
        machine.take_answer(Ended { job, ok });
    }

    /// What the child wrote before it died comes before its death.
    fn justify_exit(&self, machine: &mut Machine) {
        for stream in Stream::ALL {
            let pipe = &machine.pipes[stream as usize];
            let late = pipe.delivered < pipe.before_death && !pipe.done;
            let excused = self.streams[stream as usize].held_in_turn || self.blind;
            self.demand(machine, !late || excused, Rule::ExitBeforeOutput(stream));
        }
    }

    /// Before a deadline that output decides, what has been written is read, held or not.
    fn justify_tick(&self, machine: &mut Machine, at: Instant) {
        if self.blind || !self.output_decides(at) {
            return;
        }
        for stream in Stream::ALL {
            let delivery = &self.streams[stream as usize];
            let pipe = &machine.pipes[stream as usize];
            let late = pipe.delivered < delivery.written_before_turn || delivery.over_before_turn;
            let in_order = pipe.done || !late;
            self.demand(machine, in_order, Rule::DeadlineBeforeOutput(stream));
        }
    }

    fn output_decides(&self, at: Instant) -> bool {
        let due = |deadline| self.mirror.deadline(deadline).is_some_and(|due| due <= at);
        DECIDED_BY_OUTPUT.into_iter().any(due)
    }

    pub(super) fn performs(&mut self, machine: &mut Machine, action: Action) {
        self.demand(machine, self.owed == Some(action), Rule::ActionUnasked);
        self.owed = None;
    }

    fn owes_nothing(&self) -> bool {
        match self.owed {
            None | Some(Action::ScheduleTimer(_)) => true,
            // Another process has that pid by now.
            Some(Action::Reap) => self.exited == Some(ExitStatus::Lost),
            Some(Action::DiscardNotifications { last, .. }) => {
                self.tickets.front().is_none_or(|(id, _)| *id > last)
            }
            Some(_) => false,
        }
    }

    fn job(&self, id: NotificationId) -> Job {
        let known = self.handed_out.iter().find(|(ticket, _)| *ticket == id);
        known.map_or(Job::Heartbeat, |(_, job)| *job)
    }
}

/// What the kernel is asked.
impl Judge {
    pub(super) fn uses(&self, machine: &mut Machine, stream: Stream) {
        let delivery = &self.streams[stream as usize];
        let open = machine.pipes[stream as usize].piped && !delivery.closed;
        self.demand(machine, open, Rule::UsedAfterClose(stream));
    }

    pub(super) fn closes(&mut self, machine: &mut Machine, stream: Stream) {
        self.uses(machine, stream);
        self.streams[stream as usize].closed = true;
    }

    /// More often than any turn has reason to.
    pub(super) fn reads_for_ever(&mut self, machine: &mut Machine) -> bool {
        self.reads += 1;
        let for_ever = self.reads > MOST_READS;
        self.demand(machine, !for_ever, Rule::ReadsForEver);
        for_ever
    }
}

/// What the handler is told.
impl Judge {
    pub(super) fn delivered(&mut self, machine: &mut Machine, stream: Stream, bytes: &[u8]) {
        let delivery = &self.streams[stream as usize];
        let late = delivery.ended || self.finished;
        self.demand(machine, !late, Rule::OutputAfterEnd(stream));
        let pipe = &mut machine.pipes[stream as usize];
        let so = pipe.bytes(pipe.delivered, bytes.len()) == bytes;
        pipe.delivered += bytes.len();
        let (told, read) = (delivery.fed == pipe.delivered, pipe.delivered <= pipe.read);
        self.demand(machine, so && read, Rule::GarbledOutput(stream));
        self.demand(machine, told, Rule::MiscountedOutput(stream));
    }

    /// The handler has said what it wants of the output so far.
    pub(super) fn holds_now(&mut self) {
        for stream in &mut self.streams {
            stream.held = stream.hold_asked;
        }
    }

    pub(super) fn ended(&mut self, machine: &mut Machine, stream: Stream) {
        let delivery = self.streams[stream as usize];
        let pipe = &machine.pipes[stream as usize];
        let whole = pipe.delivered == pipe.written() || !pipe.end_seen;
        let again = !pipe.piped || delivery.ended || self.finished;
        let given_up = matches!(self.owed, Some(Action::Finish(outcome)) if outcome.leaked);
        let caused = pipe.end_seen || pipe.failed || delivery.close_asked || given_up;
        self.demand(machine, !again, Rule::OutputAfterEnd(stream));
        self.demand(machine, caused && whole, Rule::EndedEarly(stream));
        self.streams[stream as usize].ended = true;
    }

    pub(super) fn exited(&mut self, machine: &mut Machine, status: ExitStatus) {
        let so = match machine.processes[0].life {
            Life::Alive => false,
            Life::Zombie(real) => status == real,
            Life::Gone => status == ExitStatus::Lost,
        };
        let once = self.exited.is_none() && !self.finished;
        self.demand(machine, so && once, Rule::ExitMistold);
        self.exited = Some(status);
    }

    pub(super) fn hands_out(&mut self, machine: &mut Machine, id: NotificationId, job: Job) {
        let kind = match job {
            Job::Heartbeat => NotificationKind::Heartbeat,
            Job::Requested(payload) => {
                let next = self.tickets.pop_front() == Some((id, payload));
                self.demand(machine, next, Rule::AnotherNotification(job));
                NotificationKind::Requested
            }
        };
        self.handed_out.push((id, job));
        self.performs(machine, Action::RunNotification { id, kind });
    }

    pub(super) fn discards(&mut self, machine: &mut Machine, payload: Payload) {
        let another = Rule::AnotherNotification(Job::Requested(payload));
        if let Some(Action::DiscardNotifications { last, .. }) = self.owed {
            let oldest = self.tickets.pop_front();
            let right = oldest.is_some_and(|(id, given)| id <= last && given == payload);
            self.demand(machine, right, another);
            return machine.discard(payload);
        }
        self.demand(machine, self.finished, Rule::DiscardedWithoutError(payload));
        while let Some((_, asked)) = self.asked.pop_front() {
            if let Asked::Told(owner::Request::Notify(given)) = asked {
                return self.demand(machine, given == payload, another);
            }
        }
        machine.breached(another);
    }

    pub(super) fn records(
        &mut self,
        machine: &mut Machine,
        error: Error,
        first: bool,
        failure: Option<&(dyn StdError + Send + Sync + 'static)>,
    ) {
        self.performs(machine, Action::RecordError { error, first });
        let number = failure.and_then(words::number_of);
        let right = match error {
            Error::External(_) => number.is_some(),
            Error::Notification(_) | Error::Exit(ExitStatus::Lost) => {
                number.is_some() && number == self.reason
            }
            _ => failure.is_none(),
        };
        self.demand(machine, right, Rule::WrongWords(error));
        if let (Error::External(_), Some(number)) = (error, number) {
            self.settle_failure(machine, number);
            self.settle_request(machine, number);
        }
    }

    pub(super) fn gives_back(
        &mut self,
        machine: &mut Machine,
        failure: &(dyn StdError + Send + Sync + 'static),
    ) {
        self.demand(machine, self.finished, Rule::FailureMadeUp);
        let number = words::number_of(failure).unwrap_or_default();
        self.settle_failure(machine, number);
    }

    pub(super) fn finishes(&mut self, machine: &mut Machine, outcome: Outcome) {
        self.performs(machine, Action::Finish(outcome));
        self.finished = true;
    }

    fn settle_failure(&mut self, machine: &mut Machine, number: u64) {
        match self.failures.iter().position(|known| *known == number) {
            Some(place) => drop(self.failures.swap_remove(place)),
            None => machine.breached(Rule::FailureMadeUp),
        }
    }

    /// If that failure was asked for.
    fn settle_request(&mut self, machine: &mut Machine, number: u64) {
        let is_it = |asked: &Asked| matches!(asked, Asked::Fail(asked) if *asked == number);
        if !self.asked.iter().any(|(_, asked)| is_it(asked)) {
            return;
        }
        let oldest = self.oldest();
        self.demand(
            machine,
            oldest.is_some_and(|it| is_it(&it)),
            Rule::RequestOutOfOrder,
        );
        machine.take_request(owner::Request::Fail);
    }

    fn demand(&self, machine: &mut Machine, holds: bool, rule: Rule) {
        if !holds {
            machine.breached(rule);
        }
    }
}

impl Asked {
    fn kind(self) -> RequestKind {
        match self {
            Self::Told(request) => request.into(),
            Self::Fail(_) => RequestKind::Fail,
            Self::Hold(stream) => RequestKind::HoldOutput(stream),
            Self::Release(stream) => RequestKind::ReleaseOutput(stream),
            Self::Close(stream) => RequestKind::CloseOutput(stream),
        }
    }
}

/// Many more than it takes to read what the children of a run write, a byte at a time.
const MOST_READS: u32 = 1 << 20;

/// Output puts the first two off; the others may give it up.
const DECIDED_BY_OUTPUT: [Deadline; 4] = [
    Deadline::Idle,
    Deadline::FirstOutput,
    Deadline::Stage,
    Deadline::Drain,
];
