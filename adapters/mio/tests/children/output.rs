//! What the child writes arrives, whole and in time.

use std::io::Write as _;
use std::process::Command;
use std::thread;

use childminder::{Event, Stream};

use crate::support::{BURST, Burst, Bystander, Owner, Run, millis, patient};

#[test]
fn each_stream_arrives_whole_and_ends_once() {
    let script = "echo one; echo two >&2; echo three";
    let mut run = Run::of(script, patient(), Owner::new());
    let owner = run.finish();

    assert_eq!(owner.stdout, b"one\nthree\n");
    assert_eq!(owner.stderr, b"two\n");
    let mut ended = owner.ended.clone();
    ended.sort();
    assert_eq!(ended, [Stream::Stdout, Stream::Stderr]);
    assert!(owner.outcome().is_success());
    assert!(!owner.outcome().leaked);
}

#[test]
fn fifty_megabytes_arrive_whole() {
    let mut run = Run::of("head -c 50000000 /dev/zero", patient(), Owner::new());
    let owner = run.finish();
    assert_eq!(owner.stdout.len(), 50_000_000);
    assert!(owner.outcome().is_success());
}

#[test]
fn what_goes_in_comes_out() {
    let mut run = Run::of("cat", patient(), Owner::new());
    let mut stdin = run.stdin();
    stdin.write_all(b"there").expect("written");
    run.until(|owner| owner.stdout == b"there");
    stdin.write_all(b" and back").expect("written");
    drop(stdin);
    assert_eq!(run.finish().stdout, b"there and back");
}

#[test]
fn a_child_with_no_pipe_is_minded_to_its_exit() {
    let mut command = Command::new("true");
    let mut run = Run::of_command(&mut command, patient(), Owner::new());
    assert!(run.finish().outcome().is_success());
}

/// The last bytes, the end of both streams and the exit are all there before the first turn, and the
/// kernel tells of each at most once.
#[test]
fn an_end_that_comes_with_the_last_bytes_is_not_missed() {
    let mut run = Run::of("read go; echo last words", patient(), Owner::new());
    let child = Bystander::of(run.pid());
    drop(run.stdin());
    child.wait_until_dead();

    let owner = run.finish();
    assert_eq!(owner.text(), "last words\n");
    let mut ended = owner.ended.clone();
    ended.sort();
    assert_eq!(ended, [Stream::Stdout, Stream::Stderr]);
}

#[test]
fn a_stream_may_end_long_before_the_child() {
    let mut run = Run::of("echo bye; exec >&-; cat >&2", patient(), Owner::new());
    run.until(|owner| owner.ended == [Stream::Stdout]);
    assert_eq!(run.owner().text(), "bye\n");

    run.stdin().write_all(b"still here").expect("written");
    assert_eq!(run.finish().stderr, b"still here");
}

#[test]
fn what_the_budget_left_over_is_read_without_a_new_event() {
    let (mut run, mut burst) = Burst::of_a_child();
    let stdin = burst.write(&mut run);
    run.turn();
    let budget = run.owner().stdout.len();
    assert!(budget < BURST, "a turn reads no more than its budget");

    // Nobody writes any more, so no event will come: only turns.
    while run.owner().stdout.len() < BURST {
        assert!(run.has_work());
        run.turn();
    }
    // The stream may rest after the last of it, for half a millisecond.
    thread::sleep(millis(1));
    run.turn();
    assert_eq!(run.children.deadline(), None, "nothing is left over");
    drop(stdin);
    run.finish();
}

#[test]
fn a_burst_before_the_exit_arrives_before_the_exit() {
    let script = format!("read go; head -c {BURST} /dev/zero");
    let mut run = Run::of(&script, patient(), Owner::new());
    let child = Bystander::of(run.pid());
    run.widen_stdout();
    drop(run.stdin());
    child.wait_until_dead();

    let owner = run.finish();
    let exit = |event: &Event| matches!(event, Event::ChildExited(_));
    let before_exit = owner.events().into_iter().take_while(|event| !exit(event));
    let written: u64 = before_exit
        .filter_map(|event| match event {
            Event::Output { bytes, .. } => Some(bytes),
            _ => None,
        })
        .sum();
    assert_eq!(written, BURST as u64);
}
