//! Strays, signals that are passed on, and the kill for certain: given these events, expect these actions.

use std::time::Duration;

use childminder::{
    Action, Config, Deadline, Event, ExitStatus, Instant, Misuse, Signal, Strays, Sweep, Target,
};
use childminder_tests::op::Drain;
use childminder_tests::property::keeps_the_rules;
use childminder_tests::run::Run;

#[test]
fn without_a_stray_timeout_nothing_is_looked_for() {
    let mut run = started(Config::default());
    run.tell(ms(1), Event::OutputClosed);
    let actions = run.tell(ms(1), EXITED).to_vec();
    assert!(!actions.contains(&Action::LookForStrays));
    assert_eq!(fate(&run), Some(Strays::Unknown));
    keeps_the_rules(&run);
}

#[test]
fn a_child_without_strays_ends_with_the_answer() {
    let mut run = over(Sweep::Always);
    let expected = [KILL_GROUP, Action::LookForStrays, wake(1_000)];
    assert_eq!(run.last().polled, expected);
    assert_eq!(run.monitor().timeout_reason(), Some(Deadline::Strays));

    let actions = run.tell(ms(5), seen(0, 0)).to_vec();
    assert_eq!(actions[..2], [Action::ScheduleTimer(None), Action::Reap]);
    assert_eq!(fate(&run), Some(Strays::None));
    keeps_the_rules(&run);
}

#[test]
fn strays_are_killed_and_looked_for_again_ever_more_seldom() {
    let mut run = over(Sweep::Always);
    let mut now = 0;
    for pause in [1, 2, 4, 8, 16, 32, 64, 64, 64] {
        assert_eq!(run.tell(ms(now), seen(1, 0))[0], Action::KillStrays);
        now += pause;
        assert_eq!(run.monitor().poll_timeout(), Some(ms(now)));
        assert_eq!(run.monitor().timeout_reason(), Some(Deadline::StrayLook));
        assert_eq!(run.tell(ms(now), Event::Tick)[0], Action::LookForStrays);
    }
    run.tell(ms(now), seen(0, 0));
    assert_eq!(fate(&run), Some(Strays::Killed));
    keeps_the_rules(&run);
}

#[test]
fn strays_that_do_not_die_are_given_up_at_the_deadline() {
    let mut run = over(Sweep::Always);
    run.tell(ms(0), seen(2, 0));
    run.tell(ms(1), Event::Tick);
    assert_eq!(run.tell(ms(999), seen(1, 0))[0], Action::KillStrays);
    let actions = run.tell(ms(1_000), Event::Tick).to_vec();
    assert!(actions.contains(&Action::Reap));
    assert_eq!(fate(&run), Some(Strays::Survived));
    keeps_the_rules(&run);
}

#[test]
fn only_immune_strays_are_not_waited_for() {
    let mut run = over(Sweep::Always);
    assert_eq!(run.tell(ms(0), seen(2, 1))[0], Action::KillStrays);
    run.tell(ms(1), Event::Tick);
    let actions = run.tell(ms(1), seen(1, 1)).to_vec();
    assert!(!actions.contains(&Action::KillStrays));
    assert_eq!(fate(&run), Some(Strays::Survived));
    keeps_the_rules(&run);
}

#[test]
fn strays_of_a_run_that_is_not_swept_are_left_after_a_tenth_of_a_second() {
    let mut run = over(Sweep::Terminated);
    assert_eq!(run.last().polled, [Action::LookForStrays, wake(100)]);
    assert_eq!(run.tell(ms(0), seen(1, 0)), [wake(1)]);
    assert_eq!(run.tell(ms(1), Event::Tick)[0], Action::LookForStrays);
    run.tell(ms(1), seen(1, 0));
    run.tell(ms(100), Event::Tick);
    assert_eq!(fate(&run), Some(Strays::Left));
    keeps_the_rules(&run);
}

#[test]
fn strays_of_a_run_that_is_not_swept_may_go_by_themselves() {
    let mut run = over(Sweep::Never);
    run.tell(ms(0), seen(1, 1));
    run.tell(ms(1), Event::Tick);
    run.tell(ms(1), seen(0, 0));
    assert_eq!(fate(&run), Some(Strays::None));
    keeps_the_rules(&run);
}

#[test]
fn a_short_drain_shortens_the_look_at_strays_that_are_left_alone() {
    let mut run = started(Config {
        drain_timeout: Some(Duration::from_millis(20)),
        ..config(Sweep::Never)
    });
    run.tell(ms(0), Event::OutputClosed);
    assert_eq!(run.tell(ms(0), EXITED), [Action::LookForStrays, wake(20)]);
    keeps_the_rules(&run);
}

#[test]
fn the_answer_may_be_lost() {
    let mut run = over(Sweep::Always);
    let actions = run.tell(ms(1_000), Event::Tick).to_vec();
    assert!(actions.contains(&Action::Reap));
    assert_eq!(fate(&run), Some(Strays::Unknown));
    keeps_the_rules(&run);
}

#[test]
fn strays_that_cannot_be_seen_are_not_waited_for() {
    let mut run = started(config(Sweep::Always));
    run.tell(ms(0), Event::StraysUnseen);
    run.tell(ms(1), Event::OutputClosed);
    let actions = run.tell(ms(1), EXITED).to_vec();
    assert!(!actions.contains(&Action::LookForStrays));
    assert_eq!(fate(&run), Some(Strays::Unknown));
    keeps_the_rules(&run);
}

#[test]
fn a_sighting_that_no_look_asked_for_changes_nothing() {
    let mut run = started(config(Sweep::Always));
    assert_eq!(run.tell(ms(0), seen(0, 0)), []);
    run.tell(ms(1), Event::OutputClosed);
    run.drain(Drain::Nothing);
    run.tell(ms(1), EXITED);
    // The look has not been polled yet.
    run.tell(ms(1), seen(0, 0));
    assert_eq!(fate(&run), None);
    run.drain(Drain::All);
    run.tell(ms(1), Event::Tick);
    run.tell(ms(1), seen(1, 0));
    assert_eq!(run.tell(ms(1), seen(0, 0)), []);
    assert_eq!(fate(&run), None);
    keeps_the_rules(&run);
}

#[test]
fn a_sighting_after_the_deadline_changes_nothing() {
    let mut run = started(config(Sweep::Always));
    run.tell(ms(0), Event::Notify);
    run.tell(ms(0), Event::OutputClosed);
    run.tell(ms(0), EXITED);
    run.tell(ms(0), seen(1, 0));
    run.tell(ms(1_000), Event::Tick);
    assert_eq!(run.tell(ms(1_001), seen(0, 0)), []);
    assert_eq!(run.tell(ms(1_001), Event::StraysUnseen), []);
    let id = childminder::NotificationId::FIRST;
    run.tell(ms(1_002), Event::NotifyDone { id, ok: true });
    assert_eq!(fate(&run), Some(Strays::Survived));
    run.tell(ms(1_003), seen(1, 0));
    let event = "StraysSeen";
    assert_eq!(run.last().result, Err(Misuse::AlreadyFinished { event }));
    keeps_the_rules(&run);
}

#[test]
fn strays_that_hold_the_output_are_hunted_before_it_is_closed() {
    let mut run = started(config(Sweep::Terminated));
    run.tell(ms(0), Event::Kill);
    let actions = run.tell(ms(0), EXITED).to_vec();
    assert_eq!(actions[0], Action::LookForStrays);
    assert_eq!(run.tell(ms(1), seen(1, 0))[0], Action::KillStrays);
    assert_eq!(run.tell(ms(2), Event::Tick)[0], Action::LookForStrays);
    assert_eq!(run.tell(ms(2), seen(0, 0)), []);
    // None is left to wait for, so only the drain goes on.
    assert_eq!(run.monitor().timeout_reason(), Some(Deadline::Drain));

    // What was seen before the sweep does not count.
    let actions = run.tell(ms(3), Event::OutputClosed).to_vec();
    assert_eq!(actions[..2], [KILL_GROUP, Action::LookForStrays]);
    run.tell(ms(3), seen(0, 0));
    assert_eq!(fate(&run), Some(Strays::Killed));
    keeps_the_rules(&run);
}

/// One stray starts another while it dies: the next look shows that.
#[test]
fn a_chain_of_strays_is_killed_link_by_link() {
    let mut run = over(Sweep::Always);
    for link in 0..3 {
        assert_eq!(run.tell(ms(10 * link), seen(1, 0))[0], Action::KillStrays);
        let looks = run.tell(ms(10 * link + 9), Event::Tick);
        assert_eq!(looks[0], Action::LookForStrays);
    }
    run.tell(ms(40), seen(0, 0));
    assert_eq!(fate(&run), Some(Strays::Killed));
    keeps_the_rules(&run);
}

#[test]
fn escalating_during_the_hunt_leaves_the_strays_one_second() {
    for sweep in [Sweep::Always, Sweep::Terminated] {
        let mut run = started(Config {
            stray_timeout: Some(Duration::from_secs(60)),
            ..config(sweep)
        });
        if sweep == Sweep::Terminated {
            run.tell(ms(0), Event::Terminate);
        }
        run.tell(ms(0), Event::OutputClosed);
        run.tell(ms(0), EXITED);
        run.tell(ms(0), seen(1, 0));
        run.tell(ms(500), Event::Tick);
        run.tell(ms(500), Event::Escalate);
        assert_eq!(run.monitor().deadline(Deadline::Strays), Some(ms(1_500)));
        // A second time it is no later.
        run.tell(ms(600), Event::Escalate);
        assert_eq!(run.monitor().deadline(Deadline::Strays), Some(ms(1_500)));
        run.tell(ms(1_500), Event::Tick);
        assert_eq!(fate(&run), Some(Strays::Survived));
        keeps_the_rules(&run);
    }
}

#[test]
fn a_kill_that_nobody_has_polled_is_withdrawn_with_the_hunt() {
    let mut run = over(Sweep::Always);
    run.drain(Drain::Nothing);
    run.tell(ms(0), seen(1, 0));
    run.drain(Drain::All);
    let actions = run.tell(ms(1_000), Event::Tick).to_vec();
    assert!(!actions.contains(&Action::KillStrays));
    keeps_the_rules(&run);
}

#[test]
fn the_hunt_waits_while_suspended() {
    let mut run = over(Sweep::Always);
    run.tell(ms(0), seen(1, 0));
    run.tell(ms(0), Event::Suspended);
    assert_eq!(run.tell(ms(5_000), Event::Tick), []);
    run.tell(ms(5_000), Event::Resumed);
    assert_eq!(run.monitor().poll_timeout(), Some(ms(5_001)));
    assert_eq!(run.monitor().deadline(Deadline::Strays), Some(ms(6_000)));
    keeps_the_rules(&run);
}

#[test]
fn the_exit_ends_a_suspension_and_another_may_follow() {
    let mut run = started(config(Sweep::Never));
    run.tell(ms(0), Event::Suspended);
    run.tell(ms(1), EXITED);
    assert!(!run.monitor().is_suspended());
    run.tell(ms(2), Event::Suspended);
    assert_eq!(run.tell(ms(9_000), Event::Tick), []);
    run.tell(ms(9_000), Event::Resumed);
    assert_eq!(run.monitor().deadline(Deadline::Drain), Some(ms(10_999)));
    keeps_the_rules(&run);
}

#[test]
fn a_signal_is_passed_on_as_it_is_and_the_ladder_stays_at_rest() {
    let mut run = started(Config::default());
    let sent = [send(Signal::HUP, Target::Leader)];
    assert_eq!(run.tell(ms(0), pass_on(Signal::HUP, Target::Leader)), sent);
    assert_eq!(run.tell(ms(1), pass_on(Signal::HUP, Target::Leader)), sent);
    assert!(!run.monitor().is_terminating());
    keeps_the_rules(&run);
}

#[test]
fn what_is_passed_on_and_not_polled_merges() {
    let high = Signal::new(64).unwrap();
    let mut run = started(Config::default());
    run.drain(Drain::Nothing);
    run.tell(ms(0), pass_on(Signal::HUP, Target::Group));
    run.tell(ms(0), pass_on(high, Target::Leader));
    run.tell(ms(0), pass_on(Signal::HUP, Target::Group));
    run.drain(Drain::All);
    let sent = [send(high, Target::Leader), send(Signal::HUP, Target::Group)];
    assert_eq!(run.tell(ms(0), Event::Tick), sent);
    keeps_the_rules(&run);
}

#[test]
fn after_the_exit_only_the_group_takes_what_is_passed_on() {
    let mut run = started(Config::default());
    run.drain(Drain::Nothing);
    run.tell(ms(0), pass_on(Signal::QUIT, Target::Leader));
    run.drain(Drain::All);
    let actions = run.tell(ms(1), EXITED).to_vec();
    assert_eq!(actions, [wake(2_001)]);
    assert_eq!(run.tell(ms(1), pass_on(Signal::HUP, Target::Leader)), []);
    let sent = [send(Signal::HUP, Target::Group)];
    assert_eq!(run.tell(ms(1), pass_on(Signal::HUP, Target::Group)), sent);
    keeps_the_rules(&run);
}

#[test]
fn nothing_is_passed_on_once_the_child_is_over() {
    let mut run = over(Sweep::Always);
    assert_eq!(run.tell(ms(1), pass_on(Signal::HUP, Target::Group)), []);
    keeps_the_rules(&run);
}

#[test]
fn a_kill_starts_and_replaces_the_ladder() {
    let mut run = started(Config::default());
    assert_eq!(run.tell(ms(0), Event::Kill), [KILL_GROUP]);
    assert_eq!(run.tell(ms(0), Event::Kill), []);
    assert_eq!(run.tell(ms(0), Event::Escalate), []);
    assert_eq!(run.monitor().poll_timeout(), None);
    keeps_the_rules(&run);
}

#[test]
fn a_kill_overtakes_a_ladder_under_way() {
    let mut run = started(Config::default());
    run.tell(ms(0), Event::Terminate);
    assert_eq!(run.tell(ms(1), Event::Kill), [KILL_GROUP]);
    run.tell(ms(5_000), Event::Tick);
    assert_eq!(run.last().polled, []);
    keeps_the_rules(&run);
}

#[test]
fn a_stage_that_nobody_has_polled_gives_way_to_the_kill() {
    let mut run = started(Config::default());
    run.drain(Drain::Nothing);
    run.tell(ms(0), Event::Terminate);
    run.drain(Drain::All);
    assert_eq!(run.tell(ms(0), Event::Kill), [KILL_GROUP]);
    keeps_the_rules(&run);
}

fn config(sweep: Sweep) -> Config {
    Config {
        sweep,
        stray_timeout: Some(Duration::from_secs(1)),
        notification_timeout: None,
        ..Config::default()
    }
}

fn started(config: Config) -> Run {
    let mut run = Run::new(config);
    run.tell(ms(0), Event::Started);
    run
}

/// A child that has ended by itself, with its output closed.
fn over(sweep: Sweep) -> Run {
    let mut run = started(config(sweep));
    run.tell(ms(0), Event::OutputClosed);
    run.tell(ms(0), EXITED);
    run
}

fn fate(run: &Run) -> Option<Strays> {
    Some(run.monitor().outcome()?.strays)
}

fn seen(living: u64, immune: u64) -> Event {
    Event::StraysSeen { living, immune }
}

fn pass_on(signal: Signal, target: Target) -> Event {
    Event::PassOn { signal, target }
}

fn send(signal: Signal, target: Target) -> Action {
    Action::SendSignal { signal, target }
}

fn ms(millis: u64) -> Instant {
    Instant::ZERO.after(Duration::from_millis(millis))
}

fn wake(millis: u64) -> Action {
    Action::ScheduleTimer(Some(ms(millis)))
}

const EXITED: Event = Event::ChildExited(ExitStatus::Code(0));

const KILL_GROUP: Action = Action::SendSignal {
    signal: Signal::KILL,
    target: Target::Group,
};
