//! What the search rests on: that a rebased monitor lives on like the original, and that there are few
//! of them.

use childminder::{Action, Config, Error, Event, Instant, MonitorState, NotificationId};
use childminder_tests::op::{Case, Drain, Op, Wait, Whose};
use childminder_tests::property::holds_of_all;
use childminder_tests::run::Run;
use childminder_tests::search::{self, Draining, UNIT};
use childminder_tests::small::small_configs;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn a_rebased_monitor_lives_on_like_the_original() {
    holds_of_all(&any_small_case(), |case| {
        let mut twins = Twins::of(case.config);
        case.ops.iter().try_for_each(|op| twins.op(*op))
    });
}

/// A heartbeat in flight is the same one, whether or not a request went before it.
#[test]
fn a_heartbeats_ticket_is_counted_anew_like_every_other() {
    let config = Config {
        heartbeat_interval: Some(UNIT * 10),
        ..Config::default()
    };
    let life = |told: &[(u64, Event)]| {
        let mut run = Run::new(config);
        for (at, event) in told {
            run.tell(Instant(*at), *event);
        }
        run.monitor().rebased(Instant(10))
    };
    let done = |id| {
        let id = NotificationId::new(id).expect("not zero");
        Event::NotifyDone { id, ok: true }
    };
    let alone = life(&[(0, Event::Started), (0, done(1)), (10, Event::Tick)]);
    let behind_a_request = life(&[
        (0, Event::Started),
        (0, done(1)),
        (5, Event::Notify),
        (10, Event::Tick),
        (10, done(2)),
    ]);
    assert_eq!(alone, behind_a_request);
}

/// Time goes on for ever; only rebasing keeps the number of states finite.
#[test]
fn a_search_comes_to_an_end() {
    let config = small_configs()[SMALLEST];
    let found = search::search(config, Draining::Eager, 120_000)
        .unwrap_or_else(|violation| panic!("{violation}"));
    assert!(found.closed, "{found:?}");
}

#[test]
fn every_small_configuration_keeps_the_rules_at_first() {
    for config in small_configs() {
        for draining in [Draining::Eager, Draining::Any] {
            if let Err(violation) = search::search(config, draining, 200) {
                panic!("{violation}");
            }
        }
    }
}

#[test]
fn a_rebased_monitor_has_last_seen_a_time_with_much_before_it_and_much_after() {
    assert_eq!(MonitorState::REBASED_NOW, Instant(1 << 40));
}

/// A monitor, and the same one rebased after every event.
struct Twins {
    original: MonitorState,
    rebased: MonitorState,
    now: Instant,
    /// How far the original's tickets are ahead of the other's.
    ahead: u64,
    drain: Drain,
    latest: Option<NotificationId>,
}

impl Twins {
    fn of(config: Config) -> Self {
        let original = MonitorState::new(config);
        Self {
            rebased: original.rebased(Instant::ZERO),
            original,
            now: Instant::ZERO,
            ahead: 0,
            drain: Drain::All,
            latest: None,
        }
    }

    fn op(&mut self, op: Op) -> Result<(), String> {
        match op {
            Op::Wait(_) => {
                self.now = self.now.after(UNIT);
                self.rebase(REBASED_NOW.after(UNIT));
            }
            Op::Drain(drain) => self.drain = drain,
            Op::Tell(event) => self.tell(event, event)?,
            Op::Answer { ok, .. } => {
                let behind = |id: NotificationId| id.number().checked_sub(self.ahead);
                let twin = self.latest.and_then(behind).and_then(NotificationId::new);
                if let (Some(id), Some(twin)) = (self.latest, twin) {
                    let answer = |id| Event::NotifyDone { id, ok };
                    self.tell(answer(id), answer(twin))?;
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, event: Event, twin: Event) -> Result<(), String> {
        let result = self.original.handle(self.now, event);
        let same = result.is_ok() == self.rebased.handle(REBASED_NOW, twin).is_ok();
        self.same(same, "results")?;
        let most = match self.drain {
            Drain::All => 100,
            Drain::AtMost(most) => most,
            Drain::Nothing => 0,
        };
        for _ in 0..most {
            let action = self.original.poll_action();
            if let Some(Action::RunNotification { id, .. }) = action {
                self.latest = Some(id);
            }
            let twin = self.rebased.poll_action().map(|action| self.moved(action));
            self.same(action == twin, "actions")?;
        }
        let due = self.rebased.poll_timeout().map(|at| self.later(at));
        self.same(self.original.poll_timeout() == due, "deadlines")?;
        self.rebase(REBASED_NOW);
        Ok(())
    }

    fn rebase(&mut self, now: Instant) {
        self.rebased = self.rebased.rebased(now);
        let next = self.original.clone().notify(self.now);
        let twin = self.rebased.clone().notify(REBASED_NOW);
        if let (Ok(next), Ok(twin)) = (next, twin) {
            self.ahead = next.number() - twin.number();
        }
    }

    /// What the rebased monitor asked for, in the original's times and tickets.
    fn moved(&self, action: Action) -> Action {
        let id = |id: NotificationId| NotificationId::new(id.number() + self.ahead).expect("more");
        let error = |error| match error {
            Error::Notification(ticket) => Error::Notification(id(ticket)),
            Error::NotificationTimeout(ticket) => Error::NotificationTimeout(id(ticket)),
            other => other,
        };
        match action {
            Action::RecordError { error: of, first } => Action::RecordError {
                error: error(of),
                first,
            },
            Action::DiscardNotifications { first, last } => Action::DiscardNotifications {
                first: id(first),
                last: id(last),
            },
            Action::RunNotification { id: ticket, kind } => Action::RunNotification {
                id: id(ticket),
                kind,
            },
            Action::ScheduleTimer(at) => Action::ScheduleTimer(at.map(|at| self.later(at))),
            Action::Finish(mut outcome) => {
                outcome.error = outcome.error.map(error);
                Action::Finish(outcome)
            }
            other => other,
        }
    }

    fn later(&self, at: Instant) -> Instant {
        Instant(at.0 + self.now.0 - REBASED_NOW.0)
    }

    fn same(&self, same: bool, what: &str) -> Result<(), String> {
        let twins = || format!("other {what}:\n{:?}\n{:?}", self.original, self.rebased);
        same.then_some(()).ok_or_else(twins)
    }
}

fn any_small_case() -> impl Strategy<Value = Case> {
    let op = prop_oneof![
        2 => select(search::ops()),
        1 => select(vec![
            Op::Wait(Wait::For(UNIT)),
            Op::Tell(Event::Tick),
            Op::Answer { whose: Whose::Latest, ok: true },
        ]),
    ];
    let ops = prop::collection::vec(op, 0..60);
    (select(small_configs()), ops).prop_map(|(config, mut ops)| {
        ops.insert(0, Op::Tell(Event::Started));
        Case { config, ops }
    })
}

const REBASED_NOW: Instant = MonitorState::REBASED_NOW;

/// A configuration with deadlines and fewer than 120,000 states.
const SMALLEST: usize = 32;
