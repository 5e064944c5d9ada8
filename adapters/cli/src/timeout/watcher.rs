//! What `timeout` does with what it is told of the command.

use childminder::{Action, Error, Event, Instant, Moment, Signal, Stream};
use childminder_driver::{Control, Discarded, Failure, Handler};
use childminder_unix::Flow;

use super::options::{Options, quote, signal_name};
use crate::event_loop::Owner;
use crate::outlets::Outlets;
use crate::signals::CONT;

/// Passes output on, if it is to be watched, and says what is sent.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Watcher {
    /// Whether a deadline, or a SIGALRM, has had a signal sent.
    pub(super) timed_out: bool,
    /// Whether SIGKILL was sent.
    pub(super) killed: bool,
    /// Whether a signal to us began the end.
    pub(super) ended_early: bool,
    name: String,
    command: String,
    verbose: bool,
    given: Option<Signal>,
    outlets: Outlets,
    /// The latest event, which is the cause of the actions that follow.
    cause: Event,
    failed: bool,
}

impl Watcher {
    pub(super) fn new(name: &str, options: &Options, outlets: Outlets) -> Self {
        Self {
            timed_out: false,
            killed: false,
            ended_early: false,
            name: name.to_owned(),
            command: quote(&options.command[0]),
            verbose: options.verbose,
            given: options.signal.0,
            outlets,
            cause: Event::Started,
            failed: false,
        }
    }

    /// Says that this is sent, if that is wanted.
    fn announce(&self, signal: Signal) {
        let name = match (signal, self.given) {
            (CONT, None) => "0".to_owned(),
            // It only follows another.
            (CONT, Some(given)) if given != CONT => return,
            _ => signal_name(signal),
        };
        if self.verbose {
            self.say(&format!(
                "sending signal {name} to command {}",
                self.command
            ));
            // So that it stands before what the command says when it gets the signal.
            self.outlets.flush_briefly();
        }
    }

    fn note_loss(&mut self, loss: &Failure) {
        self.failed = true;
        self.say(&loss.to_string());
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Says a line on standard error.
    pub(super) fn say(&self, message: &str) {
        let line = format!("{}: {message}\n", self.name);
        // It is taken all the same.
        let _ = self.outlets.write(Stream::Stderr, line.as_bytes());
    }
}

impl Handler for Watcher {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        if self.outlets.write(stream, bytes) == Flow::Hold {
            control.hold_output(stream);
        }
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, _: bool, failure: Option<Failure>) {
        if let (Error::External(_), Some(failure)) = (error, failure) {
            self.failed = true;
            self.say(&failure.to_string());
        }
    }

    /// A relay that failed after the end.
    fn discarded(&mut self, what: Discarded<()>) {
        if let Discarded::Failure(loss) = what {
            self.note_loss(&loss);
        }
    }

    fn observe(&mut self, _: Instant, moment: Moment) {
        match moment {
            Moment::Event(event) => self.cause = event,
            Moment::Action(Action::SendSignal { signal, .. }) => {
                self.timed_out |= self.cause == Event::Tick;
                self.killed |= signal == Signal::KILL;
                self.announce(signal);
            }
            _ => {}
        }
    }
}

impl Owner for Watcher {
    fn lost(&mut self, _: Stream, loss: Failure) {
        self.note_loss(&loss);
    }

    fn outlets(&self) -> &Outlets {
        &self.outlets
    }
}
