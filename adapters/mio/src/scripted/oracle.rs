//! What must hold of the glue.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use childminder::{
    Action, Config, Deadline, Error, Event, ExitStatus, Instant, MonitorState, NotificationId,
    NotificationKind, Outcome, Signal, Stream, Target,
};

use super::owner::{Asked, Numbered};
use super::world::{Happening, Life, World};
use crate::kernel::STREAMS;
use crate::{Job, Moment};

/// Follows the story, and breaks it off when something does not hold.
#[derive(Debug)]
pub(super) struct Oracle {
    story: Vec<Line>,
    turn: usize,
    /// A monitor that is told what the glue's is said to be told.
    mirror: MonitorState,
    told_at: Instant,
    /// In this turn, a deadline was due that is not to come before the output.
    overruled: bool,
    /// The action that was announced and is not yet performed.
    owed: Option<Action>,
    finished: bool,
    streams: [Delivery; 2],
    numbers: usize,
    /// What was asked, in order, with the turn before which it was; holds and failures apart.
    asked: VecDeque<(usize, Asked)>,
    tickets: BTreeMap<NotificationId, usize>,
    /// Failures that nobody was told of.
    failures: BTreeSet<usize>,
    answers: Vec<(usize, NotificationId, bool)>,
    not_deregistered: Option<usize>,
}

/// What the owner got of one stream.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
struct Delivery {
    fed: u64,
    delivered: u64,
    ended: bool,
    hold_asked: bool,
    close_asked: bool,
    /// Held at some time of this turn, or perhaps.
    held_in_turn: bool,
    /// Held for certain.
    held: bool,
    written_before_turn: u64,
    /// Nobody could write any more when this turn began.
    over_before_turn: bool,
}

/// One line of the story.
#[derive(Clone, Copy, Debug)]
#[expect(dead_code, reason = "a story is for people to read")]
enum Line {
    Turn,
    Happened(Happening),
    Asked(Asked),
    Told(Instant, Moment),
    Delivered(Stream, usize),
    Ended(Stream),
    HandedOut(NotificationId),
    Discarded(usize),
    Answered(NotificationId, bool),
    Failed(usize),
}

/// What the script and the owner do.
impl Oracle {
    pub(super) fn new(config: Config) -> Self {
        Self {
            story: Vec::new(),
            turn: 0,
            mirror: MonitorState::new(config),
            told_at: Instant::ZERO,
            overruled: false,
            owed: None,
            finished: false,
            streams: Default::default(),
            numbers: 0,
            asked: VecDeque::new(),
            tickets: BTreeMap::new(),
            failures: BTreeSet::new(),
            answers: Vec::new(),
            not_deregistered: None,
        }
    }

    pub(super) fn note(&mut self, happening: Happening) {
        self.story.push(Line::Happened(happening));
    }

    /// Numbers what is asked.
    pub(super) fn asked(&mut self, asked: Asked) -> Asked {
        let asked = match asked {
            Asked::Notify(_) => Asked::Notify(self.number()),
            Asked::Fail(_) => Asked::Fail(self.number()),
            other => other,
        };
        self.story.push(Line::Asked(asked));
        match asked {
            Asked::Notify(_) | Asked::Told(_) => self.asked.push_back((self.turn, asked)),
            Asked::Fail(number) => drop(self.failures.insert(number)),
            Asked::Hold(stream) => {
                self.streams[stream as usize].hold_asked = true;
                self.streams[stream as usize].held_in_turn = true;
            }
            Asked::Release(stream) => {
                self.streams[stream as usize].hold_asked = false;
                self.streams[stream as usize].held = false;
            }
            Asked::Close(stream) => self.streams[stream as usize].close_asked = true,
        }
        asked
    }

    pub(super) fn answered(&mut self, (id, ok): (NotificationId, bool)) {
        self.story.push(Line::Answered(id, ok));
        self.answers.push((self.turn, id, ok));
    }

    /// Something that the kernel fails with, and that the owner is to hear of.
    pub(super) fn new_failure(&mut self) -> io::Error {
        let number = self.number();
        self.story.push(Line::Failed(number));
        self.failures.insert(number);
        io::Error::other(Numbered(number))
    }

    /// Something that the loop is to hear of.
    pub(super) fn not_deregistered(&mut self) -> io::Error {
        let number = self.number();
        self.story.push(Line::Failed(number));
        self.not_deregistered.get_or_insert(number);
        io::Error::other(Numbered(number))
    }

    fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }
}

/// What the glue makes of a turn.
impl Oracle {
    pub(super) fn turn_begins(&mut self, world: &World) {
        self.story.push(Line::Turn);
        self.turn += 1;
        self.overruled = false;
        for (stream, pipe) in self.streams.iter_mut().zip(&world.pipes) {
            stream.held_in_turn = stream.hold_asked;
            stream.held = stream.hold_asked;
            stream.written_before_turn = pipe.written;
            stream.over_before_turn = !pipe.written_to;
        }
    }

    pub(super) fn turn_ends(&mut self, world: &World, result: &io::Result<()>) {
        let error = result.as_ref().err();
        let number = error.map(|error| error.get_ref().and_then(number_of));
        let expected = self.not_deregistered.take().map(Some);
        self.demand(number == expected, "the turn returns what the registry did");
        self.demand(self.owes_nothing(), "an action is performed");
        for (stream, pipe) in self.streams.iter().zip(&world.pipes) {
            self.demand(stream.delivered == pipe.read, "what was read is delivered");
        }
        if self.mirror.outcome().is_some() {
            self.demand(self.finished, "the end is told");
            return;
        }
        let late = |(turn, _): &(usize, Asked)| *turn < self.turn;
        self.demand(!self.asked.iter().any(late), "a request is carried out");
        let late = |(turn, ..): &(usize, NotificationId, bool)| *turn < self.turn;
        self.demand(!self.answers.iter().any(late), "an answer is taken");
    }

    /// While nothing more happens, the loop does not sleep when something is to be done.
    pub(super) fn sleeps(&self, world: &World, timeout: Option<Duration>, requests: usize) {
        let at_once = timeout == Some(Duration::ZERO);
        self.demand(at_once || requests == 0, "requests are work");
        if self.finished || world.has_news() {
            return;
        }
        for stream in STREAMS {
            let unread = world.pipe(stream).is_readable();
            let held = self.streams[stream as usize].hold_asked;
            self.demand(at_once || held || !unread, "unread output is work");
        }
        if let Some(at) = self.mirror.poll_timeout() {
            let in_time =
                timeout.is_some_and(|timeout| world.now.after(timeout) <= at.max(world.now));
            self.demand(in_time, "a deadline is not slept over");
        }
    }

    /// After the last turn.
    pub(super) fn over(&self, world: &World) {
        self.demand(self.finished, "the end is told");
        for stream in STREAMS {
            let delivery = &self.streams[stream as usize];
            let pipe = world.pipe(stream);
            self.demand(delivery.ended == pipe.piped, "a stream ends if it is one");
            self.demand(!pipe.open, "what is open is closed in the end");
        }
        let notification = |(_, asked): &(usize, Asked)| matches!(asked, Asked::Notify(_));
        let lost = self.asked.iter().any(notification) || !self.tickets.is_empty();
        self.demand(!lost, "a notification runs or comes back");
        self.demand(
            self.failures.is_empty(),
            "a failure is told of or comes back",
        );
    }
}

/// What the monitor is told and asks for, and how that is done.
impl Oracle {
    pub(super) fn told(&mut self, world: &World, at: Instant, moment: Moment) {
        self.story.push(Line::Told(at, moment));
        self.demand(!self.finished, "nothing comes after the end");
        self.demand(
            self.owes_nothing(),
            "an action is performed before the next",
        );
        let in_order = self.told_at <= at && at <= world.now;
        self.demand(in_order, "what happens, happens now");
        self.told_at = at;
        self.overruled |= self.output_decides(at);
        if let Moment::Action(action) = moment {
            let next = self.mirror.poll_action();
            self.demand(next == Some(action), "the actions are the monitor's");
            self.owed = Some(action);
            return;
        }
        self.owed = None;
        self.demand(
            self.mirror.clone().poll_action().is_none(),
            "no action is skipped",
        );
        match moment {
            Moment::Action(_) => {}
            Moment::Event(event) => {
                self.justified(world, at, event);
                let taken = self.mirror.handle(at, event).is_ok();
                self.demand(taken, "the event makes sense");
            }
            Moment::Notified(id) => {
                let ticket = self.mirror.notify(at);
                self.demand(ticket == Ok(id), "the ticket is the monitor's");
                match self.asked.pop_front() {
                    Some((_, Asked::Notify(number))) => drop(self.tickets.insert(id, number)),
                    _ => self.breach("requests are carried out in order"),
                }
            }
            Moment::Failed(id) => {
                let ticket = self.mirror.fail(at);
                self.demand(ticket == Ok(id), "the ticket is the monitor's");
            }
        }
    }

    /// Whether there is a cause for this event.
    fn justified(&mut self, world: &World, at: Instant, event: Event) {
        match event {
            Event::Started | Event::Notify | Event::Fail => {}
            Event::Output { stream, bytes } => {
                let delivery = &mut self.streams[stream as usize];
                delivery.fed += bytes;
                let held = delivery.held;
                self.demand(!held || self.overruled, "a hold is respected");
            }
            Event::NotifyDone { id, ok } => {
                let given =
                    |answer: &(usize, NotificationId, bool)| (answer.1, answer.2) == (id, ok);
                match self.answers.iter().position(given) {
                    Some(place) => drop(self.answers.remove(place)),
                    None => self.breach("an answer was given"),
                }
            }
            Event::OutputClosed => {
                let open = world.pipes.iter().any(|pipe| pipe.open);
                self.demand(!open, "the output is over");
            }
            Event::ChildExited(status) => self.exit_justified(world, status),
            Event::Tick => self.tick_justified(world, at),
            owners => {
                let asked = self.asked.pop_front().map(|(_, asked)| asked);
                let in_order = asked == Some(Asked::Told(owners));
                self.demand(in_order, "requests are carried out in order");
            }
        }
    }

    /// What the child wrote before it died comes before its death.
    fn exit_justified(&self, world: &World, status: ExitStatus) {
        let so = match world.life {
            Life::Alive => false,
            Life::Dead(real) => status == real,
            Life::Vanished => status == ExitStatus::Lost,
        };
        self.demand(so, "the child has died like that");
        for stream in STREAMS {
            let delivery = &self.streams[stream as usize];
            let pipe = world.pipe(stream);
            let late = delivery.delivered < pipe.before_death && pipe.open;
            let excused = delivery.held_in_turn || world.blind;
            self.demand(!late || excused, "output comes before the death");
        }
    }

    /// Before a deadline that output decides, what has been written is read, held or not.
    fn tick_justified(&self, world: &World, at: Instant) {
        if world.blind || !self.output_decides(at) {
            return;
        }
        for stream in STREAMS {
            let delivery = &self.streams[stream as usize];
            let late =
                delivery.delivered < delivery.written_before_turn || delivery.over_before_turn;
            let excused = !world.pipe(stream).open;
            self.demand(!late || excused, "output comes before its deadline");
        }
    }

    fn output_decides(&self, at: Instant) -> bool {
        let due = |deadline| self.mirror.deadline(deadline).is_some_and(|due| due <= at);
        DECIDED_BY_OUTPUT.into_iter().any(due)
    }

    pub(super) fn signalled(&mut self, signal: Signal, target: Target) {
        self.performed(Action::SendSignal { signal, target });
    }

    pub(super) fn reaped(&mut self) {
        self.performed(Action::Reap);
    }

    pub(super) fn finished(&mut self, outcome: Outcome) {
        self.performed(Action::Finish(outcome));
        self.finished = true;
    }

    fn performed(&mut self, action: Action) {
        self.demand(self.owed == Some(action), "what is done was asked for");
        self.owed = None;
    }

    fn owes_nothing(&self) -> bool {
        match self.owed {
            None | Some(Action::ScheduleTimer(_)) => true,
            Some(Action::DiscardNotifications { last, .. }) => {
                self.tickets.keys().all(|ticket| *ticket > last)
            }
            Some(_) => false,
        }
    }
}

/// What the owner is told.
impl Oracle {
    pub(super) fn delivered(&mut self, stream: Stream, bytes: &[u8]) {
        self.story.push(Line::Delivered(stream, bytes.len()));
        let delivery = &self.streams[stream as usize];
        self.demand(!delivery.ended && !self.finished, "no output after the end");
        let expected = bytes_at(stream, delivery.delivered, bytes.len());
        self.demand(bytes == expected, "the bytes come in order, once");
        let delivery = &mut self.streams[stream as usize];
        delivery.delivered += bytes.len() as u64;
        let (fed, delivered) = (delivery.fed, delivery.delivered);
        self.demand(fed == delivered, "the monitor hears of all output");
    }

    /// The owner has said what it wants of the output so far.
    pub(super) fn holds_now(&mut self) {
        for stream in &mut self.streams {
            stream.held = stream.hold_asked;
        }
    }

    pub(super) fn output_ended(&mut self, world: &World, stream: Stream) {
        self.story.push(Line::Ended(stream));
        let delivery = &self.streams[stream as usize];
        let pipe = world.pipe(stream);
        self.demand(pipe.piped && !delivery.ended, "a stream ends once");
        let given_up = matches!(self.owed, Some(Action::Finish(outcome)) if outcome.leaked);
        let caused = pipe.end_seen || pipe.failed || delivery.close_asked || given_up;
        self.demand(caused && !self.finished, "an end has a cause");
        let whole = delivery.delivered == pipe.written;
        self.demand(whole || !pipe.end_seen, "a stream ends after its last byte");
        self.streams[stream as usize].ended = true;
    }

    pub(super) fn handed_out(&mut self, job: Job<usize>, id: NotificationId) {
        self.story.push(Line::HandedOut(id));
        let number = self.tickets.remove(&id);
        let (kind, right) = match job {
            Job::Heartbeat => (NotificationKind::Heartbeat, number.is_none()),
            Job::Requested(given) => (NotificationKind::Requested, number == Some(given)),
        };
        self.demand(right, "a notification is handed out once");
        self.performed(Action::RunNotification { id, kind });
    }

    pub(super) fn discarded(&mut self, number: usize) {
        self.story.push(Line::Discarded(number));
        if let Some(Action::DiscardNotifications { last, .. }) = self.owed {
            let oldest = self.tickets.pop_first();
            let right = oldest.is_some_and(|(id, given)| id <= last && given == number);
            return self.demand(right, "what is discarded was not handed out");
        }
        self.demand(self.finished, "nothing is discarded without a reason");
        while let Some((_, asked)) = self.asked.pop_front() {
            if let Asked::Notify(given) = asked {
                return self.demand(given == number, "what is asked comes back in order");
            }
        }
        self.breach("what comes back was asked for");
    }

    pub(super) fn recorded(&mut self, error: Error, first: bool, failure: Option<&Failure>) {
        self.performed(Action::RecordError { error, first });
        match (error, failure) {
            (Error::External(_), Some(failure)) => self.failure_known(failure),
            (Error::External(_), None) => self.breach("a failure comes with its words"),
            (_, Some(_)) => self.breach("an error has no words of another's"),
            (_, None) => {}
        }
    }

    pub(super) fn failure_known(&mut self, failure: &Failure) {
        let known = number_of(failure).is_some_and(|number| self.failures.remove(&number));
        self.demand(known, "a failure is told of once");
    }

    /// How many have not been handed out, at most.
    pub(super) fn notifications(&self) -> usize {
        self.asked.len() + self.tickets.len()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    pub(super) fn demand(&self, holds: bool, what: &str) {
        if !holds {
            self.breach(what);
        }
    }

    pub(super) fn breach(&self, what: &str) -> ! {
        let mut story = String::new();
        for line in &self.story {
            let _ = writeln!(story, "{line:?}");
        }
        panic!("{story}\nThis does not hold: {what}.");
    }
}

type Failure = dyn std::error::Error + Send + Sync;

fn number_of(failure: &Failure) -> Option<usize> {
    if let Some(Numbered(number)) = failure.downcast_ref() {
        return Some(*number);
    }
    number_of(failure.downcast_ref::<io::Error>()?.get_ref()?)
}

/// What is written to a stream there. Its period divides no power of two.
pub(super) fn bytes_at(stream: Stream, from: u64, bytes: usize) -> &'static [u8] {
    let offset = usize::try_from(from % PERIOD as u64).unwrap_or(0);
    &TEXT[stream as usize][offset..offset + bytes]
}

static TEXT: [[u8; PERIOD + MOST]; 2] = [text(7), text(11)];

#[expect(clippy::large_stack_arrays, reason = "made while compiling")]
const fn text(factor: usize) -> [u8; PERIOD + MOST] {
    let mut text = [0; PERIOD + MOST];
    let mut at = 0;
    while at < text.len() {
        #[expect(clippy::cast_possible_truncation, reason = "any byte will do")]
        let byte = (at % PERIOD * factor) as u8;
        text[at] = byte;
        at += 1;
    }
    text
}

const PERIOD: usize = 251;

/// The most that is read at a time.
const MOST: usize = 64 * 1024;

const DECIDED_BY_OUTPUT: [Deadline; 4] = [
    Deadline::Idle,
    Deadline::FirstOutput,
    Deadline::Stage,
    Deadline::Drain,
];
