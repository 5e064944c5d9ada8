//! Seeing a child end, and reaping it.

use std::io::ErrorKind;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use childminder::{ExitStatus, Signal};
use childminder_unix::{Child, Lost};

use crate::alone::again_in_a_process_of_its_own;
use crate::support::{Bystander, is_readable, state, wait_until_dead};
use crate::waits::{sh, wait_until_readable};

#[test]
fn an_exit_is_seen_without_reaping_and_then_reaped() {
    let mut child = Child::spawn(&mut sh("exit 7")).expect("a child");
    wait_until_dead(&child);
    let dead = Bystander::of(child.id());

    for _ in 0..2 {
        let status = child.exit_status().expect("a status");
        assert_eq!(status, Some(ExitStatus::Code(7)));
        assert_eq!(state(child.id()), Some('Z'));
        assert!(!dead.is_reaped());
    }

    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(7));
    assert!(dead.is_reaped());
}

#[test]
fn what_was_reaped_is_remembered() {
    let mut child = Child::spawn(&mut sh("exit 3")).expect("a child");
    for _ in 0..2 {
        assert_eq!(child.reap().expect("a status"), ExitStatus::Code(3));
        let status = child.exit_status().expect("a status");
        assert_eq!(status, Some(ExitStatus::Code(3)));
    }
    assert!(is_readable(child.exit_fd()));
}

#[test]
fn a_living_child_has_no_status_and_its_reap_waits() {
    let mut cat = Command::new("cat");
    let mut child = Child::spawn(cat.stdin(Stdio::piped())).expect("a child");
    assert!(!is_readable(child.exit_fd()));
    assert_eq!(child.exit_status().expect("no status"), None);
    assert!(child.take_stdout().is_none());

    drop(child.take_stdin().expect("its input"));
    assert!(child.take_stdin().is_none());
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
}

#[test]
fn every_way_to_end_is_told_apart() {
    // Under `nohup`, SIGHUP would not end anybody.
    let name = "exits::every_way_to_end_is_told_apart";
    if again_in_a_process_of_its_own(name, &["--default-signal"]) {
        return;
    }
    for code in [0, 1, 127, 128, 255] {
        let mut child = Child::spawn(&mut sh(&format!("exit {code}"))).expect("a child");
        assert_eq!(child.reap().expect("a status"), ExitStatus::Code(code));
    }
    // 6 is one that dumps core; 40 is a real-time signal.
    for number in [1, 2, 6, 9, 15, 40] {
        let script = format!("ulimit -c 0; kill -{number} $$");
        let mut child = Child::spawn(&mut sh(&script)).expect("a child");
        let signal = Signal::new(number).expect("a signal");
        assert_eq!(child.reap().expect("a status"), ExitStatus::Signal(signal));
    }
}

#[test]
fn a_core_is_told() {
    let place = tempfile::tempdir().expect("a directory");
    let dumping = |limit| {
        let mut command = Command::new("sh");
        let script = format!("ulimit -c {limit}; kill -SEGV $$");
        command.args(["-c", &script]).current_dir(&place);
        command
    };
    let dumps = dumping("unlimited")
        .status()
        .expect("a shell")
        .core_dumped();
    for (limit, expected) in [("unlimited", dumps), ("0", false)] {
        let mut child = Child::spawn(&mut dumping(limit)).expect("a shell");
        wait_until_dead(&child);
        assert!(!child.dumped_core());
        child.reap().expect("its status");
        assert_eq!(child.dumped_core(), expected, "{limit}");
    }
}

#[test]
fn somebody_elses_wait_is_an_error_that_says_so() {
    use rustix::process::{Pid, WaitOptions, waitpid};

    let mut child = Child::spawn(&mut sh("exit 0")).expect("a child");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    waitpid(pid, WaitOptions::empty()).expect("the thief's wait");

    let seen = child.exit_status().expect_err("it was stolen");
    assert!(seen.to_string().contains("behind our back"), "{seen}");
    assert!(Lost::is(&seen));
    let reaped = child.reap().expect_err("it was stolen");
    assert!(reaped.to_string().contains("behind our back"), "{reaped}");
    assert!(Lost::is(&reaped));
}

#[test]
fn other_errors_lose_no_status() {
    let missing = Child::spawn(&mut Command::new("/nonexistent/program"));
    assert!(!Lost::is(&missing.expect_err("there is no such program")));
    assert!(!Lost::is(&std::io::Error::other(Lost.to_string())));
}

#[test]
fn a_child_is_its_exit_descriptor() {
    let mut child = Child::spawn(&mut sh("exit 0")).expect("a child");
    wait_until_readable(&child);
    assert_eq!(child.as_raw_fd(), child.exit_fd().as_raw_fd());
    child.reap().expect("a status");
    assert_eq!(child.as_fd().as_raw_fd(), child.as_raw_fd());
}

#[test]
fn a_program_that_cannot_be_run_is_an_error_of_the_spawn() {
    let missing = Child::spawn(&mut Command::new("/nonexistent/program"));
    let error = missing.expect_err("there is no such program");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.raw_os_error(), Some(nix::libc::ENOENT));

    let forbidden = Child::spawn(&mut Command::new("/etc/passwd"));
    let error = forbidden.expect_err("this is not a program");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.raw_os_error(), Some(nix::libc::EACCES));
}

#[test]
fn a_child_may_go_to_another_thread() {
    fn crosses_threads<T: Send + Sync + 'static>() {}
    crosses_threads::<Child>();
}
