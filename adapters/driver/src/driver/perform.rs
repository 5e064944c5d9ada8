//! Between the monitor and the world: events in, actions out.

use childminder::{
    Action, Error, Event, Moment, NotificationId, NotificationKind, Outcome, Signal, Stream, Target,
};

use super::{Driver, Exit, Turn};
use crate::control::Request;
use crate::kernel::{Kernel, Sighting};
use crate::{Discarded, Failure, Handler, Job};

impl<N: Send + 'static> Driver<N> {
    /// The end may come while something is still under way, an answer or a request; after it there is
    /// nothing left to act on, and nothing more to observe.
    pub(super) fn feed<H, K>(&mut self, turn: &mut Turn<'_, H, K>, event: Event)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        if self.outcome().is_none() && self.monitor.handle(turn.now, event).is_ok() {
            turn.handler.observe(turn.now, Moment::Event(event));
            let sending = match event {
                Event::PassOn { .. } => Sending::AsItIs,
                _ => Sending::ToBeSeen,
            };
            self.perform(turn, sending);
        }
        if let Some(desk) = &mut self.desk {
            desk.reason = None;
        }
    }

    pub(super) fn queue<H, K>(&mut self, turn: &mut Turn<'_, H, K>, notification: N)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        match self.monitor.notify(turn.now) {
            Ok(id) => {
                self.desk().queued.push_back((id, notification));
                turn.handler.observe(turn.now, Moment::Notified(id));
                self.perform(turn, Sending::ToBeSeen);
            }
            Err(_) => turn
                .handler
                .discarded(Discarded::Notification(notification)),
        }
    }

    pub(super) fn fail<H, K>(&mut self, turn: &mut Turn<'_, H, K>, failure: Failure)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        match self.monitor.fail(turn.now) {
            Ok(id) => {
                self.desk().failures.insert(id, failure);
                turn.handler.observe(turn.now, Moment::Failed(id));
                self.perform(turn, Sending::ToBeSeen);
            }
            Err(_) => turn.handler.discarded(Discarded::Failure(failure)),
        }
    }

    fn perform<H, K>(&mut self, turn: &mut Turn<'_, H, K>, sending: Sending)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        let mut sighting = None;
        while let Some(action) = self.monitor.poll_action() {
            turn.handler.observe(turn.now, Moment::Action(action));
            match action {
                Action::RecordError { error, first } => self.report(turn, error, first),
                Action::Warn => self.warn(turn),
                Action::SendSignal { signal, target } => self.send(turn, signal, target, sending),
                Action::KillStrays => turn.kernel.kill_strays(),
                Action::LookForStrays => sighting = Some(look_for_strays(turn.kernel)),
                Action::DiscardNotifications { last, .. } => self.discard(turn, last),
                Action::RunNotification { id, kind } => self.run(turn, id, kind),
                Action::ScheduleTimer(_) => {} // the loop asks `wake_at`
                Action::Reap => self.reap(turn),
                Action::Finish(outcome) => self.finish(turn, outcome),
            }
        }
        // An event of its own, which must not come between the actions of another.
        if let Some(sighting) = sighting {
            self.feed(turn, sighting);
        }
    }

    fn send<H, K>(
        &mut self,
        turn: &mut Turn<'_, H, K>,
        signal: Signal,
        target: Target,
        sending: Sending,
    ) where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        match sending {
            Sending::ToBeSeen => {
                if let Err(error) = turn.kernel.signal(signal, target) {
                    self.ask(Request::Fail(error.into()));
                }
            }
            Sending::AsItIs => {
                if let Err(error) = turn.kernel.pass_on(signal, target) {
                    let control = &mut turn.shared.control(self.id);
                    turn.handler.refused(control, signal, target, error);
                }
            }
        }
    }

    fn report<H, K>(&mut self, turn: &mut Turn<'_, H, K>, error: Error, first: bool)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        let failure = self.desk.as_mut().and_then(|desk| match error {
            Error::External(id) => desk.failures.remove(&id),
            Error::Notification(_) | Error::Exit(_) => desk.reason.take(),
            _ => None,
        });
        let control = &mut turn.shared.control(self.id);
        turn.handler.error(control, error, first, failure);
    }

    fn warn<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
    {
        let silence = self.monitor.silence();
        let control = &mut turn.shared.control(self.id);
        turn.handler.warned(control, silence);
    }

    fn discard<H, K>(&mut self, turn: &mut Turn<'_, H, K>, last: NotificationId)
    where
        H: Handler<Notification = N>,
    {
        let Some(desk) = &mut self.desk else { return };
        while desk.queued.front().is_some_and(|(id, _)| *id <= last) {
            if let Some((_, notification)) = desk.queued.pop_front() {
                turn.handler
                    .discarded(Discarded::Notification(notification));
            }
        }
    }

    fn run<H, K>(&mut self, turn: &mut Turn<'_, H, K>, id: NotificationId, kind: NotificationKind)
    where
        H: Handler<Notification = N>,
    {
        let job = match kind {
            NotificationKind::Heartbeat => Some(Job::Heartbeat),
            NotificationKind::Final => self.monitor.preliminary_outcome().map(Job::Final),
            _ => {
                let next = self.desk().queued.pop_front();
                next.map(|(_, notification)| Job::Requested(notification))
            }
        };
        let Some(job) = job else { return };
        let before = turn.shared.mail_so_far();
        let answer = turn.shared.answer(self.id, id);
        let control = &mut turn.shared.control(self.id);
        turn.handler.notify(control, job, answer);
        if let Some(result) = turn.shared.take_answer(self.id, id, before) {
            self.desk().answers.push_back((id, result));
        }
    }

    fn reap<H, K>(&mut self, turn: &mut Turn<'_, H, K>)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        if self.exit == Exit::Lost {
            return;
        }
        if let Err(error) = turn.kernel.reap() {
            self.ask(Request::Fail(error.into()));
        }
    }

    fn finish<H, K>(&mut self, turn: &mut Turn<'_, H, K>, outcome: Outcome)
    where
        H: Handler<Notification = N>,
        K: Kernel,
    {
        for stream in Stream::ALL {
            if self.open[stream as usize] {
                self.end_stream(turn, stream);
            }
        }
        turn.handler.finished(outcome);
    }
}

fn look_for_strays(kernel: &mut impl Kernel) -> Event {
    match kernel.find_strays() {
        Some(Sighting { living, immune }) => Event::StraysSeen { living, immune },
        None => Event::StraysUnseen,
    }
}

/// How a signal is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    /// A stopped target is continued to see it: it is there to end the child.
    ToBeSeen,
    AsItIs,
}
