//! A child as an event source.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::fd::RawFd;
use std::time::Duration;

use childminder_mio::{Config, MindedChild};
use childminder_unix::Child;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::support::{Bystander, CHILD, Owner, Run, millis, patient, sh, sleep};

#[test]
fn every_event_comes_under_the_one_token() {
    let mut run = Run::of("echo; echo >&2", patient(), Owner::new());
    run.control().notify("answered through the loop");
    while run.child.outcome().is_none() {
        run.step();
        assert!(run.events.iter().all(|event| event.token() == CHILD));
    }
}

#[test]
fn a_child_moves_to_another_token() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    run.poll
        .registry()
        .reregister(&mut run.child, Token(8), Interest::READABLE)
        .expect("moved");
    run.stdin().write_all(b"hello").expect("written");
    while run.child.outcome().is_none() {
        run.step();
        assert!(run.events.iter().all(|event| event.token() == Token(8)));
    }
    assert_eq!(run.finish().text(), "hello");
}

#[test]
fn what_happens_while_a_child_is_not_registered_is_noticed_afterwards() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    let child = Bystander::of(run.child.id());
    run.poll
        .registry()
        .deregister(&mut run.child)
        .expect("deregistered");
    run.stdin().write_all(b"hello").expect("written");
    child.wait_until_dead();
    sleep(&mut run.poll, &mut run.events, Duration::ZERO);
    assert!(run.events.is_empty());

    run.poll
        .registry()
        .register(&mut run.child, CHILD, Interest::READABLE)
        .expect("registered again");
    assert_eq!(run.finish().text(), "hello");
}

#[test]
fn a_child_is_registered_once() {
    let mut run = Run::of("true", patient(), Owner::new());
    let twice = run
        .poll
        .registry()
        .register(&mut run.child, CHILD, Interest::READABLE);
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::AlreadyExists);
    run.finish();
}

/// One of its descriptors is taken; those that were registered before it are taken back.
#[test]
fn a_registration_that_fails_leaves_nothing_registered() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    let stdout = our_end_of_stdout(&run);
    let registry = run.poll.registry();
    registry.deregister(&mut run.child).expect("deregistered");

    registry
        .register(&mut SourceFd(&stdout), Token(8), Interest::READABLE)
        .expect("taken");
    registry
        .register(&mut run.child, CHILD, Interest::READABLE)
        .expect_err("taken");
    registry
        .deregister(&mut SourceFd(&stdout))
        .expect("given back");
    registry
        .register(&mut run.child, CHILD, Interest::READABLE)
        .expect("registered");
    drop(run.stdin());
    run.finish();
}

/// The descriptor in this process that leads to the pipe which is the child's standard output.
fn our_end_of_stdout(run: &Run) -> RawFd {
    let pipe = fs::read_link(format!("/proc/{}/fd/1", run.child.id())).expect("a pipe");
    let ours = fs::read_dir("/proc/self/fd").expect("descriptors");
    ours.map_while(Result::ok)
        .find(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == pipe))
        .and_then(|fd| fd.file_name().to_str()?.parse().ok())
        .expect("our end")
}

#[test]
fn after_the_end_a_child_wants_no_events() {
    let mut run = Run::of("true", patient(), Owner::new());
    run.finish();
    let registry = run.poll.registry();
    registry.deregister(&mut run.child).expect("harmless");
    registry
        .register(&mut run.child, CHILD, Interest::READABLE)
        .expect("harmless");
    registry
        .reregister(&mut run.child, CHILD, Interest::READABLE)
        .expect("harmless");
    sleep(&mut run.poll, &mut run.events, millis(50));
    assert!(run.events.is_empty());
}

#[test]
fn the_loop_may_sleep_until_the_next_deadline() {
    let config = Config {
        idle_timeout: Some(millis(60_000)),
        ..patient()
    };
    let mut run = Run::of("exec cat", config, Owner::new());
    let sleep = run.child.poll_timeout().expect("a deadline");
    assert!(sleep <= millis(60_000) && sleep > millis(30_000));

    run.control().set_idle_timeout(None);
    assert_eq!(run.child.poll_timeout(), Some(Duration::ZERO), "work");
    run.turn();
    assert_eq!(run.child.poll_timeout(), None, "only the token brings more");

    drop(run.stdin());
    run.finish();
    assert_eq!(run.child.poll_timeout(), None);
}

#[test]
fn a_child_that_is_gone_before_it_is_minded_calls_its_owner_in_a_turn_only() {
    let child = Child::spawn(&mut sh("echo; exit 3")).expect("a child");
    Bystander::of(child.id()).wait_until_dead();
    let mut minded = MindedChild::mind(child, patient(), Owner::new()).expect("minded");
    let mut poll = Poll::new().expect("a poll");
    let registered = poll
        .registry()
        .register(&mut minded, CHILD, Interest::READABLE);
    registered.expect("registered");
    assert_eq!(minded.handler().text(), "");
    assert_eq!(minded.handler().outcomes, []);

    let mut events = Events::with_capacity(8);
    while minded.outcome().is_none() {
        sleep(&mut poll, &mut events, millis(60_000));
        minded.turn(poll.registry()).expect("a turn");
    }
    assert_eq!(minded.handler().text(), "\n");
    assert_eq!(minded.handler().outcomes.len(), 1);
}

#[test]
fn a_turn_too_many_is_harmless() {
    let mut run = Run::of("echo; exit 1", patient(), Owner::new());
    while run.child.outcome().is_none() {
        run.step();
        run.turn();
        run.turn();
    }
    run.turn();
    assert_eq!(run.finish().text(), "\n");
}

#[test]
fn a_child_that_is_dropped_dies_with_its_group() {
    let mut run = Run::of("sleep 60 & echo $!; wait", patient(), Owner::new());
    let member = run.bystander();
    let leader = Bystander::of(run.child.id());
    assert!(member.is_alive() && leader.is_alive());
    drop(run);
    leader.wait_until_dead();
    member.wait_until_dead();
}

#[test]
fn a_child_that_gives_its_owner_back_dies_with_its_group() {
    let mut run = Run::of("sleep 60 & echo $!; wait", patient(), Owner::new());
    let member = run.bystander();
    let owner = run.child.into_handler();
    assert_eq!(owner.outcomes, []);
    member.wait_until_dead();
}
