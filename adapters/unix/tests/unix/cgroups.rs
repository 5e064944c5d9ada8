//! Children in cgroups of their own.

use std::fs;

use childminder::{ExitStatus, Signal};
use childminder_unix::{Cgroup, Child, SpawnOptions};

use crate::support::{Bystander, read_line, wait_until_dead};
use crate::waits::{sh, wait_until};

/// A child in this cgroup that says a process id.
fn inside(cgroup: &Cgroup, script: &str) -> (Child, Bystander) {
    let start = SpawnOptions {
        cgroup: Some(cgroup.entrance().expect("an entrance")),
        ..SpawnOptions::default()
    };
    let mut child = Child::spawn_with(&mut sh(script), &start).expect("a child");
    let line = read_line(&child.take_stdout().expect("its output"));
    (child, Bystander::of(line.parse().expect("a process id")))
}

#[test]
fn all_in_it_are_known_and_killed_at_once() {
    let mut cgroup = Cgroup::create().expect("a cgroup");
    let script = "setsid sleep 1000 >&- & echo $!; wait";
    let (mut child, far) = inside(&cgroup, script);
    wait_until("both are in it", || {
        cgroup.members().expect("a list").len() == 2
    });
    assert!(cgroup.members().expect("a list").contains(&child.id()));

    cgroup.kill().expect("ours");
    far.wait_until_dead();
    let killed = ExitStatus::Signal(Signal::KILL);
    assert_eq!(child.reap().expect("a status"), killed);
    let path = cgroup.path().to_owned();
    assert!(path.exists());
    cgroup.remove().expect("nobody is in it");
    assert!(!path.exists());
}

#[test]
fn who_lives_on_lives_elsewhere() {
    let cgroup = Cgroup::create().expect("a cgroup");
    let (mut child, far) = inside(&cgroup, "setsid sleep 1000 >&- & echo $!");
    wait_until_dead(&child);
    child.reap().expect("a status");
    // As a program would that manages cgroups.
    let below = cgroup.path().join("below");
    fs::create_dir(&below).expect("a cgroup");
    let [member] = cgroup.members().expect("a list")[..] else {
        panic!("not one member");
    };
    fs::write(below.join("cgroup.procs"), member.to_string()).expect("it moves");
    assert_eq!(cgroup.members().expect("a list"), [member]);

    let path = cgroup.path().to_owned();
    drop(cgroup);
    assert!(!path.exists());
    assert!(far.is_spared());
    let of_member = fs::read_to_string(format!("/proc/{member}/cgroup")).expect("it lives");
    let ours = fs::read_to_string("/proc/self/cgroup").expect("we live");
    let v2 = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("0::"))
            .map(str::to_owned)
    };
    assert_eq!(v2(&of_member), v2(&ours));
}

#[test]
fn each_has_a_name_of_its_own() {
    let one = Cgroup::create().expect("a cgroup");
    let other = Cgroup::create().expect("another");
    assert_ne!(one.path(), other.path());
}
