//! Children that take too long, or leave something behind.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use childminder::{Activity, Config, Deadline, Error, Event, ExitStatus, Signal, Stream, Sweep};

use crate::support::{Bystander, Owner, Run, ladder, millis, patient};

#[test]
fn a_silent_child_is_interrupted_then_killed_with_all_its_group() {
    let config = Config {
        ladder: ladder(Signal::INT, millis(200)),
        ..patient()
    };
    // Who ignores a signal, has its children ignore it too.
    let script = "trap '' INT; sleep 60 & echo $!; wait";
    let mut run = Run::of(script, config, Owner::new());
    let grandchild = run.bystander();
    run.control().set_idle_timeout(Some(millis(200)));

    let owner = run.finish();
    assert_eq!(owner.errors, [(Error::IdleTimeout, true)]);
    assert_eq!(owner.outcome().exit, Some(ExitStatus::Signal(Signal::KILL)));
    assert_eq!(owner.signals()[..2], [Signal::INT, Signal::KILL]);
    grandchild.wait_until_dead();
}

#[test]
fn a_child_that_obeys_is_not_killed() {
    let config = Config {
        run_timeout: Some(millis(100)),
        sweep: Sweep::Never,
        ..patient()
    };
    let mut run = Run::of("exec sleep 60", config, Owner::new());
    let owner = run.finish();
    assert_eq!(owner.outcome().error, Some(Error::RunTimeout));
    assert_eq!(owner.signals(), [Signal::TERM]);
}

#[test]
fn the_first_output_must_come_in_time() {
    let config = Config {
        first_output_timeout: Some(millis(100)),
        ..patient()
    };
    let mut run = Run::of("exec sleep 60", config, Owner::new());
    let outcome = run.finish().outcome();
    assert_eq!(outcome.error, Some(Error::FirstOutputTimeout));
}

#[test]
fn chatter_is_no_progress_when_progress_is_what_the_owner_says() {
    let config = Config {
        idle_timeout: Some(millis(1000)),
        activity: Activity::Explicit,
        ..patient()
    };
    let script = "while :; do echo chatter; sleep 0.05; done";
    let mut run = Run::of(script, config, Owner::new());
    let owner = run.finish();
    assert_eq!(owner.outcome().error, Some(Error::IdleTimeout));
    assert!(!owner.stdout.is_empty());
}

#[test]
fn progress_is_what_the_owner_says() {
    let config = Config {
        idle_timeout: Some(millis(60_000)),
        activity: Activity::Explicit,
        ..patient()
    };
    let owner = Owner::new().on_output(|control, _, bytes| {
        if bytes.contains(&b'!') {
            control.progress();
        }
    });
    let mut run = Run::of("exec cat", config, owner);
    let mut stdin = run.stdin();
    let at_first = run.monitor().deadline(Deadline::Idle);

    stdin.write_all(b"chatter").expect("written");
    run.until(|owner| owner.stdout == b"chatter");
    assert_eq!(run.monitor().deadline(Deadline::Idle), at_first);

    stdin.write_all(b"!").expect("written");
    run.until(|owner| owner.stdout == b"chatter!");
    assert!(run.monitor().deadline(Deadline::Idle) > at_first);
}

#[test]
fn the_time_left_is_told_until_a_deadline_waits_or_is_taken_back() {
    let config = Config {
        idle_timeout: Some(millis(60_000)),
        ..patient()
    };
    let mut run = Run::of("exec cat", config, Owner::new());
    let left = |run: &Run| run.children.time_left(run.id, Deadline::Idle);
    let first = left(&run).expect("a deadline");
    assert!(first <= millis(60_000) && first > millis(30_000));
    assert_eq!(run.children.time_left(run.id, Deadline::Run), None);

    run.control().suspended();
    run.turn();
    assert_eq!(left(&run), None);
    run.control().resumed();
    run.turn();
    assert!(left(&run).is_some_and(|left| left <= first));

    run.control().set_idle_timeout(Some(Duration::ZERO));
    run.control().suspended();
    run.turn();
    run.control().set_idle_timeout(None);
    run.control().resumed();
    run.turn();
    assert_eq!(left(&run), None);
    let gone = run.id.next();
    assert_eq!(run.children.time_left(gone, Deadline::Idle), None);
}

/// A loop that comes late finds the deadline behind it.
#[test]
fn a_deadline_that_is_overdue_is_told_as_one_that_is_due() {
    let config = |limit| Config {
        run_timeout: Some(limit),
        ..patient()
    };
    // One is due before the set can have looked, the other while nothing looks.
    for limit in [Duration::ZERO, millis(50)] {
        let mut run = Run::of("exec sleep 60", config(limit), Owner::new());
        thread::sleep(millis(100));
        let told = run.children.deadline().expect("it is due");
        assert!(told <= Instant::now());
        assert!(run.has_work(), "the descriptor says so too");
        assert_eq!(run.owner().errors, []);
        run.turn();
        assert_eq!(run.owner().errors, [(Error::RunTimeout, true)]);
        run.finish();
    }
}

/// A turn that serves one child leaves a deadline of another that has passed meanwhile for the next.
#[test]
fn a_deadline_that_passes_during_a_turn_is_not_slept_through() {
    let slow = Owner::new().on_notify(|_, _, answer| {
        thread::sleep(millis(100));
        answer.succeed();
    });
    let mut run = Run::of("exec cat", patient(), slow);
    let config = Config {
        run_timeout: Some(millis(50)),
        ..patient()
    };
    let other = run.add("exec sleep 60", config, Owner::new());
    run.control().notify("slow");
    run.turn();
    let outcome = run.finish_child(other).outcome();
    assert_eq!(outcome.error, Some(Error::RunTimeout));
}

#[test]
fn no_deadline_passes_while_the_child_is_suspended() {
    let config = Config {
        idle_timeout: Some(millis(60_000)),
        ..patient()
    };
    let mut run = Run::of("exec cat", config, Owner::new());
    run.control().suspended();
    run.turn();
    assert_eq!(run.children.deadline(), None);
    run.control().resumed();
    run.turn();
    assert!(run.children.deadline().is_some());
}

/// The leader is gone and something holds its output, for as long as this test holds its input.
#[test]
fn what_holds_the_output_for_too_long_has_leaked_but_what_it_wrote_arrives() {
    let config = Config {
        drain_timeout: Some(millis(200)),
        ..patient()
    };
    let mut run = Run::of("{ cat <&3 & } 3<&0; echo $!", config, Owner::new());
    let leader = Bystander::of(run.pid());
    let stdin = run.stdin();
    leader.wait_until_dead();
    run.control().hold_output(Stream::Stdout);

    let owner = run.finish();
    assert!(owner.outcome().leaked);
    assert!(owner.outcome().is_success());
    assert_eq!(owner.ended, [Stream::Stdout, Stream::Stderr]);
    let last = owner
        .events()
        .into_iter()
        .rfind(|event| *event != Event::Tick);
    assert!(matches!(last, Some(Event::Output { .. })), "{last:?}");

    let heir = Bystander::of(owner.text().trim().parse().expect("a process id"));
    assert!(heir.is_alive(), "nobody asked for its end");
    drop(stdin);
    heir.wait_until_dead();
}

#[test]
fn an_end_that_is_given_up_is_told_once_whatever_the_owner_asks() {
    let config = Config {
        drain_timeout: Some(millis(50)),
        ..patient()
    };
    let owner = Owner::new().on_ended(|control, _| {
        control.close_output(Stream::Stdout);
        control.close_output(Stream::Stderr);
    });
    let mut run = Run::of("{ cat <&3 & } 3<&0", config, owner);
    let _stdin = run.stdin();
    let owner = run.finish();
    assert!(owner.outcome().leaked);
    assert_eq!(owner.ended, [Stream::Stdout, Stream::Stderr]);
}
