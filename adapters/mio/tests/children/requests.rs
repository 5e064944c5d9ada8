//! What an owner asks for from inside its callbacks.

use childminder::{Config, Error, ExitStatus, FailureId, Signal, Stream};

use crate::support::{Bystander, Owner, Run, ladder, millis, patient};

#[test]
fn a_failure_ends_the_child_and_comes_back_in_the_owners_words() {
    let owner = Owner::new().on_output(|control, _, _| control.fail("not what I asked for"));
    let mut run = Run::of("echo nonsense; exec sleep 60", patient(), owner);
    let owner = run.finish();
    let first = FailureId::new(1).expect("a ticket");
    assert_eq!(owner.outcome().error, Some(Error::External(first)));
    assert_eq!(owner.failures, ["not what I asked for"]);
    assert!(owner.outcome().terminated);
}

#[test]
fn a_failure_that_the_output_tells_comes_before_the_exit_it_explains() {
    let owner = Owner::new().on_output(|control, _, _| control.fail("as it said"));
    let mut run = Run::of("read go; echo error >&2; exit 1", patient(), owner);
    let child = Bystander::of(run.pid());
    drop(run.stdin());
    child.wait_until_dead();
    assert_eq!(run.finish().failures, ["as it said"]);
    let first = FailureId::new(1).expect("a ticket");
    assert_eq!(run.owner().outcome().error, Some(Error::External(first)));
}

#[test]
fn the_end_can_be_asked_for() {
    let owner = Owner::new().on_output(|control, _, _| control.terminate());
    let mut run = Run::of("echo ready; exec sleep 60", patient(), owner);
    let outcome = run.finish().outcome();
    assert!(outcome.terminated);
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::TERM)));
}

#[test]
fn impatience_does_not_wait_for_the_ladder() {
    let config = Config {
        ladder: ladder(Signal::TERM, millis(600_000)),
        ..patient()
    };
    // The shell may also write that its child was terminated.
    let owner = Owner::new().on_output(|control, stream, _| {
        if stream == Stream::Stdout {
            control.escalate();
        }
    });
    let script = "trap 'echo no' TERM; echo ready; while :; do sleep 0.05; done";
    let mut run = Run::of(script, config, owner);
    let owner = run.finish();
    assert_eq!(owner.signals()[..2], [Signal::TERM, Signal::KILL]);
    assert_eq!(owner.text(), "ready\nno\n");
}

#[test]
fn the_ladder_can_be_changed_before_it_starts() {
    let owner = Owner::new().on_output(|control, _, _| {
        control.set_ladder(ladder(Signal::KILL, millis(600_000)));
        control.terminate();
    });
    let mut run = Run::of("echo ready; exec sleep 60", patient(), owner);
    let outcome = run.finish().outcome();
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
}

/// Each failure is an error, and each error is answered with a failure.
#[test]
fn an_owner_that_never_stops_failing_sees_its_child_end() {
    let owner = Owner::new().on_error(|control, _| control.fail("again"));
    let mut run = Run::of("exec sleep 60", patient(), owner);
    run.control().fail("once");
    let owner = run.finish();
    assert_eq!(owner.failures[..2], ["once", "again"]);
    assert_eq!(owner.outcome().exit, Some(ExitStatus::Signal(Signal::TERM)));
}
