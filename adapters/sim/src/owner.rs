//! What the owner of a supervisor asks of it.

use std::time::Duration;

use childminder::{Event, Ladder, Signal, Target};

use crate::notification::Payload;

/// Something the owner asks for, taken with [`Machine::next_request`](crate::Machine::next_request).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Run a notification about this, after all that were asked for before.
    Notify(Payload),
    /// The child makes progress, the owner vouches for it.
    Progress,
    /// The child has begun, the owner vouches for it.
    Ready,
    /// Something went wrong outside: it is an error, and the child must end.
    Fail,
    /// The child must end.
    Terminate,
    /// The child must end sooner.
    Escalate,
    /// The child must end for certain: SIGKILL to its group, now, in place of what is left of the ladder.
    Kill,
    /// Deliver this signal as it is, with [`Machine::pass_on`](crate::Machine::pass_on).
    PassOn(Signal, Target),
    /// Another idle timeout, counted from now.
    SetIdleTimeout(Option<Duration>),
    /// Another ladder, unless it is under way.
    SetLadder(Ladder),
    /// The owner has stopped the child's group, on purpose. Whatever the time limits, they wait, until
    /// it is resumed, or a signal of the ladder is sent.
    Suspended,
    /// The owner has continued the child's group.
    Resumed,
}

impl Request {
    /// The event that tells the core of it; none for a notification, which is told with
    /// [`MonitorState::notify`](childminder::MonitorState::notify), to learn its ticket.
    pub const fn event(self) -> Option<Event> {
        Some(match self {
            Self::Notify(_) => return None,
            Self::Progress => Event::Progress,
            Self::Ready => Event::Ready,
            Self::Fail => Event::Fail,
            Self::Terminate => Event::Terminate,
            Self::Escalate => Event::Escalate,
            Self::Kill => Event::Kill,
            Self::PassOn(signal, target) => Event::PassOn { signal, target },
            Self::SetIdleTimeout(limit) => Event::SetIdleTimeout(limit),
            Self::SetLadder(ladder) => Event::SetLadder(ladder),
            Self::Suspended => Event::Suspended,
            Self::Resumed => Event::Resumed,
        })
    }
}
