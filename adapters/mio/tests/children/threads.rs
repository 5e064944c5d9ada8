//! Requests from other threads.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use childminder::{Config, Error, Event, ExitStatus, FailureId, Signal};
use childminder_driver::{Answer, ChildId, Handler, Job, Remote};
use childminder_mio::Children;
use rustix::thread::gettid;

use crate::support::{Owner, Payload, Run, ladder, millis, patient};

#[test]
fn a_notification_wakes_the_loop() {
    let mut run = asked("exec cat", |remote, child| remote.notify(child, "hello"));
    run.until(|owner| !owner.jobs.is_empty());
    assert_eq!(run.owner().jobs, [Job::Requested("hello")]);
}

#[test]
fn progress_wakes_the_loop() {
    let mut run = asked("exec cat", Remote::progress);
    run.until(|owner| owner.events().contains(&Event::Progress));
}

#[test]
fn a_failure_wakes_the_loop_and_comes_in_its_own_words() {
    let mut run = asked("exec cat", |remote, child| {
        remote.fail(child, "the disk is full");
    });
    let owner = run.finish();
    assert_eq!(owner.failures, ["the disk is full"]);
    let first = FailureId::new(1).expect("a ticket");
    assert_eq!(owner.outcome().error, Some(Error::External(first)));
}

#[test]
fn a_termination_wakes_the_loop() {
    let mut run = asked("exec sleep 60", Remote::terminate);
    let outcome = run.finish().outcome();
    assert!(outcome.terminated);
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::TERM)));
}

#[test]
fn impatience_wakes_the_loop() {
    let mut run = asked("trap '' TERM; echo; exec sleep 60", |remote, child| {
        remote.escalate(child);
        remote.escalate(child);
    });
    let outcome = run.finish().outcome();
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
}

#[test]
fn no_request_of_a_thousand_is_lost_between_two_threads() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    let (remote, child) = (run.children.remote(), run.id);
    let asker = thread::spawn(move || {
        for round in 0..1000 {
            remote.notify(child, "again");
            if round % 16 == 0 {
                thread::yield_now();
            }
        }
    });
    run.until(|owner| owner.jobs.len() == 1000);
    asker.join().expect("no panic");
}

/// Each is asked for as soon as the one before has been heard, in the middle of a turn, and nothing follows that would
/// wake the loop in its place.
#[test]
fn a_request_at_the_end_of_a_turn_is_not_slept_through() {
    const ROUNDS: usize = 20_000;
    let heard = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&heard);
    let owner = Owner::new().on_notify(move |_, _, answer| {
        counter.fetch_add(1, Ordering::Release);
        answer.succeed();
    });
    let mut run = Run::of("exec cat", patient(), owner);
    let (remote, child) = (run.children.remote(), run.id);
    let asker = thread::spawn(move || {
        for round in 0..ROUNDS {
            while heard.load(Ordering::Acquire) < round {
                thread::yield_now();
            }
            // A little later each time, so that some come in each moment of a turn.
            for _ in 0..round % 200 {
                std::hint::spin_loop();
            }
            remote.notify(child, "again");
        }
    });
    run.until(|owner| owner.jobs.len() == ROUNDS);
    asker.join().expect("no panic");
}

#[test]
fn what_comes_after_the_set_is_dropped_is_harmless() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    let (remote, child) = (run.children.remote(), run.id);
    run.turn();
    drop(run);
    remote.terminate(child);
}

#[test]
fn a_set_its_remotes_and_its_answers_move_between_threads() {
    struct Own;
    impl Handler for Own {
        type Notification = String;
    }
    fn is_send<T: Send>() {}
    is_send::<Children<Own>>();
    is_send::<Children<Box<dyn Handler<Notification = ()> + Send>>>();
    is_send::<Remote<String>>();
    is_send::<Answer>();
}

/// A child whose loop sleeps when another thread asks something of it.
fn asked(script: &str, ask: impl FnOnce(&Remote<Payload>, ChildId) + Send + 'static) -> Run {
    let config = Config {
        ladder: ladder(Signal::TERM, millis(600_000)),
        ..patient()
    };
    let mut run = Run::of(script, config, Owner::new());
    let (remote, child) = (run.children.remote(), run.id);
    if script.contains("echo") {
        run.until(|owner| owner.stdout == b"\n");
    }
    let looping = format!("/proc/self/task/{}/stat", gettid());
    thread::spawn(move || {
        while !is_asleep(&looping) {
            thread::yield_now();
        }
        ask(&remote, child);
    });
    run
}

fn is_asleep(stat: &str) -> bool {
    let stat = fs::read_to_string(stat).expect("a thread");
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| rest.starts_with(" S"))
}
