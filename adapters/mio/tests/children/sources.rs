//! A set as an event source.

use std::io::{ErrorKind, Write as _};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use childminder::{Config, Event};
use childminder_mio::Children;
use childminder_unix::Child;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::event::epoll;

use crate::support::{
    Bystander, GUARD, Owner, Run, SET, is_readable, millis, patient, sh, sleep, wait,
};

#[test]
fn every_event_comes_under_the_one_token() {
    let mut run = Run::of("echo; echo >&2", patient(), Owner::new());
    run.control().notify("answered through the loop");
    let other = run.add("echo; sleep 0.1; echo >&2", patient(), Owner::new());
    while run.outcome().is_none() || run.children.outcome(other).is_none() {
        run.step();
        assert!(run.events.iter().all(|event| event.token() == SET));
    }
}

#[test]
fn a_set_moves_to_another_token() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    run.poll
        .registry()
        .reregister(&mut run.children, Token(8), Interest::READABLE)
        .expect("moved");
    run.stdin().write_all(b"hello").expect("written");
    while run.outcome().is_none() {
        run.step();
        assert!(run.events.iter().all(|event| event.token() == Token(8)));
    }
    assert_eq!(run.finish().text(), "hello");
}

#[test]
fn what_happens_while_a_set_is_not_registered_is_noticed_afterwards() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    let child = Bystander::of(run.pid());
    run.poll
        .registry()
        .deregister(&mut run.children)
        .expect("deregistered");
    run.stdin().write_all(b"hello").expect("written");
    child.wait_until_dead();
    sleep(&mut run.poll, &mut run.events, Duration::ZERO);
    assert!(run.events.is_empty());

    run.poll
        .registry()
        .register(&mut run.children, SET, Interest::READABLE)
        .expect("registered again");
    assert_eq!(run.finish().text(), "hello");
}

#[test]
fn a_set_is_registered_once() {
    let mut run = Run::of("true", patient(), Owner::new());
    let twice = run
        .poll
        .registry()
        .register(&mut run.children, SET, Interest::READABLE);
    assert_eq!(twice.unwrap_err().kind(), ErrorKind::AlreadyExists);
    run.finish();
}

#[test]
fn a_registration_that_fails_leaves_nothing_registered() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    let fd = run.children.as_raw_fd();
    let registry = run.poll.registry();
    registry
        .deregister(&mut run.children)
        .expect("deregistered");

    registry
        .register(&mut SourceFd(&fd), Token(8), Interest::READABLE)
        .expect("taken");
    registry
        .register(&mut run.children, SET, Interest::READABLE)
        .expect_err("taken");
    registry.deregister(&mut SourceFd(&fd)).expect("given back");
    registry
        .register(&mut run.children, SET, Interest::READABLE)
        .expect("registered");
    drop(run.stdin());
    run.finish();
}

#[test]
fn after_the_end_a_set_wants_no_events() {
    let mut run = Run::of("true", patient(), Owner::new());
    run.finish();
    let registry = run.poll.registry();
    registry.deregister(&mut run.children).expect("harmless");
    registry
        .register(&mut run.children, SET, Interest::READABLE)
        .expect("harmless");
    registry
        .reregister(&mut run.children, SET, Interest::READABLE)
        .expect("harmless");
    sleep(&mut run.poll, &mut run.events, millis(50));
    assert!(run.events.is_empty());
}

/// What is waited for need not be the set itself, and need not be told of edges.
#[test]
fn a_set_works_in_a_selector_in_a_selector() {
    let inner = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
    let outer = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
    let mut children = Children::new().expect("a set");
    let data = epoll::EventData::new_u64(0);
    epoll::add(&inner, &children, data, epoll::EventFlags::IN).expect("added");
    epoll::add(&outer, &inner, data, epoll::EventFlags::IN).expect("added");

    let config = Config {
        heartbeat_interval: Some(millis(20)),
        ..patient()
    };
    let id = children
        .spawn(
            &mut sh("echo one; sleep 0.1; head -c 1000000 /dev/zero"),
            config,
            Owner::new(),
        )
        .expect("a child");
    while children.outcome(id).is_none() {
        assert!(is_readable(&outer, GUARD), "nothing comes");
        children.turn();
    }
    let owner = children.handler(id).expect("in the set");
    assert_eq!(owner.stdout.len(), 1_000_004);
    assert!(owner.jobs.len() > 1, "{} beats", owner.jobs.len());
    assert!(!is_readable(&outer, Duration::ZERO));
}

#[test]
fn the_loop_may_sleep_until_the_next_deadline() {
    let config = Config {
        idle_timeout: Some(millis(60_000)),
        ..patient()
    };
    let mut run = Run::of("exec cat", config, Owner::new());
    let deadline = run.children.deadline().expect("a deadline");
    let sleep = deadline.saturating_duration_since(Instant::now());
    assert!(sleep <= millis(60_000) && sleep > millis(30_000));

    run.control().set_idle_timeout(None);
    assert!(run.has_work());
    run.turn();
    assert_eq!(run.children.deadline(), None, "only the token brings more");

    run.control().set_idle_timeout(Some(millis(60_000)));
    run.turn();
    assert!(run.children.deadline().is_some());
    drop(run.stdin());
    run.finish();
    assert_eq!(run.children.deadline(), None);
}

/// Its first heartbeat comes with its start, and the next in a minute.
#[test]
fn what_a_child_asks_for_as_it_starts_needs_no_event_of_its_own() {
    let config = Config {
        heartbeat_interval: Some(millis(60_000)),
        ..patient()
    };
    let owner = Owner::new().on_notify(|control, _, answer| {
        answer.succeed();
        control.progress();
    });
    let mut run = Run::of("exec cat", config, owner);
    assert!(run.has_work());
    run.turn();
    assert!(run.owner().events().contains(&Event::Progress));
    assert!(!run.has_work());
}

#[test]
fn a_loop_that_never_looks_at_the_deadline_has_its_deadlines_all_the_same() {
    let config = Config {
        idle_timeout: Some(millis(100)),
        ..patient()
    };
    let mut run = Run::of("exec sleep 60", config, Owner::new());
    while run.outcome().is_none() {
        wait(&mut run.poll, &mut run.events);
        run.turn();
    }
    let error = run.owner().outcome().error;
    assert_eq!(error, Some(childminder::Error::IdleTimeout));
}

#[test]
fn a_child_that_is_gone_before_it_is_minded_calls_its_owner_in_a_turn_only() {
    let child = Child::spawn(&mut sh("echo; exit 3")).expect("a child");
    Bystander::of(child.id()).wait_until_dead();
    let mut poll = Poll::new().expect("a poll");
    let mut children = Children::new().expect("a set");
    poll.registry()
        .register(&mut children, SET, Interest::READABLE)
        .expect("registered");
    let id = children
        .mind(child, patient(), Owner::new())
        .expect("minded");
    let owner = children.handler(id).expect("in the set");
    assert_eq!(owner.text(), "");
    assert_eq!(owner.outcomes, []);

    let mut events = Events::with_capacity(8);
    while children.outcome(id).is_none() {
        wait(&mut poll, &mut events);
        children.turn();
    }
    let (finished, _, owner) = children.next_finished().expect("it has ended");
    assert_eq!(finished, id);
    assert_eq!(owner.text(), "\n");
    assert_eq!(owner.outcomes.len(), 1);
}

#[test]
fn a_turn_too_many_is_harmless() {
    let mut run = Run::of("echo; exit 1", patient(), Owner::new());
    while run.outcome().is_none() {
        run.step();
        run.turn();
        run.turn();
    }
    run.turn();
    assert_eq!(run.finish().text(), "\n");
}

#[test]
fn a_set_that_is_dropped_ends_every_child_with_its_group() {
    let script = "sleep 60 & echo $!; wait";
    let mut run = Run::of(script, patient(), Owner::new());
    let mut processes = vec![Bystander::of(run.pid()), run.bystander()];
    for _ in 0..2 {
        run.id = run.add(script, patient(), Owner::new());
        processes.extend([Bystander::of(run.pid()), run.bystander()]);
    }
    assert!(processes.iter().all(Bystander::is_alive));
    drop(run);
    processes.iter().for_each(Bystander::wait_until_dead);
}

#[test]
fn a_child_that_is_removed_gives_its_owner_back_and_dies_with_its_group() {
    let mut run = Run::of("sleep 60 & echo $!; wait", patient(), Owner::new());
    let leader = Bystander::of(run.pid());
    let member = run.bystander();
    let sister = run.add("exec cat", patient(), Owner::new());

    let owner = run.children.remove(run.id).expect("in the set");
    assert_eq!(owner.outcomes, []);
    leader.wait_until_dead();
    member.wait_until_dead();
    assert!(run.children.remove(run.id).is_none());
    assert!(run.children.control(run.id).is_none());
    assert_eq!(run.children.ids().collect::<Vec<_>>(), [sister]);

    run.id = sister;
    run.stdin().write_all(b"untouched").expect("written");
    assert_eq!(run.finish().text(), "untouched");
}
