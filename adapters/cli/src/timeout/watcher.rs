//! What `timeout` does with what it is told of the command.

use childminder::{Action, Error, Event, Instant, Moment, Signal, Stream};
use childminder_driver::{Control, Discarded, Failure, Handler};
use childminder_unix::{Flow, Relay};

use super::options::{Options, quote, signal_name};
use super::words::complain;
use crate::event_loop::Owner;
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
    relays: Option<[Relay; 2]>,
    /// The latest event, which is the cause of the actions that follow.
    cause: Event,
    failed: bool,
}

impl Watcher {
    pub(super) fn new(name: &str, options: &Options, relays: Option<[Relay; 2]>) -> Self {
        Self {
            timed_out: false,
            killed: false,
            ended_early: false,
            name: name.to_owned(),
            command: quote(&options.command[0]),
            verbose: options.verbose,
            given: options.signal.0,
            relays,
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
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    fn relay(&self, stream: Stream) -> Option<&Relay> {
        let [stdout, stderr] = self.relays.as_ref()?;
        Some(match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        })
    }

    fn say(&self, message: &str) {
        match self.relay(Stream::Stderr) {
            Some(relay) => {
                // It is taken all the same.
                let _ = relay.write(format!("{}: {message}\n", self.name).as_bytes());
            }
            None => complain(&self.name, message),
        }
    }
}

impl Handler for Watcher {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        let flow = self.relay(stream).map(|relay| relay.write(bytes));
        if flow == Some(Flow::Hold) {
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
            self.lost(loss);
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
    fn lost(&mut self, loss: Failure) {
        self.failed = true;
        complain(&self.name, &loss.to_string());
    }

    fn relays(&self) -> Option<[&Relay; 2]> {
        self.relays.as_ref().map(<[Relay; 2]>::each_ref)
    }
}
