//! Children that are refused, and what becomes of their handlers.

use std::io::{self, ErrorKind, Read as _};
use std::process::{Command, Stdio};

use childminder::{Activity, Config};
use childminder_mio::{Children, SpawnError};

use crate::support::{Owner, millis};

#[test]
fn a_command_that_is_not_there_gives_the_handler_back() {
    let mut children = Children::new().expect("a set");
    let mut owner = Owner::new();
    owner.stdout.extend(b"mine");
    let refused: SpawnError<Owner> = children
        .spawn(&mut Command::new("/nowhere"), Config::default(), owner)
        .expect_err("nothing is there");
    assert_eq!(refused.error.kind(), ErrorKind::NotFound);
    assert_eq!(refused.handler.text(), "mine");
    assert!(children.is_empty());
}

#[test]
fn a_question_mark_makes_an_io_error_of_it() {
    let spawn = || -> io::Result<()> {
        let mut children = Children::new()?;
        children.spawn(&mut Command::new("/nowhere"), Config::default(), ())?;
        Ok(())
    };
    let error = spawn().expect_err("nothing is there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn a_child_that_cannot_be_heard_has_no_idle_timeout() {
    let why = refusal(idle(Activity::AnyOutput), Stdio::null(), Stdio::null());
    assert_eq!(why.kind(), ErrorKind::InvalidInput);
    assert!(why.to_string().contains("idle_timeout"), "{why}");
    assert!(why.to_string().contains("pipe"), "{why}");
    assert!(why.to_string().contains("Explicit"), "{why}");
}

#[test]
fn the_other_stream_is_no_activity() {
    let why = refusal(idle(Activity::Stdout), Stdio::null(), Stdio::piped());
    assert_eq!(why.kind(), ErrorKind::InvalidInput);
    let why = refusal(idle(Activity::Stderr), Stdio::piped(), Stdio::null());
    assert_eq!(why.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_child_that_cannot_be_heard_has_no_first_output() {
    let config = Config {
        first_output_timeout: Some(millis(60_000)),
        ..Config::default()
    };
    let why = refusal(config, Stdio::null(), Stdio::null());
    assert_eq!(why.kind(), ErrorKind::InvalidInput);
    assert!(why.to_string().contains("first_output_timeout"), "{why}");
}

#[test]
fn progress_that_is_vouched_for_needs_no_pipe() {
    let mut children = Children::new().expect("a set");
    let mut command = Command::new("true");
    children
        .spawn(&mut command, idle(Activity::Explicit), Owner::new())
        .expect("a child");
}

fn idle(activity: Activity) -> Config {
    Config {
        idle_timeout: Some(millis(60_000)),
        activity,
        ..Config::default()
    }
}

/// Why a child with such pipes is not minded. Nothing of it is left running.
fn refusal(config: Config, stdout: Stdio, stderr: Stdio) -> io::Error {
    let mut children = Children::new().expect("a set");
    let (mut alive, held_by_the_child) = io::pipe().expect("a pipe");
    let mut command = Command::new("sleep");
    command
        .arg("60")
        .stdin(held_by_the_child)
        .stdout(stdout)
        .stderr(stderr);
    let refused = children
        .spawn(&mut command, config, Owner::new())
        .expect_err("it cannot be heard");
    assert_eq!(refused.handler.outcomes, []);
    assert!(children.is_empty());
    drop(command);
    let ended = alive.read(&mut [0]).expect("the end of the child");
    assert_eq!(ended, 0);
    refused.error
}
