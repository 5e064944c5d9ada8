//! What a set of the command holds: a handler for each of its children.

use std::io;
use std::time::Duration;

use childminder::{Error, ExitStatus, Instant, Moment, Outcome, Signal, Stream, Target};
use childminder_driver::{Answer, Control, Discarded, Failure, Handler, Job, Vouch};

use crate::notifier::Notifier;

/// The command, or what is run to tell of it.
#[derive(Debug)]
pub(super) enum Member<H> {
    Command(H),
    Notifier(Box<Notifier>),
}

/// Calls the same of the one that it is.
macro_rules! whichever {
    ($member:expr, $method:ident($($argument:expr),*)) => {
        match $member {
            Member::Command(command) => command.$method($($argument),*),
            Member::Notifier(notifier) => notifier.$method($($argument),*),
        }
    };
}

impl<H: Handler<Notification = ()>> Handler for Member<H> {
    type Notification = ();

    fn input(&mut self) -> Option<Vec<u8>> {
        whichever!(self, input())
    }

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        whichever!(self, output(control, stream, bytes));
    }

    fn forwarded(
        &mut self,
        control: &mut Control<()>,
        stream: Stream,
        length: usize,
        seen: Option<&[u8]>,
    ) {
        whichever!(self, forwarded(control, stream, length, seen));
    }

    fn output_ended(&mut self, control: &mut Control<()>, stream: Stream) {
        whichever!(self, output_ended(control, stream));
    }

    fn vouched(&mut self, control: &mut Control<()>, vouch: &Vouch) {
        whichever!(self, vouched(control, vouch));
    }

    fn exited(&mut self, control: &mut Control<()>, status: ExitStatus) {
        whichever!(self, exited(control, status));
    }

    fn notify(&mut self, control: &mut Control<()>, job: Job<()>, answer: Answer) {
        whichever!(self, notify(control, job, answer));
    }

    fn error(
        &mut self,
        control: &mut Control<()>,
        error: Error,
        first: bool,
        failure: Option<Failure>,
    ) {
        whichever!(self, error(control, error, first, failure));
    }

    fn warned(&mut self, control: &mut Control<()>, silence: Duration) {
        whichever!(self, warned(control, silence));
    }

    fn refused(
        &mut self,
        control: &mut Control<()>,
        signal: Signal,
        target: Target,
        error: io::Error,
    ) {
        whichever!(self, refused(control, signal, target, error));
    }

    fn discarded(&mut self, what: Discarded<()>) {
        whichever!(self, discarded(what));
    }

    fn finished(&mut self, outcome: Outcome) {
        whichever!(self, finished(outcome));
    }

    fn observe(&mut self, at: Instant, moment: Moment) {
        whichever!(self, observe(at, moment));
    }
}
