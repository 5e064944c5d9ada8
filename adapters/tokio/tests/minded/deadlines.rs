//! Deadlines fire though nobody polls the child's handle.

use childminder_tokio::childminder::{Activity, Config, Error};

use crate::support::{Bystander, millis, on_both, outcome, patient, spawn, until};

#[test]
fn a_silent_child_is_ended() {
    on_both(async |minder| {
        let config = Config {
            idle_timeout: Some(millis(50)),
            ..patient()
        };
        let mut child = spawn(&minder, "sleep 1000", config);
        let process = Bystander::of(child.id());
        until(|| process.is_gone()).await;
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.error, Some(Error::IdleTimeout));
        assert!(outcome.terminated);
    });
}

#[test]
fn progress_that_is_vouched_for_keeps_a_child_alive() {
    on_both(async |minder| {
        let config = Config {
            idle_timeout: Some(millis(5_000)),
            activity: Activity::Explicit,
            ..patient()
        };
        let mut child = spawn(&minder, "exec sleep 1000", config);
        child.progress();
        child.terminate();
        let outcome = outcome(&mut child).await;
        assert_ne!(outcome.error, Some(Error::IdleTimeout));
    });
}

#[test]
fn a_deadline_that_nothing_can_put_off_is_refused() {
    on_both(async |minder| {
        let config = Config {
            idle_timeout: Some(millis(50)),
            ..patient()
        };
        let mut command = std::process::Command::new("sleep");
        let refused = minder.spawn(command.arg("1000"), config);
        let error = refused.expect_err("it would be a limit on the whole life");
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    });
}

#[test]
fn a_command_that_cannot_be_run_is_an_error_of_the_spawn() {
    on_both(async |minder| {
        let mut command = std::process::Command::new("/no/such/command");
        let error = minder.spawn(&mut command, patient());
        let error = error.expect_err("there is none");
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    });
}
