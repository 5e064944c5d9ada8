//! Captured runs, in one call and in a set.

use std::io;
use std::process::{Command, Stdio};

use childminder::Config;
use childminder_driver::{Captured, ChildId};
use childminder_mio::{Children, capture, run_to_end};
use mio::{Events, Interest, Poll};

use crate::capturing::patient;
use crate::support::{SET, wait};

mod in_one_call {
    crate::capturing::cases! { "captured::in_one_call", super::one_call }
}

mod in_a_set {
    crate::capturing::cases! { "captured::in_a_set", super::set_of_one }
}

fn one_call(command: &mut Command, config: Config, captured: Captured) -> io::Result<Captured> {
    capture(command, config, captured)
}

fn set_of_one(command: &mut Command, config: Config, captured: Captured) -> io::Result<Captured> {
    let mut children = Children::new()?;
    children.capture(command, config, captured)?;
    let (_, captured) = finish(children).remove(0);
    Ok(captured)
}

/// All children of a set, in the order in which they ended.
fn finish(mut children: Children<Captured>) -> Vec<(ChildId, Captured)> {
    let mut poll = Poll::new().expect("a poll");
    let registered = poll
        .registry()
        .register(&mut children, SET, Interest::READABLE);
    registered.expect("registered");
    let mut events = Events::with_capacity(1);
    let mut finished = Vec::new();
    while !children.is_empty() {
        wait(&mut poll, &mut events);
        children.turn();
        let next = || children.next_finished();
        finished.extend(std::iter::from_fn(next).map(|(id, _, captured)| (id, captured)));
    }
    finished
}

#[test]
fn many_in_one_set_each_read_their_own() {
    let mut children = Children::new().expect("a set");
    let inputs = |number: u8| vec![number; 300_000];
    let capture = |number| {
        let captured = Captured::whole(1 << 20).with_input(inputs(number));
        let spawned = children.capture(&mut Command::new("cat"), patient(), captured);
        (spawned.expect("cat"), number)
    };
    let ids: Vec<(ChildId, u8)> = (0..30).map(capture).collect();
    let finished = finish(children);
    for (id, number) in ids {
        let (_, captured) = finished.iter().find(|it| it.0 == id).expect("it ended");
        assert!(captured.is_success());
        let output = captured.stdout().bytes().expect("all of it");
        assert!(*output == inputs(number), "{} bytes", output.len());
    }
}

#[test]
fn a_child_that_is_removed_before_it_has_read_leaves_nothing_behind() {
    let mut children = Children::new().expect("a set");
    let mut sleep = Command::new("sleep");
    let captured = Captured::default().with_input(vec![b'x'; 1 << 20]);
    let id = children
        .capture(sleep.arg("1000"), patient(), captured)
        .expect("a child");
    children.remove(id).expect("it is in the set");
    let captured = Captured::default().with_input(vec![b'x'; 1 << 20]);
    let cat = children.capture(&mut Command::new("cat"), patient(), captured);
    cat.expect("a child");
    assert!(finish(children).remove(0).1.is_success());
}

#[test]
fn a_command_of_our_own_is_captured_too() {
    let mut command = childminder_unix::Command::new("tr");
    let captured = Captured::default().with_input("hello");
    let captured = capture(command.args(["a-z", "A-Z"]), patient(), captured);
    let captured = captured.expect("tr").check().expect("a success");
    assert_eq!(captured.stdout().to_string(), "HELLO");
}

#[test]
fn streams_can_be_the_callers_own() {
    let mut command = Command::new("sh");
    command.args(["-c", "cat >&2"]).stderr(Stdio::piped());
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let captured = Captured::default().with_input("hello");
    let (outcome, captured) = run_to_end(&mut command, patient(), captured).expect("sh");
    assert!(outcome.is_success());
    assert_eq!(captured.stderr().to_string(), "hello");
}

#[test]
fn input_without_a_pipe_is_a_failure() {
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null());
    let captured = Captured::default().with_input("hello");
    let (outcome, captured) = run_to_end(&mut command, patient(), captured).expect("sleep");
    assert!(outcome.terminated);
    let words = captured.errors().to_string();
    assert!(words.contains("standard input is not piped"), "{words}");
}
