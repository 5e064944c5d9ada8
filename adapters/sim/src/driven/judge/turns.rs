//! A turn is over, or the run: what must be done by then.

use childminder::{Instant, Stream};
use childminder_driver::Driver;

use super::{Asked, Given, Judge};
use crate::machine::{Machine, Source};
use crate::notification::Answer as Ended;
use crate::owner;
use crate::rule::{Rule, Work};

/// A turn, and the sleep after it.
impl Judge {
    pub(in crate::driven) fn turn_begins(&mut self, machine: &Machine) {
        self.turn += 1;
        self.now = machine.now();
        self.overruled = false;
        self.dead_before_turn = machine.is_dead();
        self.blind = false;
        self.reads = 0;
        for (stream, pipe) in self.streams.iter_mut().zip(&machine.pipes) {
            stream.held_in_turn = stream.hold_asked;
            stream.held = stream.hold_asked;
            stream.written_before_turn = pipe.written();
            stream.over_before_turn = pipe.holders == 0;
        }
    }

    pub(in crate::driven) fn turn_ends(&mut self, machine: &mut Machine) {
        let is_done = self.owes_nothing() && self.sighting.is_none();
        machine.demand(is_done, Rule::ActionNotPerformed);
        machine.demand(self.refusal.is_none(), Rule::RefusalLost);
        for stream in Stream::ALL {
            let pipe = &machine.pipes[stream as usize];
            let whole = pipe.delivered == pipe.read;
            machine.demand(whole, Rule::LostOutput(stream));
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
    pub(in crate::driven) fn sleeps<N: Send + 'static>(
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
            machine.demand(!asleep, Rule::SleepsOverWork(work));
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
            machine.demand(delivery.ended == piped, Rule::NeverEnded(stream));
            machine.demand(delivery.closed == piped, Rule::LeftOpen(stream));
        }
        let unsettled = self.asked.iter().find_map(|(_, asked)| match asked {
            Asked::Told(owner::Request::Notify(payload)) => Some(*payload),
            _ => None,
        });
        let ticket = self.tickets.front().map(|(_, payload)| *payload);
        if let Some(payload) = ticket.or(unsettled) {
            machine.breached(Rule::LostNotification(payload));
        }
        machine.demand(self.failures.is_empty(), Rule::FailureLost);
    }
}
