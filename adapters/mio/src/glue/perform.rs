//! Between the monitor and the world: events in, actions out.

use childminder::{Action, Error, Event, Instant, NotificationId, NotificationKind, Outcome};

use crate::glue::Glue;
use crate::kernel::{Kernel, STREAMS};
use crate::{Answer, Discarded, Failure, Handler, Job, Moment};

impl<H: Handler, K: Kernel> Glue<H, K> {
    pub(super) fn feed(&mut self, event: Event) {
        self.feed_at(self.kernel.now(), event);
    }

    /// The end may come while something is still under way, an answer or a request; after it there is
    /// nothing left to act on, and nothing more to observe.
    pub(super) fn feed_at(&mut self, now: Instant, event: Event) {
        if self.monitor.outcome().is_some() {
            return;
        }
        if self.monitor.handle(now, event).is_ok() {
            self.handler.observe(now, Moment::Event(event));
            self.perform(now);
        }
    }

    pub(super) fn queue(&mut self, notification: H::Notification) {
        let now = self.kernel.now();
        match self.monitor.notify(now) {
            Ok(id) => {
                self.queued.push_back((id, notification));
                self.handler.observe(now, Moment::Notified(id));
                self.perform(now);
            }
            Err(_) => self
                .handler
                .discarded(Discarded::Notification(notification)),
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        let now = self.kernel.now();
        match self.monitor.fail(now) {
            Ok(id) => {
                self.failures.insert(id, failure);
                self.handler.observe(now, Moment::Failed(id));
                self.perform(now);
            }
            Err(_) => self.handler.discarded(Discarded::Failure(failure)),
        }
    }

    fn perform(&mut self, now: Instant) {
        while let Some(action) = self.monitor.poll_action() {
            self.handler.observe(now, Moment::Action(action));
            match action {
                Action::RecordError { error, first } => self.report(error, first),
                Action::SendSignal { signal, target } => {
                    if let Err(error) = self.kernel.signal(signal, target) {
                        self.control.fail(error);
                    }
                }
                Action::DiscardNotifications { last, .. } => self.discard(last),
                Action::RunNotification { id, kind } => self.run(id, kind),
                Action::ScheduleTimer(_) => {} // the loop asks `poll_timeout`
                Action::Reap => {
                    if let Err(error) = self.kernel.reap() {
                        self.control.fail(error);
                    }
                }
                Action::Finish(outcome) => self.finish(outcome),
            }
        }
    }

    fn report(&mut self, error: Error, first: bool) {
        let failure = match error {
            Error::External(id) => self.failures.remove(&id),
            _ => None,
        };
        self.handler.error(&mut self.control, error, first, failure);
    }

    fn discard(&mut self, last: NotificationId) {
        while self.queued.front().is_some_and(|(id, _)| *id <= last) {
            if let Some((_, notification)) = self.queued.pop_front() {
                self.handler
                    .discarded(Discarded::Notification(notification));
            }
        }
    }

    fn run(&mut self, id: NotificationId, kind: NotificationKind) {
        let answer = Answer::to(self.kernel.mailbox(), id);
        let job = match kind {
            NotificationKind::Requested => match self.queued.pop_front() {
                Some((_, notification)) => Job::Requested(notification),
                None => return,
            },
            // Every other kind is one that the core queues itself.
            _ => Job::Heartbeat,
        };
        self.handler.notify(&mut self.control, job, answer);
    }

    fn finish(&mut self, outcome: Outcome) {
        for stream in STREAMS {
            if self.kernel.is_open(stream) {
                self.handler.output_ended(&mut self.control, stream);
            }
        }
        self.handler.finished(outcome);
    }

    /// After the end nothing is waited for any more, and what was still asked for comes back.
    pub(super) fn let_go(&mut self, registry: &K::Registry) {
        self.carry_out(registry);
        let deregistered = self.kernel.let_go(registry);
        self.note(deregistered);
    }
}
