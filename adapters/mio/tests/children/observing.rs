//! What is observed is the whole truth: replayed, it says the same.

use childminder::{Action, Config, Instant, Moment, MonitorState, Signal};

use crate::support::{Owner, Run, ladder, millis, patient};

#[test]
fn a_run_that_is_replayed_asks_for_the_same_actions() {
    let config = Config {
        heartbeat_interval: Some(millis(30)),
        idle_timeout: Some(millis(300)),
        ladder: ladder(Signal::INT, millis(100)),
        ..patient()
    };
    let owner = Owner::new().on_output(|control, _, _| {
        control.progress();
        control.notify("output");
    });
    let script = "trap '' INT; echo one; sleep 0.1; echo two >&2; sleep 60";
    let mut run = Run::of(script, config, owner);
    run.finish();
    run.owner().assert_replays(config);
}

#[test]
fn failures_and_their_consequences_replay_as_well() {
    let owner = Owner::new()
        .on_notify(|control, _, answer| {
            control.fail("during a notification");
            drop(answer);
        })
        .on_error(|control, _| control.escalate());
    let mut run = Run::of("sleep 60", patient(), owner);
    run.control().notify("a");
    run.control().notify("b");
    run.finish();
    run.owner().assert_replays(patient());
}

impl Owner {
    fn assert_replays(&self, config: Config) {
        let mut monitor = MonitorState::new(config);
        let mut expected = Vec::new();
        let mut told_at = Instant::ZERO;
        for &(at, moment) in &self.moments {
            assert!(at >= told_at, "{moment:?} came out of order");
            told_at = at;
            match moment {
                Moment::Action(action) => {
                    assert_eq!(expected.pop(), Some(action));
                    continue;
                }
                Moment::Event(event) => monitor.handle(at, event).expect("it was taken"),
                Moment::Notified(id) => assert_eq!(monitor.notify(at), Ok(id)),
                Moment::Failed(id) => assert_eq!(monitor.fail(at), Ok(id)),
            }
            assert_eq!(expected, [], "asked for before {moment:?}");
            expected.extend(std::iter::from_fn(|| monitor.poll_action()));
            expected.reverse();
        }
        assert_eq!(expected, []);
        let last = self.moments.last().map(|(_, moment)| *moment);
        assert_eq!(last, Some(Moment::Action(Action::Finish(self.outcome()))));
    }
}
