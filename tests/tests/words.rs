//! What the core's values say to people.

use childminder::{
    Error, ExitStatus, FailureId, Instant, Misuse, NoSuchSignal, NotificationId, Outcome, Signal,
    Stream, Target, TooManyStages,
};
use childminder_tests::values;

#[test]
fn values_compare_count_and_speak_as_documented() {
    assert_eq!(values::check(), Ok(()));
}

#[test]
fn an_error_is_a_sentence() {
    let status = ExitStatus::Signal(Signal::KILL);
    let failure = FailureId::new(3).unwrap();
    let said = [
        Error::IdleTimeout,
        Error::FirstOutputTimeout,
        Error::RunTimeout,
        Error::Exit(status),
        Error::Notification(NotificationId::FIRST),
        Error::NotificationTimeout(NotificationId::FIRST),
        Error::External(failure),
        Error::Unkillable,
    ]
    .map(|error| error.to_string());
    assert_eq!(
        said,
        [
            "no activity within the idle timeout",
            "no output within the first-output timeout",
            "still running after the run timeout",
            "killed by SIGKILL",
            "notification 1 failed",
            "notification 1 took longer than its timeout",
            "failure 3 outside the child",
            "still alive after the last stage of the ladder",
        ]
    );
}

#[test]
fn misuse_says_what_came_when_it_should_not() {
    let said = [
        Misuse::NotStarted { event: "Output" },
        Misuse::AlreadyStarted,
        Misuse::AlreadyExited,
        Misuse::OutputAlreadyClosed { event: "Output" },
        Misuse::NotInFlight(NotificationId::FIRST),
        Misuse::AlreadyFinished { event: "Output" },
    ]
    .map(|misuse| misuse.to_string());
    assert_eq!(
        said,
        [
            "`Output` cannot come before `Started`",
            "`Started` cannot come a second time",
            "`ChildExited` cannot come a second time",
            "`Output` cannot come after `OutputClosed`",
            "`NotifyDone` cannot come for notification 1, which is not in flight",
            "`Output` cannot come after the run has ended",
        ]
    );
}

#[test]
fn a_status_names_the_signal_where_posix_fixes_its_number() {
    let signals = [1, 2, 3, 6, 9, 14, 15, 34].map(|number| Signal::new(number).unwrap());
    let said = signals.map(|signal| ExitStatus::Signal(signal).to_string());
    assert_eq!(
        said,
        [
            "killed by SIGHUP",
            "killed by SIGINT",
            "killed by SIGQUIT",
            "killed by SIGABRT",
            "killed by SIGKILL",
            "killed by SIGALRM",
            "killed by SIGTERM",
            "killed by signal 34",
        ]
    );
    assert_eq!(ExitStatus::Code(7).to_string(), "exit status 7");
}

#[test]
fn a_lost_status_says_why_it_is_lost() {
    assert_eq!(
        ExitStatus::Lost.to_string(),
        "exit status lost: another part of the program reaped the child"
    );
}

#[test]
fn an_outcome_is_one_sentence() {
    let mut outcome = Outcome::default();
    assert!(outcome.is_success());
    assert_eq!(outcome.to_string(), "success");
    outcome.exit = Some(ExitStatus::Code(0));
    assert_eq!(outcome.to_string(), "success");
    outcome.terminated = true;
    outcome.exit = Some(ExitStatus::Signal(Signal::INT));
    outcome.error = Some(Error::IdleTimeout);
    assert_eq!(
        outcome.to_string(),
        "no activity within the idle timeout; killed by SIGINT; terminated"
    );
    outcome.terminated = false;
    outcome.leaked = true;
    outcome.error = Some(Error::Exit(ExitStatus::Code(3)));
    outcome.exit = Some(ExitStatus::Code(3));
    assert_eq!(outcome.to_string(), "exit status 3; output leaked");
    outcome.error = Some(Error::Unkillable);
    outcome.exit = None;
    assert_eq!(
        outcome.to_string(),
        "still alive after the last stage of the ladder; no exit seen; output leaked"
    );
}

#[test]
fn a_number_that_is_no_signal_is_named() {
    let refused = Signal::try_from(128);
    assert_eq!(refused, Err(NoSuchSignal { number: 128 }));
    assert_eq!(
        NoSuchSignal { number: 128 }.to_string(),
        "a signal's number is 1 to 127, not 128"
    );
    assert_eq!(Signal::try_from(9), Ok(Signal::KILL));
}

#[test]
fn a_moment_is_seconds_since_the_origin() {
    let said = [
        0,
        12_500_000_000,
        1,
        10_000_000,
        3_000_000_001,
        60_000_000_000,
    ]
    .map(|nanos| Instant(nanos).to_string());
    assert_eq!(
        said,
        [
            "0s",
            "12.5s",
            "0.000000001s",
            "0.01s",
            "3.000000001s",
            "60s"
        ]
    );
}

#[test]
fn streams_targets_and_tickets_have_plain_words() {
    assert_eq!(
        Stream::ALL.map(|stream| stream.to_string()),
        ["stdout", "stderr"]
    );
    let targets = [Target::Leader, Target::Group];
    assert_eq!(
        targets.map(|target| target.to_string()),
        ["leader", "group"]
    );
    assert_eq!(NotificationId::FIRST.to_string(), "1");
    assert_eq!(FailureId::new(7).unwrap().to_string(), "7");
}

#[test]
fn a_ladder_too_long_says_how_long_it_may_be() {
    assert_eq!(
        TooManyStages { given: 5 }.to_string(),
        "a ladder has at most 4 stages, not 5"
    );
}
