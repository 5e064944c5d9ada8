//! Children with a script: each test reads like the rule it shows.

use std::time::Duration;

use childminder::{Config, Error, ExitStatus, Signal, Strays, Stream};
use childminder_sim::{
    ClockSet, Moment, Payload, Reaction, Reply, Report, Request, Scenario, Script, Seen, Weather,
    live,
};

#[test]
fn a_child_that_ends_well_is_a_success() {
    let report = lived(&Scenario::new(&Script::new().writes(Stream::Stdout, 9)));
    assert!(report.outcome.is_success());
    assert_eq!(report.took, Duration::ZERO);
}

#[test]
fn silence_is_ended_politely_and_then_for_certain() {
    let deaf = Script::new().ignores(Signal::INT).hangs();
    let report = lived(&idle(&deaf));
    assert_eq!(report.outcome.error, Some(Error::IdleTimeout));
    assert_eq!(report.outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
    assert_eq!(report.took, IDLE + GRACE);
}

#[test]
fn output_puts_the_idle_deadline_off() {
    let chatty = Script::new().writes_every(9 * SECOND, 1, 5).exits(0);
    let report = lived(&idle(&chatty));
    assert!(report.outcome.is_success());
    assert_eq!(report.took, 45 * SECOND);
}

#[test]
fn output_that_comes_with_the_timer_wins() {
    let just_in_time = Script::new().writes_every(IDLE, 1, 3).exits(0);
    let report = lived(&idle(&just_in_time));
    assert!(report.outcome.is_success());
}

#[test]
fn a_child_may_tidy_up_and_its_last_words_are_read() {
    let tidy = Script::new()
        .on(
            Signal::INT,
            Reaction::Exits {
                after: SECOND,
                code: 130,
                last_words: 500,
            },
        )
        .hangs();
    let report = lived(&idle(&tidy));
    assert_eq!(report.outcome.exit, Some(ExitStatus::Code(130)));
    assert_eq!(report.took, IDLE + SECOND);
    assert!(has(
        &report,
        &Moment::Reads {
            stream: Stream::Stdout,
            bytes: 500
        }
    ));
}

#[test]
fn a_grandchild_that_holds_the_pipe_is_swept_when_the_run_was_terminated() {
    let daemon = Script::new().on_others(Reaction::Ignores).hangs();
    let parent = Script::new().forks(daemon).hangs();
    let report = lived(&idle(&parent));
    assert!(report.coverage.has(Seen::Swept));
    assert!(report.outcome.leaked);
    assert_eq!(report.took, IDLE + DRAIN);
}

#[test]
fn a_grandchild_that_holds_the_pipe_of_a_run_that_ended_well_lives_on() {
    let parent = Script::new().forks(Script::new().hangs()).exits(0);
    let report = lived(&Scenario::new(&parent));
    assert!(report.outcome.leaked);
    assert!(report.outcome.is_success());
    assert_eq!(report.took, DRAIN);
    assert!(!report.coverage.has(Seen::PidReused), "its group lives");
}

#[test]
fn a_daemon_that_left_the_group_is_out_of_reach() {
    let daemon = Script::new().leaves_group().hangs();
    let report = lived(&idle(&Script::new().forks(daemon).hangs()));
    assert!(report.outcome.leaked);
    assert!(!report.coverage.has(Seen::Swept));
}

#[test]
fn a_daemon_that_left_the_group_is_killed_after_a_termination() {
    let daemon = Script::new().leaves_group().hangs();
    let report = lived(&hunted(&Script::new().forks(daemon).hangs()));
    assert_eq!(report.outcome.strays, Strays::Killed);
}

#[test]
fn a_chain_of_three_daemons_is_killed() {
    let third = Script::new().leaves_group().hangs();
    let second = Script::new().leaves_group().forks(third).hangs();
    let first = Script::new().leaves_group().forks(second).hangs();
    let report = lived(&hunted(&Script::new().forks(first).hangs()));
    assert_eq!(report.outcome.strays, Strays::Killed);
}

#[test]
fn a_stray_that_forks_while_it_is_killed_is_killed_with_what_it_forked() {
    let daemon = Script::new().leaves_group().forks_when_killed(2).hangs();
    let report = lived(&hunted(&Script::new().forks(daemon).hangs()));
    assert_eq!(report.outcome.strays, Strays::Killed);
}

#[test]
fn an_immune_stray_survives() {
    let daemon = Script::new().leaves_group().becomes_immune().hangs();
    let report = lived(&hunted(&Script::new().forks(daemon).hangs()));
    assert_eq!(report.outcome.strays, Strays::Survived);
    // It holds the output, but is not waited for besides: two looks take less than a second.
    assert!(report.took < IDLE + DRAIN + SECOND, "{:?}", report.took);
}

#[test]
fn a_daemon_of_a_run_that_ended_by_itself_is_left() {
    let daemon = Script::new().leaves_group().hangs();
    let report = lived(&hunted(
        &Script::new().forks(daemon).sleeps(SECOND).exits(0),
    ));
    assert_eq!(report.outcome.strays, Strays::Left);
}

#[test]
fn a_kernel_that_cannot_see_strays_leaves_them_unknown() {
    let daemon = Script::new().leaves_group().hangs();
    let scenario = hunted(&Script::new().forks(daemon).hangs()).with_weather(Weather {
        unseen_strays: true,
        ..Weather::FINE
    });
    assert_eq!(lived(&scenario).outcome.strays, Strays::Unknown);
}

#[test]
fn a_stopped_child_is_continued_to_see_its_signal() {
    let report = lived(&idle(&Script::new().stops().hangs()));
    assert_eq!(report.outcome.exit, Some(ExitStatus::Signal(Signal::INT)));
    assert_eq!(report.took, IDLE);
}

#[test]
fn an_unkillable_child_dies_when_it_wakes() {
    let stuck = Script::new().sleeps_unkillably(60 * SECOND).hangs();
    let report = lived(&idle(&stuck));
    assert_eq!(report.outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
    assert_eq!(report.took, 60 * SECOND);
}

#[test]
fn while_the_child_is_suspended_every_deadline_waits() {
    let scenario = idle(&Script::new().hangs())
        .at(SECOND, Request::Suspended)
        .at(31 * SECOND, Request::Resumed);
    assert_eq!(lived(&scenario).took, IDLE + 30 * SECOND);
}

#[test]
fn an_impatient_owner_gets_the_next_stage_at_once() {
    let deaf = Script::new().ignores(Signal::INT).hangs();
    let scenario = Scenario::new(&deaf)
        .at(SECOND, Request::Terminate)
        .at(2 * SECOND, Request::Escalate);
    let report = lived(&scenario);
    assert_eq!(report.outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
    assert_eq!(report.took, 2 * SECOND);
}

#[test]
fn the_end_waits_for_the_last_notification() {
    let scenario = Scenario::new(&Script::new().sleeps(SECOND).exits(0))
        .at(Duration::ZERO, Request::Notify(Payload(1)))
        .at(Duration::ZERO, Request::Notify(Payload(2)))
        .answering(&[Reply::after(2 * SECOND), Reply::fails_after(2 * SECOND)]);
    let report = lived(&scenario);
    assert!(matches!(report.outcome.error, Some(Error::Notification(_))));
    assert_eq!(report.outcome.exit, Some(ExitStatus::Code(0)));
    assert_eq!(report.took, 4 * SECOND);
}

#[test]
fn a_notification_that_is_never_answered_is_given_up() {
    let config = Config {
        notification_timeout: Some(3 * SECOND),
        ..Config::default()
    };
    let scenario = Scenario::new(&Script::new().sleeps(SECOND).exits(0))
        .with_config(config)
        .at(Duration::ZERO, Request::Notify(Payload(1)))
        .answering(&[Reply::NEVER]);
    let report = lived(&scenario);
    assert!(matches!(
        report.outcome.error,
        Some(Error::NotificationTimeout(_))
    ));
    assert!(report.coverage.has(Seen::LateAnswer));
    assert_eq!(report.took, 3 * SECOND);
}

#[test]
fn a_clock_that_is_set_forward_makes_a_deadline_due() {
    let jump = ClockSet {
        at: SECOND,
        by: 3600 * SECOND,
        forward: true,
    };
    let scenario = idle(&Script::new().hangs()).with_weather(Weather {
        clock_set: Some(jump),
        spurious: 200,
        ..Weather::FINE
    });
    assert!(lived(&scenario).took < IDLE);
}

#[test]
fn a_trace_is_a_story() {
    let report = lived(&idle(&Script::new().writes(Stream::Stdout, 80).hangs()));
    let story = report.trace.to_string();
    assert_eq!(story, STORY, "{story}");
}

fn idle(child: &Script) -> Scenario {
    Scenario::new(child).with_config(Config {
        idle_timeout: Some(IDLE),
        ..Config::default()
    })
}

/// As [`idle`], and strays are looked for.
fn hunted(child: &Script) -> Scenario {
    Scenario::new(child).with_config(Config {
        idle_timeout: Some(IDLE),
        stray_timeout: Some(STRAYS),
        ..Config::default()
    })
}

#[track_caller]
fn lived(scenario: &Scenario) -> Report {
    match live(scenario, ()) {
        Ok(lived) => lived.report,
        Err(violation) => panic!("{violation}"),
    }
}

fn has(report: &Report, moment: &Moment) -> bool {
    report.trace.moments().any(|(_, other)| other == *moment)
}

const SECOND: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(10);
const GRACE: Duration = Duration::from_secs(5);
const STRAYS: Duration = Duration::from_secs(3);
const DRAIN: Duration = Duration::from_secs(2);

const STORY: &str = "    0.000000     100 starts
    0.000000     100 writes 80 bytes to stdout
    0.000000       a turn of the supervisor:
    0.000000         reads 80 bytes of stdout
   10.000000       a turn of the supervisor:
   10.000000         notes: no activity within the idle timeout
   10.000000         sends SIGINT to the group
   10.000000     100 ends: killed by SIGINT
   10.000000         sends SIGCONT to the group
   10.000000       a turn of the supervisor:
   10.000000         reads the end of stdout
   10.000000         reads the end of stderr
   10.000000         sees the exit: killed by SIGINT
   10.000000         sends SIGKILL to the group
   10.000000         reaps the leader
   10.000000     100 is a stranger's pid now
   10.000000         finishes: no activity within the idle timeout; killed by SIGINT; terminated
";
