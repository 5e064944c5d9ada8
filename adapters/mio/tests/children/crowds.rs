//! Many at once: nothing is lost, and nobody starves.

use std::cell::Cell;
use std::fs;
use std::process::Stdio;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use childminder::{Config, Deadline, Error, Stream};
use childminder_driver::{BUDGET, ChildId, Control, Handler};
use childminder_mio::Children;
use mio::{Events, Interest, Poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{
    BURST, Burst, Bystander, GUARD, Owner, Run, SET, is_readable, millis, patient, sh, wait,
};

/// More than a selector tells of at once.
const CROWD: u64 = 300;

/// What each of 256 children writes to use up the budget of a turn together.
const SHARE: usize = BUDGET / 256;

#[test]
fn ten_thousand_notifications_that_are_answered_at_once_go_in_one_turn() {
    let mut run = Run::of("exec cat", patient(), Owner::new());
    for _ in 0..10_000 {
        run.control().notify("again");
    }
    run.turn();
    assert_eq!(run.owner().jobs.len(), 10_000);
    assert!(!run.has_work());
}

#[test]
fn all_children_together_read_one_budget_in_a_turn() {
    let (mut run, mut burst) = Burst::of_a_child();
    let small = run.add("echo small; exec cat", patient(), Owner::new());
    assert!(is_readable(&run.children, GUARD), "nothing comes");
    let _stdin = burst.write(&mut run);
    let read = |run: &Run| {
        let small = run.children.handler(small).expect("in the set");
        small.stdout.len() + run.owner().stdout.len()
    };
    while read(&run) < BURST + "small\n".len() {
        let before = read(&run);
        assert!(run.has_work() || before == 0, "something is left over");
        run.turn();
        let in_a_turn = read(&run) - before;
        assert!(in_a_turn <= BUDGET, "{in_a_turn} bytes in a turn");
    }
}

#[test]
fn a_flood_delays_the_deadline_of_another_child_by_a_turn_at_most() {
    let mut run = Run::of("yes & yes & exec yes", patient(), Owner::new());
    run.widen_stdout();
    let flood = run.id;
    let config = Config {
        run_timeout: Some(millis(200)),
        ..patient()
    };
    let begun = Instant::now();
    run.id = run.add("exec sleep 60", config, Owner::new());
    let mut most = 0;
    while run.owner().errors.is_empty() {
        run.step();
        let Owner { stdout, .. } = run.children.handler_mut(flood).expect("in the set");
        most = most.max(stdout.len());
        stdout.clear();
    }
    let late = begun.elapsed().saturating_sub(millis(200));
    assert_eq!(run.owner().errors, [(Error::RunTimeout, true)]);
    assert!(late < millis(1000), "{late:?} too late");
    assert!(most > BUDGET / 2, "it was no flood: {most} bytes in a turn");
    assert!(most <= BUDGET, "{most} bytes in a turn");
}

/// The first output takes so long that the deadline comes meanwhile.
#[test]
fn a_deadline_waits_for_a_quarter_of_a_budget_at_most() {
    let due = Rc::new(Cell::new(None));
    let until = Rc::clone(&due);
    let (flood, mut run, mut burst) = Flood::new(move || {
        while until.get().is_some_and(|due| Instant::now() < due) {
            thread::yield_now();
        }
    });
    flood.limit(&mut run, millis(50));
    due.set(Some(Instant::now() + millis(50)));
    let _stdin = burst.write(&mut run);
    run.turn();
    let read = flood.read.get();
    assert!(read > BUDGET / 2, "{read} bytes in a turn");
    let first = flood.at_the_deadline.get();
    let first = first.expect("it was due in this turn");
    assert!(first <= BUDGET / 2, "{first} bytes before the deadline");
}

/// The flood is what has waited longest.
#[test]
fn a_deadline_that_is_due_comes_before_output() {
    let (flood, mut run, mut burst) = Flood::new(|| {});
    let _stdin = burst.write(&mut run);
    run.turn();
    assert!(run.has_work(), "the burst is more than one turn reads");
    let limited = flood.limit(&mut run, millis(1));
    let left = |run: &Run| run.children.time_left(limited, Deadline::Run);
    while left(&run).is_some_and(|left| !left.is_zero()) {
        thread::yield_now();
    }
    let before = flood.read.get();
    run.turn();
    assert_eq!(flood.at_the_deadline.get(), Some(before));
}

/// A burst of output, and how much of it came before the deadline of another child.
#[derive(Default)]
struct Flood {
    read: Rc<Cell<usize>>,
    at_the_deadline: Rc<Cell<Option<usize>>>,
}

impl Flood {
    /// `meanwhile` is called with each piece.
    fn new(meanwhile: impl Fn() + 'static) -> (Self, Run, Burst) {
        let flood = Self::default();
        let read = Rc::clone(&flood.read);
        let owner = Owner::new().on_output(move |_, _, bytes| {
            meanwhile();
            read.set(read.get() + bytes.len());
        });
        let (run, burst) = Burst::of_a_child_of(owner);
        (flood, run, burst)
    }

    /// Adds the other child.
    fn limit(&self, run: &mut Run, run_timeout: Duration) -> ChildId {
        let read = Rc::clone(&self.read);
        let told = Rc::clone(&self.at_the_deadline);
        let owner = Owner::new().on_error(move |_, _| told.set(Some(read.get())));
        let config = Config {
            run_timeout: Some(run_timeout),
            ..patient()
        };
        run.add("exec sleep 60", config, owner)
    }
}

/// All have ended before the first turn, and mio tells of an edge once.
#[test]
fn a_crowd_that_is_ready_at_once_loses_nothing() {
    let mut crowd = Crowd::new();
    for number in 1..=CROWD {
        let id = crowd.add(&format!("echo {number}; exit {}", number % 7));
        assert_eq!(id.number(), number);
    }
    for id in crowd.children.ids() {
        let child = crowd.children.child(id).expect("in the set");
        Bystander::of(child.id()).wait_until_dead();
    }
    let mut ended = 0;
    while ended < CROWD {
        crowd.step();
        while let Some((id, outcome, said)) = crowd.children.next_finished() {
            assert_eq!(said.0, format!("{}\n", id.number()).as_bytes());
            let exit = outcome.exit.expect("an exit").to_string();
            assert_eq!(exit, format!("exit status {}", id.number() % 7));
            ended += 1;
        }
    }
    assert!(crowd.children.is_empty());
}

/// The last of those that the selector tells of at first uses up the budget, and leaves nothing over.
#[test]
fn those_that_the_selector_did_not_tell_of_get_their_turn() {
    let mut crowd = Crowd::new();
    for _ in 0..CROWD {
        crowd.add(&format!("head -c {SHARE} /dev/zero; exec sleep 60"));
    }
    for id in crowd.children.ids().collect::<Vec<_>>() {
        // Its output is all there is to read when it has become `sleep`.
        let child = crowd.children.child(id).expect("in the set");
        let name = format!("/proc/{}/comm", child.id());
        while fs::read_to_string(&name).expect("it lives") != "sleep\n" {
            thread::yield_now();
        }
    }
    let all_said = |children: &Children<Said>| {
        let said = |id| {
            children
                .handler(id)
                .is_some_and(|said| said.0.len() == SHARE)
        };
        children.ids().all(said)
    };
    while !all_said(&crowd.children) {
        crowd.step();
    }
}

#[test]
fn a_held_stream_costs_no_turns() {
    let script = "echo held; echo written >&2; exec cat";
    let mut run = Run::of(script, patient(), Owner::new());
    run.control().hold_output(Stream::Stdout);
    run.until(|owner| owner.stderr == b"written\n");
    run.turn();
    assert!(!is_readable(&run.children, Duration::ZERO));
    assert_eq!(run.children.deadline(), None);

    run.control().release_output(Stream::Stdout);
    drop(run.stdin());
    assert_eq!(run.finish().text(), "held\n");
}

/// Children whose end each is told of, under a poll that waits for edges.
struct Crowd {
    poll: Poll,
    events: Events,
    children: Children<Said>,
}

impl Crowd {
    fn new() -> Self {
        let limit = getrlimit(Resource::Nofile);
        let most = Rlimit {
            current: limit.maximum,
            ..limit
        };
        setrlimit(Resource::Nofile, most).expect("as many descriptors as there may be");
        let poll = Poll::new().expect("a poll");
        let mut children = Children::new().expect("a set");
        poll.registry()
            .register(&mut children, SET, Interest::READABLE)
            .expect("registered");
        Self {
            poll,
            events: Events::with_capacity(8),
            children,
        }
    }

    fn add(&mut self, script: &str) -> ChildId {
        let mut command = sh(script);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let child = self
            .children
            .spawn(&mut command, patient(), Said::default());
        child.expect("a child")
    }

    /// Nothing but an edge makes it turn.
    fn step(&mut self) {
        wait(&mut self.poll, &mut self.events);
        self.children.turn();
    }
}

#[derive(Default)]
struct Said(Vec<u8>);

impl Handler for Said {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.0.extend(bytes);
        if self.0.len() == SHARE {
            control.close_output(stream);
        }
    }
}
