//! Processes that lost their parents.

use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::{Child, Delivery, Living, Orphans, Stdio};

use crate::alone::again_in_a_process_of_its_own;
use crate::support::{Bystander, read_line, state, wait_until_dead};
use crate::waits::{sh, wait_until};

/// A dead child whose own child sleeps in a session of its own.
fn child_with_orphan() -> (Child, Bystander, u32) {
    let mut child = Child::spawn(&mut sh("setsid sleep 1000 >&- & echo $!")).expect("a child");
    let pid = read_line(&child.take_stdout().expect("its output"));
    let pid = pid.parse().expect("a process id");
    wait_until_dead(&child);
    (child, Bystander::of(pid), pid)
}

#[test]
fn orphans_come_to_us_and_are_reaped_by_nobody_else() {
    let name = "orphans::orphans_come_to_us_and_are_reaped_by_nobody_else";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let mut orphans = Orphans::adopt().expect("a subreaper");
    let (mut minded, orphan, pid) = child_with_orphan();
    let minds = [minded.id()];

    assert_eq!(orphans.reap(&minds).expect("no error"), 0);
    let living = orphans.living(&minds).expect("no error").known;
    assert_eq!((living.len(), living[0].pid), (1, pid));
    assert_ne!(state(pid), Some('Z'));
    let killed = orphans.kill(&living[0]).expect("ours");
    assert_eq!(killed, Delivery::Sent);
    orphan.wait_until_dead();
    // The dead child, which is its owner's, stands before it.
    assert_eq!(orphans.reap(&minds).expect("no error"), 1);
    assert_eq!(orphans.living(&minds).expect("no error").known, []);
    assert!(orphan.is_reaped());
    assert_eq!(minded.reap().expect("a status"), ExitStatus::Code(0));
    assert_eq!(orphans.reap(&[]).expect("no error"), 0);
    assert_eq!(orphans.living(&[]).expect("no error"), Living::default());
}

#[test]
fn who_is_no_child_of_ours_is_not_killed() {
    let name = "orphans::who_is_no_child_of_ours_is_not_killed";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let mut orphans = Orphans::adopt().expect("a subreaper");
    let script = "setsid sh -c 'sleep 1000 >&- & echo $!; wait' & wait";
    let mut child = Child::spawn(&mut sh(script)).expect("a child");
    let line = read_line(&child.take_stdout().expect("its output"));
    let pid = line.parse().expect("a process id");
    let below = Bystander::of(pid);
    child.signal(Signal::KILL, Target::Leader).expect("sent");
    child.reap().expect("a status");

    let living = orphans.living(&[]).expect("no error").known;
    assert_eq!((living.len(), living[1].pid), (2, pid));
    assert_eq!(living[0].name, "sh");
    assert_eq!(orphans.kill(&living[1]).expect("no error"), Delivery::Gone);
    assert!(below.is_spared());
    // When its parent is dead, it is ours.
    while !orphans.living(&[]).expect("no error").known.is_empty() {
        for orphan in &living {
            orphans.kill(orphan).expect("no error");
        }
        orphans.reap(&[]).expect("no error");
    }
    below.wait_until_dead();
}

#[test]
fn children_from_before_are_left_alone_and_so_are_theirs() {
    let name = "orphans::children_from_before_are_left_alone_and_so_are_theirs";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let mut dead = Command::new("true").spawn().expect("a child");
    let mut parent = sh("sleep 1000 >&- & echo $!; read line; exit 0");
    parent.stdin(Stdio::piped());
    let mut parent = Child::spawn(&mut parent).expect("a child");
    let line = read_line(&parent.take_stdout().expect("its output"));
    let pid = line.parse().expect("a process id");
    let below = Bystander::of(pid);
    wait_until("it is dead", || state(dead.id()) == Some('Z'));

    let mut orphans = Orphans::adopt().expect("a subreaper");
    let (mut minded, _orphan, ours) = child_with_orphan();
    let alone = |orphans: &mut Orphans, minded: &[u32]| {
        assert_eq!(orphans.reap(minded).expect("no error"), 0);
        let living = orphans.living(minded).expect("no error").known;
        assert_eq!((living.len(), living[0].pid), (1, ours));
    };
    alone(&mut orphans, &[minded.id()]);
    // The parent dies, and its child is our child now.
    drop(parent.take_stdin());
    wait_until_dead(&parent);
    wait_until("it is ours", || parent_of(pid) == Some(std::process::id()));
    minded.reap().expect("a status");
    alone(&mut orphans, &[]);
    assert!(below.is_spared());
    assert!(dead.wait().expect("a status").success());
    assert_eq!(parent.reap().expect("a status"), ExitStatus::Code(0));
}

#[test]
fn what_inherited_children_start_later_is_theirs_too() {
    let name = "orphans::what_inherited_children_start_later_is_theirs_too";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let mut parent = sh("read line; sleep 1000 >&- & echo $!; read line; exit 0");
    parent.stdin(Stdio::piped());
    let mut parent = Child::spawn(&mut parent).expect("a child");
    let mut orphans = Orphans::adopt().expect("a subreaper");
    let mut stdin = parent.take_stdin().expect("its input");
    stdin.write_all(b"go\n").expect("it reads");
    let line = read_line(&parent.take_stdout().expect("its output"));
    let pid = line.parse().expect("a process id");
    let below = Bystander::of(pid);
    assert_eq!(orphans.reap(&[]).expect("no error"), 0);
    drop(stdin);
    wait_until_dead(&parent);
    wait_until("it is ours", || parent_of(pid) == Some(std::process::id()));
    assert_eq!(orphans.living(&[]).expect("no error"), Living::default());
    assert!(below.is_spared());
    parent.reap().expect("a status");
}

/// A signal that has no name ends one, and there is no table to find it in.
#[test]
fn an_init_without_a_table_reaps_whoever_dies() {
    let name = "orphans::an_init_without_a_table_reaps_whoever_dies";
    if again_in_a_process_of_its_own(name, &["unshare", "--pid", "--fork"]) {
        return;
    }
    let mut orphans = Orphans::adopt().expect("an init");
    let script = "(sh -c 'kill -40 $$' &); (sleep 1000 >&- & echo $!)";
    let mut child = Child::spawn(&mut sh(script)).expect("a child");
    let stdout = child.take_stdout().expect("its output");
    assert_ne!(read_line(&stdout), "");
    child.reap().expect("a status");
    let mut reaped = 0;
    while reaped == 0 {
        reaped = orphans.reap(&[]).expect("no error");
    }
    let living = orphans.living(&[]).expect("no error");
    assert_eq!((living.known, living.unknown), (Vec::new(), true));
}

/// The numbers of processes can be chosen in a PID namespace (`proc_sys_kernel(5)`, `ns_last_pid`).
#[test]
fn a_number_that_is_used_again_is_not_signalled() {
    let name = "orphans::a_number_that_is_used_again_is_not_signalled";
    let apart = ["unshare", "--pid", "--fork", "--mount-proc"];
    if again_in_a_process_of_its_own(name, &apart) {
        return;
    }
    let with_number = |number: u32| {
        fs::write("/proc/sys/kernel/ns_last_pid", (number - 1).to_string()).expect("we are root");
        let stranger = Command::new("sleep").arg("1000").process_group(0).spawn();
        stranger.expect("a stranger")
    };
    let mut child = Child::spawn(&mut sh("exit 0")).expect("a child");
    let number = child.id();
    wait_until_dead(&child);

    let mut other = with_number(number);
    assert_ne!(other.id(), number, "the dead child has it");
    other.kill().expect("ours");
    other.wait().expect("a status");

    child.reap().expect("a status");
    let mut stranger = with_number(number);
    assert_eq!(stranger.id(), number, "nobody else is here");
    for target in [Target::Leader, Target::Group] {
        let delivery = child.signal(Signal::KILL, target).expect("no error");
        assert_eq!(delivery, Delivery::Gone);
        let delivery = child.pass_on(Signal::KILL, target).expect("no error");
        assert_eq!(delivery, Delivery::Gone);
    }
    drop(child);
    assert!(Bystander::of(number).is_spared());
    stranger.wait().expect("the bystander's drop killed it");
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}
