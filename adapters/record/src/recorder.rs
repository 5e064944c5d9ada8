//! Writing, as things happen.

use std::fmt::Write as _;
use std::io::{self, Write};

use childminder::{Action, Config, Event, FailureId, Instant, Moment, NotificationId};

use crate::encode;
use crate::ticket::Ticket;

/// Writes the record of one run, as it happens.
///
/// Tell it every event that the monitor is told, with the same time, and then every action that the
/// monitor answers before the next event. An action that is polled only after the next event is
/// recorded as that event's, which a replay then finds to be different.
///
/// A step is complete when the next event comes, at [`finish`](Self::finish), or when the recorder is
/// dropped. Every line is written with one `write_all` and then flushed, so `out` needs no buffer,
/// and when the process dies the record lacks the step under way and is whole up to there. After an
/// error of `out`, give the record up: its last line may be incomplete.
///
/// Times are written as counted from the first event; one before that counts as the first event's.
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
    /// Whether the run has finished, so that no step of its number may follow.
    over: bool,
    /// The time of the first event.
    origin: Option<Instant>,
    /// The step under way, or nothing.
    step: String,
    has_actions: bool,
}

impl<W: Write> Recorder<W> {
    /// Begins a run: writes its header.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, name: &str, config: &Config) -> io::Result<Self> {
        Self::begun(out, name, config, None)
    }

    /// Begins the run of this number, among others that go on.
    pub(crate) fn numbered(out: W, name: &str, config: &Config, number: u64) -> io::Result<Self> {
        Self::begun(out, name, config, Some(number))
    }

    fn begun(mut out: W, name: &str, config: &Config, number: Option<u64>) -> io::Result<Self> {
        let header = format!("{}\n", encode::header(name, config, number));
        out.write_all(header.as_bytes())?;
        out.flush()?;
        Ok(Self {
            out,
            number,
            over: false,
            origin: None,
            step: String::new(),
            has_actions: false,
        })
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
        let Some(origin) = self.origin.filter(|_| !self.step.is_empty()) else {
            return;
        };
        let separator = if self.has_actions { "," } else { "" };
        self.add(&format_args!(
            "{separator}{}",
            encode::action(action, origin)
        ));
        self.has_actions = true;
        self.over = self.number.is_some() && matches!(action, Action::Finish(_));
    }

    /// Ends the run: writes its last step. Dropping the recorder does so too, but says nothing of
    /// errors.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<()> {
        self.end()
    }

    fn begin(&mut self, at: Instant, event: Event, ticket: Option<Ticket>) -> io::Result<()> {
        let ended = self.end();
        if self.over {
            return ended;
        }
        let origin = *self.origin.get_or_insert(at);
        self.step.push('{');
        if let Some(number) = self.number {
            self.add(&format_args!(r#""run":{number},"#));
        }
        self.add(&format_args!(
            r#""at_ns":{},"event":{},"actions":["#,
            at.0.saturating_sub(origin.0),
            encode::event(event, ticket),
        ));
        ended
    }

    fn end(&mut self) -> io::Result<()> {
        if self.step.is_empty() {
            return Ok(());
        }
        self.step.push_str("]}\n");
        let written = self
            .out
            .write_all(self.step.as_bytes())
            .and_then(|()| self.out.flush());
        self.step.clear();
        self.has_actions = false;
        written
    }

    fn add(&mut self, text: &std::fmt::Arguments<'_>) {
        self.step
            .write_fmt(*text)
            .expect("a string takes all that is written to it");
    }
}

impl<W: Write> Drop for Recorder<W> {
    fn drop(&mut self) {
        // Nobody is left to hear of an error; `finish` tells.
        let _ = self.end();
    }
}
