//! Tells a monitor its story, and writes down what it does.

use childminder::{Action, Config, Event, Instant, Misuse, MonitorState, NotificationId};

use crate::history::{History, Seen, Turn};
use crate::op::{Case, Drain, Op, Wait, Whose};
use crate::rules;

/// A [`Driver`] with the history of what it did.
#[derive(Clone, Debug)]
pub struct Run {
    driver: Driver,
    history: History,
}

impl Run {
    /// A run that is about to begin, drained after every event.
    pub fn new(config: Config) -> Self {
        Self {
            driver: Driver::new(config),
            history: History {
                config,
                turns: Vec::new(),
            },
        }
    }

    /// The whole run of `case`.
    pub fn of(case: &Case) -> Self {
        let mut run = Self::new(case.config);
        for op in &case.ops {
            run.op(*op);
        }
        run
    }

    /// Does what `op` says.
    pub fn op(&mut self, op: Op) {
        let turn = self.driver.op(op);
        self.history.turns.extend(turn);
    }

    /// Tells the monitor of `event` at `at`, and polls it. Returns the actions.
    pub fn tell(&mut self, at: Instant, event: Event) -> &[Action] {
        let turn = self.driver.tell(at, event);
        self.history.turns.push(turn);
        &self.last().polled
    }

    /// What comes next will take the long way through the monitor.
    pub fn disturb(&mut self, at: Instant) {
        rules::disturb(&mut self.driver.monitor, at);
    }

    /// From here on, polls so many actions after each event.
    pub fn drain(&mut self, drain: Drain) {
        self.driver.drain = drain;
    }

    /// What has happened so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The latest turn.
    ///
    /// # Panics
    ///
    /// If the monitor has not been told of anything yet.
    pub fn last(&self) -> &Turn {
        self.history.turns.last().expect("an event has been told")
    }

    /// The monitor as it is now.
    pub fn monitor(&self) -> &MonitorState {
        &self.driver.monitor
    }
}

/// A monitor together with as much of the world as an [`Op`] refers to. Small, comparable and
/// hashable, for a search that meets the same state by many ways.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Driver {
    /// The monitor.
    pub monitor: MonitorState,
    /// The time.
    pub now: Instant,
    /// How many actions are polled after each event.
    pub drain: Drain,
    /// The number of the latest notification whose `RunNotification` was polled, or zero.
    latest: u64,
}

impl Driver {
    /// A driver of a new monitor, at time zero, that polls everything.
    pub fn new(config: Config) -> Self {
        Self {
            monitor: MonitorState::new(config),
            now: Instant::ZERO,
            drain: Drain::All,
            latest: 0,
        }
    }

    /// Does what `op` says; a turn comes of it if the monitor was told of something.
    pub fn op(&mut self, op: Op) -> Option<Turn> {
        match op {
            Op::Tell(event) => return Some(self.tell(self.now, event)),
            Op::Answer { whose, ok } => {
                let id = self.id(whose);
                return Some(self.tell(self.now, Event::NotifyDone { id, ok }));
            }
            Op::Wait(wait) => self.now = self.after(wait),
            Op::Drain(drain) => self.drain = drain,
        }
        None
    }

    /// Tells the monitor of `event` at `at`, and polls it.
    ///
    /// # Panics
    ///
    /// If `notify` or `fail` does not do what the event does, or polling never ends.
    pub fn tell(&mut self, at: Instant, event: Event) -> Turn {
        self.now = at;
        let before = self.monitor.clone();
        let result = self.monitor.handle(at, event);
        let ticket = ticket(before.clone(), at, event, result, &self.monitor);
        let changed = before != self.monitor;
        let seen = Seen::of(&self.monitor);
        let (polled, drained) = self.poll();
        Turn {
            at,
            event,
            result,
            ticket,
            changed,
            seen,
            drain: self.drain,
            polled,
            drained,
            seen_polled: Seen::of(&self.monitor),
        }
    }

    fn poll(&mut self) -> (Vec<Action>, bool) {
        let limit = match self.drain {
            Drain::All => MOST_ACTIONS,
            Drain::AtMost(limit) => usize::from(limit),
            Drain::Nothing => 0,
        };
        let mut polled = Vec::new();
        while polled.len() < limit {
            let Some(action) = self.monitor.poll_action() else {
                return (polled, true);
            };
            if let Action::RunNotification { id, .. } = action {
                self.latest = id.number();
            }
            polled.push(action);
        }
        assert!(limit < MOST_ACTIONS, "polling never ends");
        (polled, false)
    }

    fn id(&self, whose: Whose) -> NotificationId {
        let number = match whose {
            Whose::Latest => self.latest,
            Whose::Earlier => self.latest.saturating_sub(1),
            Whose::Next => self.latest + 1,
            Whose::Unknown => u64::MAX,
        };
        NotificationId::new(number).unwrap_or(NotificationId::FIRST)
    }

    fn after(&self, wait: Wait) -> Instant {
        let next = self.monitor.poll_timeout();
        let next_or_now = next.unwrap_or(self.now).0;
        let to_next = |time: u64| if next.is_some() { time } else { self.now.0 };
        match wait {
            Wait::JustBefore => Instant(to_next(next_or_now.saturating_sub(1))),
            Wait::Until => Instant(next_or_now),
            Wait::JustAfter => Instant(to_next(next_or_now.saturating_add(1))),
            Wait::FarPast => Instant(next_or_now.saturating_add(FAR)),
            Wait::For(span) => self.now.after(span),
            Wait::Back(span) => Instant(self.now.0.saturating_sub(Instant::ZERO.after(span).0)),
        }
    }
}

/// The ticket that `notify` or `fail` gives, when that is what `event` says. Both must do just what
/// `handle` did.
fn ticket(
    mut monitor: MonitorState,
    at: Instant,
    event: Event,
    result: Result<(), Misuse>,
    handled: &MonitorState,
) -> Option<u64> {
    let ticket = match event {
        Event::Notify => monitor.notify(at).map(NotificationId::number),
        Event::Fail => monitor.fail(at).map(childminder::FailureId::number),
        _ => return None,
    };
    assert_eq!(ticket.map(|_| ()), result, "for {event:?}");
    assert!(&monitor == handled, "for {event:?}");
    ticket.ok()
}

/// More actions than any event brings.
pub(crate) const MOST_ACTIONS: usize = 1_000;

/// Longer than every duration that is not extreme.
const FAR: u64 = 100_000_000_000;
