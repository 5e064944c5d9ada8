//! The calls that a run makes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::process::Command;

use crate::errors;
use crate::scenario::{Place, Scenario};

/// The `nth` call of this name of each process and thread fails.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) call: String,
    nth: usize,
    error: &'static str,
}

impl Fault {
    /// Whether we were refused the right to send a signal.
    pub(crate) fn is_a_refusal(&self) -> bool {
        self.error == "EPERM" && matches!(&*self.call, "kill" | "pidfd_send_signal")
    }

    pub(crate) fn is_of_a_write(&self) -> bool {
        matches!(&*self.call, "write" | "writev")
    }
}

/// As strace has it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, nth, error } = self;
        write!(f, "inject={call}:error={error}:when={nth}")
    }
}

/// A call, an error that it may have, and how often the run makes the call.
#[derive(Debug)]
pub(crate) struct Weakness {
    call: String,
    error: &'static str,
    times: usize,
}

impl Weakness {
    /// Each time that it may happen.
    pub(crate) fn all(&self) -> impl Iterator<Item = Fault> + '_ {
        (1..=self.times).map(|nth| self.fault(nth))
    }

    /// One of these times.
    pub(crate) fn one(&self, choice: usize) -> Fault {
        self.fault(1 + choice % self.times)
    }

    fn fault(&self, nth: usize) -> Fault {
        Fault {
            call: self.call.clone(),
            nth,
            error: self.error,
        }
    }
}

/// Where `childminder` itself may fail in this run, what it forks included, up to the exec.
pub(crate) fn weaknesses(scenario: &Scenario) -> Vec<Weakness> {
    let place = Place::new();
    let trace = place.path("trace");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .args(scenario.words(&place))
        .output();
    status.expect("strace");
    let trace = fs::read_to_string(trace).expect("a trace");
    let mut weaknesses = Vec::new();
    for (call, times) in calls(&trace) {
        let errors = errors::of(&call).unwrap_or_default();
        weaknesses.extend(errors.iter().map(|error| Weakness {
            call: call.clone(),
            error,
            times,
        }));
    }
    weaknesses
}

/// How often each call is made by the process or thread that makes it most, of those that run our program.
fn calls(trace: &str) -> BTreeMap<String, usize> {
    let lines = || trace.lines().filter_map(|line| line.split_once(' '));
    let (ours, _) = lines().next().expect("a trace");
    let mut others = HashSet::new();
    let mut is_executed = false;
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    for (process, line) in lines() {
        let line = line.trim_start();
        let executes = line.starts_with("execve(") || line.starts_with("<... execve resumed>");
        if executes && line.ends_with("= 0") && (process != ours || is_executed) {
            others.insert(process);
        }
        is_executed |= executes;
        let name = line.split('(').next().unwrap_or_default();
        let is_call = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.len() < line.len() && name.bytes().all(is_call) && !others.contains(process) {
            *counts.entry((process, name)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let times = most.entry(call.to_owned()).or_default();
        *times = count.max(*times);
    }
    most
}
