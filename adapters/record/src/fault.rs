//! What can be wrong with a record.

use std::fmt;
use std::io;

use childminder::{Instant, Misuse};

use crate::encode::VERSION;
use crate::fields::{Misshapen, Wrong, write_fault};

/// A record could not be read.
#[derive(Debug)]
pub struct ReadError {
    /// The line at fault, counted from 1.
    pub line: u64,
    /// What was wrong with it.
    pub fault: Fault,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Io(error) => Some(error),
            Fault::Refused { misuse, .. } => Some(misuse),
            _ => None,
        }
    }
}

/// What is wrong with a line.
#[derive(Debug)]
pub enum Fault {
    /// It could not be read.
    Io(io::Error),
    /// It is longer than [`Reader::LONGEST_LINE`](crate::Reader::LONGEST_LINE).
    TooLong,
    /// It is not UTF-8.
    NotUtf8 {
        /// The first byte that is not, counted from 1.
        column: usize,
    },
    /// It is not JSON.
    NotJson {
        /// Where, in bytes counted from 1.
        column: usize,
        /// Why.
        reason: String,
    },
    /// There is no record: no line but blank ones.
    Empty,
    /// It is a step, and no header came before it.
    StepBeforeHeader,
    /// It is a step of a numbered run that has no header, or has finished.
    StepOfNoRun {
        /// The number.
        number: u64,
    },
    /// It is a step of an earlier time than the step before it in its run.
    TimeRunsBackwards {
        /// The time of this step.
        at: Instant,
        /// The time of the step before.
        before: Instant,
    },
    /// It is a run's first step, and not its `started`. Only a replay looks for this.
    NotStarted {
        /// What it is instead, by its name in the record.
        event: &'static str,
    },
    /// It is a step whose event the monitor refuses. Only a replay finds this.
    Refused {
        /// The event, by its name in the record.
        event: &'static str,
        /// Why.
        misuse: Misuse,
    },
    /// It is the header of another version of the format.
    Version {
        /// What the header says.
        found: String,
    },
    /// It is JSON, but not of the format.
    Form {
        /// Where in the line, such as `config.ladder[1].signal`; empty is the line as a whole.
        path: String,
        /// What is wrong there.
        wrong: Wrong,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot be read: {error}"),
            Self::TooLong => write!(
                f,
                "longer than {LONGEST_LINE} bytes; no line of a record is"
            ),
            Self::NotUtf8 { column } => write!(
                f,
                "not UTF-8 from byte {column} on; a record is JSON lines in UTF-8"
            ),
            Self::NotJson { column, reason } => write!(
                f,
                "not JSON at byte {column}: {reason}; a line must be one whole JSON object"
            ),
            Self::Empty => f.write_str("the record is empty; it must begin with a header"),
            Self::StepBeforeHeader => f.write_str(
                "a step before any header; a run must begin with its header, which has `flight_record`",
            ),
            Self::StepOfNoRun { number } => write!(
                f,
                "a step of run {number}, which is not open; a run begins with its header and ends with `finish`"
            ),
            Self::TimeRunsBackwards { at, before } => write!(
                f,
                "`at_ns` is {}, and {} in the step before; the times of a run must not run backwards",
                at.0, before.0
            ),
            Self::NotStarted { event } => {
                write!(f, "the run begins with `{event}`; it must begin with `started`")
            }
            Self::Refused { event, misuse } => write!(
                f,
                "the event `{event}` makes no sense here: {misuse}; a record has only events that the monitor took"
            ),
            Self::Version { found } => write!(
                f,
                "version {found} of the flight record; only version {VERSION} can be read"
            ),
            Self::Form { path, wrong } => write_fault(f, path, wrong),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Misshapen> for Fault {
    fn from(Misshapen { path, wrong }: Misshapen) -> Self {
        Self::Form { path, wrong }
    }
}

/// No line may be longer than this, its end not counted, in bytes: so a file that is no record, or has no end, is
/// never held in memory. What we write is shorter.
pub(crate) const LONGEST_LINE: u64 = 1024 * 1024;
