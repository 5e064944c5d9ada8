//! Notifications and their answers.

use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use childminder::{Config, Error, NotificationId, Outcome, Stream};
use childminder_driver::{Answer, Discarded, Job};

use crate::support::{Owner, Payload, Run, is_readable, millis, patient};

#[test]
fn notifications_run_in_order() {
    let mut run = Run::of("true", patient(), Owner::new());
    for name in ["a", "b", "c"] {
        run.control().notify(name);
    }
    let owner = run.finish();
    assert_eq!(owner.jobs, ["a", "b", "c"].map(Job::Requested));
    assert!(owner.outcome().is_success());
}

#[test]
fn one_runs_at_a_time_and_the_end_waits_for_the_last() {
    let (owner, in_flight) = owner_that_answers_later();
    let mut run = Run::of("true", patient(), owner);
    run.control().notify("a");
    run.control().notify("b");

    run.until(|owner| owner.outcomes.is_empty() && owner.ended.len() == 2);
    assert_eq!(run.owner().jobs, [Job::Requested("a")]);
    take(&in_flight).succeed();
    run.until(|owner| owner.jobs.len() == 2);
    assert_eq!(run.outcome(), None);
    take(&in_flight).succeed();
    assert!(run.finish().outcome().is_success());
}

#[test]
fn an_answer_from_another_thread_wakes_the_loop() {
    let owner = Owner::new().on_notify(|_, _, answer| {
        thread::spawn(move || {
            // The loop has gone to sleep by now.
            thread::sleep(millis(200));
            answer.succeed();
        });
    });
    let mut run = Run::of("true", patient(), owner);
    run.control().notify("slow");
    assert!(run.finish().outcome().is_success());
}

#[test]
fn no_answer_of_a_thousand_is_lost_between_two_threads() {
    let (answers, others) = mpsc::channel::<Answer>();
    thread::spawn(move || others.into_iter().for_each(Answer::succeed));
    let owner = Owner::new().on_notify(move |_, _, answer| answers.send(answer).expect("sent"));
    let mut run = Run::of("exec cat", patient(), owner);
    for round in 0..1000 {
        run.control().notify("again");
        // So many turns that the answer arrives during the last of them every now and then.
        for _ in 0..round % 64 {
            run.turn();
        }
        // This one starts when the one before has been answered.
        run.until(|owner| owner.jobs.len() > round);
    }
    drop(run.stdin());
    let owner = run.finish();
    assert_eq!(owner.jobs.len(), 1000);
    assert!(owner.outcome().is_success());
}

#[test]
fn an_answer_that_is_dropped_is_a_failure_and_discards_the_others() {
    let owner = Owner::new().on_notify(|_, _, answer| drop(answer));
    let mut run = Run::of("exec sleep 60", patient(), owner);
    for name in ["a", "b", "c"] {
        run.control().notify(name);
    }
    let owner = run.finish();
    let failed = Error::Notification(NotificationId::FIRST);
    assert_eq!(owner.outcome().error, Some(failed));
    assert!(owner.outcome().terminated);
    assert_eq!(owner.jobs, [Job::Requested("a")]);
    assert_eq!(discarded(owner), ["b", "c"]);
}

#[test]
fn an_answer_says_why_it_failed() {
    let owner = Owner::new().on_notify(|_, _, answer| answer.fail("the endpoint said 503"));
    let mut run = Run::of("exec sleep 60", patient(), owner);
    run.control().notify("a");
    let owner = run.finish();
    let failed = Error::Notification(NotificationId::FIRST);
    assert_eq!(owner.errors[0], (failed, true));
    assert_eq!(owner.failures, ["the endpoint said 503"]);
}

#[test]
fn an_answer_from_another_thread_says_why_it_failed() {
    let owner = Owner::new().on_notify(|_, _, answer| {
        thread::spawn(move || answer.fail("the endpoint said 503"));
    });
    let mut run = Run::of("exec sleep 60", patient(), owner);
    run.control().notify("a");
    assert_eq!(run.finish().failures, ["the endpoint said 503"]);
}

#[test]
fn what_is_asked_after_the_end_comes_back() {
    let mut run = Run::of("true", patient(), Owner::new());
    run.finish();
    run.control().notify("too late");
    run.control().fail("too late as well");
    assert!(run.has_work());
    run.turn();
    assert_eq!(run.children.deadline(), None);

    let owner = run.owner();
    assert_eq!(owner.jobs, []);
    let [
        Discarded::Notification("too late"),
        Discarded::Failure(failure),
    ] = owner.discarded.as_slice()
    else {
        panic!("{:?}", owner.discarded);
    };
    assert_eq!(failure.to_string(), "too late as well");
}

/// The exit is an error, and the end, at once; what the owner asks of that error comes back.
#[test]
fn what_is_asked_at_the_very_end_comes_back() {
    let owner = Owner::new().on_error(|control, _| control.notify("about the error"));
    let mut run = Run::of("exit 3", patient(), owner);
    let owner = run.finish();
    assert_eq!(discarded(owner), ["about the error"]);
}

/// The overdue notification is what the end waits for, besides the streams that the owner then closes.
#[test]
fn what_is_asked_while_the_last_stream_is_closed_comes_back() {
    let config = Config {
        notification_timeout: Some(millis(100)),
        ..patient()
    };
    let (owner, _in_flight) = owner_that_answers_later();
    let owner = owner
        .on_error(|control, _| {
            control.close_output(Stream::Stdout);
            control.close_output(Stream::Stderr);
        })
        .on_ended(|control, _| control.notify("the stream has ended"));
    let mut run = Run::of("true", config, owner);
    run.control().hold_output(Stream::Stdout);
    run.control().hold_output(Stream::Stderr);
    run.control().notify("slow");
    let owner = run.finish();
    assert_eq!(discarded(owner), ["the stream has ended"; 2]);
}

#[test]
fn a_late_answer_is_ignored() {
    let config = Config {
        notification_timeout: Some(millis(100)),
        ..patient()
    };
    let (owner, in_flight) = owner_that_answers_later();
    let mut run = Run::of(
        "trap 'read go; exit 0' TERM; echo; while :; do sleep 0.05; done",
        config,
        owner,
    );
    let mut stdin = run.stdin();
    run.until(|owner| !owner.stdout.is_empty());
    run.control().notify("slow");
    run.until(|owner| !owner.errors.is_empty());

    take(&in_flight).fail("no");
    run.step();
    stdin.write_all(b"go\n").expect("written");
    let owner = run.finish();
    let overdue = Error::NotificationTimeout(NotificationId::FIRST);
    assert_eq!(owner.errors, [(overdue, true)]);
}

#[test]
fn an_answer_after_the_end_is_ignored_and_leaves_no_work() {
    let config = Config {
        notification_timeout: Some(millis(100)),
        ..patient()
    };
    let (owner, in_flight) = owner_that_answers_later();
    let mut run = Run::of("exec sleep 60", config, owner);
    run.control().notify("slow");
    let outcome: Outcome = run.finish().outcome();
    take(&in_flight).fail("no");
    // It wakes the set, which cannot know yet that it comes too late.
    run.turn();
    assert_eq!(run.children.deadline(), None);
    assert!(!is_readable(&run.children, Duration::ZERO));
    assert_eq!(run.owner().outcomes, [outcome]);
}

#[test]
fn a_heart_beats() {
    let config = Config {
        heartbeat_interval: Some(millis(20)),
        ..patient()
    };
    let mut run = Run::of("exec cat", config, Owner::new());
    run.until(|owner| owner.jobs.len() >= 3);
    drop(run.stdin());
    let owner = run.finish();
    assert!(owner.jobs.iter().all(|job| *job == Job::Heartbeat));
    assert!(owner.outcome().is_success());
}

type InFlight = Rc<RefCell<Option<Answer>>>;

/// An owner that puts each answer where the test finds it.
fn owner_that_answers_later() -> (Owner, InFlight) {
    let in_flight = InFlight::default();
    let kept = Rc::clone(&in_flight);
    let owner = Owner::new().on_notify(move |_, _, answer| {
        let before = kept.replace(Some(answer));
        assert!(before.is_none(), "two in flight");
    });
    (owner, in_flight)
}

fn take(in_flight: &InFlight) -> Answer {
    in_flight.take().expect("one in flight")
}

fn discarded(owner: &Owner) -> Vec<Payload> {
    let payload = |what: &_| match what {
        Discarded::Notification(payload) => Some(*payload),
        _ => None,
    };
    owner.discarded.iter().filter_map(payload).collect()
}
