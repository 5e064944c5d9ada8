//! The central scenarios, one by one: given these events, expect these actions.

use std::time::Duration;

use childminder::{
    Action, Activity, Config, Deadline, Error, Event, ExitStatus, FailureId, Instant, Ladder,
    Misuse, MonitorState, NotificationId, NotificationKind, Outcome, Signal, Stage, Stream, Sweep,
    Target,
};
use childminder_tests::op::Drain;
use childminder_tests::property::keeps_the_rules;
use childminder_tests::run::Run;

#[test]
fn a_child_that_ends_well() {
    let mut run = Run::new(Config::default());
    run.tell(at(0), Event::Started);
    run.tell(at(1), Event::OutputClosed);
    let actions = run.tell(at(2), exited(0)).to_vec();

    let success = ended(None, Some(ExitStatus::Code(0)));
    assert_eq!(actions, [Action::Reap, Action::Finish(success)]);
    keeps_the_rules(&run);
}

#[test]
fn a_silent_child_is_interrupted_and_then_killed() {
    let mut run = started(Config {
        idle_timeout: Some(Duration::from_secs(60)),
        ..Config::default()
    });
    run.tell(at(30), output(Stream::Stderr));
    assert_eq!(run.tell(at(60), Event::Tick), [wake(90)]);

    let interrupted = [
        first(Error::IdleTimeout),
        send(Signal::INT, Target::Group),
        wake(95),
    ];
    assert_eq!(run.tell(at(90), Event::Tick), interrupted);
    let killed = [send(Signal::KILL, Target::Group)];
    assert_eq!(run.tell(at(95), Event::Tick), killed);

    run.tell(at(96), Event::OutputClosed);
    run.tell(at(96), died_of(Signal::KILL));
    let outcome = run.monitor().outcome().unwrap();
    assert_eq!(outcome.error, Some(Error::IdleTimeout));
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
    keeps_the_rules(&run);
}

#[test]
fn late_output_still_wins_against_the_idle_deadline() {
    let mut run = started(Config {
        idle_timeout: Some(Duration::from_secs(10)),
        ..Config::default()
    });
    run.tell(at(11), output(Stream::Stdout));
    assert_eq!(run.tell(at(11), Event::Tick), [wake(21)]);
    assert_eq!(run.monitor().timeout_reason(), Some(Deadline::Idle));
    keeps_the_rules(&run);
}

#[test]
fn only_the_output_that_counts_is_activity() {
    let mut run = started(Config {
        idle_timeout: Some(Duration::from_secs(10)),
        activity: Activity::Stdout,
        ..Config::default()
    });
    run.tell(at(5), output(Stream::Stderr));
    assert_eq!(run.monitor().poll_timeout(), Some(at(10)));
    run.tell(at(6), output(Stream::Stdout));
    assert_eq!(run.monitor().poll_timeout(), Some(at(16)));
    run.tell(at(7), Event::Progress);
    assert_eq!(run.monitor().poll_timeout(), Some(at(17)));
    keeps_the_rules(&run);
}

#[test]
fn notifications_run_one_at_a_time_and_in_order() {
    let mut run = started(patient());
    assert_eq!(run.tell(at(1), Event::Notify), [requested(1)]);
    assert_eq!(run.tell(at(1), Event::Notify), []);
    assert_eq!(run.tell(at(1), Event::Notify), []);
    assert_eq!(run.tell(at(2), done(1, true)), [requested(2)]);
    assert_eq!(run.tell(at(3), done(2, true)), [requested(3)]);
    keeps_the_rules(&run);
}

#[test]
fn a_notification_that_is_never_answered_does_not_keep_the_run_from_ending() {
    let mut run = started(Config::default());
    run.tell(at(1), Event::Notify);
    run.tell(at(2), Event::OutputClosed);
    assert_eq!(run.tell(at(3), exited(0)), [Action::Reap]);
    run.tell(at(31), Event::Tick);
    let outcome = run.monitor().outcome().unwrap();
    assert_eq!(outcome.error, Some(Error::NotificationTimeout(ticket(1))));
    keeps_the_rules(&run);
}

#[test]
fn a_failed_notification_discards_the_rest_and_ends_the_child() {
    let mut run = started(Config::default());
    for _ in 0..3 {
        run.tell(at(1), Event::Notify);
    }
    let expected = [
        first(Error::Notification(ticket(1))),
        send(Signal::INT, Target::Group),
        discarded(2, 3),
        wake(7),
    ];
    assert_eq!(run.tell(at(2), done(1, false)), expected);
    assert_eq!(run.tell(at(3), Event::Notify), [discarded(4, 4)]);
    keeps_the_rules(&run);
}

#[test]
fn the_late_answer_to_an_overdue_notification_is_ignored_once() {
    let mut run = started(Config {
        notification_timeout: Some(Duration::from_secs(1)),
        ..Config::default()
    });
    run.tell(at(1), Event::Notify);
    let expected = [
        first(Error::NotificationTimeout(ticket(1))),
        send(Signal::INT, Target::Group),
        wake(7),
    ];
    assert_eq!(run.tell(at(2), Event::Tick), expected);
    assert_eq!(run.tell(at(3), done(1, false)), []);
    run.tell(at(3), done(1, false));
    assert_eq!(run.last().result, Err(Misuse::NotInFlight(ticket(1))));
    keeps_the_rules(&run);
}

#[test]
fn the_last_notification_is_waited_for_and_counts() {
    let mut run = started(patient());
    run.tell(at(1), Event::Notify);
    run.tell(at(2), Event::OutputClosed);
    assert_eq!(run.tell(at(3), exited(0)), [Action::Reap]);

    let error = Error::Notification(ticket(1));
    let failure = ended(Some(error), Some(ExitStatus::Code(0)));
    let expected = [first(error), Action::Finish(failure)];
    assert_eq!(run.tell(at(4), done(1, false)), expected);
    keeps_the_rules(&run);
}

#[test]
fn a_bad_exit_after_an_error_is_its_consequence() {
    let mut run = started(Config::default());
    run.tell(at(1), Event::Fail);
    run.tell(at(2), Event::OutputClosed);
    let actions = run.tell(at(2), died_of(Signal::INT)).to_vec();

    let mut failure = ended(
        Some(Error::External(FailureId::new(1).unwrap())),
        Some(ExitStatus::Signal(Signal::INT)),
    );
    failure.terminated = true;
    let expected = [
        send(Signal::KILL, Target::Group),
        Action::ScheduleTimer(None),
        Action::Reap,
        Action::Finish(failure),
    ];
    assert_eq!(actions, expected);
    keeps_the_rules(&run);
}

#[test]
fn a_lost_status_is_a_failure() {
    let mut run = started(Config::default());
    run.tell(at(1), Event::OutputClosed);
    let actions = run
        .tell(at(2), Event::ChildExited(ExitStatus::Lost))
        .to_vec();

    let error = Error::Exit(ExitStatus::Lost);
    let failure = ended(Some(error), Some(ExitStatus::Lost));
    let expected = [first(error), Action::Reap, Action::Finish(failure)];
    assert_eq!(actions, expected);
    keeps_the_rules(&run);
}

#[test]
fn the_owner_may_be_impatient() {
    let mut run = started(Config::default());
    let interrupted = [send(Signal::INT, Target::Group), wake(6)];
    assert_eq!(run.tell(at(1), Event::Escalate), interrupted);
    assert_eq!(run.tell(at(2), Event::Terminate), []);
    let killed = [send(Signal::KILL, Target::Group)];
    assert_eq!(run.tell(at(2), Event::Escalate), killed);
    assert_eq!(run.tell(at(3), Event::Escalate), []);
    keeps_the_rules(&run);
}

#[test]
fn the_ladder_can_be_changed_until_it_starts() {
    let kill = stage(Signal::KILL, Target::Leader, None);
    let mut run = started(Config::default());
    run.tell(at(1), Event::SetLadder(Ladder::from([kill])));
    let killed = [send(Signal::KILL, Target::Leader)];
    assert_eq!(run.tell(at(1), Event::Terminate), killed);
    run.tell(at(2), Event::SetLadder(Ladder::default()));
    assert_eq!(run.tell(at(2), Event::Escalate), []);
    keeps_the_rules(&run);
}

#[test]
fn a_child_that_survives_the_last_stage_is_given_up() {
    let kill = stage(Signal::KILL, Target::Group, Some(Duration::from_secs(5)));
    let mut run = started(Config {
        ladder: Ladder::from([kill]),
        ..Config::default()
    });
    run.tell(at(1), Event::Terminate);
    let mut given_up = ended(Some(Error::Unkillable), None);
    given_up.leaked = true;
    given_up.terminated = true;
    let expected = [first(Error::Unkillable), Action::Finish(given_up)];
    assert_eq!(run.tell(at(6), Event::Tick), expected);
    keeps_the_rules(&run);
}

#[test]
fn a_child_that_was_given_up_is_reaped_if_it_exits_before_the_end() {
    let kill = stage(Signal::KILL, Target::Group, Some(Duration::from_secs(5)));
    let mut run = started(Config {
        ladder: Ladder::from([kill]),
        notification_timeout: None,
        ..Config::default()
    });
    run.tell(at(1), Event::Notify);
    run.tell(at(1), Event::Terminate);
    assert_eq!(run.tell(at(6), Event::Tick), [first(Error::Unkillable)]);
    let swept = [send(Signal::KILL, Target::Group), Action::Reap];
    assert_eq!(run.tell(at(7), died_of(Signal::KILL)), swept);
    run.tell(at(8), done(1, true));
    let outcome = run.monitor().outcome().unwrap();
    assert_eq!(outcome.error, Some(Error::Unkillable));
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
    keeps_the_rules(&run);
}

#[test]
fn an_owner_that_polls_late_hears_of_every_stage() {
    let mut run = started(Config::default());
    run.drain(Drain::Nothing);
    run.tell(at(1), Event::Terminate);
    run.tell(at(6), Event::Tick);
    run.drain(Drain::All);
    let both = [
        send(Signal::INT, Target::Group),
        send(Signal::KILL, Target::Group),
    ];
    assert_eq!(run.tell(at(6), Event::Tick), both);
    keeps_the_rules(&run);
}

#[test]
fn stages_without_a_wait_are_sent_in_one_tick() {
    let int = stage(Signal::INT, Target::Leader, Some(Duration::ZERO));
    let kill = stage(Signal::KILL, Target::Leader, None);
    let mut run = started(Config {
        run_timeout: Some(Duration::from_secs(1)),
        ladder: Ladder::from([int, kill]),
        ..Config::default()
    });
    let expected = [
        first(Error::RunTimeout),
        send(Signal::INT, Target::Leader),
        send(Signal::KILL, Target::Leader),
    ];
    assert_eq!(run.tell(at(1), Event::Tick), expected);
    keeps_the_rules(&run);
}

#[test]
fn output_held_after_the_exit_is_drained_and_then_leaks() {
    let mut run = started(Config::default());
    run.tell(at(1), Event::Terminate);
    assert_eq!(run.tell(at(2), exited(0)), [wake(4)]);
    let mut leak = ended(None, Some(ExitStatus::Code(0)));
    leak.leaked = true;
    leak.terminated = true;
    let expected = [
        send(Signal::KILL, Target::Group),
        Action::Reap,
        Action::Finish(leak),
    ];
    assert_eq!(run.tell(at(4), Event::Tick), expected);
    keeps_the_rules(&run);
}

#[test]
fn output_after_the_exit_does_not_put_off_the_end_of_the_drain() {
    let mut run = started(Config::default());
    assert_eq!(run.tell(at(2), exited(0)), [wake(4)]);
    run.tell(at(3), output(Stream::Stdout));
    assert_eq!(run.monitor().poll_timeout(), Some(at(4)));
    run.tell(at(4), Event::Tick);
    assert!(run.monitor().outcome().unwrap().leaked);
    keeps_the_rules(&run);
}

/// Where a limit is longer than the time there is, its nanoseconds must not wrap around.
#[test]
fn a_limit_of_more_than_584_years_is_none() {
    let wraps = Some(Duration::from_secs(18_446_744_074));
    let mut run = started(Config {
        idle_timeout: wraps,
        first_output_timeout: wraps,
        run_timeout: wraps,
        notification_timeout: wraps,
        heartbeat_interval: wraps,
        drain_timeout: wraps,
        ..Config::default()
    });
    run.tell(at(1), Event::Notify);
    run.tell(at(1), Event::SetIdleTimeout(wraps));
    assert_eq!(run.monitor().poll_timeout(), None);
    run.tell(at(2), exited(0));
    assert_eq!(run.monitor().poll_timeout(), None);
    let endless = stage(Signal::INT, Target::Group, wraps);
    assert!(
        Ladder::from([endless])
            .stages()
            .all(|stage| stage.wait.is_none())
    );
    keeps_the_rules(&run);
}

#[test]
fn the_end_is_told_when_all_else_is_over() {
    let mut run = started(told());
    run.tell(at(1), Event::Notify);
    run.tell(at(2), Event::OutputClosed);
    assert_eq!(run.tell(at(3), exited(0)), [Action::Reap]);
    assert_eq!(run.monitor().preliminary_outcome(), None);
    assert_eq!(run.tell(at(4), done(1, true)), [last(2)]);
    let success = ended(None, Some(ExitStatus::Code(0)));
    assert_eq!(run.monitor().preliminary_outcome(), Some(success));
    assert_eq!(run.monitor().outcome(), None);
    // Nothing comes behind it.
    let too_late = Misuse::AlreadyFinished { event: "Notify" };
    assert_eq!(run.monitor().clone().notify(at(4)), Err(too_late));
    let end = [Action::ScheduleTimer(None), Action::Finish(success)];
    assert_eq!(run.tell(at(5), done(2, true)), end);
    keeps_the_rules(&run);
}

#[test]
fn the_end_is_told_after_an_error_too_behind_those_that_are_discarded() {
    let mut run = started(told());
    run.tell(at(1), Event::Notify);
    run.tell(at(1), Event::Notify);
    run.tell(at(1), Event::Notify);
    run.tell(at(2), done(1, false));
    run.tell(at(3), Event::OutputClosed);
    let actions = run.tell(at(4), died_of(Signal::INT)).to_vec();
    assert!(actions.contains(&last(4)), "{actions:?}");
    let failure = Error::Notification(ticket(1));
    let outcome = run.monitor().preliminary_outcome().unwrap();
    assert_eq!(outcome.error, Some(failure));

    // Its own failure is a later error, and what was first stays so.
    let actions = run.tell(at(5), done(4, false)).to_vec();
    let later = Action::RecordError {
        error: Error::Notification(ticket(4)),
        first: false,
    };
    assert_eq!(actions[0], later);
    assert_eq!(run.monitor().first_error(), Some(failure));
    assert_eq!(run.monitor().outcome(), Some(outcome));
    keeps_the_rules(&run);
}

#[test]
fn a_final_notification_that_fails_or_is_overdue_is_the_error_of_a_run_that_ended_well() {
    let id = ticket(1);
    for (event, error) in [
        (done(1, false), Error::Notification(id)),
        (Event::Tick, Error::NotificationTimeout(id)),
    ] {
        let mut run = started(told());
        run.tell(at(1), Event::OutputClosed);
        assert_eq!(
            run.tell(at(2), exited(0)),
            [last(1), wake(32), Action::Reap]
        );
        let actions = run.tell(at(32), event).to_vec();
        assert_eq!(actions[0], first(error));
        let outcome = run.monitor().outcome().unwrap();
        assert_eq!(outcome, ended(Some(error), Some(ExitStatus::Code(0))));
        keeps_the_rules(&run);
    }
}

/// An overdue notification and an overdue final one: both answers come late, in either order.
#[test]
fn late_answers_to_both_are_ignored() {
    for order in [[1, 2], [2, 1]] {
        let mut run = started(told());
        run.tell(at(1), Event::Notify);
        run.tell(at(31), Event::Tick);
        run.tell(at(32), Event::OutputClosed);
        run.tell(at(33), died_of(Signal::INT));
        run.tell(at(63), Event::Tick);
        let outcome = run.monitor().outcome();
        assert!(outcome.is_some());
        for id in order {
            assert_eq!(run.tell(at(64), done(id, false)), []);
        }
        assert_eq!(run.monitor().outcome(), outcome);
        keeps_the_rules(&run);
    }
}

#[test]
fn a_silence_is_warned_of_once_until_there_is_activity() {
    let mut run = started(warned(Some(10)));
    assert_eq!(run.monitor().timeout_reason(), Some(Deadline::Warning));
    assert_eq!(run.tell(at(4), Event::Tick), [Action::Warn, wake(10)]);
    run.tell(at(5), Event::Tick);
    assert_eq!(run.tell(at(7), output(Stream::Stderr)), []);
    assert_eq!(run.tell(at(11), Event::Tick), [Action::Warn, wake(17)]);
    // A new limit counts anew, for the warning too.
    let limit = Some(Duration::from_secs(9));
    assert_eq!(run.tell(at(12), Event::SetIdleTimeout(limit)), [wake(16)]);
    assert_eq!(run.tell(at(16), Event::Tick), [Action::Warn, wake(21)]);
    assert!(!run.monitor().is_terminating());
    assert_eq!(run.tell(at(21), Event::Tick)[0], first(Error::IdleTimeout));
    keeps_the_rules(&run);
}

#[test]
fn a_silence_ends_with_the_word_that_the_child_is_ready() {
    let mut run = started(warned(None));
    assert_eq!(run.tell(at(4), Event::Tick)[0], Action::Warn);
    assert_eq!(run.tell(at(5), Event::Ready), [wake(9)]);
    assert_eq!(run.tell(at(9), Event::Tick)[0], Action::Warn);
    keeps_the_rules(&run);
}

#[test]
fn a_warning_that_was_not_polled_is_taken_back() {
    for event in [output(Stream::Stdout), Event::Terminate, exited(0)] {
        let mut run = started(warned(None));
        run.drain(Drain::Nothing);
        run.tell(at(4), Event::Tick);
        run.drain(Drain::All);
        let actions = run.tell(at(5), event);
        assert!(!actions.contains(&Action::Warn), "{actions:?}");
        keeps_the_rules(&run);
    }
}

#[test]
fn no_warning_comes_together_with_the_end() {
    for idle in [4, 6] {
        let mut run = started(warned(Some(idle)));
        let actions = run.tell(at(6), Event::Tick);
        assert_eq!(actions[0], first(Error::IdleTimeout));
        assert!(!actions.contains(&Action::Warn), "{actions:?}");
        keeps_the_rules(&run);
    }
}

#[test]
fn heartbeats_that_were_missed_are_skipped() {
    let mut run = started(Config {
        heartbeat_interval: Some(Duration::from_secs(10)),
        ..Config::default()
    });
    assert_eq!(run.last().polled, [beat(1), wake(10)]);
    run.tell(at(1), done(1, true));
    assert_eq!(run.tell(at(35), Event::Tick), [beat(2), wake(40)]);
    // The second has not run yet, so there is no third.
    assert_eq!(run.tell(at(40), Event::Tick), [wake(50)]);
    run.tell(at(41), done(2, true));
    assert_eq!(run.tell(at(50), Event::Tick), [beat(3), wake(60)]);
    keeps_the_rules(&run);
}

#[test]
fn heartbeats_keep_to_the_grid_that_began_with_the_start() {
    let mut run = Run::new(Config {
        heartbeat_interval: Some(Duration::from_secs(10)),
        ..Config::default()
    });
    assert_eq!(run.tell(at(1), Event::Started), [beat(1), wake(11)]);
    run.tell(at(2), done(1, true));
    assert_eq!(run.tell(at(14), Event::Tick), [beat(2), wake(21)]);
    keeps_the_rules(&run);
}

/// Beats, like every deadline, are on running time: the grid moves with a suspension.
#[test]
fn a_suspension_moves_the_grid_of_the_heartbeats() {
    let mut run = started(Config {
        heartbeat_interval: Some(Duration::from_secs(10)),
        ..Config::default()
    });
    run.tell(at(1), done(1, true));
    run.tell(at(3), Event::Suspended);
    run.tell(at(7), Event::Resumed);
    assert_eq!(run.monitor().deadline(Deadline::Heartbeat), Some(at(14)));
    run.tell(at(15), Event::Tick);
    assert_eq!(run.monitor().deadline(Deadline::Heartbeat), Some(at(24)));
    keeps_the_rules(&run);
}

#[test]
fn the_answer_to_a_request_leaves_the_queued_heartbeat_queued() {
    let mut run = started(Config {
        heartbeat_interval: Some(Duration::from_secs(10)),
        notification_timeout: None,
        ..Config::default()
    });
    run.tell(at(1), done(1, true));
    assert_eq!(run.tell(at(2), Event::Notify), [requested(2)]);
    run.tell(at(3), Event::Notify);
    assert_eq!(run.tell(at(10), Event::Tick), [wake(20)]);
    assert_eq!(run.tell(at(11), done(2, true)), [requested(3)]);
    // The beat of the tenth second has not run yet, so there is none in the twentieth.
    assert_eq!(run.tell(at(20), Event::Tick), [wake(30)]);
    assert_eq!(run.tell(at(21), done(3, true)), [beat(4)]);
    assert_eq!(run.tell(at(22), done(4, true)), []);
    keeps_the_rules(&run);
}

#[test]
fn the_ancestors_configuration_is_the_ancestor_to_the_letter() {
    let idle = Duration::from_secs(60);
    let stages = [
        stage(Signal::INT, Target::Leader, Some(Duration::from_secs(5))),
        stage(Signal::KILL, Target::Leader, None),
    ];
    let ancestor = Config {
        idle_timeout: Some(idle),
        drain_timeout: None,
        ladder: Ladder::from(stages),
        sweep: Sweep::Never,
        notification_timeout: None,
        ..Config::default()
    };
    assert_eq!(Config::launchpad(idle), ancestor);
}

#[test]
fn a_suspension_puts_off_every_deadline() {
    let mut run = started(Config {
        run_timeout: Some(Duration::from_secs(10)),
        ..Config::default()
    });
    run.tell(at(4), Event::Suspended);
    assert_eq!(run.monitor().poll_timeout(), None);
    assert_eq!(run.tell(at(50), Event::Tick), []);
    assert_eq!(run.tell(at(100), Event::Resumed), [wake(106)]);
    keeps_the_rules(&run);
}

#[test]
fn what_starts_after_a_suspension_has_its_whole_time() {
    let mut run = started(Config {
        notification_timeout: Some(Duration::from_secs(10)),
        ..Config::default()
    });
    run.tell(at(1), Event::Suspended);
    run.tell(at(5), Event::Resumed);
    assert_eq!(run.tell(at(6), Event::Notify), [requested(1), wake(16)]);
    keeps_the_rules(&run);
}

#[test]
fn what_a_suspension_puts_off_for_ever_is_not_announced() {
    let mut run = started(Config {
        run_timeout: Some(Duration::from_secs(1)),
        ..Config::default()
    });
    run.tell(at(0), Event::Suspended);
    let resumed = run.tell(Instant(u64::MAX - 1), Event::Resumed);
    assert_eq!(resumed, []);
    assert_eq!(run.monitor().poll_timeout(), None);
    assert_eq!(run.monitor().timeout_reason(), None);
    keeps_the_rules(&run);
}

#[test]
fn what_the_exit_has_made_wrong_is_not_polled_any_more() {
    let int = stage(Signal::INT, Target::Leader, None);
    let mut run = started(Config {
        ladder: Ladder::from([int]),
        sweep: Sweep::Never,
        ..Config::default()
    });
    run.drain(Drain::Nothing);
    run.tell(at(1), Event::Notify);
    run.tell(at(1), Event::Fail);
    run.tell(at(1), Event::OutputClosed);
    run.drain(Drain::All);
    let actions = run.tell(at(2), exited(0)).to_vec();
    let error = Error::External(FailureId::new(1).unwrap());
    let mut failure = ended(Some(error), Some(ExitStatus::Code(0)));
    failure.terminated = true;
    let expected = [
        first(error),
        discarded(1, 1),
        Action::Reap,
        Action::Finish(failure),
    ];
    assert_eq!(actions, expected);
    keeps_the_rules(&run);
}

#[test]
fn before_the_start_only_ticks_make_sense() {
    let mut run = Run::new(Config::default());
    assert_eq!(run.tell(at(0), Event::Tick), []);
    for (event, name) in [
        (Event::Terminate, "Terminate"),
        (Event::Notify, "Notify"),
        (exited(0), "ChildExited"),
        (Event::Resumed, "Resumed"),
    ] {
        run.tell(at(0), event);
        let refused = Err(Misuse::NotStarted { event: name });
        assert_eq!(run.last().result, refused);
    }
    keeps_the_rules(&run);
}

/// A monitor may live in one thread and be told of by another.
#[test]
fn what_the_core_gives_and_takes_can_be_sent_and_shared() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<MonitorState>();
    is_send_and_sync::<Config>();
    is_send_and_sync::<Event>();
    is_send_and_sync::<Action>();
    is_send_and_sync::<Outcome>();
}

#[test]
fn a_monitor_is_small() {
    let size = size_of::<MonitorState>();
    println!("a MonitorState has {size} bytes");
    assert!(size <= 344, "{size} bytes");
}

/// A config that waits for every notification as long as it takes.
fn patient() -> Config {
    Config {
        notification_timeout: None,
        ..Config::default()
    }
}

fn started(config: Config) -> Run {
    let mut run = Run::new(config);
    run.tell(at(0), Event::Started);
    run
}

/// An outcome that was neither terminated nor leaked.
fn ended(error: Option<Error>, exit: Option<ExitStatus>) -> Outcome {
    let mut outcome = Outcome::default();
    outcome.error = error;
    outcome.exit = exit;
    outcome
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO.after(Duration::from_secs(seconds))
}

fn output(stream: Stream) -> Event {
    Event::Output { stream, bytes: 1 }
}

fn done(id: u64, ok: bool) -> Event {
    Event::NotifyDone { id: ticket(id), ok }
}

fn exited(code: i32) -> Event {
    Event::ChildExited(ExitStatus::Code(code))
}

fn died_of(signal: Signal) -> Event {
    Event::ChildExited(ExitStatus::Signal(signal))
}

fn first(error: Error) -> Action {
    Action::RecordError { error, first: true }
}

fn send(signal: Signal, target: Target) -> Action {
    Action::SendSignal { signal, target }
}

fn discarded(first: u64, last: u64) -> Action {
    Action::DiscardNotifications {
        first: ticket(first),
        last: ticket(last),
    }
}

fn requested(id: u64) -> Action {
    Action::RunNotification {
        id: ticket(id),
        kind: NotificationKind::Requested,
    }
}

fn beat(id: u64) -> Action {
    Action::RunNotification {
        id: ticket(id),
        kind: NotificationKind::Heartbeat,
    }
}

fn last(id: u64) -> Action {
    Action::RunNotification {
        id: ticket(id),
        kind: NotificationKind::Final,
    }
}

/// A config that warns after four seconds, with this idle timeout.
fn warned(idle: Option<u64>) -> Config {
    Config {
        idle_timeout: idle.map(Duration::from_secs),
        warn_timeout: Some(Duration::from_secs(4)),
        ..Config::default()
    }
}

/// A config whose end is told.
fn told() -> Config {
    Config {
        final_notification: true,
        ..Config::default()
    }
}

fn wake(seconds: u64) -> Action {
    Action::ScheduleTimer(Some(at(seconds)))
}

fn ticket(id: u64) -> NotificationId {
    NotificationId::new(id).unwrap()
}

fn stage(signal: Signal, target: Target, wait: Option<Duration>) -> Stage {
    Stage {
        signal,
        target,
        wait,
    }
}
