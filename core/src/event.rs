//! What the monitor is told.

use core::fmt;
use core::time::Duration;

use crate::action::NotificationId;
use crate::config::{Ladder, Target};
use crate::signal::{ExitStatus, Signal};
use crate::stream::Stream;

/// Something that happened, given to [`MonitorState::handle`](crate::MonitorState::handle).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// The child runs: arms the deadlines.
    Started,
    /// The child wrote; activity when the config says that this stream counts.
    Output {
        /// Where it wrote; what comes from a PTY counts as standard output.
        stream: Stream,
        /// How many bytes; none is no output.
        bytes: u64,
    },
    /// Activity that the owner vouches for.
    Progress,
    /// The child has begun, the owner vouches for it: ends the first-output deadline as output does, and is activity.
    Ready,
    /// Time has passed: the only event that fires a deadline.
    Tick,
    /// Queue a notification; [`MonitorState::notify`](crate::MonitorState::notify) also returns its ticket.
    Notify,
    /// The notification in flight has completed. The late answer to an overdue one is ignored.
    NotifyDone {
        /// Which one: the ticket of its `RunNotification`.
        id: NotificationId,
        /// Whether it succeeded.
        ok: bool,
    },
    /// Something went wrong outside; [`MonitorState::fail`](crate::MonitorState::fail) also returns its ticket.
    Fail,
    /// The owner wants the child ended: starts the ladder, once.
    Terminate,
    /// The same, impatiently: starts the ladder, or sends its next stage now.
    Escalate,
    /// End it for certain: SIGKILL to the group, now, in place of what is left of the ladder. For an owner that
    /// goes away.
    Kill,
    /// Deliver this signal as it is. The ladder is not touched. A target that is gone is none: nothing comes
    /// of it. What has not been polled yet merges with the same signal to the same target, as the kernel merges
    /// signals that are pending.
    PassOn {
        /// What to send.
        signal: Signal,
        /// What to send it to.
        target: Target,
    },
    /// Change the idle timeout; it counts anew from now.
    SetIdleTimeout(Option<Duration>),
    /// Change the ladder; without effect once it has been started.
    SetLadder(Ladder),
    /// No pipe or PTY from the child is open any more.
    OutputClosed,
    /// The leader is dead and not yet reaped. No signal will be asked for it after this. Where its
    /// status cannot be had any more, this is [`ExitStatus::Lost`].
    ChildExited(ExitStatus),
    /// What a look for strays has shown, which [`LookForStrays`](crate::Action::LookForStrays) asked for. When
    /// no look was asked for, or the strays are given up, it changes nothing.
    StraysSeen {
        /// How many are alive.
        living: u64,
        /// How many of these have refused to be killed (`EPERM`): they are not waited for.
        immune: u64,
    },
    /// Strays cannot be seen, and will not be: nothing waits for them. Once is enough.
    StraysUnseen,
    /// The child is stopped on purpose, or its owner will be: every deadline waits. A stage of the ladder ends
    /// this, since a stopped child is continued to see its signal; so does the exit. Saying it twice is harmless.
    Suspended,
    /// The child runs on: the deadlines go on from where they stood. Saying it twice is harmless.
    Resumed,
}

impl Event {
    /// Its name, as a flight record has it: `started`, `output`, ….
    pub const fn name(&self) -> &'static str {
        self.names().1
    }

    /// Its name, as it stands in this list.
    pub(crate) const fn variant(&self) -> &'static str {
        self.names().0
    }

    const fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::Started => ("Started", "started"),
            Self::Output { .. } => ("Output", "output"),
            Self::Progress => ("Progress", "progress"),
            Self::Ready => ("Ready", "ready"),
            Self::Tick => ("Tick", "tick"),
            Self::Notify => ("Notify", "notify"),
            Self::NotifyDone { .. } => ("NotifyDone", "notify_done"),
            Self::Fail => ("Fail", "fail"),
            Self::Terminate => ("Terminate", "terminate"),
            Self::Escalate => ("Escalate", "escalate"),
            Self::Kill => ("Kill", "kill"),
            Self::PassOn { .. } => ("PassOn", "pass_on"),
            Self::SetIdleTimeout(_) => ("SetIdleTimeout", "set_idle_timeout"),
            Self::SetLadder(_) => ("SetLadder", "set_ladder"),
            Self::OutputClosed => ("OutputClosed", "output_closed"),
            Self::ChildExited(_) => ("ChildExited", "child_exited"),
            Self::StraysSeen { .. } => ("StraysSeen", "strays_seen"),
            Self::StraysUnseen => ("StraysUnseen", "strays_unseen"),
            Self::Suspended => ("Suspended", "suspended"),
            Self::Resumed => ("Resumed", "resumed"),
        }
    }
}

/// A call that makes no sense: the caller's bug. The state is unchanged.
///
/// Where the reason does not say which event it was, `event` does, as [`Event`] spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// An event before `Started`.
    NotStarted {
        /// Which event.
        event: &'static str,
    },
    /// A second `Started`.
    AlreadyStarted,
    /// A second `ChildExited`.
    AlreadyExited,
    /// `Output` or `OutputClosed` after `OutputClosed`.
    OutputAlreadyClosed {
        /// Which event.
        event: &'static str,
    },
    /// A `NotifyDone` for a notification that is not in flight.
    NotInFlight(NotificationId),
    /// An event, other than a `Tick` or a late `NotifyDone`, after the end.
    AlreadyFinished {
        /// Which event.
        event: &'static str,
    },
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { event } => write!(f, "`{event}` cannot come before `Started`"),
            Self::AlreadyStarted => f.write_str("`Started` cannot come a second time"),
            Self::AlreadyExited => f.write_str("`ChildExited` cannot come a second time"),
            Self::OutputAlreadyClosed { event } => {
                write!(f, "`{event}` cannot come after `OutputClosed`")
            }
            Self::NotInFlight(id) => write!(
                f,
                "`NotifyDone` cannot come for notification {id}, which is not in flight"
            ),
            Self::AlreadyFinished { event } => {
                write!(f, "`{event}` cannot come after the run has ended")
            }
        }
    }
}

impl core::error::Error for Misuse {}
