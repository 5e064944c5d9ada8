//! What a child costs, as far as it does not depend on the machine.

use std::env;
use std::fs;
use std::process;

use childminder::ExitStatus;
use childminder_unix::{Child, Command, SpawnOptions, Stdio};
use rustix::process::getppid;

use crate::descriptors::open_files;
use crate::support::wait_until_dead;

#[test]
fn a_child_costs_a_few_calls_whatever_is_open() {
    let few = Calls::with(0);
    assert!(few.ours.len() <= 16, "{:#?}", few.ours);
    assert!(few.its.len() <= 41, "{:#?}", few.its);
    assert!(few.its.iter().any(|name| name == "close_range"));
    // Two pipes, each opened anew by its name.
    let many = Calls::with(MANY);
    assert!(many.ours.len() <= few.ours.len() + 4, "{:#?}", many.ours);
    assert!(many.its.len() <= few.its.len() + 6, "{:#?}", many.its);
}

/// The system calls of one child, by name: those that its spawn, the wait for it and its reap took, and its own up to
/// the exec.
struct Calls {
    ours: Vec<String>,
    its: Vec<String>,
}

impl Calls {
    /// With so many more descriptors open.
    fn with(open: usize) -> Self {
        let trace = tempfile::NamedTempFile::new().expect("a file");
        let traced = process::Command::new("strace")
            .args(["-f", "-o"])
            .arg(trace.path())
            .arg(env::current_exe().expect("this test"))
            .args(["--ignored", "--exact", "costs::one_child"])
            .env(OPEN, open.to_string())
            .output()
            .expect("strace is installed");
        let said = String::from_utf8_lossy(&traced.stdout);
        assert!(traced.status.success(), "{said}");
        let calls = fs::read_to_string(trace.path()).expect("a trace");
        // Each line begins with the thread's number.
        let calls = calls.lines().filter_map(|line| {
            let (thread, rest) = line.split_once(' ')?;
            let (name, _) = rest.trim_start().split_once('(')?;
            let counts = !name.starts_with('<') && !NOISE.contains(&name);
            counts.then_some((thread, name))
        });
        let mut between = calls
            .skip_while(|(_, name)| *name != MARK)
            .skip(1)
            .take_while(|(_, name)| *name != MARK)
            .peekable();
        let us = between.peek().expect("calls").0;
        let (mut ours, mut its) = (Vec::new(), Vec::new());
        for (thread, name) in between {
            let calls = if thread == us { &mut ours } else { &mut its };
            calls.push(name.to_owned());
        }
        let exec = its.iter().position(|name| name == "execve");
        its.truncate(exec.expect("an exec") + 1);
        Self { ours, its }
    }
}

#[test]
#[ignore = "run by another test, under strace"]
fn one_child() {
    let open = env::var(OPEN).expect("a number");
    let _open = open_files(open.parse().expect("a number"));
    let mut command = Command::new("/bin/true");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // What is found out once.
    spawn_and_reap(&mut command);
    let parent = getppid();
    spawn_and_reap(&mut command);
    assert_eq!(getppid(), parent);
}

fn spawn_and_reap(command: &mut Command) {
    let mut child = Child::spawn_with(command, &SpawnOptions::default()).expect("a child");
    wait_until_dead(&child);
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
}

/// What the allocator does now and then, the standard library only in a debug build, and strace where it held a call up.
const NOISE: [&str; 7] = [
    "brk",
    "fcntl",
    "madvise",
    "mmap",
    "mprotect",
    "munmap",
    "restart_syscall",
];

const MARK: &str = "getppid";
const OPEN: &str = "CHILDMINDER_TEST_OPEN";
const MANY: usize = 19_000;
