//! Stands between the driver and its handler, and sees all that passes.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use childminder::{
    Error, ExitStatus, Instant, Moment, NotificationId, Outcome, Signal, Stream, Target,
};
use childminder_driver::{Answer, ChildId, Control, Discarded, Failure, Handler, Job, Requests};

use super::Stage;
use super::judge::{Judge, Tagged};
use super::words::Worded;
use crate::coverage::Seen;
use crate::machine::Machine;
use crate::notification::{Answer as Ended, Job as Ran, Reply};

pub(super) struct Witness<'a, 'm, H: Handler> {
    pub(super) stage: &'a RefCell<Stage<'m>>,
    pub(super) handler: &'a mut H,
    pub(super) desk: &'a mut Desk<H::Notification>,
}

impl<H: Handler> Handler for Witness<'_, '_, H> {
    type Notification = Tagged<H::Notification>;

    fn output(&mut self, control: &mut Control<Self::Notification>, stream: Stream, bytes: &[u8]) {
        self.stage(|stage| stage.judge.delivered(stage.machine, stream, bytes));
        self.handler.output(&mut self.desk.control(), stream, bytes);
        self.pass_on(control);
        self.stage(|stage| stage.judge.holds_now());
    }

    fn forwarded(
        &mut self,
        control: &mut Control<Self::Notification>,
        stream: Stream,
        length: usize,
        seen: Option<&[u8]>,
    ) {
        self.stage(|stage| stage.judge.forwarded(stage.machine, stream, length, seen));
        self.handler
            .forwarded(&mut self.desk.control(), stream, length, seen);
        self.pass_on(control);
        self.stage(|stage| stage.judge.holds_now());
    }

    fn output_ended(&mut self, control: &mut Control<Self::Notification>, stream: Stream) {
        self.stage(|stage| stage.judge.ended(stage.machine, stream));
        self.handler.output_ended(&mut self.desk.control(), stream);
        self.pass_on(control);
    }

    fn exited(&mut self, control: &mut Control<Self::Notification>, status: ExitStatus) {
        self.stage(|stage| stage.judge.exited(stage.machine, status));
        self.handler.exited(&mut self.desk.control(), status);
        self.pass_on(control);
    }

    fn notify(
        &mut self,
        control: &mut Control<Self::Notification>,
        job: Job<Self::Notification>,
        answer: Answer,
    ) {
        let id = answer.id();
        let (ran, job) = match job {
            Job::Requested(tagged) => (
                Ran::Requested(tagged.payload),
                Job::Requested(tagged.notification),
            ),
            Job::Final(outcome) => (Ran::Final, Job::Final(outcome)),
            _ => (Ran::Heartbeat, Job::Heartbeat),
        };
        let reply = self.stage(|stage| {
            if let Job::Final(outcome) = &job {
                stage.judge.tells_the_end(stage.machine, outcome);
            }
            stage.judge.hands_out(stage.machine, id, ran);
            stage.machine.start_job(ran)
        });
        self.desk.held.push(Held {
            id,
            job: ran,
            reply,
            answer,
        });
        let given = Arc::clone(&self.desk.given);
        let answer = Answer::new(id, move |result| {
            let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
            given.push((id, result));
        });
        self.handler.notify(&mut self.desk.control(), job, answer);
        let held = self.desk.held.len();
        self.pass_on(control);
        self.stage(|stage| {
            let later = self.desk.held.len() == held;
            stage.machine.coverage.add_if(later, Seen::LaterAnswer);
        });
    }

    fn error(
        &mut self,
        control: &mut Control<Self::Notification>,
        error: Error,
        first: bool,
        failure: Option<Failure>,
    ) {
        self.stage(|stage| {
            stage
                .judge
                .records(stage.machine, error, first, failure.as_deref());
            stage.machine.note(error);
        });
        let failure = failure.map(Worded::unwrap);
        self.handler
            .error(&mut self.desk.control(), error, first, failure);
        self.pass_on(control);
    }

    fn warned(&mut self, control: &mut Control<Self::Notification>, silence: Duration) {
        self.stage(|stage| {
            stage.judge.warns(stage.machine, silence);
            stage.machine.warn();
        });
        self.handler.warned(&mut self.desk.control(), silence);
        self.pass_on(control);
    }

    fn refused(
        &mut self,
        control: &mut Control<Self::Notification>,
        signal: Signal,
        target: Target,
        error: io::Error,
    ) {
        self.stage(|stage| stage.judge.refused(stage.machine, signal, target, &error));
        let own = &mut self.desk.control();
        self.handler.refused(own, signal, target, error);
        self.pass_on(control);
    }

    fn discarded(&mut self, what: Discarded<Self::Notification>) {
        let what = self.stage(|Stage { machine, judge }| match what {
            Discarded::Notification(tagged) => {
                judge.discards(machine, tagged.payload);
                Some(Discarded::Notification(tagged.notification))
            }
            Discarded::Failure(failure) => {
                judge.gives_back(machine, &*failure);
                Some(Discarded::Failure(Worded::unwrap(failure)))
            }
            _ => None,
        });
        if let Some(what) = what {
            self.handler.discarded(what);
        }
    }

    fn finished(&mut self, outcome: Outcome) {
        self.stage(|stage| {
            stage.judge.finishes(stage.machine, outcome);
            stage.machine.finish(outcome);
        });
        self.handler.finished(outcome);
    }

    fn observe(&mut self, at: Instant, moment: Moment) {
        self.stage(|stage| stage.judge.told(stage.machine, at, moment));
        self.handler.observe(at, moment);
    }
}

impl<'m, H: Handler> Witness<'_, 'm, H> {
    fn stage<T>(&self, act: impl FnOnce(&mut Stage<'m>) -> T) -> T {
        act(&mut self.stage.borrow_mut())
    }

    /// What the handler has asked for and answered in the callback that is over.
    fn pass_on(&mut self, control: &mut Control<Tagged<H::Notification>>) {
        let Stage { machine, judge } = &mut *self.stage.borrow_mut();
        while let Some((child, request)) = self.desk.requests.pop() {
            if child == ChildId::FIRST
                && let Some(request) = judge.asks(machine, request)
            {
                control.ask(request);
            }
        }
        self.desk.send(machine, judge);
    }
}

/// What lies between the handler and the driver.
#[derive(Debug)]
pub(super) struct Desk<N> {
    requests: Requests<N>,
    /// Jobs that the handler has not answered.
    held: Vec<Held>,
    /// What it has answered, as it did.
    given: Arc<Mutex<Vec<Given>>>,
    /// Answers that take their time.
    under_way: Vec<(Ran, NotificationId, Answer, Result<(), Failure>)>,
}

type Given = (NotificationId, Result<(), Failure>);

#[derive(Debug)]
struct Held {
    id: NotificationId,
    job: Ran,
    reply: Reply,
    answer: Answer,
}

impl<N> Desk<N> {
    pub(super) fn clear(&mut self) {
        while self.requests.pop().is_some() {}
        self.held.clear();
        self.under_way.clear();
        if Arc::strong_count(&self.given) > 1 {
            // The handler of the life before still holds answers, which go nowhere.
            self.given = Arc::default();
        }
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.clear();
    }

    fn control(&mut self) -> Control<'_, N> {
        self.requests.control(ChildId::FIRST)
    }

    /// Sends what the handler has answered on its way.
    fn send(&mut self, machine: &mut Machine, judge: &mut Judge) {
        if self.held.is_empty() {
            return;
        }
        let mut all = mem::take(&mut *self.given.lock().unwrap_or_else(PoisonError::into_inner));
        for (id, result) in all.drain(..) {
            machine.coverage.add_if(result.is_err(), Seen::OwnAnswer);
            self.send_one(machine, judge, id, result);
        }
        // Its memory is used again.
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.is_empty() {
            *given = all;
        }
    }

    fn send_one(
        &mut self,
        machine: &mut Machine,
        judge: &mut Judge,
        id: NotificationId,
        mut result: Result<(), Failure>,
    ) {
        let Some(place) = self.held.iter().position(|held| held.id == id) else {
            return;
        };
        let held = self.held.swap_remove(place);
        if !held.reply.ok && result.is_ok() {
            result = Err("it failed on its way".into());
        }
        let ended = Ended {
            job: held.job,
            ok: result.is_ok(),
        };
        if held.reply.is_at_once() || machine.shut_down {
            machine.job_ends(ended);
            return held.answer.give(judge.answered(id, result));
        }
        machine.end_job(ended, held.reply.after);
        self.under_way.push((held.job, id, held.answer, result));
    }

    /// This one has arrived.
    pub(super) fn arrives(&mut self, judge: &mut Judge, ended: Ended) {
        if let Some(place) = self.under_way.iter().position(|it| it.0 == ended.job) {
            let (_, id, answer, result) = self.under_way.swap_remove(place);
            answer.give(judge.answered(id, result));
        }
    }

    /// What the handler keeps is answered without it.
    pub(super) fn let_go(&mut self, machine: &mut Machine, judge: &mut Judge) {
        while let Some(id) = self.held.last().map(|held| held.id) {
            self.send_one(machine, judge, id, Ok(()));
        }
    }
}

impl<N> Default for Desk<N> {
    fn default() -> Self {
        Self {
            requests: Requests::new(),
            held: Vec::new(),
            given: Arc::default(),
            under_way: Vec::new(),
        }
    }
}
