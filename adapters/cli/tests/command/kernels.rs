//! What happens to us, and what the kernel does not have or does at a bad moment.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use rustix::process::Signal;

use crate::support::{
    Place, WATCHED, assert_same, childminder, fields, minding, minding_words, numbers, run, start,
    text, through, wait_until,
};

#[test]
fn a_command_dies_with_childminder() {
    let mut running = start(minding("", "echo $$; exec sleep 600"));
    let child = running.process();
    running.signal(Signal::KILL);
    child.wait_until_gone();
}

#[test]
fn a_command_can_be_left_to_run() {
    let place = Place::new();
    let marker = text(&place.path("marker"));
    let script = format!("echo $$; read go; echo still writing; echo done >{marker}");
    let mut command = minding("--keep", &script);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let child = running.process();
    let mut stdin = running.stdin();
    let mut stdout = running.take_stdout();
    running.signal(Signal::KILL);
    drop(running);
    stdin.write_all(b"go\n").expect("it reads");
    let mut said = String::new();
    stdout.read_to_string(&mut said).expect("what it writes");
    assert_eq!(said, "still writing\n");
    child.wait_until_gone();
    assert!(place.path("marker").exists());
}

#[test]
fn without_pidfds_all_goes_on_as_before() {
    let without = |options: &str, script: &str| {
        let words = ["strace", "-f", "-o", "/dev/null", "-e"];
        let inject = ["inject=pidfd_open:error=ENOSYS"];
        let words = [&words[..], &inject].concat();
        start(through(&words, &minding(options, script))).finish()
    };
    let ended = without("", "echo one; exit 3");
    assert_eq!((ended.status, ended.stdout()), (3, "one\n"));
    without("--idle 300ms -k 300ms", "trap '' INT; while :; do sleep 60; done").expect(
        124,
        "childminder: sh: silent for 300ms (--idle); sent SIGINT, then SIGKILL; killed by SIGKILL\n",
    );
    assert_eq!(without("", "kill -TERM $$").status, 143);
    assert_eq!(without("--tty", "exit 3").status, 3);
}

/// From a new PID namespace, our process is out of the command's sight, and not dead.
#[test]
fn a_command_may_be_the_first_of_a_pid_namespace() {
    let command = childminder(["timeout", "60", "sh", "-c", "echo $$"]);
    let ended = start(through(&["unshare", "--pid"], &command)).finish();
    assert_eq!((ended.status, ended.stdout()), (0, "1\n"));
}

#[test]
fn an_interrupted_call_is_called_again() {
    let inject = |calls| format!("inject={calls}:error=EINTR:when=2+3");
    // Not in the loader of programs, which does not expect it.
    let reads = "inject=read:error=EINTR:when=20+3";
    let waits = inject("epoll_wait,write,waitid");
    // The child is reaped once.
    let reap = "inject=wait4:error=EINTR:when=1";
    let words = [
        "strace",
        "-o",
        "/dev/null",
        "-e",
        &waits,
        "-e",
        reads,
        "-e",
        reap,
    ];
    let place = Place::new();
    let command = minding(&place.options(""), "seq 1 500000; exit 5");
    let ended = start(through(&words, &command)).finish();
    assert!(place.report()["usage"].is_object(), "it was reaped");
    assert_eq!(ended.status, 5, "{}", ended.stderr());
    assert_same(&ended.stdout, &numbers(500_000));
}

/// The process table cannot be read twice, and then it can.
#[test]
fn a_look_for_strays_that_fails_is_repeated() {
    let inject = "inject=getdents64:error=ENOMEM:when=1..2";
    let words = ["strace", "-o", "/dev/null", "-e", inject];
    let command = minding("--wall 300ms", "setsid sleep 1000 & exec sleep 1000");
    let ended = start(through(&words, &command)).finish();
    assert_eq!(ended.status, 124);
    assert!(
        !ended.stderr().contains("left running"),
        "{}",
        ended.stderr()
    );
}

/// It is too late then for the kernel to tell the command of our death.
#[test]
fn a_command_is_not_run_when_childminder_is_dead_before() {
    let inject = "inject=prctl:delay_enter=500000";
    let words = [
        "strace",
        "-D",
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=prctl",
        "-e",
        inject,
    ];
    let command = childminder(["timeout", "60", "echo", "it runs"]);
    let mut running = start(through(&words, &command));
    let us = running.id().to_string();
    let is_forked = || {
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        let mut stats =
            processes.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
        // Not strace's own.
        let is_ours = |stat: &str| stat.contains("(childminder)");
        stats.any(|stat| is_ours(&stat) && fields(&stat).nth(1) == Some(us.as_str()))
    };
    wait_until(is_forked);
    running.signal(Signal::KILL);
    let mut said = String::new();
    running
        .take_stdout()
        .read_to_string(&mut said)
        .expect("text");
    assert_eq!(said, "");
}

/// A member that is just dying keeps it busy.
#[test]
fn a_cgroup_that_is_busy_is_removed_a_little_later() {
    let place = Place::new();
    let inject = "inject=rmdir,unlinkat:error=EBUSY:when=1..3";
    let words = ["strace", "-o", "/dev/null", "-e", inject];
    let command = minding(&place.options("--cgroup"), "exit 3");
    assert_eq!(start(through(&words, &command)).finish().status, 3);
    let tree = &place.report()["tree"];
    assert_eq!(tree["mechanism"], "cgroup");
    assert_eq!(tree["notes"], serde_json::json!([]));
}

/// In every thread, and in a command that knows what to do about it.
#[test]
fn an_interrupted_write_is_gone_on_with() {
    let place = Place::new();
    let expected = numbers(200_000);
    let file = text(&place.file("file", &expected));
    let words = ["strace", "-f", "-o", "/dev/null", "-e"];
    let words = [&words[..], &["inject=write:error=EINTR:when=2+3"]].concat();
    let dd = ["dd", &format!("if={file}"), "bs=64k", "status=none"];
    let ended = start(through(&words, &minding_words(WATCHED, &dd))).finish();
    assert_eq!(ended.status, 0);
    // Who measures coverage says more here.
    let said = ended.stderr();
    assert!(!said.contains("childminder:"), "{said}");
    assert_same(&ended.stdout, &expected);
}

#[test]
fn a_command_that_ends_at_the_moment_of_its_signal_ends_once() {
    for _ in 0..20 {
        let ended = run("--wall 50ms", "sleep 0.049; exit 3");
        let said = ended.stderr();
        match ended.status {
            3 => assert_eq!(said, ""),
            124 => assert!(said.contains("(--wall)"), "{said}"),
            other => panic!("{other}: {said}"),
        }
        assert!(said.lines().count() <= 1, "{said}");
    }
}
