//! What is told of an exit.

use childminder::{Error, ExitStatus, FailureId};
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::support::{Bystander, Owner, Run, patient};

#[test]
fn what_the_owner_makes_of_an_exit_comes_before_it() {
    let owner = Owner::new().on_exited(|control, status| {
        control.fail(format!("no license was left: {status}"));
    });
    let mut run = Run::of("exit 3", patient(), owner);
    let owner = run.finish();
    let first = FailureId::new(1).expect("a ticket");
    assert_eq!(owner.outcome().error, Some(Error::External(first)));
    assert_eq!(owner.outcome().exit, Some(ExitStatus::Code(3)));
    assert_eq!(owner.failures, ["no license was left: exit status 3"]);
}

#[test]
fn an_exit_that_something_else_has_taken_is_lost_in_so_many_words() {
    let mut run = run_that_loses_its_exit(Owner::new());
    let owner = run.finish();
    assert_eq!(owner.outcome().exit, Some(ExitStatus::Lost));
    let lost = Error::Exit(ExitStatus::Lost);
    assert_eq!(owner.errors, [(lost, true)]);
    let [why] = owner.failures.as_slice() else {
        panic!("{:?}", owner.failures);
    };
    assert!(why.contains("wait"), "{why}");
}

#[test]
fn what_the_owner_asks_when_an_exit_is_lost_does_not_cost_it_the_words() {
    let owner = Owner::new().on_exited(|control, _| control.progress());
    let mut run = run_that_loses_its_exit(owner);
    assert_eq!(run.finish().failures.len(), 1);
}

/// A child that is dead and reaped before its first turn.
fn run_that_loses_its_exit(owner: Owner) -> Run {
    let run = Run::of("echo last words", patient(), owner);
    Bystander::of(run.pid()).wait_until_dead();
    let pid = i32::try_from(run.pid()).ok().and_then(Pid::from_raw);
    waitpid(pid, WaitOptions::empty()).expect("it is ours");
    run
}
