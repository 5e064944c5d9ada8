//! What is readable among many descriptors.

use std::io::{self, ErrorKind, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::thread;

use childminder_unix::{Child, Command, Selector, Stdio, Timer, Wakeup};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::support::is_readable;
use crate::waits::wait_until_readable;

#[test]
fn what_is_readable_is_told_until_it_is_not() {
    let selector = Selector::new().expect("a selector");
    let wakeups = [0, 1, 2].map(|_| Wakeup::new().expect("a wakeup"));
    for (wakeup, key) in wakeups.iter().zip([7, u64::MAX, 0]) {
        selector.add(wakeup, key).expect("added");
    }
    assert!(!is_readable(&selector));
    assert_eq!(ready(&selector), []);

    wakeups[1].wake().expect("woken");
    wakeups[2].wake().expect("woken");
    assert!(is_readable(&selector));
    // Nothing was read, so they are ready still.
    for _ in 0..2 {
        assert_eq!(ready(&selector), [0, u64::MAX]);
    }
    wakeups[1].clear().expect("cleared");
    assert_eq!(ready(&selector), [0]);
    selector.remove(&wakeups[2]).expect("it was there");
    assert_eq!(ready(&selector), []);
    assert!(!is_readable(&selector));
}

#[test]
fn keys_are_appended() {
    let selector = Selector::new().expect("a selector");
    let wakeup = Wakeup::new().expect("a wakeup");
    selector.add(&wakeup, 2).expect("added");
    wakeup.wake().expect("woken");
    let mut keys = vec![1];
    selector.ready(&mut keys).expect("no error");
    assert_eq!(keys, [1, 2]);
}

#[test]
fn an_end_is_readable() {
    let selector = Selector::new().expect("a selector");
    let (reader, writer) = io::pipe().expect("a pipe");
    selector.add(&reader, 5).expect("added");
    assert_eq!(ready(&selector), []);
    drop(writer);
    assert_eq!(ready(&selector), [5]);
}

#[test]
fn a_child_its_output_and_a_timer_are_waited_for_at_once() {
    let selector = Selector::new().expect("a selector");
    let mut cat = Command::new("cat");
    cat.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Child::spawn(&mut cat).expect("a child");
    let stdout = child.take_stdout().expect("its output");
    let mut stdin = child.take_stdin().expect("its input");
    let timer = Timer::new().expect("a timer");
    selector.add(&child, 1).expect("added");
    selector.add(&stdout, 2).expect("added");
    selector.add(&timer, 3).expect("added");
    assert_eq!(ready(&selector), []);

    stdin.write_all(b"x").expect("written");
    wait_until_readable(&selector);
    assert_eq!(ready(&selector), [2]);
    selector.remove(&stdout).expect("it was there");

    timer.set(Some(childminder::Instant::ZERO)).expect("set");
    wait_until_readable(&selector);
    assert_eq!(ready(&selector), [3]);
    timer.clear().expect("cleared");
    assert!(!is_readable(&selector));

    drop(stdin);
    wait_until_readable(&selector);
    assert_eq!(ready(&selector), [1]);
    child.reap().expect("a status");
}

#[test]
fn one_call_tells_a_batch_and_the_next_begins_with_the_rest() {
    let selector = Selector::new().expect("a selector");
    let wakeup = Wakeup::new().expect("a wakeup");
    wakeup.wake().expect("woken");
    let more = 10;
    let copies: Vec<_> = (0..Selector::BATCH + more)
        .map(|_| wakeup.as_fd().try_clone_to_owned().expect("a copy"))
        .collect();
    for (key, copy) in (0..).zip(&copies) {
        selector.add(copy, key).expect("added");
    }
    let mut keys = Vec::new();
    selector.ready(&mut keys).expect("no error");
    assert_eq!(keys.len(), Selector::BATCH);
    selector.ready(&mut keys).expect("no error");
    keys.truncate(copies.len());
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), copies.len());
}

#[test]
fn what_cannot_be_added_or_removed_says_so() {
    let selector = Selector::new().expect("a selector");
    let wakeup = Wakeup::new().expect("a wakeup");
    let missing = selector.remove(&wakeup).expect_err("it is not there");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    selector.add(&wakeup, 1).expect("added");
    let twice = selector.add(&wakeup, 2).expect_err("it is there");
    assert_eq!(twice.kind(), ErrorKind::AlreadyExists);
    let file = tempfile::tempfile().expect("a file");
    let always = selector.add(&file, 3).expect_err("a file");
    assert_eq!(always.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn a_selector_is_not_inherited_and_can_be_shared() {
    let selector = Selector::new().expect("a selector");
    assert_eq!(fcntl_getfd(&selector), Ok(FdFlags::CLOEXEC));
    assert_eq!(selector.as_fd().as_raw_fd(), selector.as_raw_fd());
    let wakeup = Wakeup::new().expect("a wakeup");
    thread::scope(|scope| {
        scope.spawn(|| selector.add(&wakeup, 9).expect("added"));
    });
    wakeup.wake().expect("woken");
    assert_eq!(ready(&selector), [9]);
}

/// In order.
fn ready(selector: &Selector) -> Vec<u64> {
    let mut keys = Vec::new();
    selector.ready(&mut keys).expect("no error");
    keys.sort_unstable();
    keys
}
