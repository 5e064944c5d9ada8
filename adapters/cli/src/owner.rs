//! What `run` does with what it is told of the child.

use std::fs::File;
use std::io;

use childminder::{
    Action, Activity, Error, Event, FailureId, Instant, Moment, Outcome, Signal, Stream, Target,
};
use childminder_driver::{Control, Failure, Handler, Tail};
use childminder_record::Recorder;
use childminder_unix::{Usage, signals};

use crate::args::RunArgs;
use crate::relay::Relay;
use crate::report;
use crate::streams::Unfinished;

/// The handler behind `childminder run`: passes output on, and keeps what the report needs.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) stdout: Relay,
    pub(crate) stderr: Relay,
    pub(crate) tail: Tail,
    pub(crate) log: Log,
    pub(crate) verbose: bool,
    /// Our terminal takes a line's end for a step down, and no more.
    pub(crate) raw_terminal: bool,
    activity: Activity,
    /// The stream on which we say things.
    voice: Stream,
    unfinished: Unfinished,
    recorder: Option<Recorder<File>>,
    record_failure: Option<io::Error>,
}

/// What happened, and when, counted from the start.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// The command's process id.
    pub(crate) leader: u32,
    pub(crate) errors: Vec<Noticed>,
    pub(crate) signals: Vec<Sent>,
    pub(crate) last_output: Option<Instant>,
    /// The same, of what counts as activity.
    last_activity: Option<Instant>,
    /// The signal that we were sent, if that is why the child was ended.
    pub(crate) asked_by: Option<Signal>,
    pub(crate) exited: Option<Instant>,
    /// Whether it left a core.
    pub(crate) dumped_core: bool,
    /// None of a command that was left running.
    pub(crate) usage: Option<Usage>,
    pub(crate) ended: Instant,
    /// When it started, by the clock of the set.
    start: Instant,
    now: Instant,
}

impl Log {
    fn since_start(&self, at: Instant) -> Instant {
        Instant::ZERO.after(at.since(self.start))
    }

    fn note(&mut self, error: Error, failure: Option<Failure>) {
        let last = self.last_activity.unwrap_or_default();
        self.errors.push(Noticed {
            at: self.now,
            silent_ns: self.now.0 - last.0,
            error,
            failure,
        });
    }
}

/// A signal that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) signal: Signal,
    pub(crate) target: Target,
    /// To what the leader left behind.
    pub(crate) after_exit: bool,
}

/// An error, and its message if it came from outside the child.
#[derive(Debug)]
pub(crate) struct Noticed {
    pub(crate) at: Instant,
    /// How long it had written nothing that counts as activity by then.
    pub(crate) silent_ns: u64,
    pub(crate) error: Error,
    pub(crate) failure: Option<Failure>,
}

impl Owner {
    pub(crate) fn new(
        stdout: Relay,
        stderr: Relay,
        args: &RunArgs,
        recorder: Option<Recorder<File>>,
    ) -> Self {
        Self {
            stdout,
            stderr,
            tail: Tail::new(args.tail),
            log: Log::default(),
            verbose: args.verbose,
            raw_terminal: false,
            activity: args.activity.into(),
            voice: Stream::Stderr,
            unfinished: Unfinished::new(),
            recorder,
            record_failure: None,
        }
    }

    pub(crate) fn relay(&self, stream: Stream) -> &Relay {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    /// Says a line on our standard error, behind what the child wrote there.
    pub(crate) fn say(&mut self, message: &str) {
        self.write_lines(self.voice, &report::line(message));
    }

    /// Writes a report on a stream of ours. Where both go to one place, what is said next comes behind it.
    pub(crate) fn write_report(&mut self, stream: Stream, json: &str) {
        self.write_lines(stream, json);
        if self.unfinished.are_together() {
            self.voice = stream;
        }
    }

    /// Writes whole lines on a stream of ours, behind what the child wrote there.
    fn write_lines(&mut self, stream: Stream, lines: &str) {
        let mut text = lines.to_owned();
        if self.unfinished.is_at(stream) {
            text.insert(0, '\n');
        }
        if self.raw_terminal {
            text = text.replace('\n', "\r\n");
        }
        self.unfinished.wrote(stream, text.as_bytes());
        self.relay(stream).write(text.as_bytes());
    }

    /// Whether the command is dead and its group has had SIGKILL: whoever is left of it had left the group.
    pub(crate) fn has_swept(&self) -> bool {
        let kills = |sent: &Sent| sent.signal == Signal::KILL && sent.target == Target::Group;
        self.log.exited.is_some() && self.log.signals.iter().any(kills)
    }

    /// Waits a moment for all that has been said to be written.
    pub(crate) fn settle(&self) {
        self.stdout.settle();
        self.stderr.settle();
    }

    /// What turns out to be lost when the child has ended already is an error all the same.
    pub(crate) fn note_lost_output(&mut self, outcome: &mut Outcome) {
        for stream in Stream::ALL {
            let Some(loss) = self.relay(stream).take_loss(stream) else {
                continue;
            };
            let error = Error::External(AFTER_THE_END);
            outcome.error.get_or_insert(error);
            self.log.note(error, Some(loss.into()));
        }
    }

    /// Completes the flight record.
    pub(crate) fn finish_record(&mut self) -> io::Result<()> {
        if let Some(failure) = self.record_failure.take() {
            return Err(failure);
        }
        self.recorder.take().map_or(Ok(()), Recorder::finish)
    }

    fn record(&mut self, at: Instant, moment: Moment) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if let Err(error) = recorder.moment(at, moment) {
            self.record_failure = Some(error);
            self.recorder = None;
        }
    }
}

impl Handler for Owner {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.log.last_output = Some(self.log.now);
        if self.activity.counts(stream) {
            self.log.last_activity = Some(self.log.now);
        }
        self.tail.push(stream, bytes);
        self.unfinished.wrote(stream, bytes);
        if self.relay(stream).write(bytes) {
            control.hold_output(stream);
        }
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, _: bool, failure: Option<Failure>) {
        if self.verbose {
            match &failure {
                Some(failure) => self.say(&format!("{failure}")),
                None => self.say(&format!("{error}")),
            }
        }
        self.log.note(error, failure);
    }

    fn finished(&mut self, _: Outcome) {
        self.log.ended = self.log.now;
    }

    fn observe(&mut self, at: Instant, moment: Moment) {
        match moment {
            Moment::Event(Event::Started) => self.log.start = at,
            Moment::Event(Event::ChildExited(_)) => {
                self.log.exited = Some(self.log.since_start(at));
            }
            _ => {}
        }
        let since_start = self.log.since_start(at);
        self.log.now = since_start;
        if let Moment::Action(Action::SendSignal { signal, target }) = moment {
            self.log.signals.push(Sent {
                at: since_start,
                signal,
                target,
                after_exit: self.log.exited.is_some(),
            });
            if self.verbose {
                self.say(&format!("sending {}", signals::name(signal)));
            }
        }
        self.record(at, moment);
    }
}

/// The ticket of failures that the state machine was not told of.
const AFTER_THE_END: FailureId = FailureId::new(u64::MAX).expect("not zero");
