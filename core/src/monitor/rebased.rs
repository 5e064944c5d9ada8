//! Looking at monitors from outside, for searches of states: which of them behave alike, and what
//! states their machines are in.

use super::{Child, HuntState, MonitorState, Notifications, Output};
use crate::action::NotificationId;
use crate::clock::Clock;
use crate::time::Instant;

/// For searches of states, not for users.
#[doc(hidden)]
impl MonitorState {
    /// The time that a [`rebased`](Self::rebased) monitor has last seen: 2^40 ns after the origin.
    pub const REBASED_NOW: Instant = Instant(1 << 40);

    /// The same monitor, told that it is `now`, with all times moved so that this is
    /// [`REBASED_NOW`](Self::REBASED_NOW); and, until the first error or the final notification, with tickets counted
    /// from the oldest that still matters.
    ///
    /// Two monitors of the same rebased form behave alike from here on, but for these two shifts. So
    /// a search that visits rebased forms only comes to an end, as the world has few of them.
    ///
    /// ```
    /// use childminder::{Config, Event, Instant, MonitorState};
    ///
    /// let at = |now| {
    ///     let mut monitor = MonitorState::new(Config::default());
    ///     monitor.handle(Instant(now), Event::Started).map(|()| monitor.rebased(Instant(now)))
    /// };
    /// assert_eq!(at(5)?, at(7)?);
    /// # Ok::<(), childminder::Misuse>(())
    /// ```
    #[must_use]
    pub fn rebased(&self, now: Instant) -> Self {
        let mut rebased = self.clone();
        rebased.advance(now);
        let clock = rebased.clock;
        rebased.clock = Clock::starting_at(Self::REBASED_NOW);
        // It decides nothing.
        rebased.silence.since = Self::REBASED_NOW;
        rebased.timers = rebased.timers.moved(clock.running(), Self::REBASED_NOW);
        rebased.polled_wake = if self.wake_is_overdue(clock) {
            Instant::ZERO
        } else {
            rebased.polled_wake.moved(clock.now(), Self::REBASED_NOW)
        };
        if !rebased.verdict.has_error() && !rebased.notifications.is_final() {
            rebased.notifications = rebased.notifications.recounted();
        }
        rebased
    }

    /// The states of the child, the output and the strays, as the table at the top of `monitor.rs` has them.
    pub const fn states(&self) -> [&'static str; 3] {
        let child = match self.child {
            Child::New => "new",
            Child::Running => "running",
            Child::GivenUp => "given up",
            Child::Exited(_) => "exited",
            Child::Released(_) => "released",
        };
        let output = match self.output {
            Output::Open => "open",
            Output::Closed => "closed",
            Output::Leaked => "leaked",
        };
        let strays = match self.strays.state {
            HuntState::Unsought => "unsought",
            HuntState::Due | HuntState::Looking => "looking",
            HuntState::Waiting => "waiting",
            HuntState::Clear => "clear",
            HuntState::Over(_) => "over",
        };
        [child, output, strays]
    }
}

impl MonitorState {
    /// A wake-up in the past that nothing precedes stays early enough for whatever comes: it makes no
    /// difference how long ago it was.
    fn wake_is_overdue(&self, clock: Clock) -> bool {
        let next = self.timers.next().map(|(at, _)| clock.callers(at));
        self.polled_wake <= clock.now() && next.is_none_or(|at| at >= self.polled_wake)
    }
}

impl Notifications {
    /// The same, with the oldest that is in flight or queued as the first.
    fn recounted(self) -> Self {
        let first = self.in_flight().unwrap_or(self.queued);
        let recount = |id: NotificationId| id.counted_from(first);
        Self {
            next: recount(self.next),
            queued: recount(self.queued),
            latest: recount(self.latest),
            beat: self.beat.map(recount),
            ..self
        }
    }
}
