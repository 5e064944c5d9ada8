//! The strays of one child.

use std::env;

use childminder::{Signal, Target};
use childminder_unix::{Cgroup, Child, Orphans, SpawnOptions, Stdio, StrayCount, Strays};

use crate::alone::again_in_a_process_of_its_own;
use crate::support::{Bystander, read_line, wait_until_dead};
use crate::waits::sh;

/// Has a member of its group, and an orphan in a session of its own.
/// The second says its process id when it has left the group.
const SCRIPT: &str = "sleep 1000 >&- & setsid sh -c 'echo $$; exec sleep 1000 >&-' & exit";

fn begun(strays: &mut Strays, script: &str) -> (Child, Bystander) {
    let mut command = sh(script);
    let child = strays.spawn_marked(&mut command, Child::spawn);
    let mut child = child.expect("a child");
    let pid = read_line(&child.take_stdout().expect("its output"));
    (child, Bystander::of(pid.parse().expect("a process id")))
}

#[test]
fn only_what_the_groups_kill_did_not_reach_is_listed_as_killed() {
    let name = "strays::only_what_the_groups_kill_did_not_reach_is_listed_as_killed";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    for group_is_killed in [true, false] {
        let mut orphans = Orphans::adopt().expect("a subreaper");
        let mut strays = Strays::new();
        let (mut child, stray) = begun(&mut strays, SCRIPT);
        let minded = [child.id()];
        wait_until_dead(&child);
        let seen = strays.find(&child, Some(&mut orphans), &minded);
        let two = StrayCount {
            living: 2,
            immune: 0,
        };
        assert_eq!(seen, Some(two));
        if group_is_killed {
            child.signal(Signal::KILL, Target::Group).expect("sent");
            strays.signalled(Signal::KILL, Target::Group);
        }
        while strays
            .find(&child, Some(&mut orphans), &minded)
            .is_some_and(|seen| seen.living > 0)
        {
            strays.kill(&child, Some(&orphans));
        }
        stray.wait_until_dead();
        child.reap().expect("a status");
        strays.end(&child, Some(&mut orphans), &[]);
        let killed = strays.killed().len();
        assert_eq!(killed, if group_is_killed { 1 } else { 2 });
        assert_eq!(orphans.reaped(), 2);
    }
}

#[test]
fn without_orphans_and_without_a_cgroup_none_are_seen() {
    let mut strays = Strays::new();
    let mut child = Child::spawn(&mut sh("exit")).expect("a child");
    assert_eq!(strays.find(&child, None, &[child.id()]), None);
    child.reap().expect("a status");
}

#[test]
fn without_orphans_the_cgroup_is_enough() {
    let name = "strays::without_orphans_the_cgroup_is_enough";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let cgroup = Cgroup::create().expect("a cgroup");
    let path = cgroup.path().to_owned();
    let mut strays = Strays::in_cgroup(cgroup);
    let child = strays.spawn(|cgroup| {
        let options = SpawnOptions {
            cgroup,
            ..SpawnOptions::default()
        };
        Child::spawn_with(&mut sh("setsid sleep 1000 >&- & echo $!"), &options)
    });
    let mut child = child.expect("a child");
    let pid = read_line(&child.take_stdout().expect("its output"));
    let pid = pid.parse().expect("a process id");
    let stray = Bystander::of(pid);
    wait_until_dead(&child);
    let minded = [child.id()];
    let living = |strays: &mut Strays| {
        let seen = strays.find(&child, None, &minded);
        seen.expect("the cgroup shows them").living
    };
    assert_eq!(living(&mut strays), 1);
    while living(&mut strays) > 0 {
        strays.kill(&child, None);
    }
    stray.wait_until_dead();
    child.reap().expect("a status");
    strays.end(&child, None, &[]);
    assert_eq!(strays.killed()[0].pid, pid);
    assert!(!path.exists());
}

#[test]
fn a_mark_is_added_to_those_there_are_and_the_command_is_as_before() {
    let mut command = sh("echo $CHILDMINDER_CHILD");
    command.env(Strays::VARIABLE, "4.2");
    let mut marks = Vec::new();
    for _ in 0..2 {
        let child = Strays::new().spawn_marked(&mut command, Child::spawn);
        let mut child = child.expect("a child");
        marks.push(read_line(&child.take_stdout().expect("its output")));
        child.reap().expect("a status");
    }
    let begins = format!("4.2:{}.", std::process::id());
    assert!(
        marks.iter().all(|mark| mark.starts_with(&begins)),
        "{marks:?}"
    );
    assert_ne!(marks[0], marks[1]);
    assert!(env::var_os(Strays::VARIABLE).is_none());
}

#[test]
fn a_child_that_runs_when_orphans_are_adopted_is_not_inherited() {
    let name = "strays::a_child_that_runs_when_orphans_are_adopted_is_not_inherited";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let mut child = sh("read line; setsid sleep 1000 >&- & echo $!");
    child.stdin(Stdio::piped());
    let mut child = Child::spawn(&mut child).expect("a child");
    let mut orphans = Orphans::adopt_beside(&[child.id()]).expect("a subreaper");
    drop(child.take_stdin());
    let pid = read_line(&child.take_stdout().expect("its output"));
    let stray = Bystander::of(pid.parse().expect("a process id"));
    wait_until_dead(&child);
    let mut strays = Strays::new();
    let minded = [child.id()];
    let seen = strays.find(&child, Some(&mut orphans), &minded);
    assert_eq!(seen.expect("seen").living, 1);
    strays.kill(&child, Some(&orphans));
    stray.wait_until_dead();
    child.reap().expect("a status");
}

#[test]
fn what_one_child_left_is_no_stray_of_the_next_and_is_reaped() {
    let name = "strays::what_one_child_left_is_no_stray_of_the_next_and_is_reaped";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let mut orphans = Orphans::adopt().expect("a subreaper");
    let script = "setsid sh -c 'echo $$; read line' <&3 & exit";
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = sh(&format!("exec 3<&0; {script}"));
    command.stdin(reader);
    let mut child = Child::spawn(&mut command).expect("a child");
    drop(command);
    let output = child.take_stdout().expect("its output");
    let left = Bystander::of(read_line(&output).parse().expect("a process id"));
    wait_until_dead(&child);
    let mut strays = Strays::new();
    let seen = strays.find(&child, Some(&mut orphans), &[child.id()]);
    assert_eq!(seen.expect("seen").living, 1);
    child.reap().expect("a status");
    strays.end(&child, Some(&mut orphans), &[]);
    assert_eq!(strays.living().len(), 1);

    let mut next = Child::spawn(&mut sh("exit")).expect("a child");
    let minded = [next.id()];
    wait_until_dead(&next);
    let seen = Strays::new().find(&next, Some(&mut orphans), &minded);
    assert_eq!(seen, Some(StrayCount::default()));
    drop(writer);
    left.wait_until_dead();
    while orphans.reaped() == 0 {
        orphans.reap(&minded).expect("no error");
    }
    next.reap().expect("a status");
}
