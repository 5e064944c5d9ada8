//! Carries what happens to one child to its handle, its readers and its notifications.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use childminder::{Error, ExitStatus, Outcome, Stream};
use childminder_driver::{Answer, Control, Discarded, Failure, Handler, Job};
use tokio::sync::oneshot;

use crate::notification::{Cancel, End, Errand, Heartbeat, Notification, NotifyError};
use crate::output::Buffers;
use crate::report::{ChildError, Reporter};

/// The handler of one child. It runs none of the user's code, because the set is locked around it.
pub(crate) struct Relay {
    pub(crate) reporter: Reporter,
    pub(crate) buffers: Arc<Buffers>,
    /// None where nothing of it is asked for, as with most children.
    pub(crate) extras: Option<Box<Extras>>,
    pub(crate) errands: Sender<Errand>,
    pub(crate) running: Option<Cancel>,
    /// The child's handle has been dropped.
    pub(crate) is_disowned: bool,
}

/// What a child may have besides its config.
#[derive(Clone, Default)]
pub(crate) struct Extras {
    pub(crate) heartbeat: Option<Heartbeat>,
    pub(crate) end: Option<End>,
    /// What it is to read.
    pub(crate) input: Option<Vec<u8>>,
}

impl Relay {
    /// The handle of the child was dropped: cancels the notification that runs, and each that is still to
    /// come from what was asked before.
    pub(crate) fn disown(&mut self) {
        self.is_disowned = true;
        self.running = None;
    }

    /// The set takes errands for as long as it has children.
    fn leave(&self, errand: Errand) {
        let _ = self.errands.send(errand);
    }
}

impl Handler for Relay {
    type Notification = Notification;

    fn input(&mut self) -> Option<Vec<u8>> {
        self.extras.as_mut()?.input.take()
    }

    fn output(&mut self, control: &mut Control<Notification>, stream: Stream, bytes: &[u8]) {
        let ask = &mut |request| control.ask(request);
        self.buffers.push(stream, bytes, ask);
    }

    fn output_ended(&mut self, _: &mut Control<Notification>, stream: Stream) {
        self.buffers.end(stream);
    }

    fn exited(&mut self, control: &mut Control<Notification>, _: ExitStatus) {
        self.buffers.exited(&mut |request| control.ask(request));
    }

    fn notify(&mut self, _: &mut Control<Notification>, job: Job<Notification>, answer: Answer) {
        let extras = self.extras.as_deref();
        let heartbeat = extras.and_then(|extras| extras.heartbeat.clone());
        let end = extras.and_then(|extras| extras.end.clone());
        let notification = match job {
            Job::Requested(notification) => Some(notification),
            Job::Final(outcome) => {
                end.map(|end| Notification::new(async move { end(outcome).await }).0)
            }
            _ => heartbeat.map(|beat| Notification::new(async move { beat().await }).0),
        };
        let Some(notification) = notification else {
            return answer.succeed();
        };
        let (cancel, cancelled) = oneshot::channel();
        self.running = (!self.is_disowned).then_some(cancel);
        self.leave(Errand::Run(notification, answer, cancelled));
    }

    fn error(
        &mut self,
        _: &mut Control<Notification>,
        error: Error,
        _: bool,
        failure: Option<Failure>,
    ) {
        if let Error::NotificationTimeout(_) = error
            && let Some(cancel) = self.running.take()
        {
            // It may have ended meanwhile.
            let _ = cancel.send(NotifyError::Overdue);
        }
        let error = ChildError::new(error, failure);
        self.reporter.add(error);
    }

    fn discarded(&mut self, what: Discarded<Notification>) {
        if let Discarded::Notification(notification) = what {
            self.leave(Errand::Discard(notification));
        }
    }

    fn finished(&mut self, outcome: Outcome) {
        self.running = None;
        self.reporter.end(outcome);
    }
}

/// Readers of a child that was dropped before its end wait for nothing more.
impl Drop for Relay {
    fn drop(&mut self) {
        for stream in Stream::ALL {
            self.buffers.end(stream);
        }
    }
}
