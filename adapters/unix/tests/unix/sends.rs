//! Signals to the leader and to the group.

use std::io::ErrorKind;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::{Child, Command, Delivery, signals};

use crate::alone::again_in_a_process_of_its_own;
use crate::support::{Bystander, deserter, family, read_line, state, wait_until_dead};
use crate::waits::{sh, wait_until};

#[test]
fn a_signal_to_the_leader_spares_the_group() {
    let (mut child, member) = family("wait");
    let delivery = child.signal(Signal::TERM, Target::Leader).expect("sent");
    assert_eq!(delivery, Delivery::Sent);
    wait_until_dead(&child);
    assert!(member.is_spared());

    // The zombie still stands for its group.
    let delivery = child.signal(Signal::KILL, Target::Group).expect("sent");
    assert_eq!(delivery, Delivery::Sent);
    member.wait_until_dead();
    let status = child.reap().expect("a status");
    assert_eq!(status, ExitStatus::Signal(Signal::TERM));
}

#[test]
fn a_signal_to_the_group_reaches_all_of_it() {
    let (mut child, member) = family("wait");
    let delivery = child.signal(Signal::TERM, Target::Group).expect("sent");
    assert_eq!(delivery, Delivery::Sent);
    member.wait_until_dead();
    let status = child.reap().expect("a status");
    assert_eq!(status, ExitStatus::Signal(Signal::TERM));
}

#[test]
fn a_leader_that_has_left_its_group_is_reached_with_it() {
    let (mut child, elsewhere) = deserter();
    let delivery = child.signal(Signal::TERM, Target::Group).expect("sent");
    assert_eq!(delivery, Delivery::Sent);
    let status = child.reap().expect("a status");
    assert_eq!(status, ExitStatus::Signal(Signal::TERM));
    assert!(elsewhere.is_spared());
}

#[test]
fn a_dead_leader_is_gone() {
    let child = Child::spawn(&mut sh("exit 0")).expect("a child");
    wait_until_dead(&child);
    let delivery = child.signal(Signal::TERM, Target::Leader).expect("gone");
    assert_eq!(delivery, Delivery::Gone);
}

#[test]
fn nothing_is_sent_after_the_reap() {
    let (mut child, member) = family("exit 0");
    child.reap().expect("a status");
    // The group lives on, and only the reap makes it unsafe to signal.
    for target in [Target::Leader, Target::Group] {
        let delivery = child.signal(Signal::KILL, target).expect("gone");
        assert_eq!(delivery, Delivery::Gone);
    }
    assert!(member.is_spared());
}

#[test]
fn nothing_is_sent_to_a_group_whose_leader_somebody_else_reaped() {
    use rustix::process::{Pid, WaitOptions, waitpid};

    let (child, member) = family("exit 0");
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    waitpid(pid, WaitOptions::empty()).expect("the thief's wait");

    let delivery = child.signal(Signal::KILL, Target::Group).expect("gone");
    assert_eq!(delivery, Delivery::Gone);
    drop(child);
    assert!(member.is_spared());
}

#[test]
fn a_stopped_child_is_continued_to_see_its_signal() {
    for target in [Target::Leader, Target::Group] {
        let mut child = Child::spawn(&mut sh("kill -STOP $$; exit 0")).expect("a child");
        wait_until("the child is stopped", || state(child.id()) == Some('T'));
        let delivery = child.signal(Signal::TERM, target).expect("sent");
        assert_eq!(delivery, Delivery::Sent);
        wait_until_dead(&child);
        let status = child.reap().expect("a status");
        assert_eq!(status, ExitStatus::Signal(Signal::TERM));
    }
}

#[test]
fn a_child_that_is_to_stop_is_not_continued() {
    let mut child = Child::spawn(&mut sh(
        "trap 'exit 5' CONT; echo ready; while :; do sleep 1000; done",
    ))
    .expect("a child");
    let stdout = child.take_stdout().expect("its output");
    read_line(&stdout);

    for name in ["STOP", "TSTP", "TTIN", "TTOU"] {
        let signal = signals::parse(name).expect("a signal");
        child.signal(signal, Target::Leader).expect("sent");
        wait_until(name, || state(child.id()) == Some('T'));
        // Only a SIGCONT would have made the shell's trap pending.
        assert!(!has_pending(&child, nix::libc::SIGCONT), "{name}");
    }
}

#[test]
fn real_time_signals_are_sent_too() {
    for (name, target) in [("RTMIN", Target::Leader), ("RTMAX", Target::Group)] {
        let mut child = Child::spawn(&mut sh("exec sleep 1000")).expect("a child");
        let signal = signals::parse(name).expect("a signal");
        child.signal(signal, target).expect("sent");
        assert_eq!(child.reap().expect("a status"), ExitStatus::Signal(signal));
    }
}

#[test]
fn a_signal_that_the_c_library_keeps_is_refused() {
    let child = Child::spawn(&mut sh("exec sleep 1000")).expect("a child");
    let kept = Signal::new(nix::libc::SIGRTMIN() - 1).expect("a signal");
    let error = child.signal(kept, Target::Leader).expect_err("not ours");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().starts_with("33 cannot be sent"),
        "{error}"
    );
}

/// In a process of its own, since it moves that process to the child's group.
#[test]
fn our_own_group_is_never_signalled() {
    use nix::unistd::{Pid, setpgid};

    let name = "sends::our_own_group_is_never_signalled";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    // Not a shell: what that forks would be left, since its group is not signalled.
    let child = Child::spawn(Command::new("sleep").arg("1000")).expect("a child");
    let group = i32::try_from(child.id()).expect("a process id");
    setpgid(Pid::from_raw(0), Pid::from_raw(group)).expect("we join the child's group");

    let error = child
        .signal(Signal::KILL, Target::Group)
        .expect_err("this would be us");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);

    // Nor does the drop take us along; the child it does end.
    let child_itself = Bystander::of(child.id());
    drop(child);
    child_itself.wait_until_dead();
}

/// As in a container whose process 1 did not begin a session: our group has no number then.
#[test]
fn a_group_is_signalled_though_our_own_is_out_of_sight() {
    let name = "sends::a_group_is_signalled_though_our_own_is_out_of_sight";
    if again_in_a_process_of_its_own(name, &["unshare", "--pid", "--fork"]) {
        return;
    }
    let mut child = Child::spawn(&mut sh("exec sleep 1000")).expect("a child");
    let delivery = child.signal(Signal::TERM, Target::Group).expect("sent");
    assert_eq!(delivery, Delivery::Sent);
    let status = child.reap().expect("a status");
    assert_eq!(status, ExitStatus::Signal(Signal::TERM));
}

/// Whether the signal waits, for the process or its main thread, as `proc_pid_status(5)` has it.
fn has_pending(child: &Child, signal: i32) -> bool {
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", child.id())).expect("a process");
    status
        .lines()
        .filter_map(|line| {
            line.strip_prefix("SigPnd:")
                .or_else(|| line.strip_prefix("ShdPnd:"))
        })
        .map(|mask| u64::from_str_radix(mask.trim(), 16).expect("a mask"))
        .any(|mask| mask & (1 << (signal - 1)) != 0)
}
