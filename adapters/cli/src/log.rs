//! What happened, and when.

use std::time::{Duration, SystemTime};

use childminder::{Action, Activity, Error, Event, Instant, Moment, Signal, Target};
use childminder_driver::Failure;
use childminder_unix::clock;

use crate::silence::LongestSilence;

/// What a run's report tells of it. All times count from the start.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) errors: Vec<Noticed>,
    pub(crate) signals: Vec<Sent>,
    pub(crate) last_output: Option<Instant>,
    /// When it was said that the command is silent.
    pub(crate) warnings: Vec<Instant>,
    /// How much the command has written.
    pub(crate) bytes: u64,
    pub(crate) longest_silence: LongestSilence,
    /// The command's last words before the silence that it was ended for.
    pub(crate) said_before: Option<String>,
    /// The signal that we were sent, if that is why the command was ended.
    pub(crate) asked_by: Option<Signal>,
    /// The idle timeout, where it was changed.
    pub(crate) idle_timeout: Option<Duration>,
    /// When the command started, by the system's clock.
    pub(crate) started: SystemTime,
    exited: Option<Instant>,
    /// When it started, by the clock of the set.
    start: Instant,
    now: Instant,
    /// Whether the latest event was a signal to pass on.
    is_passing_on: bool,
}

/// A signal that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) signal: Signal,
    /// `None`: to the strays.
    pub(crate) target: Option<Target>,
    /// Whether it was a stage of the ladder, while the leader lived.
    pub(crate) is_a_stage: bool,
}

/// An error, and its message if it came from outside the command.
#[derive(Debug)]
pub(crate) struct Noticed {
    pub(crate) at: Instant,
    /// How long there had been no activity; known when the turn that brought the error is over.
    pub(crate) silence: Option<Duration>,
    pub(crate) error: Error,
    pub(crate) failure: Option<Failure>,
}

impl Log {
    /// Nothing yet, of a command that starts now; such output is activity.
    pub(crate) fn new(activity: Activity) -> Self {
        Self {
            errors: Vec::new(),
            signals: Vec::new(),
            last_output: None,
            warnings: Vec::new(),
            bytes: 0,
            longest_silence: LongestSilence::new(activity),
            said_before: None,
            asked_by: None,
            idle_timeout: None,
            started: SystemTime::now(),
            exited: None,
            start: Instant::ZERO,
            now: Instant::ZERO,
            is_passing_on: false,
        }
    }

    /// What the handler observes, before anything else is made of it. A signal that was sent is returned.
    pub(crate) fn observe(&mut self, at: Instant, moment: Moment) -> Option<Sent> {
        if moment == Moment::Event(Event::Started) {
            self.start = at;
            self.started = SystemTime::now();
        }
        self.now = Instant::ZERO.after(at.since(self.start));
        if let Moment::Event(event) = moment {
            self.is_passing_on = matches!(event, Event::PassOn { .. });
        }
        if !self.is_passing_on {
            self.longest_silence.observe(self.now, moment);
        }
        match moment {
            Moment::Event(Event::Output { bytes, .. }) => {
                self.last_output = Some(self.now);
                self.bytes = self.bytes.saturating_add(bytes);
            }
            Moment::Event(Event::SetIdleTimeout(timeout)) => self.idle_timeout = timeout,
            Moment::Action(Action::Warn) => self.warnings.push(self.now),
            Moment::Event(Event::ChildExited(_)) => self.exited = Some(self.now),
            Moment::Action(Action::SendSignal { signal, target }) => {
                return Some(self.sent(signal, Some(target)));
            }
            Moment::Action(Action::KillStrays) => return Some(self.sent(Signal::KILL, None)),
            _ => {}
        }
        None
    }

    pub(crate) fn notice(&mut self, error: Error, failure: Option<Failure>) {
        self.errors.push(Noticed {
            at: self.now,
            silence: None,
            error,
            failure,
        });
    }

    /// After each turn: this is how long the monitor has seen no activity.
    pub(crate) fn silent_for(&mut self, silence: Duration) {
        let unknown = self.errors.iter_mut().rev();
        for noticed in unknown.take_while(|noticed| noticed.silence.is_none()) {
            // The turn may have gone on after the error.
            noticed.silence = Some(silence.saturating_sub(self.now.since(noticed.at)));
        }
    }

    /// How long the run has taken, as of what was observed last.
    pub(crate) fn duration(&self) -> Instant {
        self.now
    }

    /// How long it has taken by now.
    pub(crate) fn elapsed(&self) -> Instant {
        Instant::ZERO.after(clock::now().since(self.start))
    }

    /// Whether the leader is dead.
    pub(crate) fn has_exited(&self) -> bool {
        self.exited.is_some()
    }

    fn sent(&mut self, signal: Signal, target: Option<Target>) -> Sent {
        let sent = Sent {
            at: self.now,
            signal,
            target,
            is_a_stage: target.is_some() && !self.is_passing_on && !self.has_exited(),
        };
        self.signals.push(sent);
        sent
    }
}
