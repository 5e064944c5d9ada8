//! Events and actions: each has its cause, and each action is performed once and in order.

use childminder::{Action, Deadline, Event, ExitStatus, Instant, Moment, NotificationId, Stream};

use super::{Asked, Given, Judge};
use crate::machine::Machine;
use crate::notification::{Answer as Ended, Job};
use crate::owner;
use crate::rule::Rule;

/// Events and actions, as the driver announces them.
impl Judge {
    pub(in crate::driven) fn told(&mut self, machine: &mut Machine, at: Instant, moment: Moment) {
        machine.demand(!self.finished, Rule::ActedAfterFinish);
        if let Moment::Event(event @ (Event::StraysSeen { .. } | Event::StraysUnseen)) = moment {
            return self.answers_look(machine, at, event);
        }
        machine.demand(self.refusal.is_none(), Rule::RefusalLost);
        machine.demand(self.owes_nothing(), Rule::ActionNotPerformed);
        let is_action = matches!(moment, Moment::Action(_));
        machine.demand(
            is_action || self.sighting.is_none(),
            Rule::ActionNotPerformed,
        );
        machine.demand(at == self.now, Rule::ToldUntrue);
        let is_due = self.mirror.poll_timeout().is_some_and(|due| due <= at);
        self.overruled |= is_due && self.output_decides(at);
        let next = self.mirror.poll_action();
        if let Moment::Action(action) = moment {
            machine.demand(next == Some(action), Rule::AnotherAction);
            self.owed = Some(action);
            return;
        }
        self.owed = None;
        self.reason = None;
        self.passing_on = matches!(moment, Moment::Event(Event::PassOn { .. }));
        machine.demand(next.is_none(), Rule::ActionNotPerformed);
        match moment {
            Moment::Event(event) => {
                self.justify(machine, at, event);
                let taken = self.mirror.handle(at, event);
                machine.demand(taken.is_ok(), Rule::ToldUntrue);
            }
            Moment::Notified(id) => {
                let ticket = self.mirror.notify(at);
                machine.demand(ticket == Ok(id), Rule::ToldUntrue);
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
                machine.demand(ticket == Ok(id), Rule::ToldUntrue);
            }
            Moment::Action(_) => {}
        }
    }

    /// The answer to a look for strays is an event of its own: it comes after all that was asked for with the look,
    /// and before any other event.
    fn answers_look(&mut self, machine: &mut Machine, at: Instant, event: Event) {
        machine.demand(at == self.now, Rule::ToldUntrue);
        let shown = self.sighting.take();
        machine.demand(shown == Some(event), Rule::StraysMistold);
        let is_done = self.owes_nothing() && self.mirror.poll_action().is_none();
        machine.demand(is_done, Rule::ActionNotPerformed);
        self.owed = None;
        let taken = self.mirror.handle(at, event);
        machine.demand(taken.is_ok(), Rule::ToldUntrue);
    }

    /// Whether there is a cause for this event.
    fn justify(&mut self, machine: &mut Machine, at: Instant, event: Event) {
        match event {
            Event::Started => {}
            Event::Output { stream, bytes } => self.justify_output(machine, stream, bytes),
            Event::NotifyDone { id, ok } => self.justify_answer(machine, id, ok),
            Event::OutputClosed => {
                let over = machine.pipes.iter().all(|pipe| pipe.done);
                machine.demand(over, Rule::ToldUntrue);
            }
            Event::ChildExited(status) => {
                machine.demand(self.exited == Some(status), Rule::ExitMistold);
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
        machine.demand(fed == read, Rule::MiscountedOutput(stream));
        let respected = !held || self.overruled;
        machine.demand(respected, Rule::IgnoredHold(stream));
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
            machine.demand(!late || excused, Rule::ExitBeforeOutput(stream));
        }
    }

    /// Before a deadline, a death is seen; and before one that output decides, what has been written is
    /// read, held or not.
    fn justify_tick(&self, machine: &mut Machine, at: Instant) {
        let seen = !self.dead_before_turn || self.exited.is_some();
        machine.demand(seen, Rule::DeadlineBeforeExit);
        if self.blind || !self.output_decides(at) {
            return;
        }
        for stream in Stream::ALL {
            let delivery = &self.streams[stream as usize];
            let pipe = &machine.pipes[stream as usize];
            let late = pipe.delivered < delivery.written_before_turn || delivery.over_before_turn;
            let in_order = pipe.done || !late;
            machine.demand(in_order, Rule::DeadlineBeforeOutput(stream));
        }
    }

    fn output_decides(&self, at: Instant) -> bool {
        let due = |deadline| self.mirror.deadline(deadline).is_some_and(|due| due <= at);
        DECIDED_BY_OUTPUT.into_iter().any(due)
    }

    pub(in crate::driven) fn performs(&mut self, machine: &mut Machine, action: Action) {
        machine.demand(self.owed == Some(action), Rule::ActionUnasked);
        self.owed = None;
    }

    pub(super) fn owes_nothing(&self) -> bool {
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

    pub(super) fn job(&self, id: NotificationId) -> Job {
        let known = self.handed_out.iter().find(|(ticket, _)| *ticket == id);
        known.map_or(Job::Heartbeat, |(_, job)| *job)
    }
}

/// Output puts the first three off; the others may give it up.
const DECIDED_BY_OUTPUT: [Deadline; 5] = [
    Deadline::Idle,
    Deadline::Warning,
    Deadline::FirstOutput,
    Deadline::Stage,
    Deadline::Drain,
];
