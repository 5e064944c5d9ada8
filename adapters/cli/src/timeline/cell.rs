//! The drawing in text, a character at a time.

use crate::timeline::mark::{Answer, Mark, What};
use crate::timeline::words::short_name;

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cell {
    /// There is no run.
    Nothing,
    /// It has exited, and is not yet over.
    Waiting,
    Silent,
    /// Half of a deadline's time has passed.
    Near,
    /// Four fifths have.
    Nearer,
    /// From 1 to 8.
    Output(u8),
    Suspended,
    Strays,
    Progress,
    Notification,
    Ready,
    Warning,
    FailedNotification,
    PassedOn,
    Signal(char),
    Asked,
    Deadline,
    /// The record ends here, and the run did not.
    Torn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Faint,
    Good,
    Odd,
    Bad,
    Strong,
}

impl Cell {
    pub(crate) fn char(self) -> char {
        match self {
            Self::Nothing => ' ',
            Self::Waiting => '╌',
            Self::Silent => '·',
            Self::Near => '-',
            Self::Nearer => '=',
            Self::Output(level) => BLOCKS[usize::from(level) - 1],
            Self::Suspended => '░',
            Self::Strays => 's',
            Self::Progress => '+',
            Self::Notification => 'n',
            Self::Ready => 'r',
            Self::Warning => 'w',
            Self::FailedNotification => 'f',
            Self::PassedOn => 'p',
            Self::Asked => 'a',
            Self::Signal(letter) => letter,
            Self::Deadline => '!',
            Self::Torn => '~',
        }
    }

    pub(crate) fn ink(self) -> Ink {
        match self {
            Self::Silent | Self::Waiting | Self::Suspended | Self::Nothing => Ink::Faint,
            Self::Output(_) => Ink::Plain,
            Self::Deadline | Self::FailedNotification => Ink::Bad,
            Self::Signal(_) | Self::Asked | Self::PassedOn => Ink::Strong,
            _ => Ink::Odd,
        }
    }

    /// What the legend says of it. Those of one meaning are one.
    pub(crate) fn meaning(self) -> Option<(String, &'static str)> {
        let sign = self.char().to_string();
        Some(match self {
            Self::Nothing => return None,
            Self::Output(_) => ("▁…█".to_owned(), "output, logarithmic"),
            Self::Waiting => (sign, "exited, not over"),
            Self::Silent => (sign, "no output"),
            Self::Near => (sign, "half of a deadline's time is over"),
            Self::Nearer => (sign, "four fifths are"),
            Self::Suspended => (sign, "suspended"),
            Self::Strays => (sign, "strays"),
            Self::Progress => (sign, "vouched for"),
            Self::Notification => (sign, "notification"),
            Self::Ready => (sign, "ready"),
            Self::Warning => (sign, "warning"),
            Self::FailedNotification => (sign, "failed notification"),
            Self::PassedOn => (sign, "signal passed on"),
            Self::Asked => (sign, "asked to end, or failed outside"),
            Self::Signal('I') => (sign, "SIGINT"),
            Self::Signal('T') => (sign, "SIGTERM"),
            Self::Signal('K') => (sign, "SIGKILL"),
            Self::Signal('H') => (sign, "SIGHUP"),
            Self::Signal('Q') => (sign, "SIGQUIT"),
            Self::Signal(_) => (sign, "another signal"),
            Self::Deadline => (sign, "deadline"),
            Self::Torn => (sign, "the record ends"),
        })
    }

    /// What is not shown as output or its absence.
    pub(crate) fn of(mark: &Mark) -> Option<Self> {
        Some(match mark.what {
            What::Silence | What::Suspension | What::Swept | What::Changed => return None,
            What::Stage { signal, .. } => match &*short_name(signal) {
                "INT" => Self::Signal('I'),
                "TERM" => Self::Signal('T'),
                "KILL" => Self::Signal('K'),
                "HUP" => Self::Signal('H'),
                "QUIT" => Self::Signal('Q'),
                _ => Self::Signal('S'),
            },
            What::PassedOn { .. } => Self::PassedOn,
            What::Fired { .. } | What::Unkillable => Self::Deadline,
            What::Warned => Self::Warning,
            What::Asked(_) | What::Failed => Self::Asked,
            What::Notification { answer, .. } => match answer {
                Answer::Success | Answer::None => Self::Notification,
                Answer::Failure | Answer::TimedOut => Self::FailedNotification,
            },
            What::Ready => Self::Ready,
            What::Progress => Self::Progress,
            What::Strays(_) | What::StraysKilled => Self::Strays,
        })
    }
}

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
