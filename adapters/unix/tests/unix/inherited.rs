//! What a child gets from us, and what we may have got from our parent.

use std::fs;
use std::os::fd::{AsFd, AsRawFd as _};

use childminder::ExitStatus;
use childminder_unix::{Child, Command, SpawnOptions, Stdio, Wakeup};
use nix::sys::signal::{SigSet, Signal};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::alone::again_in_a_process_of_its_own;
use crate::waits::{read_all, sh};

#[test]
fn a_child_inherits_no_descriptor_of_ours() {
    let mut command = sh("sleep 1000");
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut other = Child::spawn(&mut command).expect("a child");
    let stdin = other.take_stdin().expect("its input");
    let stdout = other.take_stdout().expect("its output");
    let stderr = other.take_stderr().expect("its errors");
    let wakeup = Wakeup::new().expect("a wakeup");
    let ours = [
        other.exit_fd(),
        stdin.as_fd(),
        stdout.as_fd(),
        stderr.as_fd(),
        wakeup.as_fd(),
    ];

    let mut child = Child::spawn(&mut sh("ls -l /proc/self/fd")).expect("a child");
    let listing = read_all(&child.take_stdout().expect("its output"));
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
    assert!(listing.contains("0 -> /dev/null"), "{listing}");
    for fd in ours {
        let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let what = fs::read_link(path).expect("a descriptor");
        let what = what.to_str().expect("text");
        assert!(!listing.contains(what), "{what} is in {listing}");
        let flags = fcntl_getfd(fd).expect("its flags");
        assert!(flags.contains(FdFlags::CLOEXEC), "{what}");
    }
}

#[test]
fn a_child_does_not_inherit_blocked_signals() {
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGTERM);
    // For this thread only, which ends with the test.
    blocked.thread_block().expect("SIGTERM is blocked");

    let with_a_hook = SpawnOptions {
        kill_on_parent_death: true,
        ..SpawnOptions::default()
    };
    for start in [SpawnOptions::default(), with_a_hook] {
        // Not through a shell, which would start it with a mask of its own.
        let mut command = Command::new("grep");
        command
            .args(["SigBlk", "/proc/self/status"])
            .stdout(Stdio::piped());
        let mut child = Child::spawn_with(&mut command, &start).expect("a child");
        let mask = read_all(&child.take_stdout().expect("its output"));
        child.reap().expect("a status");
        assert_eq!(mask, "SigBlk:\t0000000000000000\n", "{start:?}");
    }
}

#[test]
fn an_ignored_sigchld_is_an_error_before_the_spawn() {
    let name = "inherited::an_ignored_sigchld_is_an_error_before_the_spawn";
    if again_in_a_process_of_its_own(name, &["--ignore-signal=CHLD"]) {
        return;
    }
    // Even a program that does not exist is not tried.
    for script in ["/nonexistent/program", "sh"] {
        let error = Child::spawn(&mut Command::new(script));
        let error = error.expect_err("the status would be lost");
        assert!(error.to_string().contains("ignores SIGCHLD"), "{error}");
    }
}
