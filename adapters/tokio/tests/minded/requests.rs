//! What other tasks ask for by handle.

use childminder_tokio::childminder::{Config, Error, ExitStatus, Signal};

use crate::support::{GUARD, first_line, ladder, on_both, outcome, patient, read_to_end, spawn};

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
