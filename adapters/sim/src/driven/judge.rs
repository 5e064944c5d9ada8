//! What must hold of a driver, beside what must hold of every supervisor.
//!
//! It sees what passes between the driver and its kernel, its handler and its monitor, and what was asked and
//! answered. It has a monitor of its own, the mirror, and feeds it every event that the driver announces: what the
//! mirror then asks for is what the driver's monitor must have asked for.

mod handler;
mod monitor;
mod turns;

use std::collections::VecDeque;
use std::io;

use childminder::{
    Action, Config, Event, ExitStatus, Instant, MonitorState, NotificationId, Signal, Stream,
    Target,
};
use childminder_driver::{Failure, Request, Sighting};

use super::words::{self, Worded};
use crate::coverage::Seen;
use crate::machine::Machine;
use crate::moment::{Moment as Noted, RequestKind};
use crate::notification::{Job, Payload};
use crate::owner;

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(super) struct Judge {
    mirror: MonitorState,
    now: Instant,
    turn: u32,
    /// In this turn, a deadline was due that is not to come before the output.
    overruled: bool,
    dead_before_turn: bool,
    /// In this turn, the machine could not say how much there was to read.
    blind: bool,
    reads: u32,
    /// The action that was announced and is not yet performed.
    owed: Option<Action>,
    /// Whether the event at hand passes a signal on, which is another call of the kernel.
    passing_on: bool,
    /// A signal that the kernel has refused to pass on, until the handler hears of it.
    refusal: Option<(u64, Signal, Target)>,
    /// What a look for strays has shown, until the monitor hears of it.
    sighting: Option<Event>,
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
    /// Failures that the handler must hear of.
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
    /// No process could write any more when this turn began.
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
            dead_before_turn: false,
            blind: false,
            reads: 0,
            owed: None,
            passing_on: false,
            refusal: None,
            sighting: None,
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
            owner::Request::Ready => self.tell(request, Request::Ready),
            owner::Request::Terminate => self.tell(request, Request::Terminate),
            owner::Request::Escalate => self.tell(request, Request::Escalate),
            owner::Request::Kill => self.tell(request, Request::Kill),
            owner::Request::PassOn(signal, target) => {
                self.tell(request, Request::PassOn(signal, target))
            }
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
            Request::Ready => self.tell(Owners::Ready, Request::Ready),
            Request::Terminate => self.tell(Owners::Terminate, Request::Terminate),
            Request::Escalate => self.tell(Owners::Escalate, Request::Escalate),
            Request::Kill => self.tell(Owners::Kill, Request::Kill),
            Request::PassOn(signal, target) => self.tell(
                Owners::PassOn(signal, target),
                Request::PassOn(signal, target),
            ),
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

    /// Why this signal could not be passed on.
    pub(super) fn refusal(
        &mut self,
        signal: Signal,
        target: Target,
        words: &'static str,
    ) -> io::Error {
        let number = self.number();
        self.refusal = Some((number, signal, target));
        words::fault(number, words)
    }

    /// What a look for strays has shown.
    pub(super) fn sights(&mut self, sighting: Option<Sighting>) {
        self.sighting = Some(match sighting {
            Some(Sighting { living, immune }) => Event::StraysSeen { living, immune },
            None => Event::StraysUnseen,
        });
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
