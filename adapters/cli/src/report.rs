//! How it ended, for people and for programs.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use childminder::{Error, ExitStatus, Instant, Outcome, Signal};
use childminder_driver::Tail;
use childminder_unix::signals;
use serde_json::{Value, json};
use signal_hook::consts::SIGPIPE;

use crate::Trouble;
use crate::args::{Limit, RunArgs};
use crate::owner::{Log, Noticed};
use crate::status::{OURS, TIMED_OUT, of_signal};
use crate::tree::{Tree, described, is_init};
use crate::usage::{seconds, used};

/// Everything that is known about a run that has ended.
pub(crate) struct Report<'a> {
    pub(crate) args: &'a RunArgs,
    pub(crate) outcome: Outcome,
    pub(crate) log: &'a Log,
    pub(crate) tail: &'a Tail,
    pub(crate) tree: &'a Tree,
}

impl Report<'_> {
    /// What `childminder run` exits with.
    pub(crate) fn status(&self) -> u8 {
        match self.outcome.error {
            _ if self.is_given_up() => OURS,
            None => 0,
            Some(Error::IdleTimeout | Error::FirstOutputTimeout | Error::RunTimeout) => TIMED_OUT,
            Some(Error::Exit(ExitStatus::Code(code))) => code.to_le_bytes()[0],
            Some(Error::Exit(ExitStatus::Signal(signal))) => of_signal(signal),
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
                None => Some(format!("process {} outlived the ladder", self.log.leader)),
            });
        }
        if self.outcome.leaked && !self.is_given_up() {
            // Whoever held it may have been killed since.
            let held = match self.tree.killed() {
                [] => "is still",
                _ => "was",
            };
            parts.push(format!("its output {held} held open"));
        }
        parts.extend(self.tree.left_running());
        let later: Vec<_> = self.later_messages().collect();
        if parts.is_empty() {
            // How it ended is worth a word only before others.
            let status = self.outcome.exit.filter(|_| !later.is_empty())?;
            parts.push(status.to_string());
        }
        parts.extend(later);
        parts.extend(self.last_words());
        parts.extend(self.log.usage.as_ref().map(used));
        let name = printable(&command_name(&self.args.command[0]));
        Some(format!("{name}: {}", parts.join("; ")))
    }

    /// The report as one JSON object.
    pub(crate) fn json(&self, status: u8) -> Value {
        json!({
            "command": words(self.args),
            "pid": self.log.leader,
            "status": status,
            "error": self.log.errors.first().map(|noticed| self.error_json(noticed)),
            "exit": self.outcome.exit.and_then(|status| self.exit_json(status)),
            "terminated": self.outcome.terminated,
            "leaked": self.outcome.leaked,
            "duration_ns": self.log.ended.0,
            "last_output_ns": self.log.last_output.map(|at| at.0),
            "signals": self.log.signals.iter().map(|sent| json!({
                "at_ns": sent.at.0,
                "signal": sent.signal.number(),
                "name": signals::name(sent.signal),
                "target": sent.target.name(),
            })).collect::<Vec<_>>(),
            "later_errors": self.log.errors.iter().skip(1)
                .map(|noticed| self.error_json(noticed)).collect::<Vec<_>>(),
            "tree": self.tree_json(),
            "tail": self.tail.lines().iter().map(|line| json!({
                "stream": line.stream.name(),
                "text": line.text(),
            })).collect::<Vec<_>>(),
            "usage": self.log.usage.map(|usage| json!({
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
                "dumped_core": self.log.dumped_core,
            })),
        }
    }

    /// A leader that was given up survives with whom it started.
    fn tree_json(&self) -> Value {
        let mut tree = self.tree.json();
        if self.is_given_up()
            && let Some(survivors) = tree["survivors"].as_array_mut()
        {
            let leader = described(self.log.leader);
            survivors.insert(0, json!({ "pid": leader.pid, "name": leader.name }));
        }
        tree
    }

    fn error_json(&self, noticed: &Noticed) -> Value {
        json!({
            "type": noticed.error.name(),
            "at_ns": noticed.at.0,
            "silent_ns": noticed.silent_ns,
            "message": self.message(noticed),
        })
    }

    /// Whether it was left running.
    fn is_given_up(&self) -> bool {
        self.outcome.exit.is_none()
    }

    /// Why there is something to say.
    fn reason(&self) -> Option<String> {
        match (self.outcome.error, self.log.asked_by) {
            (None | Some(Error::Exit(_)), Some(signal)) if self.outcome.terminated => {
                Some(format!("childminder got {}", signals::name(signal)))
            }
            (None | Some(Error::Exit(ExitStatus::Code(_))), _) => None,
            (Some(Error::Exit(ExitStatus::Signal(signal))), _) if is_everyday(signal) => None,
            (Some(_), _) => Some(self.message(self.log.errors.first()?)),
        }
    }

    fn message(&self, noticed: &Noticed) -> String {
        let given = |limit: Option<Limit>| limit.and_then(Limit::get).unwrap_or_default();
        match noticed.error {
            Error::IdleTimeout => format!("silent for {:?} (--idle)", given(self.args.idle)),
            Error::FirstOutputTimeout => {
                let limit = given(self.args.first_output);
                format!("no output within {limit:?} (--first-output)")
            }
            Error::RunTimeout => {
                format!("still running after {:?} (--wall)", given(self.args.wall))
            }
            Error::Exit(ExitStatus::Signal(signal)) => self.killed_by(signal),
            error => match &noticed.failure {
                Some(failure) => failure.to_string(),
                None => error.to_string(),
            },
        }
    }

    fn killed_by(&self, signal: Signal) -> String {
        let core = if self.log.dumped_core {
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
            .filter(|sent| !sent.after_exit)
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

    /// What else went wrong; that it cannot be killed is said already.
    fn later_messages(&self) -> impl Iterator<Item = String> + '_ {
        let later = self.log.errors.iter().skip(1);
        later
            .filter(|noticed| noticed.error != Error::Unkillable)
            .map(|noticed| format!("then {}", self.message(noticed)))
    }

    fn last_words(&self) -> Option<String> {
        let lines = self.tail.lines();
        let mut newest_first = lines.iter().rev().map(|line| line.text());
        let said = newest_first.find(|text| !text.trim().is_empty())?;
        let mut text: String = said.chars().take(LAST_WORDS).collect();
        if text.len() < said.len() {
            text.push('…');
        }
        Some(format!("last said {text:?}"))
    }
}

/// The report of a command that never ran: this is why, and what we exit with.
pub(crate) fn not_run(args: &RunArgs, trouble: &Trouble) -> Value {
    json!({
        "command": words(args),
        "pid": null,
        "status": trouble.status,
        "error": {
            "type": "not_run",
            "at_ns": 0,
            "silent_ns": 0,
            "message": trouble.message,
        },
        "exit": null,
        "terminated": false,
        "leaked": false,
        "duration_ns": 0,
        "last_output_ns": null,
        "signals": [],
        "later_errors": [],
        "tree": {
            "mechanism": null,
            "init": is_init(),
            "orphans_reaped": 0,
            "killed": [],
            "survivors": [],
            "notes": [],
        },
        "tail": [],
        "usage": null,
    })
}

/// A name as it can stand in a line: control characters are escaped.
pub(crate) fn printable(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for char in name.chars() {
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Says a line on standard error. With that gone there is nobody left to tell.
pub(crate) fn complain(message: &str) {
    let _ = std::io::stderr().write_all(line(message).as_bytes());
}

/// The line that says this.
pub(crate) fn line(message: &str) -> String {
    format!("childminder: {message}\n")
}

fn words(args: &RunArgs) -> Vec<Cow<'_, str>> {
    let words = args.command.iter();
    words.map(|word| word.to_string_lossy()).collect()
}

fn command_name(command: &OsStr) -> String {
    let name = Path::new(command).file_name().unwrap_or(command);
    name.to_string_lossy().into_owned()
}

/// Signals that end commands every day: a reader that left, Ctrl-C.
fn is_everyday(signal: Signal) -> bool {
    signal.number() == SIGPIPE || signal == Signal::INT
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// How much of its last line is told to people, in characters.
const LAST_WORDS: usize = 80;
