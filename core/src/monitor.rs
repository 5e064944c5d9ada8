//! The state machine: all transitions live here.
//!
//! # Theory of operation
//!
//! Six small machines stand side by side. What one event does to the child, its output and its strays
//! is listed in full: from the state before it to the state after it.
//!
//! | machine | states | moved by |
//! | --- | --- | --- |
//! | child | new → running → exited → released; running → released; running → given up → released | `Started`, `ChildExited`, the end of the output, the ladder's end |
//! | output | open → closed; open → leaked | `OutputClosed`, the drain's end, giving the child up |
//! | ladder | at rest → stage 1 → … → stage n | whatever asks for the end, `Escalate`, a stage's wait |
//! | notifications | queued → in flight → done, overdue or discarded | `Notify`, heartbeats, `NotifyDone` |
//! | strays | unsought → looking → waiting → looking; looking → clear → looking; unsought → over; looking → over; waiting → over; clear → over | the child's end, or its exit once the group had SIGKILL; `StraysSeen`, `StraysUnseen`, the wait for the next look, the strays' deadline |
//! | verdict | no error → the first error, and later ones | whatever goes wrong |
//!
//! An event moves one of them. Then [`settle`](MonitorState::settle) couples them: output given up
//! with the child, child released once its output is over, the search for strays, next notification, the
//! end.
//!
//! Time works the same way. Every deadline stands in one table of named timers; only a `Tick` fires
//! them, the earliest first, each followed by `settle`, as if each were an event of its own.
//!
//! No queue of actions exists. The machines record what has been decided and what has been polled, and
//! [`poll_action`](MonitorState::poll_action) tells the difference, in the order of [`Action`]'s list.
//! So nothing can overflow however long the owner does not poll, and what has not been polled can still
//! be taken back: a signal to a leader that has exited meanwhile, a notification that an error overtook, a warning
//! of a silence that is over.
//!
//! Output is what happens most, and mostly it puts the idle deadline off and does no more. So it has a short
//! way through a monitor that is [`Calm`]: nothing has to be checked, settled or told then. One that is to warn never is.

mod rebased;

use core::hash::{Hash, Hasher};
use core::mem;
use core::num::NonZeroU64;
use core::time::Duration;

use crate::action::{Action, Error, FailureId, NotificationId, NotificationKind, Outcome, Strays};
use crate::clock::Clock;
use crate::config::{Activity, Config, Ladder, Stage, Sweep, Target};
use crate::event::{Event, Misuse};
use crate::signal::{ExitStatus, Signal, SignalSet};
use crate::stream::Stream;
use crate::time::{Instant, limit_nanos};
use crate::timers::{Deadline, Timers};
use crate::verdict::{Distinct, Facts, Verdict};

/// The monitor of one child: feed it events, perform its actions, wake it when it asks.
///
/// It holds no payloads and no clock, never allocates and never panics; it is `Clone + Eq + Hash`
/// and at most 344 bytes, so it can be searched, stored and replayed. The crate's front page shows
/// the loop around it.
///
/// - Inputs: [`handle`](Self::handle), [`notify`](Self::notify), [`fail`](Self::fail).
/// - Outputs: [`poll_action`](Self::poll_action), [`poll_timeout`](Self::poll_timeout).
/// - Queries: [`timeout_reason`](Self::timeout_reason), [`deadline`](Self::deadline),
///   [`first_error`](Self::first_error), [`is_terminating`](Self::is_terminating),
///   [`is_suspended`](Self::is_suspended), [`silence`](Self::silence), [`outcome`](Self::outcome),
///   [`preliminary_outcome`](Self::preliminary_outcome).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
// In memory the fields stand in this order. Those that output touches come first, so that they lie in one line of the
// cache or in two.
#[repr(C)]
pub struct MonitorState {
    calm: Calm,
    /// What counts as activity.
    activity: Activity,
    suspended: bool,
    ladder: LadderState,
    output: Output,
    ended: bool,
    clock: Clock,
    silence: Silence,
    timers: Timers,
    /// The wake-up that the owner was last told of, in the caller's time.
    polled_wake: Instant,
    limits: Limits,
    /// What the ladder is made of.
    plan: Ladder,
    child: Child,
    sweep: Sweep,
    polled: Polled,
    /// Whether the owner is to be warned of the silence.
    warns: bool,
    passed_on: PassedOn,
    strays: Hunt,
    notifications: Notifications,
    verdict: Verdict,
}

impl MonitorState {
    /// A monitor of a child that has not been started.
    pub fn new(config: Config) -> Self {
        Self {
            calm: Calm(false),
            activity: config.activity,
            suspended: false,
            ladder: LadderState::default(),
            output: Output::Open,
            ended: false,
            clock: Clock::default(),
            silence: Silence {
                since: Instant::ZERO,
                limit: limit_nanos(config.idle_timeout),
            },
            timers: Timers::new(
                limit_nanos(config.first_output_timeout),
                limit_nanos(config.run_timeout),
            ),
            polled_wake: Instant::FAR_FUTURE,
            limits: Limits::of(&config),
            plan: config.ladder,
            child: Child::New,
            sweep: config.sweep,
            polled: Polled::Nothing,
            warns: false,
            passed_on: PassedOn::default(),
            strays: Hunt::default(),
            notifications: Notifications::new(config.final_notification),
            verdict: Verdict::default(),
        }
    }

    /// Takes an event that happened at `now`. Then poll the actions.
    ///
    /// # Errors
    ///
    /// [`Misuse`] for an event that makes no sense in this state; the state is unchanged.
    #[inline]
    pub fn handle(&mut self, now: Instant, event: Event) -> Result<(), Misuse> {
        match event {
            Event::Output { stream, bytes } if self.calm.0 => {
                self.clock.advance(now);
                if bytes > 0 && self.activity.counts(stream) {
                    self.silence.since = self.clock.running();
                    self.timers.put_idle_off(self.after(self.silence.limit));
                }
                Ok(())
            }
            _ => self.handle_any(now, event),
        }
    }

    /// [`Event::Notify`], and the ticket that it was given.
    ///
    /// # Errors
    ///
    /// [`Misuse`], as for [`handle`](Self::handle).
    pub fn notify(&mut self, now: Instant) -> Result<NotificationId, Misuse> {
        self.check(Event::Notify)?;
        self.begin(now);
        let id = self.notifications.enqueue();
        self.settle();
        Ok(id)
    }

    /// [`Event::Fail`], and the ticket that it was given.
    ///
    /// # Errors
    ///
    /// [`Misuse`], as for [`handle`](Self::handle).
    pub fn fail(&mut self, now: Instant) -> Result<FailureId, Misuse> {
        self.check(Event::Fail)?;
        self.begin(now);
        let id = self.failed();
        self.settle();
        Ok(id)
    }

    /// The next thing to do, until there is none. What is left unpolled is kept, except what has
    /// become wrong meanwhile: a signal to the leader after its exit, a notification after an error, a warning after
    /// activity or once the child is being ended.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action> {
        if self.calm.0 {
            return None;
        }
        let action = self.poll_any();
        self.calm = Calm(action.is_none() && self.only_waits());
        action
    }

    /// When to send the next `Tick`: never later than the next deadline, and `Some` whenever one is
    /// pending. A `Tick` too early changes nothing.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let (at, _) = self.next_deadline()?;
        Some(self.clock.callers(at))
    }

    /// Which deadline [`poll_timeout`](Self::poll_timeout) is about.
    pub fn timeout_reason(&self) -> Option<Deadline> {
        Some(self.next_deadline()?.1)
    }

    /// When this deadline is due, if it is armed and nothing is suspended.
    pub fn deadline(&self, deadline: Deadline) -> Option<Instant> {
        if self.suspended {
            return None;
        }
        Some(self.clock.callers(self.timers.get(deadline))).filter(|at| *at < Instant::FAR_FUTURE)
    }

    /// The error that the outcome will carry, if there is one yet.
    pub fn first_error(&self) -> Option<Error> {
        self.verdict.first(self.facts())
    }

    /// Whether the ladder has been started.
    pub fn is_terminating(&self) -> bool {
        self.ladder.started
    }

    /// Whether every deadline waits: between `Suspended` and whatever ends that.
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// How long there had been no activity when the latest event came: since the start, if there has been none. The
    /// time while suspended does not count, nor does it for the idle deadline.
    pub fn silence(&self) -> Duration {
        self.clock.running().since(self.silence.since)
    }

    /// How it ended, once it has: what `Finish` carries.
    pub fn outcome(&self) -> Option<Outcome> {
        self.preliminary_outcome().filter(|_| self.ended)
    }

    /// How it ended, as far as that is known from when the final notification begins: what this is to tell. All that can
    /// change is the error, by its own failure or by one that the owner reports meanwhile, and the exit of a child that was
    /// given up.
    pub fn preliminary_outcome(&self) -> Option<Outcome> {
        self.is_over().then(|| Outcome {
            error: self.first_error(),
            exit: self.child.status(),
            leaked: self.output == Output::Leaked,
            terminated: self.ladder.started,
            strays: self.strays.fate(),
        })
    }
}

/// What may come when.
impl MonitorState {
    fn check(&self, event: Event) -> Result<(), Misuse> {
        match event {
            Event::Tick => return Ok(()),
            Event::NotifyDone { id, .. } => return self.notifications.expects(id),
            _ if self.ended || event == Event::Notify && self.is_over() => {
                return Err(Misuse::AlreadyFinished {
                    event: event.variant(),
                });
            }
            _ => {}
        }
        match (event, self.child) {
            (Event::Started, Child::New) => Ok(()),
            (Event::Started, _) => Err(Misuse::AlreadyStarted),
            (_, Child::New) => Err(Misuse::NotStarted {
                event: event.variant(),
            }),
            (Event::ChildExited(_), Child::Exited(_) | Child::Released(_)) => {
                Err(Misuse::AlreadyExited)
            }
            (Event::Output { .. } | Event::OutputClosed, _) if self.output == Output::Closed => {
                Err(Misuse::OutputAlreadyClosed {
                    event: event.variant(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// How each event moves its machine.
impl MonitorState {
    fn handle_any(&mut self, now: Instant, event: Event) -> Result<(), Misuse> {
        self.check(event)?;
        self.begin(now);
        match event {
            Event::Started => self.started(),
            Event::Output { stream, bytes } => self.wrote(stream, bytes),
            Event::Progress => self.progressed(),
            Event::Ready => {
                self.timers.stop(Deadline::FirstOutput);
                self.progressed();
            }
            Event::Tick => self.tick(),
            Event::Notify => {
                self.notifications.enqueue();
            }
            Event::NotifyDone { id, ok } => self.answered(id, ok),
            Event::Fail => {
                self.failed();
            }
            Event::Terminate => self.terminate(),
            Event::Escalate => self.escalate(),
            Event::Kill => self.kill(),
            Event::PassOn { signal, target } => self.pass_on(signal, target),
            Event::SetIdleTimeout(limit) => {
                self.silence.limit = limit_nanos(limit);
                self.count_silence();
            }
            Event::SetLadder(ladder) => self.set_ladder(ladder),
            Event::OutputClosed => self.output_ended(),
            Event::ChildExited(status) => self.exited(status),
            Event::StraysSeen { living, immune } => self.strays_seen(living, immune),
            Event::StraysUnseen => self.strays_unseen(),
            Event::Suspended => self.suspended = true,
            Event::Resumed => self.suspended = false,
        }
        self.settle();
        Ok(())
    }

    fn begin(&mut self, now: Instant) {
        self.calm = Calm(false);
        self.advance(now);
    }

    fn advance(&mut self, now: Instant) {
        if self.suspended {
            self.clock.advance_suspended(now);
        } else {
            self.clock.advance(now);
        }
    }

    fn started(&mut self) {
        self.child = Child::Running;
        self.timers.start(self.clock.running());
        self.progressed();
        if self.limits.heartbeat < NonZeroU64::MAX {
            self.notifications.beat();
            self.arm(Deadline::Heartbeat, self.limits.heartbeat.get());
        }
    }

    fn wrote(&mut self, stream: Stream, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.timers.stop(Deadline::FirstOutput);
        if self.activity.counts(stream) {
            self.progressed();
        }
    }

    fn progressed(&mut self) {
        self.silence.since = self.clock.running();
        self.count_silence();
    }

    fn count_silence(&mut self) {
        if self.can_be_idle() {
            self.arm(Deadline::Idle, self.silence.limit);
            self.arm(Deadline::Warning, self.limits.warning);
            self.warns = false;
        }
    }

    fn can_be_idle(&self) -> bool {
        self.child == Child::Running && !self.ladder.started
    }

    fn tick(&mut self) {
        self.polled_wake = Instant::FAR_FUTURE;
        while let Some((at, deadline)) = self.next_deadline() {
            if at > self.clock.running() {
                break;
            }
            self.timers.stop(deadline);
            self.fire(at, deadline);
            self.settle();
        }
    }

    fn fire(&mut self, at: Instant, deadline: Deadline) {
        match deadline {
            Deadline::Idle => self.timed_out(Distinct::IdleTimeout),
            Deadline::FirstOutput => self.timed_out(Distinct::FirstOutputTimeout),
            Deadline::Run => self.timed_out(Distinct::RunTimeout),
            Deadline::Notification => self.notification_overdue(),
            Deadline::Stage => self.stage_over(),
            Deadline::Drain => self.output = Output::Leaked,
            Deadline::Heartbeat => self.heartbeat_due(at),
            Deadline::Strays => self.strays_overdue(),
            Deadline::StrayLook => self.strays.look(),
            Deadline::Warning => self.warns = true,
        }
    }

    fn timed_out(&mut self, error: Distinct) {
        self.verdict.note(error);
        self.after_error();
        self.terminate();
    }

    fn failed(&mut self) -> FailureId {
        let id = self.verdict.note_failure();
        self.after_error();
        self.terminate();
        id
    }

    fn answered(&mut self, id: NotificationId, ok: bool) {
        if !self.notifications.answered(id) {
            return;
        }
        self.timers.stop(Deadline::Notification);
        if !ok {
            self.verdict.note(if self.notifications.is_final() {
                Distinct::FinalNotification
            } else {
                Distinct::Notification
            });
            self.after_error();
            self.terminate();
        }
    }

    fn notification_overdue(&mut self) {
        self.verdict.note(if self.notifications.is_final() {
            Distinct::FinalNotificationTimeout
        } else {
            Distinct::NotificationTimeout
        });
        self.after_error();
        self.notifications.give_up();
        self.terminate();
    }

    /// No notification starts after an error, not even one that has not been polled yet.
    fn after_error(&mut self) {
        if self.notifications.unstart() {
            self.timers.stop(Deadline::Notification);
        }
        self.timers.stop(Deadline::Heartbeat);
    }

    /// Beats keep to the grid that began with the start; those missed are skipped.
    fn heartbeat_due(&mut self, at: Instant) {
        self.notifications.beat();
        let interval = self.limits.heartbeat.get();
        let late = (self.clock.running().0 - at.0).rem_euclid(interval);
        self.arm(Deadline::Heartbeat, interval - late);
    }

    fn terminate(&mut self) {
        if self.ladder.started || !self.can_signal() {
            return;
        }
        self.ladder.started = true;
        self.timers.stop(Deadline::Idle);
        self.timers.stop(Deadline::FirstOutput);
        self.timers.stop(Deadline::Warning);
        self.warns = false;
        self.next_stage();
    }

    fn escalate(&mut self) {
        if self.can_signal() && !self.ladder.started {
            self.terminate();
        } else if self.can_signal() && self.ladder.reached < self.plan.len() {
            self.next_stage();
        } else if self.strays.is_on() {
            self.hurry_strays();
        }
    }

    fn kill(&mut self) {
        let is_under_way = self.ladder.started && self.plan == Ladder::KILL;
        if self.can_signal() && !is_under_way {
            self.plan = Ladder::KILL;
            self.ladder = LadderState::default();
            self.terminate();
        }
    }

    fn pass_on(&mut self, signal: Signal, target: Target) {
        match (target, self.child) {
            (Target::Leader, Child::Running) => self.passed_on.leader.insert(signal),
            (Target::Group, Child::Running | Child::Exited(_)) => {
                self.passed_on.group.insert(signal);
            }
            _ => {}
        }
    }

    fn set_ladder(&mut self, ladder: Ladder) {
        if !self.ladder.started {
            self.plan = ladder;
        }
    }

    /// After the exit only something that holds the output is left to signal.
    fn can_signal(&self) -> bool {
        match self.child {
            Child::Running => true,
            Child::Exited(_) => self.output == Output::Open,
            Child::New | Child::GivenUp | Child::Released(_) => false,
        }
    }

    /// Sends the next stage that has a target left. It ends a suspension: a stopped child is
    /// continued to see its signal.
    fn next_stage(&mut self) {
        self.timers.stop(Deadline::Stage);
        for (number, stage) in self.plan.after(self.ladder.reached) {
            self.ladder.reached = number;
            if self.reaches(stage.target) {
                self.suspended = false;
                self.arm(Deadline::Stage, limit_nanos(stage.wait));
                return;
            }
        }
    }

    fn reaches(&self, target: Target) -> bool {
        target == Target::Group || self.child.status().is_none()
    }

    fn stage_over(&mut self) {
        if self.ladder.reached < self.plan.len() {
            self.next_stage();
        } else if self.child == Child::Running {
            self.child = Child::GivenUp;
            self.timers.end();
            self.verdict.note(Distinct::Unkillable);
            self.after_error();
        }
    }

    fn output_ended(&mut self) {
        if self.output == Output::Open {
            self.output = Output::Closed;
        }
    }

    fn exited(&mut self, status: ExitStatus) {
        self.child = Child::Exited(status);
        self.suspended = false;
        self.passed_on.leader = SignalSet::default();
        self.timers.end();
        self.warns = false;
        self.arm(Deadline::Drain, self.limits.drain);
        if !status.is_success() && !self.verdict.has_error() {
            self.verdict.note(Distinct::Exit);
            self.after_error();
        }
    }

    fn strays_seen(&mut self, living: u64, immune: u64) {
        if self.strays.state != HuntState::Looking {
            return;
        }
        let is_swept = self.is_swept();
        self.strays.are_seen = living > 0;
        if living == 0 || is_swept && living <= immune {
            self.no_stray_to_wait_for();
            return;
        }
        if is_swept {
            self.strays.kill();
        }
        let pause = self.strays.wait();
        self.arm(Deadline::StrayLook, pause);
    }

    /// What the latest look has settled stays so.
    fn strays_unseen(&mut self) {
        if !self.is_hunt_over() {
            self.end_hunt(Strays::Unknown);
        }
    }

    /// Where the child is not over, what is left of its group may still leave strays behind.
    fn no_stray_to_wait_for(&mut self) {
        if self.strays.is_last {
            self.end_hunt(match (self.strays.are_seen, self.strays.killing) {
                (true, _) => Strays::Survived,
                (false, Killing::None) => Strays::None,
                (false, _) => Strays::Killed,
            });
        } else {
            self.strays.state = HuntState::Clear;
            self.timers.stop(Deadline::Strays);
        }
    }

    fn strays_overdue(&mut self) {
        self.end_hunt(match (self.strays.are_seen, self.is_swept()) {
            (false, _) => Strays::Unknown,
            (true, true) => Strays::Survived,
            (true, false) => Strays::Left,
        });
    }

    fn end_hunt(&mut self, fate: Strays) {
        self.strays.end(fate);
        self.timers.stop(Deadline::Strays);
        self.timers.stop(Deadline::StrayLook);
    }

    /// The owner waits for the end: what does not die soon is given up.
    fn hurry_strays(&mut self) {
        let soon = self.after(HURRIED_STRAYS);
        if soon < self.timers.get(Deadline::Strays) {
            self.timers.set(Deadline::Strays, soon);
        }
    }

    fn is_swept(&self) -> bool {
        match self.sweep {
            Sweep::Never => false,
            Sweep::Terminated => self.ladder.started,
            Sweep::Always => true,
        }
    }

    /// Whether the leader is dead and the ladder has sent SIGKILL to its group: what still holds the output
    /// has left the group.
    fn is_group_killed(&self) -> bool {
        let reached = usize::from(self.ladder.reached);
        let kills = |stage: Stage| stage.signal == Signal::KILL && stage.target == Target::Group;
        matches!(self.child, Child::Exited(_)) && self.plan.stages().take(reached).any(kills)
    }

    #[inline]
    fn arm(&mut self, deadline: Deadline, span: u64) {
        self.timers.set(deadline, self.after(span));
    }

    /// So many nanoseconds from now, in running time.
    #[inline]
    fn after(&self, span: u64) -> Instant {
        Instant(self.clock.running().0.saturating_add(span))
    }

    fn next_deadline(&self) -> Option<(Instant, Deadline)> {
        if self.suspended {
            return None;
        }
        // A suspension can put a deadline off for ever.
        self.timers
            .next()
            .filter(|(at, _)| self.clock.callers(*at) < Instant::FAR_FUTURE)
    }
}

/// How the machines move one another.
impl MonitorState {
    /// Each step may allow the ones below it, and none above, so once through is enough.
    fn settle(&mut self) {
        if self.child == Child::GivenUp && self.output == Output::Open {
            self.output = Output::Leaked;
        }
        if let Child::Exited(status) = self.child
            && self.output != Output::Open
        {
            self.child = Child::Released(status);
            self.timers.stop(Deadline::Drain);
            self.timers.stop(Deadline::Stage);
            self.passed_on = PassedOn::default();
        }
        let child_over = matches!(self.child, Child::Released(_) | Child::GivenUp);
        if child_over {
            self.hunt_for_the_last_time();
        } else if self.is_swept() && self.is_group_killed() {
            self.hunt();
        }
        let starts_next = !self.verdict.has_error() && self.notifications.start_next();
        let is_free = self.notifications.in_flight().is_none();
        let is_last = child_over && self.is_hunt_over() && is_free;
        if starts_next || is_last && self.notifications.start_final() {
            self.arm(Deadline::Notification, self.limits.notification);
        } else if is_last {
            self.ended = true;
        }
    }

    /// Whether nothing is left to happen, but for the final notification.
    fn is_over(&self) -> bool {
        self.ended || self.notifications.is_final()
    }

    fn hunt(&mut self) {
        if self.strays.state == HuntState::Unsought && self.limits.strays < u64::MAX {
            self.strays.look();
            self.arm(Deadline::Strays, self.limits.strays);
        }
    }

    /// What was seen before the sweep does not count.
    fn hunt_for_the_last_time(&mut self) {
        if self.strays.is_last || self.is_hunt_over() {
            return;
        }
        self.strays.is_last = true;
        self.strays.look();
        self.timers.stop(Deadline::StrayLook);
        if self.timers.get(Deadline::Strays) == Instant::FAR_FUTURE {
            let patience = if self.is_swept() {
                self.limits.strays
            } else {
                self.limits
                    .strays
                    .min(self.limits.drain)
                    .min(STRAY_EXIT_GRACE)
            };
            self.arm(Deadline::Strays, patience);
        }
    }

    fn is_hunt_over(&self) -> bool {
        self.limits.strays == u64::MAX || matches!(self.strays.state, HuntState::Over(_))
    }
}

/// What has been decided and not yet polled.
impl MonitorState {
    /// Whether all that output can do is to put the idle deadline off.
    fn only_waits(&self) -> bool {
        self.can_be_idle()
            && !self.suspended
            && self.output == Output::Open
            && self.timers.get(Deadline::FirstOutput) == Instant::FAR_FUTURE
            && self.limits.warning == u64::MAX
    }

    fn poll_any(&mut self) -> Option<Action> {
        self.poll_error()
            .or_else(|| self.poll_warning())
            .or_else(|| self.poll_stage())
            .or_else(|| self.poll_passed_on())
            .or_else(|| self.poll_sweep())
            .or_else(|| self.poll_kill_strays())
            .or_else(|| self.poll_look_for_strays())
            .or_else(|| self.poll_discarded())
            .or_else(|| self.poll_notification())
            .or_else(|| self.poll_wake())
            .or_else(|| self.poll_reap())
            .or_else(|| self.poll_finish())
    }

    /// What the errors are about.
    fn facts(&self) -> Facts {
        Facts {
            exit: self.child.status(),
            notification: self.notifications.latest,
            final_notification: self.notifications.next,
        }
    }

    fn poll_error(&mut self) -> Option<Action> {
        let (error, first) = self.verdict.poll(self.facts())?;
        Some(Action::RecordError { error, first })
    }

    fn poll_warning(&mut self) -> Option<Action> {
        mem::take(&mut self.warns).then_some(Action::Warn)
    }

    fn poll_stage(&mut self) -> Option<Action> {
        let unpolled = usize::from(self.ladder.reached - self.ladder.polled);
        for (number, stage) in self.plan.after(self.ladder.polled).take(unpolled) {
            self.ladder.polled = number;
            if self.reaches(stage.target) {
                return Some(Action::SendSignal {
                    signal: stage.signal,
                    target: stage.target,
                });
            }
        }
        None
    }

    fn poll_passed_on(&mut self) -> Option<Action> {
        let (signal, target) = self.passed_on.pop()?;
        Some(Action::SendSignal { signal, target })
    }

    fn poll_kill_strays(&mut self) -> Option<Action> {
        if self.strays.killing != Killing::Due {
            return None;
        }
        self.strays.killing = Killing::Polled;
        Some(Action::KillStrays)
    }

    fn poll_look_for_strays(&mut self) -> Option<Action> {
        if self.strays.state != HuntState::Due {
            return None;
        }
        self.strays.state = HuntState::Looking;
        Some(Action::LookForStrays)
    }

    fn poll_sweep(&mut self) -> Option<Action> {
        let due = self.is_swept() && self.child.is_released();
        self.poll_last(Polled::Sweep, due)
            .then_some(Action::SendSignal {
                signal: Signal::KILL,
                target: Target::Group,
            })
    }

    fn poll_discarded(&mut self) -> Option<Action> {
        if !self.verdict.has_error() {
            return None;
        }
        let (first, last) = self.notifications.drop_queued()?;
        Some(Action::DiscardNotifications { first, last })
    }

    fn poll_notification(&mut self) -> Option<Action> {
        let (id, kind) = self.notifications.poll()?;
        Some(Action::RunNotification { id, kind })
    }

    /// A wake-up that comes too early is a spurious `Tick`; only one that comes too late is replaced.
    fn poll_wake(&mut self) -> Option<Action> {
        if self.ended {
            let armed = self.polled_wake < Instant::FAR_FUTURE;
            self.polled_wake = Instant::FAR_FUTURE;
            return armed.then_some(Action::ScheduleTimer(None));
        }
        let at = self.poll_timeout().filter(|at| *at < self.polled_wake)?;
        self.polled_wake = at;
        Some(Action::ScheduleTimer(Some(at)))
    }

    fn poll_reap(&mut self) -> Option<Action> {
        let due = self.child.is_released() && self.is_hunt_over();
        self.poll_last(Polled::Reap, due).then_some(Action::Reap)
    }

    fn poll_finish(&mut self) -> Option<Action> {
        let outcome = self.outcome()?;
        self.poll_last(Polled::Finish, true)
            .then_some(Action::Finish(outcome))
    }

    fn poll_last(&mut self, step: Polled, due: bool) -> bool {
        let poll = due && self.polled < step;
        if poll {
            self.polled = step;
        }
        poll
    }
}

/// How long the child has not been active, and how long that may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Silence {
    /// The latest activity, or the start, in running time.
    since: Instant,
    /// In nanoseconds; `u64::MAX` is for ever.
    limit: u64,
}

/// Whether it is known that nothing is left to poll, and that all output can do is to put the idle deadline off.
///
/// Output does not change that. Every other event does away with it, until the actions have been polled again.
/// It can be told from the rest of the state, so two that differ in nothing else are equal.
#[derive(Clone, Copy, Debug)]
struct Calm(bool);

impl PartialEq for Calm {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Calm {}

impl Hash for Calm {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Child {
    New,
    Running,
    /// The ladder has ended and the leader has not exited.
    GivenUp,
    /// Dead, but its group can still be signalled.
    Exited(ExitStatus),
    /// Nothing will be signalled any more.
    Released(ExitStatus),
}

impl Child {
    fn status(self) -> Option<ExitStatus> {
        match self {
            Self::New | Self::Running | Self::GivenUp => None,
            Self::Exited(status) | Self::Released(status) => Some(status),
        }
    }

    fn is_released(self) -> bool {
        matches!(self, Self::Released(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Output {
    Open,
    Closed,
    /// Given up while it was open.
    Leaked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct LadderState {
    started: bool,
    /// How many stages have been entered, and how many of these the owner was told of.
    reached: u8,
    polled: u8,
}

/// Signals to be delivered as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct PassedOn {
    leader: SignalSet,
    group: SignalSet,
}

impl PassedOn {
    fn pop(&mut self) -> Option<(Signal, Target)> {
        let leaders = self.leader.pop().map(|signal| (signal, Target::Leader));
        leaders.or_else(|| Some((self.group.pop()?, Target::Group)))
    }
}

/// The search for strays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Hunt {
    state: HuntState,
    /// Whether the child is over, so that there will be no more strays than there are.
    is_last: bool,
    killing: Killing,
    /// Whether the latest look has shown any.
    are_seen: bool,
    looks: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum HuntState {
    #[default]
    Unsought,
    /// The owner is to look.
    Due,
    /// The owner is looking.
    Looking,
    /// Some live; they are looked for again in a while.
    Waiting,
    /// None was there to wait for, before the child was over.
    Clear,
    Over(Strays),
}

/// Whether strays are killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Killing {
    #[default]
    None,
    /// The owner is to kill those that it has seen.
    Due,
    Polled,
}

impl Hunt {
    fn look(&mut self) {
        self.state = HuntState::Due;
    }

    fn kill(&mut self) {
        self.killing = Killing::Due;
    }

    /// How long to wait for the next look: what is killed is mostly gone at once, and if not, takes its time.
    fn wait(&mut self) -> u64 {
        self.state = HuntState::Waiting;
        let pause = FIRST_STRAY_PAUSE << self.looks;
        self.looks = self.looks.saturating_add(1).min(MOST_DOUBLINGS);
        pause
    }

    fn end(&mut self, fate: Strays) {
        self.state = HuntState::Over(fate);
        if self.killing == Killing::Due {
            self.killing = Killing::Polled;
        }
    }

    fn is_on(self) -> bool {
        use HuntState::{Due, Looking, Waiting};
        matches!(self.state, Due | Looking | Waiting)
    }

    fn fate(self) -> Strays {
        match self.state {
            HuntState::Over(fate) => fate,
            _ => Strays::Unknown,
        }
    }
}

/// The queue is a range of tickets: from `queued` up to, but without, `next`. That is the final notification's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Notifications {
    next: NotificationId,
    queued: NotificationId,
    /// The one that was started last, but for the final one.
    latest: NotificationId,
    /// The latest heartbeat, until it is answered.
    beat: Option<NotificationId>,
    /// What has become of the latest. After an overdue one, none starts but the final one.
    flight: Flight,
    last: Final,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Flight {
    /// It was answered, or there is none.
    Landed,
    /// The owner is to be told to run it.
    Due,
    Running,
    /// Its answer will come too late.
    Overdue,
}

impl Flight {
    fn is_over(self) -> bool {
        matches!(self, Self::Landed | Self::Overdue)
    }

    fn is_answerable(self) -> bool {
        matches!(self, Self::Running | Self::Overdue)
    }
}

/// The final notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Final {
    NotWanted,
    Wanted,
    Begun(Flight),
}

impl Notifications {
    const fn new(final_is_wanted: bool) -> Self {
        Self {
            next: NotificationId::FIRST,
            queued: NotificationId::FIRST,
            latest: NotificationId::FIRST,
            beat: None,
            flight: Flight::Landed,
            last: if final_is_wanted {
                Final::Wanted
            } else {
                Final::NotWanted
            },
        }
    }

    fn enqueue(&mut self) -> NotificationId {
        let id = self.next;
        self.next = id.next();
        id
    }

    /// Queues a heartbeat, unless the one before has not run.
    fn beat(&mut self) {
        if self.beat.is_none() {
            self.beat = Some(self.enqueue());
        }
    }

    fn is_final(&self) -> bool {
        matches!(self.last, Final::Begun(_))
    }

    fn in_flight(&self) -> Option<NotificationId> {
        let (id, flight) = self.current();
        (!flight.is_over()).then_some(id)
    }

    fn current(&self) -> (NotificationId, Flight) {
        match self.last {
            Final::Begun(flight) => (self.next, flight),
            _ => (self.latest, self.flight),
        }
    }

    fn flight_of(&mut self, id: NotificationId) -> &mut Flight {
        match &mut self.last {
            Final::Begun(flight) if id == self.next => flight,
            _ => &mut self.flight,
        }
    }

    /// Whether one was started.
    fn start_next(&mut self) -> bool {
        if !self.flight.is_over() || self.queued == self.next {
            return false;
        }
        self.latest = self.queued;
        self.queued = self.queued.next();
        self.flight = Flight::Due;
        true
    }

    /// Whether the final one was started.
    fn start_final(&mut self) -> bool {
        let is_wanted = self.last == Final::Wanted;
        if is_wanted {
            self.last = Final::Begun(Flight::Due);
        }
        is_wanted
    }

    /// Takes back a start that the owner was not told of, but for that of the final one; whether there was one.
    fn unstart(&mut self) -> bool {
        let is_due = self.flight == Flight::Due;
        if is_due {
            self.queued = self.latest;
            self.flight = Flight::Landed;
        }
        is_due
    }

    /// The one that the owner is to run.
    fn poll(&mut self) -> Option<(NotificationId, NotificationKind)> {
        let (id, flight) = self.current();
        if flight != Flight::Due {
            return None;
        }
        *self.flight_of(id) = Flight::Running;
        let kind = if self.is_final() {
            NotificationKind::Final
        } else if self.beat == Some(id) {
            NotificationKind::Heartbeat
        } else {
            NotificationKind::Requested
        };
        Some((id, kind))
    }

    fn expects(&self, id: NotificationId) -> Result<(), Misuse> {
        let is_latest = id == self.latest && self.flight.is_answerable();
        let (current, flight) = self.current();
        if is_latest || id == current && flight.is_answerable() {
            Ok(())
        } else {
            Err(Misuse::NotInFlight(id))
        }
    }

    /// An answer that was expected; whether it comes in time.
    fn answered(&mut self, id: NotificationId) -> bool {
        let is_in_time = mem::replace(self.flight_of(id), Flight::Landed) == Flight::Running;
        if is_in_time && self.beat == Some(id) {
            self.beat = None;
        }
        is_in_time
    }

    /// It is not waited for any more; one that the owner was not told of will never run.
    fn give_up(&mut self) {
        let (id, flight) = self.current();
        *self.flight_of(id) = if flight == Flight::Running {
            Flight::Overdue
        } else {
            Flight::Landed
        };
    }

    fn drop_queued(&mut self) -> Option<(NotificationId, NotificationId)> {
        let first = self.queued;
        let last = NotificationId::new(self.next.number() - 1).filter(|last| *last >= first)?;
        self.queued = self.next;
        Some((first, last))
    }
}

/// How much of the end the owner was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Polled {
    Nothing,
    Sweep,
    Reap,
    Finish,
}

/// Those of the config's limits that do not count from the start, in nanoseconds; `u64::MAX` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Limits {
    notification: u64,
    /// Without a pause between the beats there are none.
    heartbeat: NonZeroU64,
    warning: u64,
    drain: u64,
    /// `u64::MAX` is no search at all.
    strays: u64,
}

impl Limits {
    fn of(config: &Config) -> Self {
        Self {
            notification: limit_nanos(config.notification_timeout),
            heartbeat: NonZeroU64::new(limit_nanos(config.heartbeat_interval))
                .unwrap_or(NonZeroU64::MAX),
            warning: limit_nanos(config.warn_timeout),
            drain: limit_nanos(config.drain_timeout),
            strays: config
                .stray_timeout
                .map_or(u64::MAX, |limit| limit_nanos(Some(limit)).min(u64::MAX - 1)),
        }
    }
}

/// How long, in nanoseconds, strays that are left alone may take to go before they count as left: what closes
/// the output is often about to exit.
const STRAY_EXIT_GRACE: u64 = 100_000_000;

/// How long strays may still take to die after an `Escalate`, in nanoseconds.
const HURRIED_STRAYS: u64 = 1_000_000_000;

/// The time between the first look for strays and the second, in nanoseconds. It doubles each time.
const FIRST_STRAY_PAUSE: u64 = 1_000_000;

/// How often it doubles: to 64 ms.
const MOST_DOUBLINGS: u8 = 6;
