//! Children of one set, and what they have to do with each other.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::Command;
use std::rc::Rc;

use childminder::{Config, ExitStatus, Outcome, Signal, Stream};
use childminder_driver::{ChildId, Control, Handler, Job};
use childminder_mio::Children;

use crate::support::{Burst, GUARD, Owner, Run, is_readable, millis, patient, sh};

#[test]
fn a_handler_ends_another_child() {
    let mut run = Run::of("exec sleep 60", patient(), Owner::new());
    let victim = run.id;
    let owner = Owner::new().on_output(move |control, _, _| control.child(victim).terminate());
    run.add("echo done; exec cat", patient(), owner);
    let outcome = run.finish().outcome();
    assert!(outcome.terminated);
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::TERM)));
}

#[test]
fn a_handler_notifies_another_child_in_the_same_turn() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    let told = run.id;
    let owner = Owner::new()
        .on_exited(move |control, _| control.child(told).notify("my sister has exited"));
    let sister = run.add("true", patient(), owner);
    run.finish_child(sister);
    assert_eq!(run.owner().jobs.len(), 1);
    assert!(!run.has_work());
}

#[test]
fn what_is_asked_of_a_child_that_is_gone_comes_back() {
    let mut run = Run::of("true", patient(), Owner::new());
    run.finish();
    let (gone, _, _) = run.children.next_finished().expect("it has ended");
    assert!(run.children.control(gone).is_none());

    run.children.remote().notify(gone, "from elsewhere");
    run.turn();
    assert_eq!(run.undelivered(), [(gone, "from elsewhere")]);

    let owner =
        Owner::new().on_output(move |control, _, _| control.child(gone).notify("from a sister"));
    run.id = run.add("echo; exit", patient(), owner);
    run.finish();
    assert_eq!(run.undelivered(), [(gone, "from a sister")]);
}

/// It is asked for while the child is in the set, and the budget of the turn goes to another.
#[test]
fn what_a_child_that_leaves_has_not_got_round_to_comes_back() {
    let (mut run, mut burst) = Burst::of_a_child();
    let ended = run.add("true", patient(), Owner::new());
    run.finish_child(ended);
    let _stdin = burst.write(&mut run);
    run.turn();
    assert!(run.has_work(), "the burst is more than one turn reads");

    let mut control = run.children.control(ended).expect("in the set");
    control.notify("too late");
    run.turn();
    let (gone, _, owner) = run.children.next_finished().expect("it has ended");
    assert_eq!(gone, ended);
    assert_eq!(owner.discarded.len(), 0, "it had no turn");
    assert_eq!(run.undelivered(), [(ended, "too late")]);
}

#[test]
fn what_a_child_that_is_removed_has_not_run_comes_back() {
    let answers = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&answers);
    let owner = Owner::new().on_notify(move |_, _, answer| kept.borrow_mut().push(answer));
    let mut run = Run::of("exec cat", patient(), owner);
    for payload in ["runs", "is queued"] {
        run.control().notify(payload);
    }
    run.turn();
    run.control().notify("is new");
    let owner = run.children.remove(run.id).expect("in the set");
    assert_eq!(owner.jobs, [Job::Requested("runs")]);
    run.turn();
    let gone = run.id;
    assert_eq!(run.undelivered(), [(gone, "is queued"), (gone, "is new")]);
}

#[test]
fn no_id_is_given_twice() {
    let mut run = Run::of("true", patient(), Owner::new());
    let mut seen = BTreeSet::from([run.id]);
    for round in 0..10 {
        let latest = *seen.last().expect("one");
        match round % 3 {
            0 => drop(run.children.remove(latest)),
            1 => {
                run.finish_child(latest);
                run.children.next_finished().expect("it has ended");
            }
            _ => {
                let mut nowhere = Command::new("/nowhere");
                let refused = run.children.spawn(&mut nowhere, patient(), Owner::new());
                refused.expect_err("nothing is there");
            }
        }
        let id = run.add("true", patient(), Owner::new());
        assert!(id > latest, "{id} after {latest}");
        assert!(seen.insert(id));
    }
}

#[test]
fn each_finished_child_is_handed_over_once() {
    let mut run = Run::of("exit 1", patient(), Owner::new());
    let other = run.add("exit 2", patient(), Owner::new());
    run.finish();
    run.finish_child(other);
    let mut codes = Vec::new();
    while let Some((id, outcome, owner)) = run.children.next_finished() {
        assert_eq!(owner.outcomes, [outcome]);
        assert!(run.children.handler(id).is_none());
        codes.push(outcome.exit.expect("an exit"));
    }
    codes.sort_by_key(ToString::to_string);
    assert_eq!(codes, [ExitStatus::Code(1), ExitStatus::Code(2)]);
    assert!(run.children.is_empty());
}

#[test]
fn a_finished_child_that_is_removed_is_not_handed_over() {
    let mut run = Run::of("true", patient(), Owner::new());
    run.finish();
    let other = run.add("true", patient(), Owner::new());
    run.finish_child(other);
    let owner = run.children.remove(run.id).expect("in the set");
    assert_eq!(owner.outcomes.len(), 1);
    let (finished, _, _) = run.children.next_finished().expect("the other has ended");
    assert_eq!(finished, other);
    assert!(run.children.next_finished().is_none());
}

type Log = Rc<RefCell<Vec<String>>>;

struct Counts(Log, usize);

impl Handler for Counts {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.1 += bytes.len();
    }

    fn finished(&mut self, _: Outcome) {
        self.0.borrow_mut().push(format!("{} bytes", self.1));
    }
}

struct Exits(Log);

impl Handler for Exits {
    type Notification = ();

    fn exited(&mut self, _: &mut Control<()>, status: ExitStatus) {
        self.0.borrow_mut().push(status.to_string());
    }
}

#[test]
fn handlers_of_several_kinds_are_in_one_set() {
    type Any = Box<dyn Handler<Notification = ()>>;
    let log = Log::default();
    let mut children = Children::<Any>::new().expect("a set");
    let handlers: [Any; 2] = [
        Box::new(Counts(Rc::clone(&log), 0)),
        Box::new(Exits(Rc::clone(&log))),
    ];
    for handler in handlers {
        let child = children.spawn(&mut sh("echo hello; exit 3"), patient(), handler);
        child.expect("a child");
    }
    while !children.is_empty() {
        assert!(is_readable(&children, GUARD), "nothing comes");
        children.turn();
        while children.next_finished().is_some() {}
    }
    log.borrow_mut().sort();
    assert_eq!(*log.borrow(), ["6 bytes", "exit status 3"]);
}

#[test]
fn a_heartbeat_of_one_child_is_not_the_others() {
    let config = Config {
        heartbeat_interval: Some(millis(20)),
        ..patient()
    };
    let mut run = Run::of("exec cat", config, Owner::new());
    let quiet = run.add("exec cat", patient(), Owner::new());
    run.until(|owner| owner.jobs.len() >= 3);
    let quiet = run.children.handler(quiet).expect("in the set");
    assert_eq!(quiet.jobs, []);
    assert_eq!(run.id, ChildId::FIRST);
}
