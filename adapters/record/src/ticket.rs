//! The tickets that the monitor hands out.

use childminder::{FailureId, NotificationId};

/// What [`Event::Notify`](childminder::Event::Notify) or [`Event::Fail`](childminder::Event::Fail) is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ticket {
    /// What [`MonitorState::notify`](childminder::MonitorState::notify) returns.
    Notification(NotificationId),
    /// What [`MonitorState::fail`](childminder::MonitorState::fail) returns.
    Failure(FailureId),
}

impl Ticket {
    /// Its number.
    pub const fn number(self) -> u64 {
        match self {
            Self::Notification(id) => id.number(),
            Self::Failure(id) => id.number(),
        }
    }
}
