//! The order of a turn: what is asked of the kernel, of the handler and of the monitor, and when.

mod fetch;
mod perform;

use std::io;

use childminder::{Config, Deadline, Event, ExitStatus, Instant, MonitorState, Outcome, Stream};

use self::fetch::{Brought, Urgency, Way, fetch};
use crate::control::Request;
use crate::desk::Desk;
use crate::kernel::{Kernel, Ready, Trigger};
use crate::shared::{Mail, Shared};
use crate::{ChildId, Handler};

/// One minded child: its monitor, and what is on its way between the monitor, the handler and the kernel.
///
/// It owns no kernel, no handler and no loop; they come with each [`Turn`]. So a set of children can share
/// one buffer and one clock, and an idle child costs its monitor and a few words.
#[derive(Debug)]
pub struct Driver<N> {
    id: ChildId,
    monitor: MonitorState,
    /// What may still be ready, which nothing will announce again.
    ready: Ready,
    open: [bool; 2],
    held: [bool; 2],
    exit: Exit,
    /// There in a turn, and while something lies on it: most children have nothing under way.
    desk: Option<Box<Desk<N>>>,
}

/// All that one turn has to do with.
#[derive(Debug)]
pub struct Turn<'a, H: Handler, K> {
    /// The time. One reading is enough for a turn of many children.
    pub now: Instant,
    /// How many bytes of output may be read, unless a deadline or an exit makes more of it due. What was
    /// read is subtracted.
    pub budget: usize,
    /// The child as the kernel has it.
    pub kernel: &'a mut K,
    /// What is told of it.
    pub handler: &'a mut H,
    /// What it shares with others.
    pub shared: &'a mut Shared<H::Notification>,
}

/// When as much of a child's output has been read, the rest waits for the next turn, so that a flood starves
/// neither other children nor their deadlines.
pub const BUDGET: usize = 256 * 1024;

impl<N: Send + 'static> Driver<N> {
    /// For a child that is not [started](Self::start) yet.
    pub fn new(id: ChildId, config: Config) -> Self {
        Self {
            id,
            monitor: MonitorState::new(config),
            ready: Ready::NONE,
            open: [false; 2],
            held: [false; 2],
            exit: Exit::Unseen,
            desk: None,
        }
    }

    /// The child runs. Call it once, before the first turn.
    pub fn start<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        self.open = Stream::ALL.map(|stream| turn.kernel.is_open(stream));
        self.feed(turn, Event::Started);
        if let Some(input) = turn.handler.input()
            && let Err(error) = turn.kernel.give_input(input)
        {
            self.fail(turn, error.into());
        }
        self.close_if_all_ended(turn);
        self.collect(turn.shared);
    }

    /// Does what there is to do, in this order: what was asked for; output, within the budget; then the
    /// exit, with all that was written before it; then answers to notifications; then, if a deadline is
    /// due, what output could still put it off, and the `Tick`.
    ///
    /// A turn too many is harmless. Requests of other children's that the handler made are left in
    /// [`Shared::next_request`].
    pub fn turn<H, K>(&mut self, turn: &mut Turn<'_, H, K>, ready: Ready)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        self.desk = self.desk.take().or_else(|| turn.shared.desk.take());
        self.ready |= ready;
        self.carry_out(turn);
        self.read_within_budget(turn);
        if self.ready.has(Ready::EXIT) {
            self.look_for_exit(turn);
        }
        self.carry_out(turn);
        self.take_answers(turn);
        self.carry_out(turn);
        self.look_at_the_clock(turn);
        self.carry_out(turn);
        if self.is_finished() {
            // What the last callbacks asked for comes back.
            self.carry_out(turn);
            self.ready = Ready::NONE;
        }
        self.clear_desk(turn.shared);
    }

    /// Ends the child for certain, at once: [`Event::Kill`]. For a child that will not be driven any more.
    pub fn kill<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        self.feed(turn, Event::Kill);
        self.collect(turn.shared);
    }

    /// Takes a request of somebody else's; the next turn carries it out.
    pub fn ask(&mut self, request: Request<N>) {
        self.desk().requests.push_back(request);
    }

    /// Takes mail from another thread; the next turn reads it.
    pub fn deliver(&mut self, mail: Mail<N>) {
        match mail {
            Mail::Answer(id, result) => self.desk().answers.push_back((id, result)),
            Mail::Request(request) => self.ask(request),
        }
    }

    /// What was asked for and has not been done, in order; notifications that have not run are among it. For
    /// a child that nobody will drive any more.
    pub fn into_requests(self) -> impl Iterator<Item = Request<N>> {
        let Desk {
            queued, requests, ..
        } = *self.desk.unwrap_or_default();
        let notifications = queued
            .into_iter()
            .map(|(_, payload)| Request::Notify(payload));
        notifications.chain(requests)
    }

    /// When the next turn must come though nothing happens: at once if work is left over, otherwise at the
    /// next deadline. `None` if only the kernel, a request or an answer can bring more.
    pub fn wake_at(&self) -> Option<Instant> {
        if self.has_work() {
            return Some(Instant::ZERO);
        }
        self.monitor.poll_timeout()
    }

    /// Whether a turn would have something to do now, whatever the kernel and the clock say.
    pub fn has_work(&self) -> bool {
        let wants = |stream| self.wants(stream) && self.ready.has(Ready::output(stream));
        let asked = |desk: &Desk<N>| !desk.requests.is_empty() || !desk.answers.is_empty();
        self.desk.as_deref().is_some_and(asked)
            || Stream::ALL.into_iter().any(wants)
            || self.ready.has(Ready::EXIT)
    }

    /// Whether this stream should be waited for: it is open, and not held.
    pub fn wants(&self, stream: Stream) -> bool {
        self.open[stream as usize] && !self.held[stream as usize]
    }

    /// Whether the exit should be waited for: it has not been seen.
    pub fn wants_exit(&self) -> bool {
        self.exit == Exit::Unseen && !self.is_finished()
    }

    /// The child's id.
    pub fn id(&self) -> ChildId {
        self.id
    }

    /// The state machine, to query.
    pub fn monitor(&self) -> &MonitorState {
        &self.monitor
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.monitor.outcome()
    }

    fn is_finished(&self) -> bool {
        self.monitor.outcome().is_some()
    }
}

/// The steps of a turn.
impl<N: Send + 'static> Driver<N> {
    /// What has been asked so far. What the callbacks ask meanwhile waits for the next time, so that
    /// a handler that asks again whenever it is called starves nothing.
    fn carry_out<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        self.collect(turn.shared);
        let asked = self.desk.as_ref().map_or(0, |desk| desk.requests.len());
        for _ in 0..asked {
            let Some(request) = self.desk().requests.pop_front() else {
                break;
            };
            match request {
                Request::Notify(notification) => self.queue(turn, notification),
                Request::Fail(failure) => self.fail(turn, failure),
                Request::Progress => self.feed(turn, Event::Progress),
                Request::Ready => self.feed(turn, Event::Ready),
                Request::Terminate => self.feed(turn, Event::Terminate),
                Request::Escalate => self.feed(turn, Event::Escalate),
                Request::Kill => self.feed(turn, Event::Kill),
                Request::PassOn(signal, target) => {
                    self.feed(turn, Event::PassOn { signal, target });
                }
                Request::SetIdleTimeout(timeout) => {
                    self.feed(turn, Event::SetIdleTimeout(timeout));
                }
                Request::SetLadder(ladder) => self.feed(turn, Event::SetLadder(ladder)),
                Request::Suspended => self.feed(turn, Event::Suspended),
                Request::Resumed => self.feed(turn, Event::Resumed),
                Request::HoldOutput(stream) => self.held[stream as usize] = true,
                Request::ReleaseOutput(stream) => {
                    self.held[stream as usize] = false;
                    self.ready |= Ready::output(stream);
                }
                Request::CloseOutput(stream) => self.close(turn, stream),
            }
        }
        self.collect(turn.shared);
    }

    /// Takes this child's requests, and leaves those for others.
    fn collect(&mut self, shared: &mut Shared<N>) {
        for _ in 0..shared.requests.len() {
            match shared.requests.pop() {
                Some((child, request)) if child == self.id => self.ask(request),
                Some((child, request)) => shared.requests.add(child, request),
                None => break,
            }
        }
    }

    /// Where both streams are ready, the first cannot use up the budget of the other.
    fn read_within_budget<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        let is_ready = |stream| self.wants(stream) && self.ready.has(Ready::output(stream));
        let streams = Stream::ALL.into_iter().filter(|stream| is_ready(*stream));
        let mut enough = turn.budget.div_ceil(streams.count().max(1));
        for stream in Stream::ALL {
            if self.ready.has(Ready::output(stream)) {
                self.read(turn, stream, enough, Reading::WITHIN_BUDGET);
            }
            enough = turn.budget;
        }
    }

    /// What has been written by now, though the budget ran out. One byte more than that shows an end
    /// that has been reached.
    fn read_what_waits<H, K>(&mut self, turn: &mut Turn<'_, H, K>, held: Held)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        for stream in Stream::ALL {
            if !self.open[stream as usize] {
                continue;
            }
            match turn.kernel.waiting(stream) {
                Ok(bytes) => {
                    let reading = Reading {
                        held,
                        stops: Stops::AtTheEnd,
                    };
                    self.read(turn, stream, bytes.saturating_add(1), reading);
                }
                Err(error) => self.ask(Request::Fail(error.into())),
            }
        }
        self.carry_out(turn);
    }

    /// What the child wrote before it died comes before its death, unless the owner held it.
    fn look_for_exit<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        self.ready.clear(Ready::EXIT);
        if !self.wants_exit() {
            return;
        }
        let Some(seen) = turn.kernel.exit_status().transpose() else {
            return;
        };
        self.read_what_waits(turn, Held::Respected);
        let (exit, status, reason) = match seen {
            Ok(status) => (Exit::Seen, status, None),
            Err(lost) => (Exit::Lost, ExitStatus::Lost, Some(lost.into())),
        };
        self.exit = exit;
        turn.handler
            .exited(&mut turn.shared.control(self.id), status);
        self.carry_out(turn);
        if reason.is_some() {
            self.desk().reason = reason;
        }
        self.feed(turn, Event::ChildExited(status));
    }

    /// Those that their callbacks give at once go in the same turn.
    fn take_answers<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        while let Some((id, result)) = self.desk.as_mut().and_then(|desk| desk.answers.pop_front())
        {
            let ok = result.is_ok();
            if let Some(desk) = &mut self.desk {
                desk.reason = result.err();
            }
            self.feed(turn, Event::NotifyDone { id, ok });
        }
    }

    /// Before a deadline fires, the exit is looked for, though nothing announced it; and before one that
    /// output can move, or that gives it up, all that has been written by now is delivered, held or not.
    fn look_at_the_clock<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        if !self.is_due(turn.now) {
            return;
        }
        self.look_for_exit(turn);
        if self.output_decides(turn.now) {
            self.read_what_waits(turn, Held::Overruled);
        }
        if self.is_due(turn.now) {
            self.feed(turn, Event::Tick);
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.monitor.poll_timeout().is_some_and(|at| at <= now)
    }

    fn output_decides(&self, now: Instant) -> bool {
        DECIDED_BY_OUTPUT
            .into_iter()
            .filter_map(|deadline| self.monitor.deadline(deadline))
            .any(|at| at <= now)
    }

    fn read<H, K>(
        &mut self,
        turn: &mut Turn<'_, H, K>,
        stream: Stream,
        enough: usize,
        reading: Reading,
    ) where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        let mut left = enough;
        while left > 0 {
            let refused = reading.held == Held::Respected && self.held[stream as usize];
            if refused || !self.open[stream as usize] {
                return;
            }
            match fetch(turn, stream, left, reading.urgency()) {
                Ok(Brought { length: 0, .. }) => return self.close(turn, stream),
                Ok(brought) => {
                    let length = brought.length;
                    left = left.saturating_sub(length);
                    turn.budget = turn.budget.saturating_sub(length);
                    let bytes = length as u64;
                    self.feed(turn, Event::Output { stream, bytes });
                    self.deliver_output(turn, stream, brought);
                    let is_short = length < brought.asked;
                    self.carry_out(turn);
                    let is_all = is_short && turn.kernel.trigger() == Trigger::Level;
                    if is_all && reading.stops == Stops::WhenShort {
                        return self.ready.clear(Ready::output(stream));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.ready.clear(Ready::output(stream));
                }
                Err(error) => {
                    self.fail(turn, error.into());
                    return self.close(turn, stream);
                }
            }
        }
        self.ready |= Ready::output(stream);
    }

    fn deliver_output<H, K>(&self, turn: &mut Turn<'_, H, K>, stream: Stream, brought: Brought)
    where
        H: Handler<Notification = N>,
    {
        let Brought { length, way, .. } = brought;
        let Shared {
            requests, buffer, ..
        } = turn.shared;
        let control = &mut requests.control(self.id);
        match way {
            Way::Read => turn.handler.output(control, stream, &buffer[..length]),
            Way::ForwardedSeen => {
                turn.handler
                    .forwarded(control, stream, length, Some(&buffer[..length]));
            }
            Way::ForwardedUnseen => turn.handler.forwarded(control, stream, length, None),
        }
    }

    fn close<H, K>(&mut self, turn: &mut Turn<'_, H, K>, stream: Stream)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        if self.is_finished() || !self.open[stream as usize] {
            return;
        }
        self.end_stream(turn, stream);
        self.close_if_all_ended(turn);
    }

    fn end_stream<H, K>(&mut self, turn: &mut Turn<'_, H, K>, stream: Stream)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        self.open[stream as usize] = false;
        self.ready.clear(Ready::output(stream));
        turn.kernel.close(stream);
        turn.handler
            .output_ended(&mut turn.shared.control(self.id), stream);
    }

    fn close_if_all_ended<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        if self.open == [false; 2] {
            self.feed(turn, Event::OutputClosed);
        }
    }

    fn desk(&mut self) -> &mut Desk<N> {
        self.desk.get_or_insert_default()
    }

    fn clear_desk(&mut self, shared: &mut Shared<N>) {
        if let Some(desk) = self.desk.take_if(|desk| desk.is_clear()) {
            shared.desk = Some(desk);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Unseen,
    /// The leader is dead, and there to be reaped.
    Seen,
    /// Something else has reaped it.
    Lost,
}

/// How a stream is read.
#[derive(Clone, Copy, Debug)]
struct Reading {
    held: Held,
    stops: Stops,
}

impl Reading {
    const WITHIN_BUDGET: Self = Self {
        held: Held::Respected,
        stops: Stops::WhenShort,
    };

    /// What is due is not left where it is.
    fn urgency(self) -> Urgency {
        match self.stops {
            Stops::WhenShort => Urgency::Waits,
            Stops::AtTheEnd => Urgency::Due,
        }
    }
}

/// What a read makes of a stream that the owner holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Respected,
    Overruled,
}

/// What ends the reading of a stream, besides enough of it and a read that would block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stops {
    /// A short read too, where readiness is level-triggered: what comes after it is announced. On an
    /// edge-triggered pipe the end of the file may come with no edge of its own.
    WhenShort,
    AtTheEnd,
}

/// Output puts the first three off; the others may give it up.
const DECIDED_BY_OUTPUT: [Deadline; 5] = [
    Deadline::Idle,
    Deadline::Warning,
    Deadline::FirstOutput,
    Deadline::Stage,
    Deadline::Drain,
];
