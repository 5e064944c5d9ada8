//! What the child writes.

use std::io::ErrorKind;
use std::os::fd::{AsRawFd as _, OwnedFd};

use childminder_unix::{Child, Command, Stdio};

use crate::support::{Bystander, is_readable, read_line};
use crate::waits::{read_all, sh};

#[test]
fn a_pipe_gives_what_was_written_and_then_its_end() {
    let mut command = sh("echo out; echo err >&2");
    let mut child = Child::spawn(command.stderr(Stdio::piped())).expect("a child");
    let stdout = child.take_stdout().expect("its output");
    let stderr = child.take_stderr().expect("its errors");
    assert!(child.take_stdout().is_none());
    assert!(child.take_stderr().is_none());

    assert_eq!(read_all(&stdout), "out\n");
    assert_eq!(read_all(&stderr), "err\n");
    assert_eq!(stdout.read(&mut [0; 16]).expect("still the end"), 0);
    child.reap().expect("a status");
}

#[test]
fn a_silent_pipe_would_block() {
    let mut cat = Command::new("cat");
    cat.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Child::spawn(&mut cat).expect("a child");
    let stdout = child.take_stdout().expect("its output");

    assert!(!is_readable(&stdout));
    let error = stdout.read(&mut [0; 16]).expect_err("nothing is there");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);

    drop(child.take_stdin());
    assert_eq!(read_all(&stdout), "");
}

#[test]
fn a_pipe_may_be_given_away() {
    let mut child = Child::spawn(&mut sh("echo out")).expect("a child");
    let stdout = child.take_stdout().expect("its output");
    let number = stdout.as_raw_fd();
    let fd = OwnedFd::from(stdout);
    assert_eq!(fd.as_raw_fd(), number);
    child.reap().expect("a status");
    let mut bytes = [0; 16];
    assert_eq!(rustix::io::read(&fd, &mut bytes), Ok(4));
    assert_eq!(rustix::io::read(&fd, &mut bytes), Ok(0));
}

#[test]
fn a_pipe_stays_open_while_a_member_of_the_group_holds_it() {
    let mut child = Child::spawn(&mut sh("sleep 1000 & echo $!")).expect("a child");
    let stdout = child.take_stdout().expect("its output");
    let member = Bystander::of(read_line(&stdout).parse().expect("the sleeper's pid"));
    child.reap().expect("a status");
    let error = stdout.read(&mut [0; 16]).expect_err("the sleeper holds it");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);

    drop(member);
    assert_eq!(read_all(&stdout), "");
}
