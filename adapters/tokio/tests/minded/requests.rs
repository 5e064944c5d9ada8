//! What other tasks ask for by handle.

use std::process::Command;
use std::time::Instant;

use childminder_tokio::childminder::{Activity, Config, Error, ExitStatus, Ladder, Signal, Target};

use crate::support::{
    GUARD, first_line, ladder, millis, on_both, outcome, patient, read_to_end, spawn,
};

#[test]
fn another_task_terminates_the_child() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        let handle = child.handle().clone();
        let other = tokio::spawn(async move {
            handle.terminate();
            handle.outcome().await.expect("the end")
        });
        let outcome = outcome(&mut child).await;
        assert!(outcome.terminated);
        assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::TERM)));
        assert_eq!(other.await.expect("no panic"), outcome);
        assert_eq!(child.outcome().await.expect("again"), outcome);
    });
}

#[test]
fn another_thread_escalates() {
    on_both(async |minder| {
        let config = Config {
            ladder: ladder(Signal::TERM, 2 * GUARD),
            ..patient()
        };
        let script = "trap '' TERM; echo ready; while :; do sleep 1000; done";
        let mut child = spawn(&minder, script, config);
        let stderr = child.take_stderr();
        assert_eq!(first_line(&mut child).await, "ready");
        let handle = child.handle().clone();
        std::thread::spawn(move || {
            handle.terminate();
            handle.escalate();
        });
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
        assert_eq!(read_to_end(stderr).await, b"");
    });
}

#[test]
fn a_child_vouches_for_itself() {
    on_both(async |minder| {
        let config = Config {
            idle_timeout: Some(millis(600)),
            activity: Activity::Explicit,
            ..patient()
        };
        let script =
            "for i in 1 2 3 4; do sleep 0.3; systemd-notify WATCHDOG=1; done; exec sleep 1000";
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let begun = Instant::now();
        let mut child = minder
            .spawn_vouching(&mut command, config)
            .expect("a child");
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.error, Some(Error::IdleTimeout));
        assert!(begun.elapsed() >= millis(1800));
    });
}

#[test]
fn a_child_has_begun_when_its_owner_says_so() {
    on_both(async |minder| {
        let config = Config {
            first_output_timeout: Some(millis(300)),
            ..patient()
        };
        let mut child = spawn(&minder, "sleep 0.9", config);
        child.ready();
        assert!(outcome(&mut child).await.is_success());
    });
}

#[test]
fn a_failure_outside_ends_the_child_and_keeps_its_words() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        child.fail("the disk is full");
        let outcome = outcome(&mut child).await;
        assert!(matches!(outcome.error, Some(Error::External(_))));
        let words = child.errors()[0].to_string();
        assert!(words.ends_with(": the disk is full"), "{words}");
    });
}

#[test]
fn a_child_is_killed_whatever_its_ladder() {
    on_both(async |minder| {
        let config = Config {
            ladder: Ladder::NONE,
            ..patient()
        };
        let mut child = spawn(&minder, "exec sleep 1000", config);
        child.terminate();
        child.kill();
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
    });
}

#[test]
fn a_signal_is_passed_on_as_it_is() {
    on_both(async |minder| {
        let script = "trap 'exit 7' USR1; echo ready; while :; do sleep 0.01; done";
        let mut child = spawn(&minder, script, patient());
        let stderr = child.take_stderr();
        assert_eq!(first_line(&mut child).await, "ready");
        let usr1 = Signal::new(10).expect("a signal");
        child.pass_on(usr1, Target::Leader);
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.exit, Some(ExitStatus::Code(7)));
        assert!(!outcome.terminated);
        drop(stderr);
    });
}

#[test]
fn a_ladder_that_is_set_is_the_one_that_ends_it() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        child.set_ladder(ladder(Signal::HUP, GUARD));
        child.terminate();
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::HUP)));
    });
}

#[test]
fn an_idle_timeout_that_is_set_ends_it_once_it_runs_on() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec sleep 1000", patient());
        child.suspended();
        child.set_idle_timeout(Some(millis(20)));
        let awaited = tokio::time::timeout(millis(200), child.handle().outcome()).await;
        assert!(awaited.is_err(), "the deadline waits");
        child.resumed();
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.error, Some(Error::IdleTimeout));
    });
}
