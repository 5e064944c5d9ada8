//! Stop signals that come while a child is spawned.

use std::fs;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::{Child, Command, JobChange, Place, SpawnOptions, Spawnable, signals};
use rustix::io::ioctl_fionbio;
use rustix::process::{Pid, Signal as Sendable, getpid, kill_process, kill_process_group, setpgid};

use crate::alone::again_in_a_process_of_its_own;
use crate::waits::wait_until;

#[test]
fn a_stop_before_the_exec_stops_the_program() {
    let name = "stops::a_stop_before_the_exec_stops_the_program";
    if again_in_a_process_of_its_own(name, &[HELD_BACK]) {
        return;
    }
    be_a_job();
    a_stop_reaches(Command::new("sleep").arg("1000"));
    a_stop_reaches(std::process::Command::new("sleep").arg("1000"));
}

fn a_stop_reaches(lasting: &mut impl Spawnable) {
    for signal in ["TSTP", "TTIN", "TTOU"] {
        let signal = signals::parse(signal).expect("a signal");
        for place in [Place::Group, Place::Inherit] {
            let mut child = signalled_in_the_spawn(lasting, place, signal);
            wait_until("it stops", || {
                child.take_job_change().expect("no error") == Some(JobChange::Stopped(signal))
            });
            child.signal(Signal::TERM, Target::Leader).expect("sent");
            let status = child.reap().expect("a status");
            assert_eq!(status, ExitStatus::Signal(Signal::TERM));
        }
    }
}

/// They are set back to their defaults before a signal can come through.
#[test]
fn no_handler_of_ours_runs_in_the_child() {
    let name = "stops::no_handler_of_ours_runs_in_the_child";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let usr1 = signals::parse("USR1").expect("a signal");
    let handled = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(usr1.number(), Arc::clone(&handled)).expect("a handler");
    let mut child = signalled_in_the_spawn(&mut Command::new("true"), Place::Group, usr1);
    assert_eq!(child.reap().expect("a status"), ExitStatus::Signal(usr1));
    assert!(!handled.load(Ordering::Relaxed));
}

#[test]
fn no_storm_of_stops_hangs_a_spawn() {
    let name = "stops::no_storm_of_stops_hangs_a_spawn";
    if again_in_a_process_of_its_own(name, &[HELD_BACK]) {
        return;
    }
    be_a_job();
    storm(&mut Command::new("true"));
    storm(&mut std::process::Command::new("true"));
}

fn storm(command: &mut impl Spawnable) {
    let spawner = rustix::thread::gettid();
    // The child is a target while it is in our group, and by itself too.
    for single_out in [false, true] {
        for (place, spawns) in [
            (Place::Group, 50),
            (Place::Inherit, 50),
            (Place::Session, 25),
        ] {
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        kill_process_group(getpid(), Sendable::TSTP).expect("our group");
                        if single_out {
                            for child in children_of(spawner) {
                                let _ = kill_process(child, Sendable::TSTP);
                            }
                        }
                        thread::yield_now();
                    }
                });
                let options = SpawnOptions {
                    place,
                    ..SpawnOptions::default()
                };
                let may_stop = single_out || matches!(options.place, Place::Inherit);
                for _ in 0..spawns {
                    finish(
                        Child::spawn_with(command, &options).expect("a child"),
                        may_stop,
                    );
                }
                over.store(true, Ordering::Relaxed);
            });
        }
    }
}

/// Reaps it, and continues it as often as it stops before.
fn finish(mut child: Child, may_stop: bool) {
    while child.exit_status().expect("no error").is_none() {
        // (It may be dead by now, which is an error.)
        if let Ok(Some(JobChange::Stopped(_))) = child.take_job_change() {
            assert!(may_stop, "it has stopped for a signal to another group");
        }
        if may_stop {
            child.signal(CONT, Target::Leader).expect("sent");
        }
        thread::yield_now();
    }
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
}

/// Spawns a child that is sent `signal` when it has taken its place, and before its exec.
fn signalled_in_the_spawn(command: &mut impl Spawnable, place: Place, signal: Signal) -> Child {
    let spawner = rustix::thread::gettid();
    let (mut gate, shut) = shut_gate();
    let options = SpawnOptions {
        place,
        // The child is to write to it before its exec, and there is no room.
        cgroup: Some(shut),
        ..SpawnOptions::default()
    };
    thread::scope(|scope| {
        let open_gate = scope.spawn(move || {
            wait_until("the child waits at the gate", || {
                children_of(spawner).iter().any(|child| {
                    let path = format!("/proc/{child}/syscall");
                    let call = fs::read_to_string(path).unwrap_or_default();
                    call.starts_with("1 ")
                })
            });
            let child = children_of(spawner)[0];
            let signal = Sendable::from_named_raw(signal.number()).expect("a signal");
            kill_process(child, signal).expect("it lives");
            let mut bytes = vec![0; 1 << 16];
            gate.read_exact(&mut bytes).expect("what fills the pipe");
            gate
        });
        let child = Child::spawn_with(command, &options).expect("a child");
        // Until here there was somebody to write to: the child has no copy of the gate.
        drop(open_gate.join().expect("a gate"));
        child
    })
}

/// A pipe that is full: a writer waits until the other end is read.
fn shut_gate() -> (PipeReader, OwnedFd) {
    let (reader, mut writer) = io::pipe().expect("a pipe");
    ioctl_fionbio(&writer, true).expect("a pipe");
    writer.write_all(&vec![0; 1 << 16]).expect("room");
    writer.write_all(&[0]).expect_err("no more room");
    ioctl_fionbio(&writer, false).expect("a pipe");
    (reader, writer.into())
}

/// A group of our own, with a parent in another one, so that it can be stopped; but we hold that back.
fn be_a_job() {
    setpgid(None, None).expect("a group");
}

fn children_of(thread: Pid) -> Vec<Pid> {
    let path = format!("/proc/self/task/{thread}/children");
    let children = fs::read_to_string(path).expect("a thread of ours");
    children
        .split_whitespace()
        .filter_map(|child| Pid::from_raw(child.parse().ok()?))
        .collect()
}

const CONT: Signal = Signal::new(nix::libc::SIGCONT).expect("a signal");
const HELD_BACK: &str = "--block-signal=TSTP,TTIN,TTOU";
