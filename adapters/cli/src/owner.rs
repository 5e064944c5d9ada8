//! The handler behind `childminder run`.

use std::fs::File;
use std::io;

use childminder::{Error, FailureId, Instant, Moment, Outcome, Signal, Stream, Target};
use childminder_driver::{Control, Failure, Handler, Tail};
use childminder_record::Recorder;
use childminder_unix::{Flow, signals};

use crate::console::Console;
use crate::log::Log;
use crate::plan::{Plan, Speech};

/// Passes output on, and keeps what the report and the record need.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) console: Console,
    pub(crate) tail: Tail,
    pub(crate) log: Log,
    pub(crate) record: FlightRecord,
    /// What could not be done, and did not end the run.
    pub(crate) notes: Vec<String>,
    speech: Speech,
}

impl Owner {
    pub(crate) fn new(plan: &Plan, console: Console, record: FlightRecord) -> Self {
        Self {
            console,
            tail: Tail::new(plan.tail),
            log: Log::default(),
            record,
            notes: Vec::new(),
            speech: plan.speech,
        }
    }

    /// What turns out to be lost when the command has ended already is an error all the same.
    pub(crate) fn notice_lost_output(&mut self, outcome: &mut Outcome) {
        for stream in Stream::ALL {
            let Some(loss) = self.console.take_loss(stream) else {
                continue;
            };
            let error = Error::External(AFTER_THE_END);
            outcome.error.get_or_insert(error);
            self.log.notice(error, Some(loss.into()));
        }
    }

    fn say_if_verbose(&mut self, message: &str) {
        if self.speech == Speech::Everything {
            self.console.say(message);
        }
    }
}

impl Handler for Owner {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.tail.push(stream, bytes);
        if self.console.pass_on(stream, bytes) == Flow::Hold {
            control.hold_output(stream);
        }
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, _: bool, failure: Option<Failure>) {
        match &failure {
            Some(failure) => self.say_if_verbose(&failure.to_string()),
            None => self.say_if_verbose(&error.to_string()),
        }
        self.log.notice(error, failure);
    }

    /// It would have been the command's to get; that it does not is no reason to end it.
    fn refused(&mut self, _: &mut Control<()>, signal: Signal, _: Target, error: io::Error) {
        let name = signals::name(signal);
        self.notes.push(format!("cannot pass {name} on: {error}"));
    }

    fn observe(&mut self, at: Instant, moment: Moment) {
        if let Some(sent) = self.log.observe(at, moment) {
            self.say_if_verbose(&format!("sending {}", signals::name(sent.signal)));
        }
        self.record.take(at, moment);
    }
}

/// The flight record, if there is to be one.
#[derive(Debug, Default)]
pub(crate) struct FlightRecord {
    recorder: Option<Recorder<File>>,
    failure: Option<io::Error>,
}

impl FlightRecord {
    pub(crate) fn new(recorder: Option<Recorder<File>>) -> Self {
        Self {
            recorder,
            failure: None,
        }
    }

    /// Completes it.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.recorder.take().map_or(Ok(()), Recorder::finish),
        }
    }

    fn take(&mut self, at: Instant, moment: Moment) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if let Err(error) = recorder.moment(at, moment) {
            self.failure = Some(error);
            self.recorder = None;
        }
    }
}

/// The ticket of failures that the state machine was not told of.
const AFTER_THE_END: FailureId = FailureId::new(u64::MAX).expect("not zero");
