//! Whether the interesting things really happen.

use childminder::{Error, Outcome, Strays};

use crate::owner::Request;

/// Something interesting that can happen in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`Seen::words` says it")]
pub enum Seen {
    Success,
    BadExit,
    IdleTimeout,
    FirstOutputTimeout,
    RunTimeout,
    Terminated,
    SecondStage,
    Unkillable,
    UnkillableSleep,
    Leaked,
    Swept,
    LeftGroup,
    StoppedItself,
    LastWords,
    SignalledZombie,
    PidReused,
    ExitBeforeEnd,
    EndBeforeExit,
    Suspended,
    Escalated,
    OutsideFailure,
    FailedJob,
    Overdue,
    LateAnswer,
    Discarded,
    Heartbeat,
    Final,
    Warned,
    Refused,
    ReadFailed,
    Spurious,
    ClockForward,
    ClockBack,
    Shutdown,
    HandlerAsked,
    Held,
    ClosedByHandler,
    LaterAnswer,
    OwnAnswer,
    OnEdge,
    SmallBudget,
    Interrupted,
    WaitingFailed,
    ReapFailed,
    LostExit,
    LateRequest,
    Uncaptured,
    Killed,
    PassedOn,
    PassOnRefused,
    StraysKilled,
    ChainKilled,
    ForkedWhileKilled,
    ImmuneSurvived,
    StraysSurvived,
    StraysLeft,
    StraysGone,
    StraysUnseen,
    StraysHuntedEarly,
}

impl Seen {
    /// All of it, in order.
    pub const ALL: [Self; 59] = [
        Self::Success,
        Self::BadExit,
        Self::IdleTimeout,
        Self::FirstOutputTimeout,
        Self::RunTimeout,
        Self::Terminated,
        Self::SecondStage,
        Self::Unkillable,
        Self::UnkillableSleep,
        Self::Leaked,
        Self::Swept,
        Self::LeftGroup,
        Self::StoppedItself,
        Self::LastWords,
        Self::SignalledZombie,
        Self::PidReused,
        Self::ExitBeforeEnd,
        Self::EndBeforeExit,
        Self::Suspended,
        Self::Escalated,
        Self::OutsideFailure,
        Self::FailedJob,
        Self::Overdue,
        Self::LateAnswer,
        Self::Discarded,
        Self::Heartbeat,
        Self::Final,
        Self::Warned,
        Self::Refused,
        Self::ReadFailed,
        Self::Spurious,
        Self::ClockForward,
        Self::ClockBack,
        Self::Shutdown,
        Self::HandlerAsked,
        Self::Held,
        Self::ClosedByHandler,
        Self::LaterAnswer,
        Self::OwnAnswer,
        Self::OnEdge,
        Self::SmallBudget,
        Self::Interrupted,
        Self::WaitingFailed,
        Self::ReapFailed,
        Self::LostExit,
        Self::LateRequest,
        Self::Uncaptured,
        Self::Killed,
        Self::PassedOn,
        Self::PassOnRefused,
        Self::StraysKilled,
        Self::ChainKilled,
        Self::ForkedWhileKilled,
        Self::ImmuneSurvived,
        Self::StraysSurvived,
        Self::StraysLeft,
        Self::StraysGone,
        Self::StraysUnseen,
        Self::StraysHuntedEarly,
    ];

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Success => "ended well",
            Self::BadExit => "a bad exit was the first error",
            Self::IdleTimeout => "idle for too long",
            Self::FirstOutputTimeout => "no first output in time",
            Self::RunTimeout => "ran for too long",
            Self::Terminated => "was terminated",
            Self::SecondStage => "needed a second stage of the ladder",
            Self::Unkillable => "given up as unkillable",
            Self::UnkillableSleep => "slept where no signal wakes",
            Self::Leaked => "output leaked",
            Self::Swept => "a process of the group outlived the leader and was killed",
            Self::LeftGroup => "a process left the group",
            Self::StoppedItself => "stopped itself",
            Self::LastWords => "caught a signal and had last words",
            Self::SignalledZombie => "was signalled when just dead",
            Self::PidReused => "the pid was given to a stranger",
            Self::ExitBeforeEnd => "exit seen before the end of the output",
            Self::EndBeforeExit => "an end of output seen before the exit",
            Self::Suspended => "was suspended by the owner",
            Self::Escalated => "was escalated by the owner",
            Self::OutsideFailure => "failed because of something outside",
            Self::FailedJob => "a notification failed",
            Self::Overdue => "a notification was overdue",
            Self::LateAnswer => "an overdue notification was answered late",
            Self::Discarded => "a notification was discarded",
            Self::Heartbeat => "had heartbeats",
            Self::Final => "had its end told",
            Self::Warned => "was warned of",
            Self::Refused => "a signal was refused",
            Self::ReadFailed => "a read failed",
            Self::Spurious => "woken for nothing",
            Self::ClockForward => "the clock was set forward",
            Self::ClockBack => "the clock was set back",
            Self::Shutdown => "lived until the machine was shut down",
            Self::HandlerAsked => "the handler asked for something",
            Self::Held => "a stream was held",
            Self::ClosedByHandler => "a stream was closed by the handler",
            Self::LaterAnswer => "a notification was answered later",
            Self::OwnAnswer => "a handler failed a notification in its own words",
            Self::OnEdge => "readiness was announced on the edge",
            Self::SmallBudget => "the budget ran out",
            Self::Interrupted => "a read was interrupted",
            Self::WaitingFailed => "a question of how much can be read failed",
            Self::ReapFailed => "the reap was answered with an error",
            Self::LostExit => "something else reaped the child",
            Self::LateRequest => "the owner asked after the end",
            Self::Uncaptured => "a stream was not captured",
            Self::Killed => "was killed by the owner",
            Self::PassedOn => "a signal was passed on",
            Self::PassOnRefused => "a signal that was passed on was refused",
            Self::StraysKilled => "strays were killed",
            Self::ChainKilled => "a stray of a stray was killed",
            Self::ForkedWhileKilled => "a stray forked while it was killed",
            Self::ImmuneSurvived => "a stray that may not be killed survived",
            Self::StraysSurvived => "strays survived",
            Self::StraysLeft => "strays were left alone",
            Self::StraysGone => "strays ended by themselves",
            Self::StraysUnseen => "strays could not be seen",
            Self::StraysHuntedEarly => "strays were killed while output was open",
        }
    }

    /// In how many bits from the right.
    const fn bit(self) -> u64 {
        1 << self as u32
    }
}

/// Which of it happened in one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage(u64);

impl Coverage {
    /// Whether this happened.
    pub fn has(self, seen: Seen) -> bool {
        self.0 & seen.bit() != 0
    }

    /// All that happened.
    pub fn iter(self) -> impl Iterator<Item = Seen> {
        Seen::ALL.into_iter().filter(move |seen| self.has(*seen))
    }

    pub(crate) fn begin(&mut self) {
        self.0 = 0;
    }

    pub(crate) fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn add(&mut self, seen: Seen) {
        self.0 |= seen.bit();
    }

    pub(crate) fn add_if(&mut self, so: bool, seen: Seen) {
        if so {
            self.add(seen);
        }
    }

    pub(crate) fn add_error(&mut self, error: Error) {
        self.add(match error {
            Error::IdleTimeout => Seen::IdleTimeout,
            Error::FirstOutputTimeout => Seen::FirstOutputTimeout,
            Error::RunTimeout => Seen::RunTimeout,
            Error::Exit(_) => Seen::BadExit,
            Error::Unkillable => Seen::Unkillable,
            Error::NotificationTimeout(_) => Seen::Overdue,
            Error::External(_) => Seen::OutsideFailure,
            _ => return,
        });
    }

    pub(crate) fn add_request(&mut self, request: &Request) {
        match request {
            Request::Escalate => self.add(Seen::Escalated),
            Request::Kill => self.add(Seen::Killed),
            Request::Suspended => self.add(Seen::Suspended),
            _ => {}
        }
    }

    pub(crate) fn add_outcome(&mut self, outcome: &Outcome) {
        self.add_if(outcome.is_success(), Seen::Success);
        self.add_if(outcome.leaked, Seen::Leaked);
        self.add_if(outcome.terminated, Seen::Terminated);
        self.add_if(outcome.strays == Strays::Killed, Seen::StraysKilled);
        self.add_if(outcome.strays == Strays::Survived, Seen::StraysSurvived);
        self.add_if(outcome.strays == Strays::Left, Seen::StraysLeft);
    }
}
