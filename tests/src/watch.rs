//! What the search holds against each state: the rules, as countdowns.
//!
//! A [`Watch`] sees what the monitor is told and what is polled from it. Where the core keeps moments,
//! it keeps how much is left; where the core decides, it only says what may be, and what must.

use std::time::Duration;

use childminder::{
    Action, Config, Deadline, Error, Event, ExitStatus, Ladder, MonitorState, NotificationId,
    NotificationKind, Outcome, Signal, Stage, Strays, Sweep, Target,
};

use crate::config::JUST_TOO_LONG;
use crate::small::another_ladder;

/// How much is left, in nanoseconds; due at zero and below. `None` is off.
type Left = Option<i8>;

/// What has been seen of one run, as far as the rules need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Watch {
    started: bool,
    exit: Option<ExitStatus>,
    output: Output,
    suspended: bool,
    given_up: bool,
    ending: bool,
    /// Whether every action was polled as soon as it was decided, so far.
    eager: bool,
    first_error: Option<Error>,
    failed: bool,
    in_flight: Option<NotificationId>,
    overdue: Option<NotificationId>,
    last: Last,
    last_run: u64,
    last_discarded: u64,
    beat_flying: bool,
    other_ladder: bool,
    next_stage: u8,
    swept: bool,
    reaped: bool,
    killed: bool,
    /// Whether a signal to the leader, and one to the group, is to be passed on.
    passed_on: [bool; 2],
    looking: bool,
    looked: bool,
    seen: bool,
    killable: bool,
    strays_killed: bool,
    unseen: bool,
    strays_overdue: bool,
    finished: bool,
    idle_limit: Left,
    idle: Left,
    warning: Left,
    /// Whether a warning is to be polled.
    warns: bool,
    first_output: Left,
    run: Left,
    stage: Left,
    drain: Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Output {
    Open,
    Closed,
    Leaked,
}

/// The final notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Last {
    Unsaid,
    InFlight,
    Overdue(NotificationId),
    Over,
}

impl Watch {
    /// Of a run that has not started.
    pub fn new(config: &Config) -> Self {
        Self {
            started: false,
            exit: None,
            output: Output::Open,
            suspended: false,
            given_up: false,
            ending: false,
            eager: true,
            first_error: None,
            failed: false,
            in_flight: None,
            overdue: None,
            last: Last::Unsaid,
            last_run: 0,
            last_discarded: 0,
            beat_flying: false,
            other_ladder: false,
            next_stage: 0,
            swept: false,
            reaped: false,
            killed: false,
            passed_on: [false; 2],
            looking: false,
            looked: false,
            seen: false,
            killable: false,
            strays_killed: false,
            unseen: false,
            strays_overdue: false,
            finished: false,
            idle_limit: left(config.idle_timeout),
            idle: None,
            warning: None,
            warns: false,
            first_output: None,
            run: None,
            stage: None,
            drain: None,
        }
    }

    /// The monitor, which was `before`, accepted this event.
    ///
    /// # Errors
    ///
    /// The rule by which it should not have.
    pub fn told(
        &mut self,
        config: &Config,
        before: &MonitorState,
        event: Event,
    ) -> Result<(), String> {
        if self.finished && !matches!(event, Event::Tick | Event::NotifyDone { .. }) {
            return Err(format!("rule 15: {event:?} was accepted after the end"));
        }
        match event {
            Event::Started => {
                self.started = true;
                self.idle = self.idle_limit;
                self.warning = left(config.warn_timeout);
                self.first_output = left(config.first_output_timeout);
                self.run = left(config.run_timeout);
            }
            Event::Output { bytes: 0, .. } => {}
            Event::Output { stream, .. } => {
                self.first_output = None;
                if config.activity.counts(stream) {
                    self.active(config);
                }
            }
            Event::Progress => self.active(config),
            Event::Ready => {
                self.first_output = None;
                self.active(config);
            }
            Event::SetIdleTimeout(limit) => {
                self.idle_limit = left(limit);
                self.active(config);
            }
            Event::Tick if !self.suspended && self.warning.is_some_and(|left| left <= 0) => {
                self.warning = None;
                self.warns = true;
            }
            Event::NotifyDone { id, .. } if self.overdue == Some(id) => self.overdue = None,
            Event::NotifyDone { id, .. } if self.last == Last::Overdue(id) => {
                self.last = Last::Over;
            }
            Event::NotifyDone { id, ok } => {
                if self.in_flight.take() != Some(id) {
                    return Err(format!("rule 15: {id:?} is not in flight"));
                }
                if self.last == Last::InFlight {
                    self.last = Last::Over;
                }
                self.beat_flying = false;
                self.failed |= !ok;
            }
            Event::Notify => rule(22, self.last == Last::Unsaid, "none is queued behind it")?,
            Event::Fail => self.failed = true,
            Event::OutputClosed if self.output == Output::Open => self.output = Output::Closed,
            Event::ChildExited(status) => {
                self.exit = Some(status);
                self.idle = None;
                self.warning = None;
                self.warns = false;
                self.first_output = None;
                self.run = None;
                self.drain = left(config.drain_timeout).filter(|_| self.output == Output::Open);
            }
            // That it was given up may not have been polled yet.
            Event::Kill
                if self.can_signal()
                    && !self.killed
                    && matches!(before.states()[0], "running" | "exited") =>
            {
                self.killed = true;
                self.next_stage = 0;
                self.stage = None;
            }
            Event::PassOn { target, .. } => {
                let takes = match target {
                    Target::Leader => self.is_running(),
                    Target::Group => self.is_running() || self.can_signal(),
                };
                self.passed_on[target as usize] |= takes;
            }
            Event::StraysSeen { living, immune } if self.looking => {
                self.looking = false;
                self.looked = true;
                self.seen = living > 0;
                self.killable = living > immune;
            }
            Event::StraysUnseen => self.unseen = true,
            Event::SetLadder(_) => self.other_ladder |= !self.ending,
            _ => {}
        }
        Ok(())
    }

    /// This action was polled, after `event` or later.
    ///
    /// # Errors
    ///
    /// The rule that it breaks.
    pub fn polled(
        &mut self,
        config: &Config,
        monitor: &MonitorState,
        event: Event,
        action: Action,
    ) -> Result<(), String> {
        if self.finished {
            return Err(format!("rule 1: {action:?} after `Finish`"));
        }
        match action {
            Action::RecordError { error, first } => self.error(event, error, first),
            Action::Warn => {
                rule(23, !monitor.is_terminating(), "nothing warns at an end")?;
                let warns = std::mem::take(&mut self.warns);
                rule(23, warns, "a warning comes once in a silence")
            }
            Action::SendSignal { signal, target } => {
                self.signal(config, monitor, event, signal, target)
            }
            Action::LookForStrays => {
                let over = self.given_up || self.exit.is_some() && self.output_is_over();
                let killed = self.exit.is_some() && monitor.is_terminating();
                let may = over || killed && config.sweep != Sweep::Never;
                let wanted = config.stray_timeout.is_some();
                rule(18, may && wanted && !self.reaped, "a look comes at the end")?;
                self.looking = true;
                Ok(())
            }
            Action::KillStrays => {
                rule(
                    19,
                    is_swept(config, monitor),
                    "strays are killed in a sweep",
                )?;
                rule(19, self.killable && !self.reaped, "what was seen is killed")?;
                self.strays_killed = true;
                Ok(())
            }
            Action::DiscardNotifications { first, last } => {
                rule(
                    4,
                    monitor.first_error().is_some(),
                    "nothing is discarded without an error",
                )?;
                rule(
                    4,
                    first <= last && first.number() > self.last_run,
                    "what ran is not discarded",
                )?;
                self.last_discarded = last.number();
                Ok(())
            }
            Action::RunNotification {
                id,
                kind: NotificationKind::Final,
            } => self.run_final(config, id),
            Action::RunNotification { id, kind } => self.run_notification(id, kind),
            Action::ScheduleTimer(at) => {
                let due = monitor.poll_timeout();
                rule(14, at == due, "the wake-up asked for is the next deadline")
            }
            Action::Reap => {
                let ready = self.exit.is_some() && self.output_is_over();
                rule(
                    7,
                    ready && !self.reaped,
                    "`Reap` comes once, after exit and output",
                )?;
                self.strays_are_over(config)?;
                let sweep = is_swept(config, monitor);
                rule(
                    9,
                    self.swept >= sweep,
                    "`Reap` follows the sweep of a terminated run",
                )?;
                self.reaped = true;
                Ok(())
            }
            Action::Finish(outcome) => self.finish(config, monitor, outcome),
        }
    }

    fn finish(
        &mut self,
        config: &Config,
        monitor: &MonitorState,
        outcome: Outcome,
    ) -> Result<(), String> {
        self.finished = true;
        let is_told = matches!(self.last, Last::Over | Last::Overdue(_));
        let limit = config.notification_timeout;
        // Without any time, it is overdue before it is polled.
        let no_time = limit.is_some_and(|limit| limit.is_zero());
        rule(
            22,
            is_told == config.final_notification || no_time || !self.eager,
            "the end is told",
        )?;
        self.strays_are_over(config)?;
        self.fate(config, monitor, outcome.strays)?;
        rule(
            1,
            self.in_flight.is_none(),
            "nothing is in flight at the end",
        )?;
        rule(
            1,
            self.reaped || self.given_up,
            "the exit is known, or given up",
        )?;
        rule(
            1,
            self.output_is_over() || self.given_up,
            "output is over at the end",
        )?;
        rule(2, outcome.error == self.first_error, "the first error wins")?;
        rule(2, outcome.exit == self.exit, "the exit status is kept")?;
        let clean = self.exit == Some(ExitStatus::Code(0)) && !self.failed;
        rule(
            3,
            clean || outcome.error.is_some(),
            "a failure is a failure",
        )?;
        rule(
            8,
            !self.eager || outcome.leaked == (self.output != Output::Closed),
            "a leak is told",
        )
    }

    /// The event is dealt with; `drained` if nothing is left to poll.
    ///
    /// # Errors
    ///
    /// The rule that is broken by what the monitor did, or did not do.
    pub fn settled(
        &mut self,
        config: &Config,
        before: &MonitorState,
        after: &MonitorState,
        event: Event,
        drained: bool,
    ) -> Result<(), String> {
        self.eager &= drained;
        if event == Event::Tick {
            self.ticked(config, before, after, drained)?;
        }
        if matches!(event, Event::Resumed | Event::ChildExited(_)) {
            rule(14, !after.is_suspended(), "the deadlines go on")?;
        }
        if event == Event::Suspended && self.started {
            rule(14, after.is_suspended(), "the deadlines wait")?;
        }
        let asked = match event {
            Event::Terminate | Event::Escalate | Event::Kill | Event::Fail => true,
            Event::NotifyDone { ok, .. } => !ok && before.first_error() != after.first_error(),
            _ => false,
        };
        if asked && self.can_signal() {
            rule(6, after.is_terminating(), "the ladder starts when asked")?;
        }
        if after.is_terminating() && !before.is_terminating() {
            let error = after.first_error().is_some();
            rule(6, asked || error, "the ladder starts only when asked")?;
            self.ending = true;
            self.idle = None;
            self.warning = None;
            self.warns = false;
            self.first_output = None;
        }
        let waits = after.is_suspended();
        rule(
            6,
            !waits || self.may_be_suspended(event),
            "nothing else suspends",
        )?;
        self.suspended = waits;
        if event == Event::Escalate && self.stages_left(config) == 0 {
            self.stage = self.stage.filter(|_| self.exit.is_none());
        }
        if self.given_up {
            let waited = self.stage.take().is_none_or(|left| left <= 0);
            let all = self.stages_left(config) == 0;
            rule(
                6,
                !self.eager || (waited && all),
                "`Unkillable` comes after the last wait",
            )?;
        }
        if self.exit.is_some() && self.output != Output::Open {
            self.stage = None;
            self.drain = None;
        }
        if drained {
            rule(23, !self.warns, "a warning comes at its `Tick`")?;
            self.promise(after)?;
        }
        Ok(())
    }

    /// What counts has come from the child.
    fn active(&mut self, config: &Config) {
        if self.is_running() && !self.ending {
            self.idle = self.idle_limit;
            self.warning = left(config.warn_timeout);
            self.warns = false;
        }
    }

    /// So much time has passed.
    pub fn pass(&mut self, span: Duration) {
        let span = i8::try_from(span.as_nanos()).unwrap_or(i8::MAX);
        for left in [
            &mut self.idle,
            &mut self.warning,
            &mut self.first_output,
            &mut self.run,
            &mut self.stage,
            &mut self.drain,
        ] {
            *left = left.map(|left| left.saturating_sub(span).max(LATEST));
        }
    }

    /// The monitor counts tickets anew, from what is in flight or queued, until the final notification.
    pub fn recount(&mut self) {
        if self.last != Last::Unsaid {
            return;
        }
        if self.in_flight.is_some() {
            self.in_flight = Some(NotificationId::FIRST);
            self.last_run = 1;
        } else {
            self.last_run = 0;
        }
    }

    /// The notification that an answer would be for.
    pub fn latest(&self) -> Option<NotificationId> {
        let late = match self.last {
            Last::Overdue(id) => Some(id),
            _ => self.overdue,
        };
        self.in_flight.or(late)
    }

    /// Whether deadlines wait.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether everything that is pending has an end of its own; `quiet` if no notification is.
    pub fn time_alone_ends_it(&self, config: &Config, monitor: &MonitorState, quiet: bool) -> bool {
        let ladder = self.ladder(config);
        let ladder_ends =
            ladder.stages().count() > 0 && ladder.stages().all(|stage| stage.wait.is_some());
        let child_ends = self.exit.is_some() || (monitor.is_terminating() && ladder_ends);
        let output_ends =
            self.output_is_over() || self.exit.is_none() || config.drain_timeout.is_some();
        let answered = quiet || config.notification_timeout.is_some();
        child_ends && output_ends && answered && !self.suspended
    }

    fn error(&mut self, event: Event, error: Error, first: bool) -> Result<(), String> {
        rule(
            2,
            first == self.first_error.is_none(),
            "only the first error is the first",
        )?;
        self.first_error = self.first_error.or(Some(error));
        let due = |left: Left| left.is_some_and(|left| left <= 0);
        let right = match error {
            Error::IdleTimeout => due(self.idle),
            Error::FirstOutputTimeout => due(self.first_output),
            Error::RunTimeout => due(self.run),
            Error::Exit(status) => first && self.exit == Some(status),
            Error::Notification(_) | Error::External(_) => self.failed,
            Error::NotificationTimeout(id) => {
                self.failed = true;
                let mine = self.in_flight.take();
                match (self.last, mine) {
                    (Last::InFlight, Some(mine)) => self.last = Last::Overdue(mine),
                    _ => self.overdue = self.overdue.or(mine),
                }
                mine.is_none_or(|mine| mine == id)
            }
            Error::Unkillable => {
                self.given_up = true;
                self.run = None;
                if self.output == Output::Open {
                    self.output = Output::Leaked;
                }
                self.exit.is_none() || !self.eager
            }
            _ => false,
        };
        let timeout = matches!(
            error,
            Error::IdleTimeout | Error::FirstOutputTimeout | Error::RunTimeout
        );
        // What is polled late may be polled after its countdown was wound up again.
        rule(
            10,
            right || (timeout && !self.eager),
            &format!("{error:?} after {event:?}"),
        )
    }

    fn signal(
        &mut self,
        config: &Config,
        monitor: &MonitorState,
        event: Event,
        signal: Signal,
        target: Target,
    ) -> Result<(), String> {
        rule(7, !self.reaped, "nothing is signalled after `Reap`")?;
        let to_leader = target == Target::Leader;
        rule(
            7,
            !(to_leader && self.exit.is_some()),
            "no dead leader is signalled",
        )?;
        if signal == Signal::QUIT {
            let pending = std::mem::take(&mut self.passed_on[target as usize]);
            return rule(17, pending, "what is passed on is sent once");
        }
        let over = self.exit.is_some() && self.output_is_over();
        let always = over && config.sweep == Sweep::Always;
        rule(
            6,
            monitor.is_terminating() || always,
            "signals belong to the ladder",
        )?;

        let ladder = self.ladder(config);
        let rest = ladder
            .stages()
            .enumerate()
            .skip(usize::from(self.next_stage));
        let stage = rest
            .filter(|(_, stage)| stage.target == Target::Group || self.exit.is_none())
            .find(|(_, stage)| stage.signal == signal && stage.target == target);
        self.swept = over && signal == Signal::KILL && target == Target::Group;
        // The sweep may look like a stage that was never reached.
        if config.sweep != Sweep::Never && self.swept {
            return Ok(());
        }
        let Some((index, stage)) = stage else {
            return rule(9, false, "what is beyond the ladder is the sweep");
        };
        self.stage_sent(config, event, index, stage)
    }

    fn stage_sent(
        &mut self,
        config: &Config,
        event: Event,
        index: usize,
        stage: Stage,
    ) -> Result<(), String> {
        let first = usize::from(self.next_stage);
        let ladder = self.ladder(config);
        let skipped = ladder.stages().skip(first).take(index - first);
        let reachable = skipped
            .filter(|stage| stage.target == Target::Group || self.exit.is_none())
            .count();
        rule(6, reachable == 0, "stages come in order")?;
        if self.next_stage > 0 && self.eager {
            let waited = self.stage.is_some_and(|left| left <= 0);
            rule(
                6,
                waited || event == Event::Escalate,
                "a stage waits for the one before",
            )?;
            rule(
                8,
                event != Event::Tick || !self.drain_ends_before_the_stage(),
                "no stage is sent once the drain is over",
            )?;
        }
        let runs_on = !self.eager || self.exit.is_some() || !self.suspended;
        rule(
            6,
            runs_on || event != Event::Tick,
            "no stage is due while suspended",
        )?;
        self.next_stage = u8::try_from(index + 1).unwrap_or(u8::MAX);
        self.stage = left(stage.wait);
        Ok(())
    }

    fn run_notification(
        &mut self,
        id: NotificationId,
        kind: NotificationKind,
    ) -> Result<(), String> {
        rule(4, self.first_error.is_none(), "none runs after an error")?;
        rule(4, self.in_flight.is_none(), "one runs at a time")?;
        rule(4, id.number() == self.last_run + 1, "first in, first out")?;
        let beat = kind == NotificationKind::Heartbeat;
        rule(12, !(beat && self.beat_flying), "one beat at a time")?;
        self.beat_flying = beat;
        self.last_run = id.number();
        self.in_flight = Some(id);
        Ok(())
    }

    fn run_final(&mut self, config: &Config, id: NotificationId) -> Result<(), String> {
        rule(22, config.final_notification, "it is asked for")?;
        rule(22, self.last == Last::Unsaid, "it runs once")?;
        rule(22, self.in_flight.is_none(), "it runs behind all others")?;
        let others = self.last_run.max(self.last_discarded);
        rule(22, id.number() > others, "its ticket is its own")?;
        let is_over = self.exit.is_some() && self.output_is_over() || self.given_up;
        rule(22, is_over, "it comes after exit and output")?;
        self.strays_are_over(config)?;
        self.last = Last::InFlight;
        self.in_flight = Some(id);
        Ok(())
    }

    fn ticked(
        &mut self,
        config: &Config,
        before: &MonitorState,
        after: &MonitorState,
        drained: bool,
    ) -> Result<(), String> {
        if self.suspended {
            let same =
                before.first_error() == after.first_error() && before.outcome() == after.outcome();
            return rule(21, same, "nothing fires while suspended");
        }
        let now = MonitorState::REBASED_NOW;
        if before
            .deadline(Deadline::Strays)
            .is_some_and(|at| at <= now)
        {
            self.looking = false;
            self.strays_overdue = true;
        }
        let spurious = before.poll_timeout().is_none_or(|at| at > now);
        if spurious && self.eager && drained {
            let same = before.poll_timeout() == after.poll_timeout()
                && before.first_error() == after.first_error()
                && before.is_terminating() == after.is_terminating()
                && before.outcome() == after.outcome();
            rule(13, same, "a spurious `Tick` changes nothing")?;
        }
        let due = |left: Left| left.is_some_and(|left| left <= 0);
        if due(self.idle) || due(self.first_output) || due(self.run) {
            rule(
                10,
                after.first_error().is_some(),
                "a deadline fires at its `Tick`",
            )?;
        }
        if due(self.run) {
            self.run = None;
        }
        if due(self.drain) && self.output == Output::Open {
            self.output = Output::Leaked;
            if drained {
                let waits = config.stray_timeout.is_some();
                rule(8, self.reaped || waits, "the drain ends at its `Tick`")?;
            }
        }
        if self.eager && due(self.stage) && self.can_signal() {
            let more = self.stages_left(config);
            rule(
                6,
                more == 0 || self.given_up,
                "a stage is sent at its `Tick`",
            )?;
            let unkillable = self.exit.is_none() && more == 0;
            rule(
                6,
                !unkillable || self.given_up,
                "the last wait ends in `Unkillable`",
            )?;
            self.stage = None;
        }
        Ok(())
    }

    /// Somebody who sleeps exactly until `poll_timeout` never stalls.
    fn promise(&self, monitor: &MonitorState) -> Result<(), String> {
        let due = |deadline: &Deadline| monitor.deadline(*deadline);
        let next = monitor.poll_timeout();
        let reason = monitor.timeout_reason();
        rule(
            14,
            next == Deadline::ALL.iter().filter_map(due).min()
                && next == reason.as_ref().and_then(due),
            "`poll_timeout` is the earliest deadline, and `timeout_reason` its name",
        )?;
        if !self.eager {
            return Ok(());
        }
        if self.suspended || self.finished {
            return rule(
                14,
                monitor.poll_timeout().is_none(),
                "nothing to wake up for",
            );
        }
        let now = MonitorState::REBASED_NOW;
        let pending = [
            self.idle,
            self.warning,
            self.first_output,
            self.run,
            self.stage,
            self.drain,
        ];
        for left in pending.into_iter().flatten() {
            let ahead = Duration::from_nanos(u64::from(left.max(0).unsigned_abs()));
            let wakes = monitor
                .poll_timeout()
                .is_some_and(|at| at <= now.after(ahead));
            rule(14, wakes, "`poll_timeout` is no later than any deadline")?;
        }
        Ok(())
    }

    /// How many stages are still to be sent, if nothing more happens to the child.
    fn stages_left(&self, config: &Config) -> usize {
        let ladder = self.ladder(config);
        let left = ladder.stages().skip(usize::from(self.next_stage));
        left.filter(|stage| stage.target == Target::Group || self.exit.is_none())
            .count()
    }

    fn ladder(&self, config: &Config) -> Ladder {
        if self.killed {
            Ladder::from([Stage {
                signal: Signal::KILL,
                target: Target::Group,
                wait: None,
            }])
        } else if self.other_ladder {
            another_ladder()
        } else {
            config.ladder
        }
    }

    fn may_be_suspended(&self, event: Event) -> bool {
        self.started && (self.suspended || event == Event::Suspended)
    }

    fn is_running(&self) -> bool {
        self.started && self.exit.is_none() && !self.given_up
    }

    fn can_signal(&self) -> bool {
        self.is_running() || (self.exit.is_some() && self.output == Output::Open)
    }

    /// `Reap` and `Finish` wait for an answer, or for the strays' deadline.
    fn strays_are_over(&self, config: &Config) -> Result<(), String> {
        let Some(limit) = config.stray_timeout else {
            return Ok(());
        };
        // A wait of no time is over before the look is polled.
        let no_time = limit.is_zero() || config.drain_timeout.is_some_and(|drain| drain.is_zero());
        let asked = self.looking || self.looked || no_time;
        let over = asked || self.unseen || self.strays_overdue || !self.eager;
        rule(18, over, "the end waits for strays")
    }

    fn fate(&self, config: &Config, monitor: &MonitorState, fate: Strays) -> Result<(), String> {
        let swept = is_swept(config, monitor);
        let right = match fate {
            Strays::None => self.looked && !self.seen && !self.strays_killed,
            Strays::Killed => swept && self.looked && !self.seen,
            Strays::Left => !swept && self.seen,
            Strays::Survived => swept && self.seen,
            // An owner that drains late may have answered a look that the end has overtaken.
            _ => config.stray_timeout.is_none() || self.unseen || !self.seen || !self.eager,
        };
        rule(20, right, "the outcome says what became of strays")
    }

    /// Of two countdowns that have got as late as they can get, neither is known to be the earlier.
    fn drain_ends_before_the_stage(&self) -> bool {
        let drained = self.drain.filter(|left| *left <= 0);
        let earlier = |drain: i8| self.stage.is_some_and(|stage| drain < stage);
        self.output == Output::Open && drained.is_some_and(earlier)
    }

    fn output_is_over(&self) -> bool {
        let drained = self.exit.is_some() && self.drain.is_some_and(|left| left <= 0);
        self.output != Output::Open || drained || self.given_up
    }
}

fn is_swept(config: &Config, monitor: &MonitorState) -> bool {
    match config.sweep {
        Sweep::Always => true,
        Sweep::Terminated => monitor.is_terminating(),
        _ => false,
    }
}

fn left(limit: Option<Duration>) -> Left {
    let limit = limit.filter(|limit| *limit < JUST_TOO_LONG);
    limit.map(|limit| i8::try_from(limit.as_nanos()).expect("durations of a few nanoseconds"))
}

fn rule(number: u8, holds: bool, says: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("rule {number}: {says}"))
    }
}

/// How late a countdown may get before it makes no more difference.
const LATEST: i8 = -2;
