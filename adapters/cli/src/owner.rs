//! The handler behind `childminder run`.

use std::io;
use std::time::Duration;

use childminder::{Error, ExitStatus, FailureId, Instant, Ladder, Moment, Signal, Stream, Target};
use childminder_driver::{Answer, Control, Discarded, Failure, Handler, Job, Tail, Vouch};
use childminder_unix::{Arrival, Flow, signals};

use crate::console::Console;
use crate::event_loop::{Owner, SharedArrivals};
use crate::flight_record::FlightRecord;
use crate::log::Log;
use crate::matching::Matching;
use crate::outlets::Outlets;
use crate::plan::{Plan, Signs, Speech};
use crate::report::last_words;
use crate::signals::{asks_to_end, ladder_beginning_with};
use crate::testimony::Testimony;
use crate::wishes::MOMENT;
use crate::words::printable;

/// Passes output on, and keeps what the report and the record need.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Minder {
    pub(crate) console: Console,
    pub(crate) tail: Tail,
    pub(crate) log: Log,
    pub(crate) record: FlightRecord,
    pub(crate) testimony: Testimony,
    /// What could not be done, and did not end the run.
    pub(crate) notes: Vec<String>,
    /// Why what the command leaves behind cannot be seen, if it cannot.
    pub(crate) blindness: Option<io::Error>,
    /// The notification that is to be run.
    pub(crate) due: Option<(Job<()>, Answer)>,
    /// Whether it is to be said that the command is silent.
    pub(crate) is_to_warn: bool,
    /// Whether the notification that runs has taken too long.
    pub(crate) is_overdue: bool,
    /// The signals that we are sent, unless what is typed at a terminal comes to the command alone: there, an end that waits
    /// would be felt.
    pub(crate) arrivals: Option<SharedArrivals>,
    /// Whether we were sent a SIGHUP of which nothing has come yet.
    pub(crate) has_hung_up: bool,
    /// Whether the wish for the end was heard when the command had ended.
    pub(crate) was_asked_at_the_exit: bool,
    /// How the plan has it end, and how much time there is before a ladder that is put off by a signal to us.
    ladder: Ladder,
    grace: Duration,
    matching: Option<Matching>,
    speech: Speech,
    notifies: bool,
    /// Whether the last lines are told to somebody, or a report may come behind them.
    reports: bool,
    /// How many lines the command has written, where that is shown.
    pub(crate) lines: u64,
    shows_progress: bool,
    lost_words: Option<String>,
}

impl Minder {
    pub(crate) fn new(plan: &Plan, console: Console, record: FlightRecord) -> Self {
        Self {
            console,
            tail: Tail::new(plan.tail.min(LONGEST_TAIL)),
            log: Log::new(plan.config.activity),
            record,
            testimony: Testimony::default(),
            notes: Vec::new(),
            blindness: None,
            due: None,
            is_to_warn: false,
            is_overdue: false,
            arrivals: None,
            has_hung_up: false,
            was_asked_at_the_exit: false,
            ladder: plan.config.ladder,
            grace: plan.grace,
            matching: match &plan.signs {
                Signs::Lines(activity, regex) => Some(Matching::new(*activity, regex.clone())),
                Signs::Output | Signs::Words => None,
            },
            speech: plan.speech,
            notifies: plan.notify.is_some(),
            reports: plan.report.is_some()
                || plan.notify.is_some()
                || plan.tail > 0 && plan.speech != Speech::Nothing,
            lines: 0,
            shows_progress: plan.progress,
            lost_words: None,
        }
    }

    /// What is lost when the command has ended already is an error all the same, of which the state machine was not
    /// told.
    pub(crate) const LOST_OUTPUT: Error =
        Error::External(FailureId::new(u64::MAX).expect("not zero"));

    pub(crate) fn has_lost_output(&self) -> bool {
        let mut errors = self.log.errors.iter();
        errors.any(|noticed| noticed.error == Self::LOST_OUTPUT)
    }

    /// The latest loss, which the report could not tell of any more.
    pub(crate) fn take_lost_words(&mut self) -> Option<String> {
        self.lost_words.take()
    }

    fn count_lines(&mut self, bytes: &[u8]) {
        if self.shows_progress {
            let ends = bytes.iter().filter(|byte| **byte == b'\n');
            self.lines += ends.count() as u64;
        }
    }

    fn look_for_a_sign(
        &mut self,
        control: &mut Control<()>,
        finds: impl FnOnce(&mut Matching) -> bool,
    ) {
        if self.matching.as_mut().is_some_and(finds) {
            control.progress();
        }
    }

    fn note_loss(&mut self, loss: Failure) {
        self.lost_words = Some(loss.to_string());
        self.log.notice(Self::LOST_OUTPUT, Some(loss));
    }

    /// This signal to us asks for the end, which begins with it. How the command is ended then.
    pub(crate) fn asked_by(&mut self, signal: Signal) -> Ladder {
        self.log.asked_by = Some(signal);
        self.ladder()
    }

    /// How the command is ended.
    pub(crate) fn ladder(&self) -> Ladder {
        match self.log.asked_by {
            Some(signal) => ladder_beginning_with(signal, &self.ladder, self.grace),
            None => self.ladder,
        }
    }

    /// The request for the end that comes to us just after it came to the command, which it has ended.
    fn request_behind(&self, status: ExitStatus) -> Option<Signal> {
        let is_by_request = matches!(status, ExitStatus::Signal(signal) if asks_to_end(signal));
        let is_explained = self.log.asked_by.is_some() || !self.log.errors.is_empty();
        let arrivals = self.arrivals.as_ref()?;
        if !is_by_request || is_explained {
            return None;
        }
        let request = |seen: &[Arrival], counts: fn(Signal) -> bool| {
            let mut signals = seen.iter().map(|arrival| arrival.signal);
            signals.find(|signal| asks_to_end(*signal) && counts(*signal))
        };
        let hangup = self.has_hung_up.then_some(Signal::HUP);
        arrivals
            .wait_for(MOMENT, |seen| request(seen, |signal| signal != Signal::HUP))
            .or_else(|| arrivals.wait_for(Duration::ZERO, |seen| request(seen, |_| true)))
            .or(hangup)
    }

    pub(crate) fn say_if_verbose(&mut self, message: &str) {
        if self.speech == Speech::Everything {
            self.console.say(message);
        }
    }
}

impl Handler for Minder {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.count_lines(bytes);
        self.tail.push(stream, bytes);
        self.look_for_a_sign(control, |matching| matching.finds_in(stream, bytes));
        if self.console.pass_on(stream, bytes) == Flow::Hold {
            control.hold_output(stream);
        }
    }

    fn forwarded(
        &mut self,
        control: &mut Control<()>,
        stream: Stream,
        _: usize,
        seen: Option<&[u8]>,
    ) {
        let bytes = seen.unwrap_or_default();
        self.count_lines(bytes);
        self.tail.push(stream, bytes);
        self.look_for_a_sign(control, |matching| matching.finds_in(stream, bytes));
        self.console.passed_on(stream, bytes);
    }

    fn notify(&mut self, _: &mut Control<()>, job: Job<()>, answer: Answer) {
        self.due = Some((job, answer));
    }

    fn output_ended(&mut self, control: &mut Control<()>, stream: Stream) {
        self.look_for_a_sign(control, |matching| matching.finds_at_the_end(stream));
    }

    fn exited(&mut self, control: &mut Control<()>, status: ExitStatus) {
        if let Some(signal) = self.request_behind(status) {
            self.was_asked_at_the_exit = true;
            control.set_ladder(self.asked_by(signal));
            control.terminate();
        }
    }

    fn vouched(&mut self, _: &mut Control<()>, vouch: &Vouch) {
        self.testimony.hear(self.log.elapsed(), vouch);
        let said = match vouch {
            Vouch::Status(status) => format!("it says: {}", printable(status)),
            Vouch::Ready => "it is ready".to_owned(),
            Vouch::Stopping => "it is stopping".to_owned(),
            Vouch::Refused(why) => why.clone(),
            _ => return,
        };
        self.say_if_verbose(&said);
    }

    fn warned(&mut self, control: &mut Control<()>, _: Duration) {
        self.is_to_warn = true;
        if self.notifies {
            control.notify(());
        }
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, first: bool, failure: Option<Failure>) {
        if first && error == Error::IdleTimeout {
            self.log.said_before = last_words(&self.tail);
        }
        match &failure {
            Some(failure) => self.say_if_verbose(&failure.to_string()),
            None => self.say_if_verbose(&error.to_string()),
        }
        if let Error::NotificationTimeout(_) = error {
            self.is_overdue = true;
            self.due = None;
        }
        self.log.notice(error, failure);
    }

    /// It would have been the command's to get; that it does not is no reason to end it.
    fn refused(&mut self, _: &mut Control<()>, signal: Signal, _: Target, error: io::Error) {
        let name = signals::name(signal);
        self.notes.push(format!("cannot pass {name} on: {error}"));
    }

    /// A relay that failed after the end.
    fn discarded(&mut self, what: Discarded<()>) {
        if let Discarded::Failure(loss) = what {
            self.note_loss(loss);
        }
    }

    fn observe(&mut self, at: Instant, moment: Moment) {
        if let Some(sent) = self.log.observe(at, moment) {
            self.say_if_verbose(&format!("sending {}", signals::name(sent.signal)));
        }
        self.record.take(at, moment);
    }
}

impl Owner for Minder {
    fn turned(&mut self, silence: Duration) {
        self.log.silent_for(silence);
    }

    fn terminal_is_raw(&mut self, is_raw: bool) {
        self.console.raw_terminal = is_raw;
    }

    fn about_to_stop(&self) {
        self.console.erase_progress();
        self.outlets().flush_briefly();
    }

    fn lost(&mut self, stream: Stream, loss: Failure) {
        // The line of `--progress` is no loss.
        if stream != Stream::Stderr || !self.console.owes_nothing() {
            self.note_loss(loss);
        }
    }

    fn outlets(&self) -> &Outlets {
        self.console.outlets()
    }

    /// For the lines that count, the last lines, and so that what we say begins a line of its own. Under `--quiet`, where
    /// only our own failure is said, it may follow half a line.
    fn looks_at(&self, stream: Stream) -> bool {
        let is_matched = self
            .matching
            .as_ref()
            .is_some_and(|matching| matching.looks_at(stream));
        is_matched
            || self.reports
            || self.shows_progress
            || self.speech != Speech::Nothing && self.console.may_speak_behind(stream)
    }
}

/// The most lines that are kept for a report, whatever is asked for. Their bytes are limited too, by the tail itself.
const LONGEST_TAIL: usize = 65_536;
