//! What the drawings say.

use childminder::{Config, Deadline, ExitStatus, Outcome, Signal, Strays, Target};
use childminder_unix::signals;

use crate::timeline::mark::{Answer, Mark, Request, What};
use crate::timeline::story::{Ending, Story};
use crate::words::nanos;
pub(crate) use crate::words::{bytes, span};

/// How a run went, in a word, and what to think of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) word: String,
    pub(crate) grade: Grade,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grade {
    Success,
    Failure,
    /// The record does not say.
    Unknown,
}

impl Grade {
    /// Its name in a style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Success => "good",
            Self::Failure => "bad",
            Self::Unknown => "odd",
        }
    }

    /// A sign that needs no colour.
    pub(crate) fn sign(self) -> char {
        match self {
            Self::Success => '✓',
            Self::Failure => '✗',
            Self::Unknown => '?',
        }
    }
}

/// How a run ended.
pub(crate) fn verdict(story: &Story) -> Verdict {
    let exit = story.exit.map(|(_, status)| status);
    match story.ending {
        Ending::Finished(outcome) => Verdict {
            word: outcome_word(&outcome),
            grade: if outcome.is_success() {
                Grade::Success
            } else {
                Grade::Failure
            },
        },
        Ending::Stopped => unknown("record stopped"),
        Ending::CutShort if !story.is_foreign => unknown("cut short"),
        Ending::CutShort => match exit {
            Some(status) => Verdict {
                word: exit_word(status),
                grade: if status.is_success() {
                    Grade::Success
                } else {
                    Grade::Failure
                },
            },
            None => unknown("no end"),
        },
    }
}

/// What ended a run, as a sentence.
pub(crate) fn end(story: &Story) -> String {
    let told = match story.ending {
        Ending::Finished(outcome) => outcome.to_string(),
        Ending::Stopped => "the record was stopped before the run ended".to_owned(),
        Ending::CutShort if story.is_foreign => {
            "recorded of another program, which does not tell of its end".to_owned()
        }
        Ending::CutShort => "the record is cut short: it has no end".to_owned(),
    };
    match story.differs_from {
        Some(at) => format!(
            "{told}; from {} on, childminder now decides otherwise than was recorded, and that is drawn",
            moment(at)
        ),
        None => told,
    }
}

/// How it exited, if it was not over then.
pub(crate) fn exited(story: &Story) -> Option<String> {
    let (exit, status) = story.exit.filter(|(exit, _)| *exit < story.end)?;
    Some(format!(
        "{}; over {} later",
        exit_word(status),
        span(story.end - exit)
    ))
}

/// What a mark means.
pub(crate) fn sentence(mark: &Mark) -> String {
    let lasted = span(mark.until - mark.at);
    let told = match mark.what {
        What::Silence => format!("silent for {lasted}"),
        What::Suspension => format!("suspended for {lasted}: every deadline waits"),
        What::Stage {
            number,
            signal,
            target,
        } => {
            let sent = sent(signal, target);
            format!("stage {number} of the ladder: {sent}, for {lasted}")
        }
        What::PassedOn { signal, target } => format!("passed on: {}", sent(signal, target)),
        What::Swept => "SIGKILL to what is left of the group".to_owned(),
        What::Fired { deadline, limit } => {
            let limit = limit.map_or_else(String::new, |limit| format!(" after {}", span(limit)));
            format!("{}{limit}", deadline_words(deadline))
        }
        What::Warned => "warning: it is silent".to_owned(),
        What::Asked(Request::Terminate) => "asked to end".to_owned(),
        What::Asked(Request::Escalate) => "asked to end, impatiently".to_owned(),
        What::Asked(Request::Kill) => "asked to end at once".to_owned(),
        What::Failed => "something failed outside".to_owned(),
        What::Notification { kind, answer } => {
            let kind = kind.name();
            match answer {
                Answer::Success => format!("notification ({kind}) took {lasted}"),
                Answer::Failure => format!("notification ({kind}) failed after {lasted}"),
                Answer::TimedOut => format!("notification ({kind}) timed out after {lasted}"),
                Answer::None => format!("notification ({kind}) had no answer in {lasted}"),
            }
        }
        What::Ready => "ready".to_owned(),
        What::Progress => "vouched for".to_owned(),
        What::Strays(1) => "1 stray alive".to_owned(),
        What::Strays(living) => format!("{living} strays alive"),
        What::StraysKilled => "SIGKILL to every stray".to_owned(),
        What::Unkillable => "it has outlived the ladder, and is given up".to_owned(),
        What::Changed => "the idle timeout or the ladder was set anew".to_owned(),
    };
    match mark.count {
        1 => told,
        count => format!("{count} in {lasted}, such as: {told}"),
    }
}

/// The limits that were set.
pub(crate) fn limits(config: &Config) -> String {
    let limits = [
        ("idle", config.idle_timeout),
        ("warn", config.warn_timeout),
        ("first output", config.first_output_timeout),
        ("wall", config.run_timeout),
        ("heartbeat", config.heartbeat_interval),
    ];
    let set = limits.into_iter().filter_map(|(name, limit)| {
        let limit = span(nanos(limit?));
        Some(format!("{name} {limit}"))
    });
    let stages = config.ladder.stages().map(|stage| {
        let name = short_name(stage.signal);
        match stage.wait {
            Some(wait) => format!("{name} {}", span(nanos(wait))),
            None => name,
        }
    });
    let stages: Vec<_> = stages.collect();
    let ladder = (!stages.is_empty()).then(|| format!("ladder {}", stages.join(" → ")));
    let all: Vec<_> = set.chain(ladder).collect();
    all.join(", ")
}

/// Without the `SIG` that all have.
pub(crate) fn short_name(signal: Signal) -> String {
    let name = signals::name(signal);
    name.strip_prefix("SIG").unwrap_or(&name).to_owned()
}

/// A moment, to the microsecond or, where it is late, to the millisecond: `+12.345s`, `+1h02m03.456s`.
pub(crate) fn moment(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    let millis = nanos / 1_000_000 % 1_000;
    let micros = nanos / 1_000 % 1_000_000;
    match (hours, minutes) {
        (0, 0) if seconds == 0 => format!("+0.{micros:06}s"),
        (0, 0) => format!("+{seconds}.{millis:03}s"),
        (0, _) => format!("+{minutes}m{:02}.{millis:03}s", seconds % 60),
        _ => format!("+{hours}h{minutes:02}m{:02}.{millis:03}s", seconds % 60),
    }
}

/// So many bytes a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is for the eye"
)]
pub(crate) fn rate(per_second: f64) -> String {
    format!("{}/s", bytes(per_second as u64))
}

fn outcome_word(outcome: &Outcome) -> String {
    use childminder::Error::Exit;
    let word = match (outcome.error, outcome.exit) {
        (None, Some(status)) | (Some(Exit(status)), _) => exit_word(status),
        (Some(error), _) => error.name().to_owned(),
        (None, None) => "over".to_owned(),
    };
    let leaked = if outcome.leaked { ", leaked" } else { "" };
    let strays = match outcome.strays {
        Strays::Left => ", strays left",
        Strays::Survived => ", strays survived",
        _ => "",
    };
    format!("{word}{leaked}{strays}")
}

fn exit_word(status: ExitStatus) -> String {
    match status {
        ExitStatus::Code(code) => format!("exit {code}"),
        ExitStatus::Signal(signal) => signals::name(signal),
        ExitStatus::Lost => "exit lost".to_owned(),
    }
}

fn unknown(word: &str) -> Verdict {
    Verdict {
        word: word.to_owned(),
        grade: Grade::Unknown,
    }
}

fn sent(signal: Signal, target: Target) -> String {
    format!("{} to the {}", signals::name(signal), target.name())
}

fn deadline_words(deadline: Deadline) -> &'static str {
    match deadline {
        Deadline::Idle => "idle timeout: no activity",
        Deadline::FirstOutput => "first-output timeout: no output",
        Deadline::Run => "run timeout: still running",
        Deadline::Drain => "drain timeout: the output leaked, still open",
        _ => "a deadline",
    }
}
