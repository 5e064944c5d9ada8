//! What `timeout` does with what it is told of the command.

use childminder::{Action, Error, Event, Instant, Moment, Signal, Stream};
use childminder_driver::{Control, Failure, Handler};

use super::options::{Options, quote, signal_name};
use super::{CONT, complain};
use crate::relay::Relay;

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
    clock_struck: bool,
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
            clock_struck: false,
            failed: false,
        }
    }

    /// Says that this is sent, if that is wanted.
    pub(super) fn announce(&self, signal: Signal) {
        let name = match (signal, self.given) {
            (CONT, None) => "EXIT".to_owned(),
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

    pub(super) fn relays(&self) -> Option<[&Relay; 2]> {
        self.relays.as_ref().map(<[Relay; 2]>::each_ref)
    }

    /// What turns out to be lost when the command has ended already.
    pub(super) fn note_lost_output(&mut self) {
        for stream in Stream::ALL {
            let relay = self.relay(stream);
            if let Some(loss) = relay.and_then(|relay| relay.take_loss(stream)) {
                self.failed = true;
                complain(&self.name, &loss);
            }
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }

    pub(super) fn relay(&self, stream: Stream) -> Option<&Relay> {
        let [stdout, stderr] = self.relays.as_ref()?;
        Some(match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        })
    }

    fn say(&self, message: &str) {
        match self.relay(Stream::Stderr) {
            Some(relay) => {
                relay.write(format!("{}: {message}\n", self.name).as_bytes());
            }
            None => complain(&self.name, message),
        }
    }
}

impl Handler for Watcher {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        if self.relay(stream).is_some_and(|relay| relay.write(bytes)) {
            control.hold_output(stream);
        }
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, _: bool, failure: Option<Failure>) {
        if let (Error::External(_), Some(failure)) = (error, failure) {
            self.failed = true;
            self.say(&failure.to_string());
        }
    }

    fn observe(&mut self, _: Instant, moment: Moment) {
        match moment {
            Moment::Event(event) => self.clock_struck = event == Event::Tick,
            Moment::Action(Action::SendSignal { signal, .. }) => {
                self.timed_out |= self.clock_struck;
                self.killed |= signal == Signal::KILL;
                self.announce(signal);
            }
            _ => {}
        }
    }
}
