//! What is run, and what must hold of it.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use childminder_record::{Reader, replay};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::Value;
use tempfile::TempDir;

use crate::survey::Fault;

/// A run that ends always in the same way, if nothing fails.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// `childminder`'s; a file is named by `{}/`.
    options: &'static str,
    command: &'static [&'static str],
    status: i32,
    stdout: &'static str,
    /// All that is said on standard error but words that the scenario always has.
    says: Says,
}

/// What is on standard error when nothing fails.
enum Says {
    What(&'static str),
    /// Why the command was ended.
    Why,
}

impl Scenario {
    pub(crate) fn words(&self, place: &Place) -> Vec<String> {
        let here = place.path("").display().to_string();
        let mut words = vec![env!("CARGO_BIN_EXE_childminder").to_owned()];
        let options = self.options.replace("{}/", &here);
        words.extend(options.split_whitespace().map(str::to_owned));
        words.extend(self.command.iter().map(|word| (*word).to_owned()));
        words
    }

    /// An error says what is wrong.
    pub(crate) fn check(&self, fault: Option<&Fault>) -> Result<(), String> {
        let place = Place::new();
        let mark = format!("{MARK}={}", place.mark);
        let mut words = vec!["strace", "-f", "-qq", "-o", "/dev/null", "-E", &mark];
        let inject = fault.map(Fault::to_string);
        // Nothing else is traced, which is fast.
        let only = fault.map(|fault| format!("trace={}", fault.call));
        if let (Some(inject), Some(only)) = (&inject, &only) {
            words.extend(["--seccomp-bpf", "-e", only, "-e", inject]);
        }
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(self.words(&place))
            // Else a file that is not there would be said to be lost.
            .env_remove("LLVM_PROFILE_FILE")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(place.create("stdout"))
            .stderr(place.create("stderr"));
        let mut strace = command
            .spawn()
            .map_err(|error| format!("strace: {error}"))?;
        let end = End::of(&mut strace, &place);
        let _ = strace.wait();
        let said = place.read("stderr");
        match end {
            End::Status(status) => self.verdict(status, fault, &place),
            // Of what we may not kill, we can only say so.
            End::Left(_)
                if fault.is_some_and(Fault::is_a_refusal) && said.contains("left running: ") =>
            {
                Ok(())
            }
            End::Left(left) => Err(format!("left behind: {left:?}; {said}")),
            End::Hangs => Err(format!("it hangs; {said}")),
        }
    }

    fn verdict(
        &self,
        status: ExitStatus,
        fault: Option<&Fault>,
        place: &Place,
    ) -> Result<(), String> {
        let (stdout, stderr) = (place.read("stdout"), place.read("stderr"));
        let wrong = |what: &str| Err(format!("{what}: {status}, {stdout:?}, {stderr:?}"));
        let tells = match self.says {
            Says::What(usual) => stderr.trim() != usual,
            Says::Why => stderr.lines().count() > 1 || status.code() != Some(self.status),
        };
        let is_whole = stdout == self.stdout;
        let is_a_write = fault.is_some_and(Fault::is_of_a_write);
        if status.code() != Some(self.status) {
            if status.success() {
                return wrong("it claims success");
            }
            // A death by a signal is told by the shell, and an error of standard error by nothing.
            let is_told = status.code().is_none() || tells || is_a_write;
            if !is_told {
                return wrong("it fails without a word");
            }
            return Ok(());
        }
        if !is_whole && !tells {
            return wrong("bytes are lost");
        }
        if self.options.contains("--report") {
            let report: Result<Value, _> = serde_json::from_str(&place.read("report"));
            match report {
                Ok(report) if report["status"] == self.status => {}
                Ok(_) => return wrong("the report tells of another status"),
                Err(_) if (tells || is_a_write) && !status.success() => {}
                Err(error) => return wrong(&format!("no report: {error}")),
            }
        }
        if self.options.contains("--record") && status.success() {
            let record = place.read("record");
            let runs: Result<Vec<_>, _> = Reader::new(record.as_bytes()).collect();
            match runs.as_deref() {
                Ok([run]) if replay(run).is_none() => {}
                Ok(_) => return wrong("the record differs"),
                Err(error) => return wrong(&format!("no record: {error}")),
            }
        }
        Ok(())
    }
}

/// A directory for a run's files, and what its processes are known by.
pub(crate) struct Place {
    directory: TempDir,
    mark: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self {
            directory: tempfile::tempdir().expect("a directory"),
            mark: format!("{}-{count}", std::process::id()),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn create(&self, name: &str) -> File {
        File::create(self.path(name)).expect("a file")
    }

    /// What is no text is shown so; a file that is not there is empty.
    fn read(&self, name: &str) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut file) = File::open(self.path(name)) {
            file.read_to_end(&mut bytes).expect("a file");
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The names of those that live; they are killed.
    fn end_all(&self) -> Vec<String> {
        let mut names = Vec::new();
        loop {
            let living = self.living();
            if living.is_empty() {
                return names;
            }
            for pid in living {
                names.extend(name_of(pid));
                if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) {
                    let _ = pidfd_send_signal(pidfd, Signal::KILL);
                }
            }
        }
    }

    /// Those whose environment has the mark; a dead one has none.
    fn living(&self) -> Vec<Pid> {
        let wanted = format!("{MARK}={}", self.mark);
        let processes = fs::read_dir("/proc").expect("/proc").flatten();
        processes
            .filter(|process| {
                let environment = fs::read(process.path().join("environ")).unwrap_or_default();
                environment
                    .split(|byte| *byte == 0)
                    .any(|entry| entry == wanted.as_bytes())
            })
            .filter_map(|process| Pid::from_raw(process.file_name().to_str()?.parse().ok()?))
            .collect()
    }
}

/// How a run ends under strace, which waits for all that it traces.
enum End {
    Status(ExitStatus),
    /// These, by their names, outlive `childminder`.
    Left(Vec<String>),
    Hangs,
}

impl End {
    fn of(strace: &mut Child, place: &Place) -> Self {
        let begun = Instant::now();
        let mut last_seen = begun;
        while begun.elapsed() < GUARD && last_seen.elapsed() < PATIENCE {
            if let Some(status) = strace.try_wait().expect("our child") {
                let left = place.end_all();
                return if left.is_empty() {
                    Self::Status(status)
                } else {
                    Self::Left(left)
                };
            }
            thread::sleep(Duration::from_millis(5));
            // Only a run that takes long is looked at.
            let is_ours = |pid| name_of(pid).is_some_and(|name| name == "childminder");
            if begun.elapsed() < PATIENCE / 2 || place.living().into_iter().any(is_ours) {
                last_seen = Instant::now();
            }
        }
        let left = place.end_all();
        if begun.elapsed() < GUARD {
            Self::Left(left)
        } else {
            Self::Hangs
        }
    }
}

fn name_of(pid: Pid) -> Option<String> {
    let name = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_pid())).ok()?;
    Some(name.trim().to_owned())
}

pub(crate) const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: "plain",
        options: "run --",
        command: &TALKS,
        status: 0,
        stdout: "out\n",
        says: Says::What("err"),
    },
    Scenario {
        name: "watched",
        options: "run --idle 60 --report {}/report --record {}/record --",
        command: &TALKS,
        status: 0,
        stdout: "out\n",
        says: Says::What("err"),
    },
    Scenario {
        name: "at a terminal",
        options: "run --tty --report {}/report --",
        command: &["sh", "-ec", "echo out"],
        status: 0,
        stdout: "out\r\n",
        says: Says::What(""),
    },
    Scenario {
        name: "ended",
        options: "run --sweep always --idle 100ms -k 500ms --report {}/report --record {}/record --",
        command: &["sh", "-ec", "echo out; setsid sleep 1000 & exec sleep 1000"],
        status: 124,
        stdout: "out\n",
        says: Says::Why,
    },
    Scenario {
        name: "timeout",
        options: "timeout 60",
        command: &TALKS,
        status: 0,
        stdout: "out\n",
        says: Says::What("err"),
    },
    Scenario {
        name: "timed out",
        options: "timeout -k 1 0.1",
        command: &["sleep", "1000"],
        status: 124,
        stdout: "",
        says: Says::What(""),
    },
];

/// Both streams are written to, and a failure of that is one of the command.
const TALKS: [&str; 3] = ["sh", "-ec", "echo out; echo err >&2"];

const MARK: &str = "CHILDMINDER_FAULT";

/// Far longer than any of these takes.
const GUARD: Duration = Duration::from_secs(20);

/// How long what was killed may take to go.
const PATIENCE: Duration = Duration::from_secs(3);
