//! What passes between the driver and its kernel and its handler.

use std::error::Error as StdError;
use std::time::Duration;

use childminder::{
    Action, Error, ExitStatus, NotificationId, NotificationKind, Outcome, Signal, Stream, Target,
};

use super::{Asked, Judge};
use crate::driven::words;
use crate::machine::Machine;
use crate::notification::{Job, Payload};
use crate::owner;
use crate::process::Life;
use crate::rule::Rule;

/// What the kernel is asked.
impl Judge {
    pub(in crate::driven) fn uses(&self, machine: &mut Machine, stream: Stream) {
        let delivery = &self.streams[stream as usize];
        let open = machine.pipes[stream as usize].piped && !delivery.closed;
        machine.demand(open, Rule::UsedAfterClose(stream));
    }

    pub(in crate::driven) fn closes(&mut self, machine: &mut Machine, stream: Stream) {
        self.uses(machine, stream);
        self.streams[stream as usize].closed = true;
    }

    /// A signal of the ladder, or a sweep.
    pub(in crate::driven) fn sends(
        &mut self,
        machine: &mut Machine,
        signal: Signal,
        target: Target,
    ) {
        machine.demand(!self.passing_on, Rule::ActionUnasked);
        self.performs(machine, Action::SendSignal { signal, target });
    }

    pub(in crate::driven) fn passes_on(
        &mut self,
        machine: &mut Machine,
        signal: Signal,
        target: Target,
    ) {
        machine.demand(self.passing_on, Rule::ActionUnasked);
        self.performs(machine, Action::SendSignal { signal, target });
    }

    /// More often than any turn has reason to.
    pub(in crate::driven) fn reads_for_ever(&mut self, machine: &mut Machine) -> bool {
        self.reads += 1;
        let for_ever = self.reads > MOST_READS;
        machine.demand(!for_ever, Rule::ReadsForEver);
        for_ever
    }
}

/// The handler's callbacks.
impl Judge {
    pub(in crate::driven) fn delivered(
        &mut self,
        machine: &mut Machine,
        stream: Stream,
        bytes: &[u8],
    ) {
        let delivery = &self.streams[stream as usize];
        let late = delivery.ended || self.finished;
        machine.demand(!late, Rule::OutputAfterEnd(stream));
        let pipe = &mut machine.pipes[stream as usize];
        let so = pipe.bytes(pipe.delivered, bytes.len()) == bytes;
        pipe.delivered += bytes.len();
        let (told, read) = (delivery.fed == pipe.delivered, pipe.delivered <= pipe.read);
        machine.demand(so && read, Rule::GarbledOutput(stream));
        machine.demand(told, Rule::MiscountedOutput(stream));
    }

    /// What nobody has seen is taken for what it is.
    pub(in crate::driven) fn forwarded(
        &mut self,
        machine: &mut Machine,
        stream: Stream,
        length: usize,
        seen: Option<&[u8]>,
    ) {
        let pipe = &machine.pipes[stream as usize];
        let bytes = seen
            .unwrap_or_else(|| pipe.bytes(pipe.delivered, length))
            .to_vec();
        machine.demand(bytes.len() == length, Rule::MiscountedOutput(stream));
        self.delivered(machine, stream, &bytes);
    }

    /// The handler has said what it wants of the output so far.
    pub(in crate::driven) fn holds_now(&mut self) {
        for stream in &mut self.streams {
            stream.held = stream.hold_asked;
        }
    }

    pub(in crate::driven) fn ended(&mut self, machine: &mut Machine, stream: Stream) {
        let delivery = self.streams[stream as usize];
        let pipe = &machine.pipes[stream as usize];
        let whole = pipe.delivered == pipe.written() || !pipe.end_seen;
        let again = !pipe.piped || delivery.ended || self.finished;
        let given_up = matches!(self.owed, Some(Action::Finish(outcome)) if outcome.leaked);
        let caused = pipe.end_seen || pipe.failed || delivery.close_asked || given_up;
        machine.demand(!again, Rule::OutputAfterEnd(stream));
        machine.demand(caused && whole, Rule::EndedEarly(stream));
        self.streams[stream as usize].ended = true;
    }

    pub(in crate::driven) fn exited(&mut self, machine: &mut Machine, status: ExitStatus) {
        let so = match machine.processes[0].life {
            Life::Alive => false,
            Life::Zombie(real) => status == real,
            Life::Gone => status == ExitStatus::Lost,
        };
        let once = self.exited.is_none() && !self.finished;
        machine.demand(so && once, Rule::ExitMistold);
        self.exited = Some(status);
    }

    pub(in crate::driven) fn tells_the_end(&mut self, machine: &mut Machine, outcome: &Outcome) {
        let right = self.mirror.preliminary_outcome() == Some(*outcome);
        machine.demand(right, Rule::ToldAnotherEnd);
    }

    pub(in crate::driven) fn hands_out(
        &mut self,
        machine: &mut Machine,
        id: NotificationId,
        job: Job,
    ) {
        let kind = match job {
            Job::Heartbeat => NotificationKind::Heartbeat,
            Job::Final => NotificationKind::Final,
            Job::Requested(payload) => {
                let next = self.tickets.pop_front() == Some((id, payload));
                machine.demand(next, Rule::AnotherNotification(job));
                NotificationKind::Requested
            }
        };
        self.handed_out.push((id, job));
        self.performs(machine, Action::RunNotification { id, kind });
    }

    pub(in crate::driven) fn discards(&mut self, machine: &mut Machine, payload: Payload) {
        let another = Rule::AnotherNotification(Job::Requested(payload));
        if let Some(Action::DiscardNotifications { last, .. }) = self.owed {
            let oldest = self.tickets.pop_front();
            let right = oldest.is_some_and(|(id, given)| id <= last && given == payload);
            machine.demand(right, another);
            return machine.discard(payload);
        }
        let is_too_late = self.finished || self.mirror.preliminary_outcome().is_some();
        machine.demand(is_too_late, Rule::DiscardedWithoutError(payload));
        while let Some((_, asked)) = self.asked.pop_front() {
            if let Asked::Told(owner::Request::Notify(given)) = asked {
                return machine.demand(given == payload, another);
            }
        }
        machine.breached(another);
    }

    pub(in crate::driven) fn records(
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
        machine.demand(right, Rule::WrongWords(error));
        if let (Error::External(_), Some(number)) = (error, number) {
            self.settle_failure(machine, number);
            self.settle_request(machine, number);
        }
    }

    pub(in crate::driven) fn warns(&mut self, machine: &mut Machine, silence: Duration) {
        self.performs(machine, Action::Warn);
        machine.demand(silence == self.mirror.silence(), Rule::SilenceMistold);
    }

    pub(in crate::driven) fn refused(
        &mut self,
        machine: &mut Machine,
        signal: Signal,
        target: Target,
        error: &(dyn StdError + Send + Sync + 'static),
    ) {
        let refusal = self.refusal.take();
        let number = words::number_of(error);
        let told = number.map(|number| (number, signal, target));
        machine.demand(told.is_some() && told == refusal, Rule::RefusalLost);
    }

    pub(in crate::driven) fn gives_back(
        &mut self,
        machine: &mut Machine,
        failure: &(dyn StdError + Send + Sync + 'static),
    ) {
        machine.demand(self.finished, Rule::FailureMadeUp);
        let number = words::number_of(failure).unwrap_or_default();
        self.settle_failure(machine, number);
    }

    pub(in crate::driven) fn finishes(&mut self, machine: &mut Machine, outcome: Outcome) {
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
        machine.demand(oldest.is_some_and(|it| is_it(&it)), Rule::RequestOutOfOrder);
        machine.take_request(owner::Request::Fail);
    }
}

/// Many more than it takes to read what the children of a run write, a byte at a time.
const MOST_READS: u32 = 1 << 20;
