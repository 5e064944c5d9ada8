//! The bugs of the core: each a plausible slip, as one edit of its source.

/// One edit. In what it puts there, `BUG` is true while the bug is on; with all of them off, the
/// program does what it always did.
pub(crate) struct Bug {
    /// What is wrong then.
    pub(crate) name: &'static str,
    /// A file in the sources of its [`Bed`](crate::Bed).
    pub(crate) file: &'static str,
    /// Text that stands there once.
    pub(crate) was: &'static str,
    /// What stands there instead.
    pub(crate) is: &'static str,
}

const fn monitor(name: &'static str, was: &'static str, is: &'static str) -> Bug {
    Bug {
        name,
        file: "monitor.rs",
        was,
        is,
    }
}

pub(crate) const BUGS: [Bug; 83] = [
    monitor(
        "the end is not told after an error",
        "|| is_last && self.notifications.start_final() {",
        "|| is_last && !(BUG && self.verdict.has_error()) && self.notifications.start_final() {",
    ),
    monitor(
        "the end is told twice",
        "        if is_wanted {
            self.last = Final::Begun(Flight::Due);
        }
        is_wanted",
        "        if is_wanted || BUG && self.last == Final::Begun(Flight::Landed) && self.flight == Flight::Landed {
            if !is_wanted {
                self.flight = Flight::Overdue;
            }
            self.last = Final::Begun(Flight::Due);
            return true;
        }
        is_wanted",
    ),
    monitor(
        "an error takes the final notification back",
        "fn unstart(&mut self) -> bool {",
        "fn unstart(&mut self) -> bool {
        if BUG && self.last == Final::Begun(Flight::Due) {
            self.last = Final::Begun(Flight::Landed);
            return true;
        }",
    ),
    monitor(
        "the failure of the final notification hides that of an earlier one",
        "            self.verdict.note(if self.notifications.is_final() {
                Distinct::FinalNotification
            } else {",
        "            self.verdict.note(if self.notifications.is_final() && !BUG {
                Distinct::FinalNotification
            } else {",
    ),
    monitor(
        "the final notification has no end",
        "Deadline::Notification => self.notification_overdue(),",
        "Deadline::Notification if BUG && self.notifications.is_final() => {}
            Deadline::Notification => self.notification_overdue(),",
    ),
    monitor(
        "the final notification has the ticket of one that is discarded",
        "Final::Begun(flight) => (self.next, flight),",
        "Final::Begun(flight) => (if BUG { self.queued } else { self.next }, flight),",
    ),
    monitor(
        "a notification is queued behind the final one",
        "event == Event::Notify && self.is_over()",
        "event == Event::Notify && self.is_over() && !BUG",
    ),
    monitor(
        "an overdue final notification leaves no room for a late answer to an earlier one",
        "            Final::Begun(flight) if id == self.next => flight,",
        "            Final::Begun(flight) if BUG || id == self.next => flight,",
    ),

    monitor(
        "a child that is ready must still write",
        "            Event::Ready => {
                self.timers.stop(Deadline::FirstOutput);",
        "            Event::Ready => {
                if !BUG {
                    self.timers.stop(Deadline::FirstOutput);
                }",
    ),
    monitor(
        "to be ready is no activity",
        "                self.progressed();
            }
            Event::Tick => self.tick(),",
        "                if !BUG {
                    self.progressed();
                }
            }
            Event::Tick => self.tick(),",
    ),
    monitor(
        "a silence is warned of again and again",
        "Deadline::Warning => self.warns = true,",
        "Deadline::Warning => {
                self.warns = true;
                if BUG {
                    self.arm(Deadline::Warning, self.limits.warning.max(1));
                }
            }",
    ),
    monitor(
        "activity leaves a warning in the air",
        "self.arm(Deadline::Warning, self.limits.warning);
            self.warns = false;",
        "self.arm(Deadline::Warning, self.limits.warning);
            self.warns &= BUG;",
    ),
    monitor(
        "a warning comes a nanosecond late",
        "warning: limit_nanos(config.warn_timeout),",
        "warning: limit_nanos(config.warn_timeout).saturating_add(u64::from(BUG)),",
    ),
    monitor(
        "a child that is being ended is warned of",
        "self.timers.stop(Deadline::Warning);\n        self.warns = false;\n        self.next_stage();",
        "if !BUG {
            self.timers.stop(Deadline::Warning);
            self.warns = false;
        }
        self.next_stage();",
    ),
    monitor(
        "a dead child is warned of",
        "self.timers.end();\n        self.warns = false;",
        "self.timers.end();\n        self.warns &= BUG;",
    ),
    monitor(
        "a monitor is calm though it is to warn",
        "&& self.limits.warning == u64::MAX",
        "&& (BUG || self.limits.warning == u64::MAX)",
    ),
    monitor(
        "late output starts the kill stage's wait again",
        "self.timers.stop(Deadline::FirstOutput);\n        if self.activity.counts(stream) {",
        "if let Some((_, stage)) = self.plan.after(self.ladder.reached.wrapping_sub(1)).next().filter(|_| BUG) {
            self.arm(Deadline::Stage, limit_nanos(stage.wait));
        }
        self.timers.stop(Deadline::FirstOutput);\n        if self.activity.counts(stream) {",
    ),
    monitor(
        "SIGKILL goes to the leader after its exit",
        "target == Target::Group || self.child.status().is_none()",
        "target == Target::Group || self.child.status().is_none() || BUG",
    ),
    monitor(
        "a stage goes out after the reap",
        "Child::New | Child::GivenUp | Child::Released(_) => false",
        "Child::Released(_) => BUG, Child::New | Child::GivenUp => false",
    ),
    Bug {
        name: "the second error overwrites the first",
        file: "verdict.rs",
        was: "then(|| self.error_at(1, facts))",
        is: "then(|| self.error_at(if BUG { self.noticed } else { 1 }, facts))",
    },
    monitor(
        "a queued notification starts after a failure",
        "let starts_next = !self.verdict.has_error() &&",
        "let starts_next = (BUG || !self.verdict.has_error()) &&",
    ),
    monitor(
        "a notification that an error overtook is told all the same",
        "let is_due = self.flight == Flight::Due;",
        "let is_due = self.flight == Flight::Due && !BUG;",
    ),
    monitor(
        "a late answer brings a second Finish",
        "if !self.notifications.answered(id) {",
        "if !self.notifications.answered(id) {
            if BUG && self.polled == Polled::Finish {
                self.polled = Polled::Reap;
            }",
    ),
    monitor(
        "Finish does not wait for the notification in flight",
        "let is_free = self.notifications.in_flight().is_none();",
        "let is_free = BUG || self.notifications.in_flight().is_none();",
    ),
    monitor(
        "a second failure starts the ladder again",
        "let id = self.verdict.note_failure();",
        "let id = self.verdict.note_failure();
        if BUG {
            self.ladder = LadderState::default();
        }",
    ),
    monitor(
        "the idle deadline is a nanosecond late",
        "if self.can_be_idle() {
            self.arm(Deadline::Idle, self.silence.limit);",
        "if self.can_be_idle() {
            self.arm(Deadline::Idle, self.silence.limit.saturating_add(u64::from(BUG)));",
    ),
    monitor(
        "a deadline fires a nanosecond early",
        "if at > self.clock.running() {",
        "if at.0 > self.clock.running().0 + u64::from(BUG) {",
    ),
    monitor(
        "the answer to an old notification is accepted",
        "let is_latest = id == self.latest &&",
        "let is_latest = (id == self.latest || BUG && id < self.latest) &&",
    ),
    monitor(
        "an overdue notification's answer still counts",
        "Flight::Landed) == Flight::Running;",
        "Flight::Landed) == Flight::Running || BUG;",
    ),
    monitor(
        "the timer is lost after a spurious tick",
        "self.polled_wake = Instant::FAR_FUTURE;\n        while",
        "if !BUG {
            self.polled_wake = Instant::FAR_FUTURE;
        }
        while",
    ),
    monitor(
        "the exit does not end a suspension",
        "self.suspended = false;\n        self.passed_on.leader",
        "if !BUG {
            self.suspended = false;
        }
        self.passed_on.leader",
    ),
    monitor(
        "a stage does not end a suspension",
        "self.suspended = false;\n                self.arm",
        "if !BUG {
                    self.suspended = false;
                }
                self.arm",
    ),
    monitor(
        "heartbeats drift when a tick is late",
        "self.arm(Deadline::Heartbeat, interval - late);",
        "self.arm(Deadline::Heartbeat, interval - if BUG { 0 } else { late });",
    ),
    monitor(
        "heartbeats go on after an error",
        "self.timers.stop(Deadline::Notification);
        }
        self.timers.stop(Deadline::Heartbeat);",
        "self.timers.stop(Deadline::Notification);
        }
        if !BUG {
            self.timers.stop(Deadline::Heartbeat);
        }",
    ),
    monitor(
        "a heartbeat is queued though the one before has not run",
        "if self.beat.is_none() {",
        "if BUG || self.beat.is_none() {",
    ),
    monitor(
        "empty output is activity",
        "if bytes == 0 {",
        "if bytes == 0 && !BUG {",
    ),
    monitor(
        "standard error is activity where only standard output should be",
        "counts(stream) {\n            self.progressed();",
        "counts(stream) || (BUG && self.activity == Activity::Stdout) {\n            self.progressed();",
    ),
    monitor(
        "the group is swept though nothing was terminated",
        "Sweep::Terminated => self.ladder.started,",
        "Sweep::Terminated => BUG || self.ladder.started,",
    ),
    monitor(
        "the group is not swept",
        ".then_some(Action::SendSignal {\n                signal: Signal::KILL,",
        ".then_some(()).filter(|()| !BUG).map(|()| Action::SendSignal {\n                signal: Signal::KILL,",
    ),
    monitor(
        "the drain has no end",
        "self.arm(Deadline::Drain, self.limits.drain);",
        "if !BUG {
            self.arm(Deadline::Drain, self.limits.drain);
        }",
    ),
    monitor(
        "leaked output is called closed",
        "Deadline::Drain => self.output = Output::Leaked,",
        "Deadline::Drain => self.output = if BUG { Output::Closed } else { Output::Leaked },",
    ),
    monitor(
        "a late end of the output undoes the leak",
        "if self.output == Output::Open {
            self.output = Output::Closed;",
        "if BUG || self.output == Output::Open {
            self.output = Output::Closed;",
    ),
    Bug {
        name: "the run deadline outlives the child",
        file: "timers.rs",
        was: "if place(deadline).0 == Some(Life::On) {",
        is: "if place(deadline).0 == Some(Life::On) && !(BUG && deadline == Deadline::Run) {",
    },
    Bug {
        name: "the limits count from the origin of time",
        file: "timers.rs",
        was: "*self = self.moved(Instant::ZERO, now);",
        is: "*self = self.moved(Instant::ZERO, if BUG { Instant::ZERO } else { now });",
    },
    monitor(
        "the exit that an error brought about is an error too",
        "if !status.is_success() && !self.verdict.has_error() {",
        "if !status.is_success() && (BUG || !self.verdict.has_error()) {",
    ),
    monitor(
        "an overdue notification is waited for",
        "self.notifications.give_up();",
        "if !BUG {
                self.notifications.give_up();
            }",
    ),
    monitor(
        "the first of the discarded is kept",
        "let first = self.queued;\n        let last",
        "let first = if BUG { self.queued.next() } else { self.queued };\n        let last",
    ),
    monitor(
        "escalating past the last stage forgets to give up",
        "} else if self.can_signal() && self.ladder.reached < self.plan.len() {",
        "} else if self.can_signal() && (BUG || self.ladder.reached < self.plan.len()) {",
    ),
    monitor(
        "a child that cannot be killed is given up without a word",
        "self.verdict.note(Distinct::Unkillable);",
        "if !BUG {
                self.verdict.note(Distinct::Unkillable);
            }",
    ),
    monitor(
        "the ladder changes under a child that is climbing down it",
        "fn set_ladder(&mut self, ladder: Ladder) {\n        if !self.ladder.started {",
        "fn set_ladder(&mut self, ladder: Ladder) {\n        if BUG || !self.ladder.started {",
    ),
    monitor(
        "the idle deadline stays on once the ladder has started",
        "self.ladder.started = true;\n        self.timers.stop(Deadline::Idle);",
        "self.ladder.started = true;
        if !BUG {
            self.timers.stop(Deadline::Idle);
        }",
    ),
    monitor(
        "strays are killed in a run that is not swept",
        "if is_swept {\n            self.strays.kill();",
        "if BUG || is_swept {\n            self.strays.kill();",
    ),
    monitor(
        "a sighting counts before the look was polled",
        "if self.strays.state != HuntState::Looking {",
        "if self.strays.state != HuntState::Looking && !(BUG && self.strays.state == HuntState::Due) {",
    ),
    monitor(
        "immune strays are waited for",
        "living == 0 || is_swept && living <= immune",
        "living == 0 || !BUG && is_swept && living <= immune",
    ),
    monitor(
        "the hunt has no end",
        "Deadline::Strays => self.strays_overdue(),",
        "Deadline::Strays => if !BUG { self.strays_overdue() },",
    ),
    monitor(
        "the reap does not wait for strays",
        "self.child.is_released() && self.is_hunt_over();",
        "self.child.is_released() && (BUG || self.is_hunt_over());",
    ),
    monitor(
        "the end does not wait for strays",
        "let is_last = child_over && self.is_hunt_over() &&",
        "let is_last = child_over && (BUG || self.is_hunt_over()) &&",
    ),
    monitor(
        "what was seen before the sweep counts",
        "if self.strays.is_last || self.is_hunt_over() {",
        "if self.strays.is_last || self.is_hunt_over() || (BUG && self.strays.state == HuntState::Clear) {",
    ),
    monitor(
        "the pause between two looks does not grow",
        "FIRST_STRAY_PAUSE << self.looks",
        "FIRST_STRAY_PAUSE << if BUG { 0 } else { self.looks }",
    ),
    monitor(
        "strays that are left count as survivors",
        "(true, false) => Strays::Left,",
        "(true, false) => if BUG { Strays::Survived } else { Strays::Left },",
    ),
    monitor(
        "a signal that is passed on starts the ladder",
        "(Target::Leader, Child::Running) => self.passed_on.leader.insert(signal),",
        "(Target::Leader, Child::Running) => {
                if BUG {
                    self.terminate();
                }
                self.passed_on.leader.insert(signal);
            }",
    ),
    monitor(
        "a signal that is passed on reaches a dead leader",
        "self.passed_on.leader = SignalSet::default();",
        "if !BUG {
            self.passed_on.leader = SignalSet::default();
        }",
    ),
    monitor(
        "a kill leaves what is left of the ladder",
        "self.plan = Ladder::KILL;",
        "if !BUG {
                self.plan = Ladder::KILL;
            }",
    ),
    monitor(
        "impatience puts the strays' deadline off",
        "if soon < self.timers.get(Deadline::Strays) {",
        "if BUG || soon < self.timers.get(Deadline::Strays) {",
    ),
    monitor(
        "a limit of more than 584 years is cut short",
        "fn of(config: &Config) -> Self {\n        Self {\n            notification:",
        "fn of(config: &Config) -> Self {
        let limit_nanos = |limit: Option<Duration>| match limit {
            Some(limit) if BUG => limit.as_nanos() as u64,
            limit => limit_nanos(limit),
        };
        Self {
            notification:",
    ),
    monitor(
        "two deadlines of one tick are not settled in between",
        "self.fire(at, deadline);\n            self.settle();",
        "self.fire(at, deadline);
            if !BUG {
                self.settle();
            }",
    ),
    monitor(
        "heartbeats keep to the caller's clock",
        "(self.clock.running().0 - at.0).rem_euclid(interval)",
        "((if BUG { self.clock.now() } else { self.clock.running() }).0 - at.0).rem_euclid(interval)",
    ),
    monitor(
        "the notification timeout is on the caller's clock",
        "self.arm(Deadline::Notification, self.limits.notification);",
        "self.arm(Deadline::Notification, self.limits.notification);
            let at = self.clock.callers(self.timers.get(Deadline::Notification));
            if BUG {
                self.timers.set(Deadline::Notification, at);
            }",
    ),
    monitor(
        "any answer clears a heartbeat that is queued",
        "if is_in_time && self.beat == Some(id) {",
        "if is_in_time && (BUG || self.beat == Some(id)) {",
    ),
    monitor(
        "the exit of a child that was given up is ignored",
        "self.child = Child::Exited(status);",
        "if BUG && self.child == Child::GivenUp {
            return;
        }
        self.child = Child::Exited(status);",
    ),
    monitor(
        "output after the exit starts the drain again",
        "self.timers.stop(Deadline::FirstOutput);\n        if self.activity.counts(stream)",
        "self.timers.stop(Deadline::FirstOutput);
        if BUG && matches!(self.child, Child::Exited(_)) {
            self.arm(Deadline::Drain, self.limits.drain);
        }
        if self.activity.counts(stream)",
    ),
    monitor(
        "a lazy owner hears only of the last stage",
        "self.plan.after(self.ladder.polled).take(unpolled) {",
        "self.plan.after(self.ladder.polled).take(unpolled).skip(if BUG {
            unpolled.saturating_sub(1)
        } else {
            0
        }) {",
    ),
    monitor(
        "a deadline that a suspension put off for ever is announced",
        ".filter(|(at, _)| self.clock.callers(*at) < Instant::FAR_FUTURE)",
        ".filter(|(at, _)| (if BUG { *at } else { self.clock.callers(*at) }) < Instant::FAR_FUTURE)",
    ),
    Bug {
        name: "a clock that runs backwards is believed",
        file: "clock.rs",
        was: "self.now = now.max(self.now);",
        is: "self.now = if BUG { now } else { now.max(self.now) };",
    },
    Bug {
        name: "a suspension runs the deadlines down",
        file: "clock.rs",
        was: "self.held += self.now.0 - before.0;",
        is: "self.held += if BUG { 0 } else { self.now.0 - before.0 };",
    },
    Bug {
        name: "of two deadlines the later one fires first",
        file: "timers.rs",
        was: ".min_by_key(|(at, _)| *at)",
        is: ".min_by_key(|(at, _)| if BUG { u64::MAX - at.0 } else { at.0 })",
    },
    monitor(
        "a request leaves a monitor calm",
        "        self.calm = Calm(false);",
        "        self.calm = Calm(BUG && self.calm.0);",
    ),
    monitor(
        "a monitor is calm while a wake-up has to be asked for",
        "self.calm = Calm(action.is_none() && self.only_waits());",
        "let is_last = matches!(action, None | Some(Action::RunNotification { .. }));
        self.calm = Calm((action.is_none() || BUG && is_last) && self.only_waits());",
    ),
    monitor(
        "a monitor is calm though its output has been closed",
        "            && self.output == Output::Open\n",
        "            && (self.output == Output::Open || BUG)\n",
    ),
    monitor(
        "a monitor is calm though it is suspended",
        "            && !self.suspended\n",
        "            && (!self.suspended || BUG)\n",
    ),
    monitor(
        "a monitor is calm while it waits for the first output",
        "&& self.timers.get(Deadline::FirstOutput) == Instant::FAR_FUTURE",
        "&& (BUG || self.timers.get(Deadline::FirstOutput) == Instant::FAR_FUTURE)",
    ),
    monitor(
        "in a calm monitor every output is activity",
        "if bytes > 0 && self.activity.counts(stream) {",
        "if BUG || bytes > 0 && self.activity.counts(stream) {",
    ),
    monitor(
        "in a calm monitor silence goes on through output",
        "self.silence.since = self.clock.running();
                    self.timers",
        "if !BUG {
                        self.silence.since = self.clock.running();
                    }
                    self.timers",
    ),
];
