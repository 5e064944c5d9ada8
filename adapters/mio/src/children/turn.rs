//! A turn of the whole set.

use childminder::{Instant, Stream};
use childminder_driver::{BUDGET, ChildId, Handler, Ready, Request};
use childminder_unix::clock;

use super::Children;
use crate::key::{TIMER, Told, WAKEUP, told_by};
use crate::node::Common;

impl<H: Handler> Children<H> {
    /// Does what there is to do. Call it when the descriptor is readable, and when
    /// [`deadline`](Self::deadline) has come; any time else is harmless. It calls handlers, never blocks and
    /// never prints.
    ///
    /// All children together read at most one [`BUDGET`], so that a flood of one delays the deadlines of
    /// others by no more than that. What is left over keeps the descriptor readable.
    pub fn turn(&mut self) {
        let mut budget = BUDGET;
        for _ in 0..ROUNDS {
            let now = clock::now();
            self.look(now);
            if self.queue.is_empty() {
                return self.end_turn();
            }
            self.turn_queued(now, &mut budget);
            if budget == 0 {
                break;
            }
        }
        // What no look has told of yet must be queued: a loop that waits for edges hears of it once.
        self.look(clock::now());
        self.end_turn();
    }

    /// Queues every child for which there is something to do.
    fn look(&mut self, now: Instant) {
        let mut keys = std::mem::take(&mut self.keys);
        if self.selector.ready(&mut keys).is_err() {
            // It cannot fail but by a bug. Then everything may be ready.
            keys.clear();
            self.queue_all();
        }
        for key in keys.drain(..) {
            match key {
                // What cannot be cleared stays readable, and costs a turn too many.
                WAKEUP => drop(self.wakeup.clear()),
                TIMER => self.clear_timer(),
                _ => match told_by(key) {
                    Some(Told::Ready(id, Ready::EXIT)) => self.queue_urgent(id, Ready::EXIT),
                    Some(Told::Ready(id, ready)) => self.queue(id, ready),
                    Some(Told::Room(id, stream)) => self.has_room(id, stream),
                    Some(Told::Input(id)) => self.go_on_with_input(id),
                    Some(Told::Vouch(id)) => self.queue(id, Ready::NONE),
                    None => {}
                },
            }
        }
        self.keys = keys;
        self.shared.begin();
        while let Some((id, mail)) = self.shared.next_mail() {
            match self.nodes.get_mut(id) {
                Some(node) => {
                    node.driver.deliver(mail);
                    self.queue(id, Ready::NONE);
                }
                None => self.keep(id, mail.into_request()),
            }
        }
        self.hand_on_requests();
        while let Some((at, id)) = self.alarms.next_due(now) {
            match self.nodes.get_mut(id) {
                Some(node) if node.alarm == at => {
                    node.alarm = Instant::FAR_FUTURE;
                    self.queue_urgent(id, Ready::NONE);
                }
                _ => self.alarms.forgotten(),
            }
        }
    }

    /// Each child has one turn a round, however much it asks of others. A round ends early when its share of the budget is
    /// used up; the child that did so goes on after the next look, if nothing urgent has come.
    fn turn_queued(&mut self, mut now: Instant, budget: &mut usize) {
        let mut share = SHARE.min(*budget);
        *budget -= share;
        for turned in 0..self.queue.len() {
            let Some(id) = self.queue.next() else {
                break;
            };
            if turned % CHILDREN_A_READING == CHILDREN_A_READING - 1 {
                now = clock::now();
            }
            self.turn_child(id, now, &mut share, *budget > 0);
            if share == 0 {
                break;
            }
        }
        *budget += share;
    }

    fn turn_child(&mut self, id: ChildId, now: Instant, share: &mut usize, is_more: bool) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        let common = Common {
            selector: &self.selector,
            family: &mut self.family,
            shared: &mut self.shared,
        };
        node.turn(now, share, common);
        node.queued = *share == 0 && is_more;
        if node.queued {
            self.queue.go_on_with(id);
        }
        self.settle(id);
        self.hand_on_requests();
    }

    /// After each turn of a child: sees to what it waits for now.
    pub(super) fn settle(&mut self, id: ChildId) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        if node.driver.outcome().is_some() {
            if !node.ended {
                node.ended = true;
                node.end_strays(&mut self.family);
                self.finished.push_back(id);
            }
            node.unwatch(&self.selector);
            return self.set_alarm(id, Instant::FAR_FUTURE);
        }
        if let Err(error) = node.watch(&self.selector) {
            // The child cannot be heard any more, which is said once: only the first failure ends it.
            if !node.driver.monitor().is_terminating() {
                node.driver.ask(Request::Fail(error.into()));
            }
        }
        if node.driver.has_work() {
            return self.queue(id, Ready::NONE);
        }
        match node.wake_at() {
            None => self.set_alarm(id, Instant::FAR_FUTURE),
            Some(at) if at < node.alarm => self.set_alarm(id, at),
            // It comes too early, and then is set anew: cheaper than to move it with each output.
            Some(_) => {}
        }
    }

    /// Gives the requests that were made of other children, or between turns, to their drivers.
    pub(super) fn hand_on_requests(&mut self) {
        while let Some((id, request)) = self.shared.next_request() {
            match self.nodes.get_mut(id) {
                Some(node) => {
                    node.driver.ask(request);
                    self.queue(id, Ready::NONE);
                }
                None => self.keep(id, Some(request)),
            }
        }
    }

    pub(super) fn end_turn(&mut self) {
        self.family.reap_orphans_after_death();
        if let Some(timer) = &self.timer
            && let Some(at) = self.alarms.first()
            && self.armed.is_none_or(|armed| at < armed)
            && timer.set(Some(at)).is_ok()
        {
            self.armed = Some(at);
        }
        if !self.queue.is_empty() {
            self.wake();
        }
        self.shared.end();
    }

    /// Makes the descriptor readable, until the next turn.
    pub(super) fn wake(&self) {
        // The kernel does not refuse this; if it did, `deadline` would still say that there is work.
        let _ = self.wakeup.wake();
    }

    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty() || self.shared.has_requests()
    }

    fn queue(&mut self, id: ChildId, ready: Ready) {
        if self.is_newly_ready(id, ready) {
            self.queue.add(id);
        }
    }

    /// What was not taken before there was room is there still.
    fn has_room(&mut self, id: ChildId, stream: Stream) {
        let node = self.nodes.get_mut(id);
        if node.is_some_and(|node| node.process.has_room(stream)) {
            self.queue(id, Ready::output(stream));
        }
    }

    /// What the child reads is no event of its own.
    fn go_on_with_input(&mut self, id: ChildId) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        if let Err(error) = node.process.go_on_with_input(&self.selector) {
            node.driver.ask(Request::Fail(error.into()));
            self.queue(id, Ready::NONE);
        }
    }

    /// For an exit or a deadline, which does not wait for the output of others.
    fn queue_urgent(&mut self, id: ChildId, ready: Ready) {
        if self.is_newly_ready(id, ready) {
            self.queue.add_urgent(id);
        }
    }

    /// Notes what is ready, and whether the child must be queued for it.
    fn is_newly_ready(&mut self, id: ChildId, ready: Ready) -> bool {
        let Some(node) = self.nodes.get_mut(id) else {
            return false;
        };
        node.ready |= ready;
        !std::mem::replace(&mut node.queued, true)
    }

    fn queue_all(&mut self) {
        let ids: Vec<_> = self.ids().collect();
        for id in ids {
            self.queue(id, Ready::ALL);
        }
    }

    /// A late answer has nothing to act on; a request comes back.
    fn keep(&mut self, id: ChildId, request: Option<Request<H::Notification>>) {
        if let Some(request) = request {
            self.undelivered.push_back((id, request));
        }
    }

    fn set_alarm(&mut self, id: ChildId, at: Instant) {
        let Some(node) = self.nodes.get_mut(id) else {
            return;
        };
        let before = std::mem::replace(&mut node.alarm, at);
        if before == at {
            return;
        }
        if before != Instant::FAR_FUTURE {
            self.forget_alarm();
        }
        if at != Instant::FAR_FUTURE {
            self.alarms.add(at, id);
        }
    }

    pub(super) fn forget_alarm(&mut self) {
        let nodes = &self.nodes;
        let is_wanted = |at, id| nodes.get(id).is_some_and(|node| node.alarm == at);
        self.alarms.forget_one(is_wanted);
    }

    fn clear_timer(&mut self) {
        self.armed = None;
        if let Some(timer) = &self.timer {
            // What cannot be cleared stays readable, and costs a turn too many.
            let _ = timer.clear();
        }
    }
}

/// How often a turn looks again for what has come meanwhile, before the loop has its turn.
const ROUNDS: usize = 4;

/// How much is read in a round, so that a deadline or an exit waits for no more than that.
const SHARE: usize = BUDGET / ROUNDS;

/// After so many children the clock is read again, so that handlers which take their time do not make what
/// comes after them count as older than it is.
const CHILDREN_A_READING: usize = 64;
