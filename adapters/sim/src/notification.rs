//! What a supervisor runs on behalf of its owner.

use std::time::Duration;

/// What a notification is about, as the owner named it: 1, 2, 3, … in the order of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Payload(pub u64);

/// What [`Machine::run`](crate::Machine::run) runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// What the owner asked for, with [`Request::Notify`](crate::Request::Notify).
    Requested(Payload),
    /// What the config's `heartbeat_interval` asks for.
    Heartbeat,
    /// What the config's `final_notification` asks for.
    Final,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Which.
    pub job: Job,
    /// Whether it succeeded.
    pub ok: bool,
}

/// How a job will go that has not been started yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How long it takes; zero is an answer within the same turn, `None` is none at all, until the
    /// machine is shut down.
    pub after: Option<Duration>,
    /// Whether it succeeds.
    pub ok: bool,
}

impl Reply {
    /// At once, and well.
    pub const AT_ONCE: Self = Self {
        after: Some(Duration::ZERO),
        ok: true,
    };

    /// Not before the machine is shut down.
    pub const NEVER: Self = Self {
        after: None,
        ok: true,
    };

    /// Well, and this late.
    pub const fn after(span: Duration) -> Self {
        Self {
            after: Some(span),
            ok: true,
        }
    }

    /// Not well, and this late.
    pub const fn fails_after(span: Duration) -> Self {
        Self {
            after: Some(span),
            ok: false,
        }
    }

    pub(crate) fn is_at_once(self) -> bool {
        self.after == Some(Duration::ZERO)
    }
}

/// For handlers whose notifications carry nothing.
impl From<Payload> for () {
    fn from(_: Payload) -> Self {}
}

/// The number, for handlers whose notifications are numbers.
impl From<Payload> for u64 {
    fn from(payload: Payload) -> Self {
        payload.0
    }
}

/// Such as `notification 1`, for handlers whose notifications are texts.
impl From<Payload> for String {
    fn from(payload: Payload) -> Self {
        Job::Requested(payload).to_string()
    }
}
