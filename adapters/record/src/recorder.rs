//! Writing, as things happen.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::mem;
use std::time::Duration;

use childminder::{Action, Config, Event, FailureId, Instant, Moment, NotificationId, Stream};

use crate::encode;
use crate::header::Header;
use crate::json::Json;
use crate::ticket::Ticket;

/// Writes the record of one run, as it happens.
///
/// Tell it every event that the monitor takes, with the same time, and then every action that the
/// monitor answers before the next event. An action that is polled only after the next event is
/// recorded as that event's, which a replay then finds to be different; so is an event that the
/// monitor has refused.
///
/// A step is complete when the next event comes, at [`finish`](Self::finish), or when the recorder is
/// dropped. Every line is written with one `write_all` and then flushed, so `out` needs no buffer,
/// and when the process dies the record lacks the step under way and is whole up to there. After an
/// error of `out`, give the record up: its last line may be incomplete.
///
/// Outputs of one stream that follow each other, with no event and no action between, are written as
/// one step, since the monitor decides the same: as many bytes as all of them, at the time of the last. The run's
/// first output stays alone. Such a step is written when something else happens, or by the first output that comes
/// more than [`Recorder::LONGEST_MERGE`] after its first; when the process dies, the record lacks it too.
///
/// Times are written as counted from the first event; one that runs backwards counts as the latest, as
/// the monitor takes it.
///
/// A record of several runs is written by one recorder after the other to the same `out`; runs that
/// overlap share a [`SharedRecord`](crate::SharedRecord).
///
/// ```
/// use childminder::{Config, Event, Instant, MonitorState};
/// use childminder_record::Recorder;
///
/// let config = Config { notification_timeout: None, ..Config::default() };
/// let mut monitor = MonitorState::new(config);
/// let mut record = Vec::new();
/// let mut recorder = Recorder::new(&mut record, "example", &config)?;
///
/// let now = Instant(7_000_000_000);
/// recorder.event(now, Event::Started)?;
/// monitor.handle(now, Event::Started)?;
/// let id = monitor.notify(now)?;
/// recorder.notify(now, id)?;
/// while let Some(action) = monitor.poll_action() {
///     recorder.action(action);
/// }
/// recorder.finish()?;
///
/// let record = String::from_utf8(record)?;
/// let steps: Vec<_> = record.lines().skip(1).collect();
/// assert_eq!(steps, [
///     r#"{"at_ns":0,"event":{"type":"started"},"actions":[]}"#,
///     concat!(
///         r#"{"at_ns":0,"event":{"type":"notify","id":1},"#,
///         r#""actions":[{"type":"run_notification","id":1,"kind":"requested"}]}"#,
///     ),
/// ]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Recorder<W: Write> {
    out: W,
    /// The run's number, where runs overlap in one record.
    number: Option<u64>,
    state: State,
    /// The time of the first event.
    origin: Option<Instant>,
    /// The time of the latest event, counted from the first.
    latest: u64,
    has_output: bool,
    /// Outputs that the next one may be merged with.
    held: Option<Outputs>,
    /// The step under way.
    step: Option<UnderWay>,
    /// How many bytes have been written.
    written: u64,
    limit: u64,
}

/// How much of a run its record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// All that the recorder was told.
    Whole,
    /// A part, because the recorder was [stopped](Recorder::stop) or has reached its [limit](Recorder::limited).
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The run has finished, so that no step of its number may follow.
    Over,
    /// No more is recorded.
    Stopped,
}

impl<W: Write> Recorder<W> {
    /// How long the outputs that are written as one step may take together.
    pub const LONGEST_MERGE: Duration = LONGEST_MERGE;

    /// How much of a run's name is written, in bytes: 64 KiB.
    pub const LONGEST_NAME: usize = encode::LONGEST_NAME;

    /// Begins a run: writes its header. Of a name longer than [`Recorder::LONGEST_NAME`] the beginning is written.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, name: &str, config: &Config) -> io::Result<Self> {
        Self::with_header(out, Header::new(name, config))
    }

    /// Begins a run of which more is to be said than its name and its config.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn with_header(out: W, header: Header<'_>) -> io::Result<Self> {
        Self::begun(out, header, None)
    }

    /// Begins the run of this number, among others that go on.
    pub(crate) fn numbered(out: W, header: Header<'_>, number: u64) -> io::Result<Self> {
        Self::begun(out, header, Some(number))
    }

    fn begun(mut out: W, header: Header<'_>, number: Option<u64>) -> io::Result<Self> {
        let header = format!("{}\n", encode::header(&header, number));
        out.write_all(header.as_bytes())?;
        out.flush()?;
        Ok(Self {
            out,
            number,
            state: State::Open,
            origin: None,
            latest: 0,
            has_output: false,
            held: None,
            step: None,
            written: header.len() as u64,
            limit: u64::MAX,
        })
    }

    /// [Stops](Self::stop) the record before it is longer than `bytes`, the header included. A header that is longer
    /// already, and the line that says so, are all that there will be.
    #[must_use]
    pub fn limited(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// The monitor is told `event` at `at`. For a `Notify` or `Fail` whose ticket is known, use
    /// [`notify`](Self::notify) or [`fail`](Self::fail).
    ///
    /// # Errors
    ///
    /// Those of `out`, which is given the step before this.
    pub fn event(&mut self, at: Instant, event: Event) -> io::Result<()> {
        self.begin(at, event, None)
    }

    /// [`Event::Notify`], and the ticket that it was given.
    ///
    /// # Errors
    ///
    /// As for [`event`](Self::event).
    pub fn notify(&mut self, at: Instant, id: NotificationId) -> io::Result<()> {
        self.begin(at, Event::Notify, Some(Ticket::Notification(id)))
    }

    /// [`Event::Fail`], and the ticket that it was given.
    ///
    /// # Errors
    ///
    /// As for [`event`](Self::event).
    pub fn fail(&mut self, at: Instant, id: FailureId) -> io::Result<()> {
        self.begin(at, Event::Fail, Some(Ticket::Failure(id)))
    }

    /// Whatever comes next in the run: an event, a ticket or an action. It is what a handler of
    /// `childminder-driver` is given to observe.
    ///
    /// # Errors
    ///
    /// As for [`event`](Self::event).
    pub fn moment(&mut self, at: Instant, moment: Moment) -> io::Result<()> {
        match moment {
            Moment::Event(event) => self.event(at, event),
            Moment::Notified(id) => self.notify(at, id),
            Moment::Failed(id) => self.fail(at, id),
            Moment::Action(action) => {
                self.action(action);
                Ok(())
            }
        }
    }

    /// The monitor answers the latest event with `action`. Before the first event it answers
    /// nothing, so an action then is not recorded.
    pub fn action(&mut self, action: Action) {
        let (Some(step), Some(origin)) = (&mut self.step, self.origin) else {
            return;
        };
        step.add(&encode::action(action, origin));
        if self.number.is_some() && matches!(action, Action::Finish(_)) {
            self.state = State::Over;
        }
    }

    /// Stops recording: writes a line that says so. The step under way is left out, since it may lack actions, and so
    /// are outputs that wait to be merged. A replay goes as far as that, and says that the record was stopped.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn stop(&mut self) -> io::Result<()> {
        if self.state == State::Stopped {
            return Ok(());
        }
        if self.state == State::Over {
            return self.end();
        }
        self.state = State::Stopped;
        self.held = None;
        self.step = None;
        let line = format!("{}\n", encode::stop(self.latest, self.number));
        self.write(&line)
    }

    /// Ends the run: writes its last step, and says whether the record has all of them. Dropping the recorder ends the
    /// run too, but says nothing.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<Recorded> {
        self.end()?;
        Ok(if self.is_stopped() {
            Recorded::Stopped
        } else {
            Recorded::Whole
        })
    }

    /// Whether it has stopped, because it was told to or has reached its limit.
    pub fn is_stopped(&self) -> bool {
        self.state == State::Stopped
    }

    fn begin(&mut self, at: Instant, event: Event, ticket: Option<Ticket>) -> io::Result<()> {
        let mut ended = self.end_step();
        if self.held.as_ref().is_some_and(|held| !held.takes(event)) {
            ended = ended.and(self.end_outputs());
        }
        if self.state == State::Open {
            let origin = *self.origin.get_or_insert(at);
            self.latest = self.latest.max(at.0.saturating_sub(origin.0));
            self.step = Some(UnderWay::new(self.latest, event, ticket));
        }
        ended
    }

    fn end(&mut self) -> io::Result<()> {
        self.end_step().and(self.end_outputs())
    }

    /// The step under way is complete: it is written, or held.
    fn end_step(&mut self) -> io::Result<()> {
        let Some(step) = self.step.take() else {
            return Ok(());
        };
        let Some(outputs) = Outputs::of(&step) else {
            let ended = self.end_outputs();
            return ended.and(self.write_step(&step));
        };
        let is_first = !mem::replace(&mut self.has_output, true);
        if is_first {
            return self.write_step(&step);
        }
        if let Some(held) = &mut self.held
            && held.merge(&outputs)
        {
            return Ok(());
        }
        let ended = self.end_outputs();
        self.held = Some(outputs);
        ended
    }

    fn end_outputs(&mut self) -> io::Result<()> {
        self.held
            .take()
            .map_or(Ok(()), |held| self.write_step(&held.into()))
    }

    fn write_step(&mut self, step: &UnderWay) -> io::Result<()> {
        if self.state == State::Stopped {
            return Ok(());
        }
        let line = step.line(self.number);
        let room = self.limit.saturating_sub(self.written);
        if (line.len() + STOP_LINE) as u64 > room {
            // The time up to which there is a record.
            self.latest = step.at;
            self.state = State::Open;
            return self.stop();
        }
        self.write(&line)
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        self.written += line.len() as u64;
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Recorder<W> {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; `finish` tells.
        let _ = self.end();
    }
}

/// A step that may get more actions.
#[derive(Debug)]
struct UnderWay {
    at: u64,
    event: Event,
    count: u64,
    ticket: Option<Ticket>,
    /// As JSON, with commas between.
    actions: String,
}

impl UnderWay {
    fn new(at: u64, event: Event, ticket: Option<Ticket>) -> Self {
        Self {
            at,
            event,
            count: 1,
            ticket,
            actions: String::new(),
        }
    }

    fn add(&mut self, action: &Json) {
        let separator = if self.actions.is_empty() { "" } else { "," };
        write!(self.actions, "{separator}{action}").expect("a string takes all that is written");
    }

    fn line(&self, number: Option<u64>) -> String {
        let run = number.map_or_else(String::new, |number| format!(r#""run":{number},"#));
        format!(
            "{{{run}\"at_ns\":{},\"event\":{},\"actions\":[{}]}}\n",
            self.at,
            encode::event(self.event, self.count, self.ticket),
            self.actions,
        )
    }
}

/// Outputs of one stream that are written as one.
#[derive(Clone, Copy, Debug)]
struct Outputs {
    stream: Stream,
    bytes: u64,
    count: u64,
    /// The time of the first.
    since: u64,
    /// The time of the last.
    at: u64,
}

impl Outputs {
    /// What may be merged. No bytes are no activity, so such an output must not be moved to another time.
    fn of(step: &UnderWay) -> Option<Self> {
        match step.event {
            Event::Output { stream, bytes } if bytes > 0 && step.actions.is_empty() => Some(Self {
                stream,
                bytes,
                count: step.count,
                since: step.at,
                at: step.at,
            }),
            _ => None,
        }
    }

    /// Whether `event` may be another one of them.
    fn takes(&self, event: Event) -> bool {
        matches!(event, Event::Output { stream, bytes } if stream == self.stream && bytes > 0)
    }

    /// Adds the next, if that is possible.
    fn merge(&mut self, next: &Self) -> bool {
        let is_long = Duration::from_nanos(next.at - self.since) > LONGEST_MERGE;
        let bytes = self.bytes.checked_add(next.bytes);
        let Some(bytes) = bytes.filter(|_| next.stream == self.stream && !is_long) else {
            return false;
        };
        self.bytes = bytes;
        self.count += next.count;
        self.at = next.at;
        true
    }
}

impl From<Outputs> for UnderWay {
    fn from(outputs: Outputs) -> Self {
        let Outputs { stream, bytes, .. } = outputs;
        Self {
            count: outputs.count,
            ..Self::new(outputs.at, Event::Output { stream, bytes }, None)
        }
    }
}

const LONGEST_MERGE: Duration = Duration::from_secs(1);

/// As long as the line that says that the record was stopped can be.
const STOP_LINE: usize =
    r#"{"run":18446744073709551615,"at_ns":18446744073709551615,"stopped":true}"#.len() + 1;
