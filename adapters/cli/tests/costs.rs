//! What a run costs, as far as it does not depend on the machine: its system calls, beyond those with which any program of
//! ours begins and ends.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn a_run_makes_few_calls() {
    let calls = Calls::added_by(&["run", "--", "/bin/true"]);
    calls.are_at_most(195);
    calls.are_lean();
    assert_eq!(calls.clones(), 2, "the guardian and the command");
}

#[test]
fn a_timeout_makes_few_calls() {
    let calls = Calls::added_by(&["timeout", "1", "/bin/true"]);
    calls.are_at_most(205);
    calls.are_lean();
    assert_eq!(calls.clones(), 1, "the command");
}

/// Calls of `childminder`, its guardian, and the command until it executes its program.
#[derive(Debug)]
struct Calls {
    lines: Vec<String>,
    /// How often each was made, less what it takes to say the version.
    added: BTreeMap<String, i32>,
}

impl Calls {
    fn added_by(words: &[&str]) -> Self {
        let lines = trace(words);
        let mut added = BTreeMap::new();
        for (lines, sign) in [(&lines, 1), (&trace(&["timeout", "--version"]), -1)] {
            for name in lines.iter().filter_map(|line| name_of(line)) {
                *added.entry(name.to_owned()).or_insert(0) += sign;
            }
        }
        // When the C library asks for memory is its business, and depends on its version.
        added.retain(|name, count| !MEMORY.contains(&name.as_str()) && *count > 0);
        Self { lines, added }
    }

    fn count(&self, name: &str) -> i32 {
        self.added.get(name).copied().unwrap_or(0)
    }

    fn clones(&self) -> i32 {
        self.count("clone") + self.count("clone3")
    }

    #[track_caller]
    fn are_at_most(&self, most: i32) {
        let all: i32 = self.added.values().sum();
        assert!(all <= most, "{all} calls: {:?}", self.added);
    }

    /// No thread, nothing to read of other processes, and one descriptor for all signals.
    #[track_caller]
    fn are_lean(&self) {
        for name in ["futex", "socketpair", "recvfrom", "sendto", "fork", "vfork"] {
            assert_eq!(self.count(name), 0, "{name}: {:?}", self.added);
        }
        let having = |text: &str| -> Vec<&String> {
            self.lines
                .iter()
                .filter(|line| line.contains(text))
                .collect()
        };
        assert_eq!(having("CLONE_THREAD|"), [""; 0]);
        assert_eq!(having("signalfd4(-1").len(), 1, "{:?}", self.added);
        // glibc looks for the stack of the first thread before `main`.
        let mut of_proc = having("\"/proc");
        of_proc.retain(|line| !line.contains("\"/proc/self/maps\""));
        assert_eq!(of_proc, [""; 0]);
    }
}

/// The calls of `childminder` with these words, a line each.
fn trace(words: &[&str]) -> Vec<String> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-b", "execve", "-e", "signal=none", "-o"])
        .arg(file.path())
        .arg(env!("CARGO_BIN_EXE_childminder"))
        .args(words)
        // Under coverage it writes a profile too.
        .env_remove("LLVM_PROFILE_FILE")
        .stdin(Stdio::null())
        .output()
        .expect("strace is installed");
    assert!(traced.status.success(), "{traced:?}");
    let calls = fs::read_to_string(file.path()).expect("a trace");
    calls.lines().map(str::to_owned).collect()
}

/// Each line begins with the number of a process; one that goes on with a call names no other.
fn name_of(line: &str) -> Option<&str> {
    let (_, call) = line.split_once(' ')?;
    let (name, _) = call.trim_start().split_once('(')?;
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        .then_some(name)
}

const MEMORY: [&str; 6] = ["brk", "mmap", "munmap", "mprotect", "mremap", "madvise"];
