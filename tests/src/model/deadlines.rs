//! When each deadline is due.

use std::time::Duration;

use childminder::{Action, Activity, Deadline, Event, Instant, Stream};

use super::past::{Past, What, precedes};

impl Past<'_> {
    /// The earliest deadline; of two at the same moment, the one that fires first.
    pub fn next_deadline(self) -> Option<(Instant, Deadline)> {
        earliest(self.deadlines())
    }

    /// When `deadline` is due, if it is pending and nothing is suspended.
    pub fn deadline(self, deadline: Deadline) -> Option<Instant> {
        self.deadlines()[deadline as usize]
    }

    /// When each deadline is due, in the order of [`Deadline::ALL`].
    pub fn deadlines(self) -> [Option<Instant>; Deadline::ALL.len()] {
        if self.is_suspended() {
            return Default::default();
        }
        Deadline::ALL.map(|deadline| match deadline {
            Deadline::Idle => self.idle_deadline(),
            Deadline::FirstOutput => self.first_output_deadline(),
            Deadline::Run => self.run_deadline(),
            Deadline::Notification => self.notification_deadline(),
            Deadline::Stage => self.stage_deadline(),
            Deadline::Drain => self.drain_deadline(),
            Deadline::Heartbeat => self.heartbeat_deadline(),
            Deadline::Strays => self.strays_deadline(),
            Deadline::StrayLook => self.stray_look_deadline(),
            Deadline::Warning => self.warning_deadline(),
            _ => None,
        })
    }

    /// `idle_timeout` after the latest activity, while the child runs and the ladder is at rest.
    fn idle_deadline(self) -> Option<Instant> {
        if !self.is_running() || self.ladder_start().is_some() {
            return None;
        }
        let set = self.told().rev().find_map(|(_, event)| match event {
            Event::SetIdleTimeout(timeout) => Some(timeout),
            _ => None,
        });
        let timeout = set.unwrap_or(self.config.idle_timeout)?;
        self.due(self.latest_activity()?, timeout)
    }

    /// `warn_timeout` after the latest activity, once, while the idle deadline could be.
    fn warning_deadline(self) -> Option<Instant> {
        if !self.is_running() || self.ladder_start().is_some() {
            return None;
        }
        let latest = self.latest_activity()?;
        if self.latest_warning() > Some(latest) {
            return None;
        }
        self.due(latest, self.config.warn_timeout?)
    }

    /// Whether a warning has not been polled, and is not wrong yet.
    pub fn is_to_warn(self) -> bool {
        let asked = self
            .asked()
            .rfind(|(_, action)| *action == Action::Warn)
            .map(|(entry, _)| entry);
        let warning = self.latest_warning();
        let is_silent = warning > asked && warning > self.latest_activity();
        is_silent && self.is_running() && self.ladder_start().is_none()
    }

    fn latest_warning(self) -> Option<usize> {
        self.all()
            .rfind(|(_, what)| *what == What::Fired(Deadline::Warning))
            .map(|(entry, _)| entry)
    }

    fn latest_activity(self) -> Option<usize> {
        let (latest, _) = self.told().rfind(|(_, event)| self.is_activity(*event))?;
        Some(latest)
    }

    /// `first_output_timeout` after the start, until the first output or word of readiness, while the child runs and the
    /// ladder is at rest.
    fn first_output_deadline(self) -> Option<Instant> {
        let mut told = self.told();
        let has_begun = told.any(|(_, event)| event == Event::Ready || is_output(event).is_some());
        if has_begun || !self.is_running() || self.ladder_start().is_some() {
            return None;
        }
        self.due(self.start()?, self.config.first_output_timeout?)
    }

    /// `run_timeout` after the start, once, while the child runs.
    fn run_deadline(self) -> Option<Instant> {
        if !self.is_running() || self.first_fired(Deadline::Run).is_some() {
            return None;
        }
        self.due(self.start()?, self.config.run_timeout?)
    }

    /// `notification_timeout` after the one in flight was started.
    fn notification_deadline(self) -> Option<Instant> {
        let start = match self.in_flight() {
            Some(number) => self.starts()[number - 1],
            None => self.final_start().filter(|_| self.is_final_in_flight())?,
        };
        self.due(start, self.config.notification_timeout?)
    }

    /// The wait of the latest stage, once. Impatience that finds nothing left to send but what the
    /// leader's exit has made pointless ends it too; at the last stage it does nothing.
    fn stage_deadline(self) -> Option<Instant> {
        let latest = *self.sent().last()?;
        let exit = self.exit().map(|(entry, _)| entry);
        let is_last = latest.index + 1 == self.stages().len();
        let is_over = self.all().any(|(entry, what)| {
            let skips = what == What::Told(Event::Escalate) && !precedes(entry, exit) && !is_last;
            entry > latest.entry && (what == What::Fired(Deadline::Stage) || skips)
        });
        if is_over || self.reap().is_some() {
            return None;
        }
        self.due(latest.entry, latest.stage.wait?)
    }

    /// `drain_timeout` after the exit, while the output is open.
    fn drain_deadline(self) -> Option<Instant> {
        let (exit, _) = self.exit()?;
        if self.output_end().is_some() {
            return None;
        }
        self.due(exit, self.config.drain_timeout?)
    }

    /// The first whole number of intervals after the start that lies after the beat before, while the
    /// child runs and nothing has gone wrong.
    fn heartbeat_deadline(self) -> Option<Instant> {
        let start = self.start()?;
        let interval = self.heartbeat_interval()?;
        if !self.is_running() || self.first_error().is_some() {
            return None;
        }
        let latest = self
            .all()
            .rfind(|(_, what)| *what == What::Fired(Deadline::Heartbeat))
            .map_or(start, |(entry, _)| entry);
        let elapsed = self.at(latest).since(self.at(start)).as_nanos()
            - self.suspended_between(start, latest);
        let next = elapsed / interval.as_nanos() + 1;
        self.due_nanos(start, next.saturating_mul(interval.as_nanos()))
    }

    /// `span` after an entry, not counting the time that the child was suspended since.
    pub fn due(self, entry: usize, span: Duration) -> Option<Instant> {
        self.due_nanos(entry, span.as_nanos())
    }

    fn due_nanos(self, entry: usize, span: u128) -> Option<Instant> {
        let due = u128::from(self.at(entry).0).saturating_add(span);
        if due >= u128::from(u64::MAX) {
            return None;
        }
        let due = due + self.suspended_between(entry, self.entries.len());
        let due = Instant(u64::try_from(due).ok()?);
        (due < Instant::FAR_FUTURE).then_some(due)
    }

    /// Whether the child is stopped on purpose now.
    pub fn is_suspended(self) -> bool {
        self.suspensions()
            .last()
            .is_some_and(|(_, end)| end.is_none())
    }

    /// How many of the nanoseconds between two entries the child was suspended.
    fn suspended_between(self, from: usize, to: usize) -> u128 {
        let clip = |entry: usize| entry.clamp(from, to);
        let time = |entry: usize| self.entries.get(entry).map_or(self.now(), |entry| entry.at);
        self.suspensions()
            .into_iter()
            .map(|(start, end)| (clip(start), clip(end.unwrap_or(to))))
            .map(|(start, end)| time(end).since(time(start)).as_nanos())
            .sum()
    }

    /// When the child was suspended: from the first that was said of it until it was said to run on,
    /// was sent a stage of the ladder, or exited.
    fn suspensions(self) -> Vec<(usize, Option<usize>)> {
        let sent = self.sent();
        let mut started = false;
        let mut suspensions: Vec<(usize, Option<usize>)> = Vec::new();
        for (entry, what) in self.all() {
            let open = suspensions.last_mut().filter(|(_, end)| end.is_none());
            let exits = matches!(what, What::Told(Event::ChildExited(_)));
            let resumes = what == What::Told(Event::Resumed);
            started |= what == What::Told(Event::Started);
            match open {
                None if started && what == What::Told(Event::Suspended) => {
                    suspensions.push((entry, None));
                }
                Some((_, end))
                    if exits || resumes || sent.iter().any(|sent| sent.entry == entry) =>
                {
                    *end = Some(entry);
                }
                _ => {}
            }
        }
        suspensions
    }

    /// Whether this puts off the idle deadline and the warning: the start, output that counts, what the owner vouches
    /// for, and a new timeout.
    pub fn is_activity(self, event: Event) -> bool {
        match event {
            Event::Started | Event::Progress | Event::Ready | Event::SetIdleTimeout(_) => true,
            _ => is_output(event).is_some_and(|stream| match self.config.activity {
                Activity::AnyOutput => true,
                Activity::Stdout => stream == Stream::Stdout,
                Activity::Stderr => stream == Stream::Stderr,
                _ => false,
            }),
        }
    }
}

/// The earliest of these deadlines; of two at the same moment, the one that fires first.
pub fn earliest(deadlines: [Option<Instant>; Deadline::ALL.len()]) -> Option<(Instant, Deadline)> {
    let named = deadlines.into_iter().zip(Deadline::ALL);
    named
        .filter_map(|(at, deadline)| Some((at?, deadline)))
        .min()
}

/// Where this was written, if it is output at all.
fn is_output(event: Event) -> Option<Stream> {
    match event {
        Event::Output { stream, bytes } if bytes > 0 => Some(stream),
        _ => None,
    }
}
