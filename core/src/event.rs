//! What the monitor is told.

use core::fmt;
use core::time::Duration;

use crate::action::NotificationId;
use crate::config::Ladder;
use crate::signal::ExitStatus;

/// Something that happened, given to [`MonitorState::handle`](crate::MonitorState::handle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The child runs: arms the deadlines (the ancestor's `connectionMade`).
    Started,
    /// The child wrote; activity when the config says that this stream counts (`outReceived`).
    Output {
        /// Where it wrote; what comes from a PTY counts as standard output.
        stream: Stream,
        /// How many bytes; none is no output.
        bytes: u64,
    },
    /// Activity that the owner vouches for (`resetTimeout`).
    Progress,
    /// Time has passed: the only event that fires a deadline (`callLater`).
    Tick,
    /// Queue a notification (`runNotification`);
    /// [`MonitorState::notify`](crate::MonitorState::notify) also returns its ticket.
    Notify,
    /// The notification in flight has completed (its Deferred). The late answer to an overdue one
    /// is ignored.
    NotifyDone {
        /// Which one: the ticket of its `RunNotification`.
        id: NotificationId,
        /// Whether it succeeded.
        ok: bool,
    },
    /// Something went wrong outside (`unexpectedError`);
    /// [`MonitorState::fail`](crate::MonitorState::fail) also returns its ticket.
    Fail,
    /// The owner wants the child ended: starts the ladder, once (`terminateProcess`).
    Terminate,
    /// The same, impatiently: starts the ladder, or sends its next stage now.
    Escalate,
    /// Change the idle timeout; it counts anew from now (`setTimeout`).
    SetIdleTimeout(Option<Duration>),
    /// Change the ladder; without effect once it has been started.
    SetLadder(Ladder),
    /// No pipe or PTY from the child is open any more.
    OutputClosed,
    /// The leader is dead and not yet reaped. No signal will be asked for it after this. Where its
    /// status cannot be had any more, this is [`ExitStatus::Lost`].
    ChildExited(ExitStatus),
    /// The child is stopped on purpose: every deadline waits. A stage of the ladder ends this, since
    /// a stopped child is continued to see its signal. Saying it twice is harmless.
    Suspended,
    /// The child runs on: the deadlines go on from where they stood. Saying it twice is harmless.
    Resumed,
}

impl Event {
    /// Its name, as a flight record has it: `started`, `output`, ….
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Output { .. } => "output",
            Self::Progress => "progress",
            Self::Tick => "tick",
            Self::Notify => "notify",
            Self::NotifyDone { .. } => "notify_done",
            Self::Fail => "fail",
            Self::Terminate => "terminate",
            Self::Escalate => "escalate",
            Self::SetIdleTimeout(_) => "set_idle_timeout",
            Self::SetLadder(_) => "set_ladder",
            Self::OutputClosed => "output_closed",
            Self::ChildExited(_) => "child_exited",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
        }
    }
}

/// Where a child writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output, or the PTY.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// `stdout` or `stderr`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// Its name.
impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A call that makes no sense: the caller's bug. The state is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// An event before `Started`.
    NotStarted,
    /// A second `Started`.
    AlreadyStarted,
    /// A second `ChildExited`.
    AlreadyExited,
    /// `Output` or `OutputClosed` after `OutputClosed`.
    OutputAlreadyClosed,
    /// An answer to a notification that is not in flight.
    NotInFlight(NotificationId),
    /// An event, other than a `Tick`, after the end.
    AlreadyFinished,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted => f.write_str("the monitor was told of an event before `Started`"),
            Self::AlreadyStarted => f.write_str("`Started` came a second time"),
            Self::AlreadyExited => f.write_str("`ChildExited` came a second time"),
            Self::OutputAlreadyClosed => {
                f.write_str("output, or its end, came after `OutputClosed`")
            }
            Self::NotInFlight(id) => write!(f, "notification {id} is not in flight"),
            Self::AlreadyFinished => f.write_str("an event came after the monitor had finished"),
        }
    }
}

impl core::error::Error for Misuse {}
