//! What the monitor asks for.

use core::fmt;
use core::num::NonZeroU64;

use crate::config::Target;
use crate::signal::{ExitStatus, Signal};
use crate::time::Instant;

/// Something to do, taken from [`MonitorState::poll_action`](crate::MonitorState::poll_action).
///
/// Actions come in the order of this list. Every one of them must be performed: so the list is
/// exhaustive on purpose, and a new kind of action is a breaking release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An error was noticed.
    RecordError {
        /// Which.
        error: Error,
        /// Whether it is the one that the outcome will carry.
        first: bool,
    },
    /// The child has been silent for `warn_timeout`, which the owner may tell. Nothing else follows from it.
    Warn,
    /// Send this signal. A target that is already dead is not an error.
    SendSignal {
        /// What to send.
        signal: Signal,
        /// What to send it to.
        target: Target,
    },
    /// Send SIGKILL to every stray that the latest look has shown. Those that start others while they die are
    /// found by the next look.
    KillStrays,
    /// Look for strays, now, and answer with `StraysSeen` or `StraysUnseen`: reap those that are dead, and count
    /// what is alive of all that the child started, wherever it has gone.
    LookForStrays,
    /// The notifications of these tickets, both ends included, will never run: drop their payloads.
    DiscardNotifications {
        /// The oldest.
        first: NotificationId,
        /// The newest.
        last: NotificationId,
    },
    /// Run this notification now, and answer with `NotifyDone`. One is in flight at a time.
    RunNotification {
        /// Its ticket.
        id: NotificationId,
        /// What queued it.
        kind: NotificationKind,
    },
    /// Wake me with a `Tick` at this moment, in place of any asked for before; `None` cancels. Every
    /// `Tick` uses the wake-up up, and is followed by a new one where one is needed.
    ScheduleTimer(Option<Instant>),
    /// No signal will follow: the leader may be reaped and its pid reused. Where the exit status was
    /// [`Lost`](ExitStatus::Lost), something else has reaped it, and there is nothing to do.
    Reap,
    /// The end; once, and last.
    Finish(Outcome),
}

/// A ticket's number, and what every ticket can do.
macro_rules! ticket {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// The ticket of this number, or `None` for zero, which is no ticket.
            pub const fn new(number: u64) -> Option<Self> {
                match NonZeroU64::new(number) {
                    Some(number) => Some(Self(number)),
                    None => None,
                }
            }

            /// Its number.
            pub const fn number(self) -> u64 {
                self.0.get()
            }
        }

        impl From<NonZeroU64> for $name {
            fn from(number: NonZeroU64) -> Self {
                Self(number)
            }
        }

        /// Its number.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

ticket! {
    /// A notification's ticket: 1, 2, 3, … in the order of queueing, heartbeats included.
    NotificationId
}

ticket! {
    /// An outside failure's ticket: 1, 2, 3, … in order.
    FailureId
}

impl NotificationId {
    /// The first ticket of every run.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The ticket that this one is, counted from `first` on.
    pub(crate) const fn counted_from(self, first: Self) -> Self {
        Self(NonZeroU64::MIN.saturating_add(self.0.get().saturating_sub(first.0.get())))
    }
}

impl FailureId {
    /// The ticket that follows `earlier` others.
    pub(crate) const fn after(earlier: u64) -> Self {
        Self(NonZeroU64::MIN.saturating_add(earlier))
    }
}

/// What queued a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NotificationKind {
    /// The owner, with `Notify`.
    Requested,
    /// The core, because a heartbeat was due.
    Heartbeat,
    /// The core, because all else is over. How that ended,
    /// [`MonitorState::preliminary_outcome`](crate::MonitorState::preliminary_outcome) tells.
    Final,
}

impl NotificationKind {
    /// Its name, as a flight record has it: `requested`, `heartbeat` or `final`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Heartbeat => "heartbeat",
            Self::Final => "final",
        }
    }
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// No activity within `idle_timeout`.
    IdleTimeout,
    /// No output within `first_output_timeout`.
    FirstOutputTimeout,
    /// Still alive after `run_timeout`.
    RunTimeout,
    /// The leader ended with anything but code 0, and nothing had gone wrong before.
    Exit(ExitStatus),
    /// This notification failed.
    Notification(NotificationId),
    /// This notification took longer than `notification_timeout`.
    NotificationTimeout(NotificationId),
    /// The owner reported this failure.
    External(FailureId),
    /// The last stage of the ladder has waited out its wait and the leader has not exited.
    Unkillable,
}

impl Error {
    /// Its name, as a flight record has it: `idle_timeout`, `exit`, ….
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdleTimeout => "idle_timeout",
            Self::FirstOutputTimeout => "first_output_timeout",
            Self::RunTimeout => "run_timeout",
            Self::Exit(_) => "exit",
            Self::Notification(_) => "notification",
            Self::NotificationTimeout(_) => "notification_timeout",
            Self::External(_) => "external",
            Self::Unkillable => "unkillable",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IdleTimeout => f.write_str("no activity within the idle timeout"),
            Self::FirstOutputTimeout => f.write_str("no output within the first-output timeout"),
            Self::RunTimeout => f.write_str("still running after the run timeout"),
            Self::Exit(status) => status.fmt(f),
            Self::Notification(id) => write!(f, "notification {id} failed"),
            Self::NotificationTimeout(id) => {
                write!(f, "notification {id} took longer than its timeout")
            }
            Self::External(id) => write!(f, "failure {id} outside the child"),
            Self::Unkillable => f.write_str("still alive after the last stage of the ladder"),
        }
    }
}

impl core::error::Error for Error {}

/// What became of a child's strays: the processes that it started, directly or not, and that outlived it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Strays {
    /// They were not looked for, or could not be seen.
    #[default]
    Unknown,
    /// There were none, or they were gone in a moment.
    None,
    /// All were killed.
    Killed,
    /// Some are alive, and were left alone.
    Left,
    /// Some are alive although they were to be killed.
    Survived,
}

impl Strays {
    /// Its name, as a flight record has it: `unknown`, `none`, `killed`, `left` or `survived`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Killed => "killed",
            Self::Left => "left",
            Self::Survived => "survived",
        }
    }
}

/// How it ended. The default is success, with no exit known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Outcome {
    /// The first error, or `None` for success.
    pub error: Option<Error>,
    /// How the leader ended; `None` if it could not be killed.
    pub exit: Option<ExitStatus>,
    /// Whether output was still open when it was given up: something outlived the leader and holds
    /// it, or the leader itself could not be killed.
    pub leaked: bool,
    /// Whether the ladder was started.
    pub terminated: bool,
    /// What became of the processes that the child left behind.
    pub strays: Strays,
}

impl Outcome {
    /// Whether nothing went wrong. Output that leaked is no error: something that the child started goes
    /// on and holds it.
    pub const fn is_success(&self) -> bool {
        self.error.is_none()
    }
}

/// One sentence: what went wrong, how the leader ended where that says more, and what else is worth
/// knowing. `success`, or `no activity within the idle timeout; killed by SIGINT; terminated`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error {
            None => f.write_str("success")?,
            Some(error) => error.fmt(f)?,
        }
        match (self.error, self.exit) {
            (Some(Error::Exit(_)), _) | (None, None | Some(ExitStatus::Code(0))) => {}
            (_, Some(status)) => write!(f, "; {status}")?,
            (Some(_), None) => f.write_str("; no exit seen")?,
        }
        if self.terminated {
            f.write_str("; terminated")?;
        }
        if self.leaked {
            f.write_str("; output leaked")?;
        }
        match self.strays {
            Strays::Unknown | Strays::None => {}
            Strays::Killed => f.write_str("; strays killed")?,
            Strays::Left => f.write_str("; strays left running")?,
            Strays::Survived => f.write_str("; strays survived")?,
        }
        Ok(())
    }
}
