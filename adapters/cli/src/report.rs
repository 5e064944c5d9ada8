//! How it ended, for people and for programs.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::Duration;

use childminder::{Error, ExitStatus, Instant, Outcome, Signal, Stream, Target};
use childminder_driver::{Tail, TailLine, WatchdogTriggered};
use childminder_unix::{Cgroup, Child, Orphan, Strays, signals};
use serde_json::{Value, json};
use signal_hook::consts::SIGPIPE;

use crate::beginning::Beginning;
use crate::failure::Failure;
use crate::log::{Log, Noticed};
use crate::plan::{Containment, Plan, Signs, is_init};
use crate::status::{self, OURS, TIMED_OUT};
use crate::testimony::Testimony;
use crate::words::{is_text, nanos, printable, seconds, size, used};

/// Everything that is known about a run that has ended.
pub(crate) struct Report<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) outcome: Outcome,
    pub(crate) log: &'a Log,
    pub(crate) tail: &'a Tail,
    pub(crate) testimony: &'a Testimony,
    pub(crate) child: &'a Child,
    pub(crate) strays: &'a Strays,
    pub(crate) orphans_reaped: usize,
    /// What could not be done, and did not end the run.
    pub(crate) notes: &'a [String],
    /// Why what the command left behind could not be seen, if it could not.
    pub(crate) blindness: Option<&'a io::Error>,
}

impl Report<'_> {
    /// What `childminder run` exits with.
    pub(crate) fn status(&self) -> u8 {
        match self.error() {
            _ if self.is_given_up() => OURS,
            None => 0,
            Some(Error::IdleTimeout | Error::FirstOutputTimeout | Error::RunTimeout) => TIMED_OUT,
            Some(Error::Exit(status)) => status::of_exit(status),
            Some(_) if self.errors().next().is_some_and(is_by_its_watchdog) => TIMED_OUT,
            Some(_) => OURS,
        }
    }

    /// The one line for people; none for a command that simply ended.
    pub(crate) fn sentence(&self) -> Option<String> {
        let mut parts = Vec::from_iter(self.reason());
        if self.outcome.terminated {
            parts.extend(self.signals_sent());
            parts.extend(match self.outcome.exit {
                Some(ExitStatus::Signal(signal)) => Some(self.killed_by(signal)),
                Some(ExitStatus::Lost) => None,
                Some(status) => Some(status.to_string()),
                None => Some(format!("process {} outlived the ladder", self.child.id())),
            });
        }
        parts.extend(self.memory_limit_reached());
        if self.outcome.leaked && !self.is_given_up() {
            // What held it may have been killed since.
            let held = match self.strays.killed() {
                [] => "is still",
                _ => "was",
            };
            parts.push(format!("its output {held} held open"));
        }
        parts.extend(self.left_running());
        if self.outcome.terminated {
            let told = |why| format!("left-over processes could not be looked for: {why}");
            parts.extend(self.blindness.map(told));
        }
        let later: Vec<_> = self.later_messages().collect();
        if parts.is_empty() {
            // How it ended is worth a word only before others.
            let status = self.outcome.exit.filter(|_| !later.is_empty())?;
            parts.push(status.to_string());
        }
        parts.extend(later);
        let status = self.testimony.status.as_deref();
        parts.extend(status.map(|status| format!("its status was {:?}", shortened(status))));
        parts.extend(self.last_said());
        parts.extend(self.child.usage().as_ref().map(used));
        let name = printable(&command_name(&self.plan.command[0]));
        Some(format!("{name}: {}", parts.join("; ")))
    }

    /// The report as one JSON object.
    pub(crate) fn json(&self, status: u8) -> Value {
        let beginning = Beginning::at(self.log.started);
        let sees_all = Stream::ALL.into_iter().all(|stream| self.plan.sees(stream));
        json!({
            "command": self.plan.words(),
            "pid": self.child.id(),
            "host": beginning.host,
            "started_unix_ns": nanos(beginning.since_1970()),
            "status": status,
            "error": self.errors().next().map(|noticed| self.error_json(noticed)),
            "exit": self.outcome.exit.and_then(|status| self.exit_json(status)),
            "terminated": self.outcome.terminated,
            "asked_by": self.asked_by().map(signals::name),
            "leaked": self.outcome.leaked,
            "duration_ns": self.log.duration().0,
            "last_output_ns": self.log.last_output.map(|at| at.0),
            "longest_silence_ns": self.plan.sees_activity().then(|| self.log.longest_silence.nanos()),
            "output_bytes": sees_all.then_some(self.log.bytes),
            "signals": self.log.signals.iter().map(|sent| json!({
                "at_ns": sent.at.0,
                "signal": sent.signal.number(),
                "name": signals::name(sent.signal),
                "target": sent.target.map_or("strays", Target::name),
            })).collect::<Vec<_>>(),
            "later_errors": self.errors().skip(1)
                .map(|noticed| self.error_json(noticed)).collect::<Vec<_>>(),
            "warnings_ns": self.log.warnings.iter().map(|at| at.0).collect::<Vec<_>>(),
            "ready_ns": self.testimony.ready.map(|at| at.0),
            "stopping_ns": self.testimony.stopping.map(|at| at.0),
            "notify_status": self.testimony.status,
            "tree": self.tree_json(),
            "tail": tail_json(self.tail),
            "usage": self.child.usage().map(|usage| json!({
                "user_ns": nanos(usage.user),
                "system_ns": nanos(usage.system),
                "peak_memory_bytes": usage.peak_memory,
            })),
        })
    }

    fn exit_json(&self, status: ExitStatus) -> Option<Value> {
        match status {
            ExitStatus::Lost => None,
            ExitStatus::Code(code) => Some(json!({ "code": code })),
            ExitStatus::Signal(signal) => Some(json!({
                "signal": signal.number(),
                "name": signals::name(signal),
                "dumped_core": self.child.dumped_core(),
            })),
        }
    }

    fn tree_json(&self) -> Value {
        let list = |processes: &[Orphan]| {
            let json = |process: &Orphan| json!({ "pid": process.pid, "name": process.name });
            processes.iter().map(json).collect::<Vec<_>>()
        };
        let mut survivors = list(self.strays.living());
        if self.is_given_up() {
            let leader = Orphan::of_pid(self.child.id());
            survivors.insert(0, json!({ "pid": leader.pid, "name": leader.name }));
        }
        let mut notes = [self.notes, self.strays.notes()].concat();
        notes.extend(self.testimony.note());
        let mechanism = match self.plan.containment {
            _ if self.strays.cgroup().is_some() => "cgroup",
            Containment::Session => "session",
            Containment::Group | Containment::Cgroup => "group",
        };
        json!({
            "mechanism": mechanism,
            "init": is_init(),
            "orphans_reaped": self.orphans_reaped,
            "killed": list(self.strays.killed()),
            "survivors": survivors,
            "notes": notes,
            "oom_kills": self.strays.cgroup().map_or(0, Cgroup::oom_kills),
        })
    }

    /// What was killed at the end, though the signals to the group did not reach it.
    pub(crate) fn killed_strays(&self) -> impl Iterator<Item = String> + '_ {
        let killed = self.strays.killed().iter();
        killed.map(|stray| format!("killed {stray}, which had left the group"))
    }

    /// The processes that live on.
    fn left_running(&self) -> Option<String> {
        let living = self.strays.living();
        let names: Vec<_> = living.iter().take(SHOWN).map(Orphan::to_string).collect();
        let more = match living.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!names.is_empty()).then(|| format!("left running: {}{more}", names.join(", ")))
    }

    fn error_json(&self, noticed: &Noticed) -> Value {
        json!({
            "type": noticed.error.name(),
            "at_ns": noticed.at.0,
            "silent_ns": noticed.silence.map(nanos),
            "message": self.message(noticed),
        })
    }

    /// Whether it was left running.
    fn is_given_up(&self) -> bool {
        self.outcome.exit.is_none()
    }

    /// What went wrong first.
    fn error(&self) -> Option<Error> {
        match self.outcome.error {
            Some(error) if self.is_success(error) => {
                self.errors().next().map(|noticed| noticed.error)
            }
            error => error,
        }
    }

    /// What went wrong, in order.
    fn errors(&self) -> impl Iterator<Item = &Noticed> + '_ {
        let noticed = self.log.errors.iter();
        noticed.filter(|noticed| !self.is_success(noticed.error))
    }

    /// Whether it is none, by `--success`.
    fn is_success(&self, error: Error) -> bool {
        matches!(error, Error::Exit(status) if self.plan.success.contains(status::of_exit(status)))
    }

    fn memory_limit_reached(&self) -> Option<String> {
        let limit = self.plan.limits.memory?;
        let kills = self.strays.cgroup()?.oom_kills();
        (kills > 0).then(|| format!("the memory limit of {} was reached", size(limit)))
    }

    /// The signal to us that is why the command was ended.
    fn asked_by(&self) -> Option<Signal> {
        self.log.asked_by.filter(|_| self.outcome.terminated)
    }

    /// Why there is something to say.
    fn reason(&self) -> Option<String> {
        match (self.error(), self.asked_by()) {
            (None | Some(Error::Exit(_)), Some(signal)) => {
                Some(format!("childminder got {}", signals::name(signal)))
            }
            (None | Some(Error::Exit(ExitStatus::Code(_))), _) => None,
            (Some(Error::Exit(ExitStatus::Signal(signal))), _) if is_everyday(signal) => None,
            (Some(_), _) => Some(self.message(self.errors().next()?)),
        }
    }

    fn message(&self, noticed: &Noticed) -> String {
        let config = &self.plan.config;
        let given = |limit: Option<Duration>| limit.unwrap_or_default();
        match noticed.error {
            Error::IdleTimeout => {
                let limit = given(self.log.idle_timeout.or(config.idle_timeout));
                silence(self.plan, limit, "--idle")
            }
            Error::FirstOutputTimeout => {
                let limit = given(config.first_output_timeout);
                let ready = match self.plan.signs {
                    Signs::Words => "neither READY=1 nor",
                    Signs::Output | Signs::Lines(..) => "no",
                };
                format!("{ready} output within {limit:?} (--first-output)")
            }
            Error::RunTimeout => {
                format!(
                    "still running after {:?} (--wall)",
                    given(config.run_timeout)
                )
            }
            Error::Exit(ExitStatus::Signal(signal)) => self.killed_by(signal),
            Error::NotificationTimeout(_) => format!(
                "the command of --notify took longer than {:?} (--notify-timeout)",
                given(config.notification_timeout)
            ),
            error => match &noticed.failure {
                Some(failure) => failure.to_string(),
                None => error.to_string(),
            },
        }
    }

    fn killed_by(&self, signal: Signal) -> String {
        let core = if self.child.dumped_core() {
            " (core dumped)"
        } else {
            ""
        };
        format!("killed by {}{core}", signals::name(signal))
    }

    fn signals_sent(&self) -> Option<String> {
        let sent: Vec<String> = self
            .log
            .signals
            .iter()
            .filter(|sent| sent.is_a_stage)
            .map(|sent| {
                format!(
                    "{} at {}",
                    signals::name(sent.signal),
                    seconds(sent.at.since(Instant::ZERO))
                )
            })
            .collect();
        (!sent.is_empty()).then(|| format!("sent {}", sent.join(", then ")))
    }

    /// What it says of its end does not tell where it fell silent.
    fn last_said(&self) -> Option<String> {
        let said = match (&self.log.said_before, last_words(self.tail)) {
            (Some(before), Some(last)) if *before != last => format!("{before}, then {last}"),
            (_, last) => last?,
        };
        Some(format!("last said {said}"))
    }

    /// What else went wrong; that it cannot be killed is said already.
    fn later_messages(&self) -> impl Iterator<Item = String> + '_ {
        let later = self.errors().skip(1);
        later
            .filter(|noticed| noticed.error != Error::Unkillable)
            .map(|noticed| format!("then {}", self.message(noticed)))
    }
}

/// The line that says that the command has been silent, as `--warn` has it.
pub(crate) fn warning(plan: &Plan, tail: &Tail) -> String {
    let name = printable(&command_name(&plan.command[0]));
    let limit = plan.config.warn_timeout.unwrap_or_default();
    let mut parts = vec![silence(plan, limit, "--warn")];
    parts.extend(last_words(tail).map(|said| format!("last said {said}")));
    format!("{name}: {}", parts.join("; "))
}

/// What has not come for so long, which this option is about.
fn silence(plan: &Plan, limit: Duration, option: &str) -> String {
    match &plan.signs {
        Signs::Output => format!("silent for {limit:?} ({option})"),
        Signs::Lines(_, regex) => {
            let regex = printable(regex.as_str());
            format!("no line matching /{regex}/ for {limit:?} ({option})")
        }
        Signs::Words => format!("no WATCHDOG=1 for {limit:?} ({option})"),
    }
}

/// The last line that can be read, quoted.
pub(crate) fn last_words(tail: &Tail) -> Option<String> {
    let lines = tail.lines();
    let is_blank = |line: &&TailLine| line.bytes.trim_ascii().is_empty();
    let last = lines.iter().rev().find(|line| !is_blank(line));
    let said = last.filter(|line| is_text(line.bytes))?.text();
    Some(format!("{:?}", shortened(&said)))
}

/// The last lines of output.
pub(crate) fn tail_json(tail: &Tail) -> Value {
    let lines = tail.lines();
    let json = |line: &TailLine<'_>| json!({ "stream": line.stream.name(), "text": line.text() });
    lines.iter().map(json).collect()
}

fn shortened(said: &str) -> String {
    let mut text: String = said.chars().take(LAST_WORDS).collect();
    if text.len() < said.len() {
        text.push('…');
    }
    text
}

/// As a deadline of the command's own.
fn is_by_its_watchdog(noticed: &Noticed) -> bool {
    let failure = noticed.failure.as_ref();
    failure.is_some_and(|failure| failure.is::<WatchdogTriggered>())
}

/// The report of a command that never ran: this is why, and what we exit with.
pub(crate) fn not_run(plan: &Plan, failure: &Failure) -> Value {
    let beginning = Beginning::new();
    json!({
        "command": plan.words(),
        "pid": null,
        "host": beginning.host,
        "started_unix_ns": nanos(beginning.since_1970()),
        "status": failure.status,
        "error": {
            "type": "not_run",
            "at_ns": 0,
            "silent_ns": 0,
            "message": failure.message,
        },
        "exit": null,
        "terminated": false,
        "asked_by": null,
        "leaked": false,
        "duration_ns": 0,
        "last_output_ns": null,
        "longest_silence_ns": null,
        "output_bytes": null,
        "signals": [],
        "later_errors": [],
        "warnings_ns": [],
        "ready_ns": null,
        "stopping_ns": null,
        "notify_status": null,
        "tree": {
            "mechanism": null,
            "init": is_init(),
            "orphans_reaped": 0,
            "killed": [],
            "survivors": [],
            "notes": [],
            "oom_kills": 0,
        },
        "tail": [],
        "usage": null,
    })
}

fn command_name(command: &OsStr) -> String {
    let name = Path::new(command).file_name().unwrap_or(command);
    name.to_string_lossy().into_owned()
}

/// Signals that end commands every day: a reader that left, Ctrl-C.
fn is_everyday(signal: Signal) -> bool {
    signal.number() == SIGPIPE || signal == Signal::INT
}

/// How much of its last line is told to people, in characters.
const LAST_WORDS: usize = 80;

/// How many names a sentence can bear.
const SHOWN: usize = 3;
