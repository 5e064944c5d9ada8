//! What a supervisor is held to.

use std::fmt;

use childminder::{Deadline, Error, Misuse, Signal, Target};

use crate::notification::{Job, Payload};

/// A rule, and how it was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A signal after the reap, when the pid was a stranger's already.
    SignalledStranger(Signal),
    /// A signal after the reap: the pid could have been a stranger's.
    SignalledAfterReap(Signal),
    /// A signal to a leader that was known to be dead.
    SignalledDeadLeader(Signal),
    /// A signal, though nobody asked for it, nothing failed and no time was up.
    SignalledUnprovoked(Signal),
    /// A signal that the ladder does not have, or not there.
    SignalledOffLadder(Signal, Target),
    /// A stage of the ladder, counted from 1, before its time.
    StageTooSoon(usize),
    /// The child should be ended, and it sleeps.
    NeverSignals,
    /// A reap of a leader that lives, which blocks, or that was reaped before.
    ReapedNobody,
    /// A notification that overtook another, or ran twice.
    RanOutOfOrder(Payload),
    /// A job while another was in flight.
    RanTwoAtOnce(Job),
    /// A job after an error.
    RanAfterError(Job),
    /// A heartbeat that is not due.
    RanUndueHeartbeat,
    /// A notification that was discarded out of order, or twice, or after it ran.
    DiscardedOutOfOrder(Payload),
    /// A notification that was discarded though nothing had gone wrong.
    DiscardedWithoutError(Payload),
    /// A notification that neither ran nor was discarded.
    LostNotification(Payload),
    /// An error for which there was no reason, or not yet, or not any more.
    NotedWithoutReason(Error),
    /// The first error that it noted is not the first that there was.
    NotedLaterErrorFirst(Error),
    /// An outcome with another error than the first.
    FinishedWithWrongError,
    /// Something went wrong that it has not noted.
    SwallowedError,
    /// An end before the leader's exit was seen, or it was given up as unkillable.
    FinishedBeforeExit,
    /// An outcome with another exit than the leader's.
    FinishedWithWrongExit,
    /// An end while output was open, which was not called a leak.
    FinishedBeforeOutputEnded,
    /// A leak that is none, or not yet: the drain was not over.
    FinishedWithFalseLeak,
    /// An end while a job was in flight.
    FinishedInFlight,
    /// An end without a reap: a zombie is left.
    FinishedUnreaped,
    /// An outcome that is wrong about whether the child was terminated.
    FinishedWithWrongTerminated,
    /// An end, after a termination with a sweep, that left somebody of the group alive.
    LeftSurvivor {
        /// Whom.
        pid: u32,
    },
    /// Anything done after the end, even a second end.
    ActedAfterFinish,
    /// It wants to be woken after this deadline, or not at all.
    SleepsThrough(Deadline),
    /// Nothing can happen any more, it sleeps, and it has not finished.
    Stalls,
    /// It is woken over and over and does not come to an end: most likely it leaves something
    /// unread, or sleeps for no time at all.
    Spins,
    /// It told its core something that made no sense.
    Misuse(Misuse),
    /// A fault that it found with itself.
    Complaint(&'static str),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignalledStranger(signal) => {
                write!(
                    f,
                    "sent {signal} to a stranger: the pid was reaped and reused"
                )
            }
            Self::SignalledAfterReap(signal) => write!(
                f,
                "sent {signal} after the reap, when the pid could be a stranger's"
            ),
            Self::SignalledDeadLeader(signal) => {
                write!(f, "sent {signal} to the leader after its exit was seen")
            }
            Self::SignalledUnprovoked(signal) => {
                write!(f, "sent {signal}, though there was no reason to")
            }
            Self::SignalledOffLadder(signal, target) => {
                let whom = match target {
                    Target::Leader => "leader",
                    Target::Group => "group",
                };
                write!(f, "sent {signal} to the {whom}, which is not on the ladder")
            }
            Self::StageTooSoon(stage) => {
                write!(f, "sent stage {stage} of the ladder before its time")
            }
            Self::NeverSignals => f.write_str("the child should be ended, but no signal was sent"),
            Self::ReapedNobody => f.write_str("reaped where there was no dead leader"),
            Self::RanOutOfOrder(Payload(number)) => {
                write!(f, "ran notification {number} out of order")
            }
            Self::RanTwoAtOnce(job) => write!(f, "ran {job} while another job was in flight"),
            Self::RanAfterError(job) => write!(f, "ran {job} after an error"),
            Self::RanUndueHeartbeat => f.write_str("ran a heartbeat that was not due"),
            Self::DiscardedOutOfOrder(Payload(number)) => {
                write!(f, "discarded notification {number} out of order")
            }
            Self::DiscardedWithoutError(Payload(number)) => {
                write!(
                    f,
                    "discarded notification {number}, though nothing had failed"
                )
            }
            Self::LostNotification(Payload(number)) => write!(
                f,
                "finished, but notification {number} neither ran nor was discarded"
            ),
            Self::NotedWithoutReason(error) => {
                write!(
                    f,
                    "noted \u{201c}{error}\u{201d}, for which there was no reason"
                )
            }
            Self::NotedLaterErrorFirst(error) => write!(
                f,
                "noted \u{201c}{error}\u{201d} first, but something else went wrong before"
            ),
            Self::FinishedWithWrongError => {
                f.write_str("finished with another error than the first")
            }
            Self::SwallowedError => f.write_str("finished without having noted every error"),
            Self::FinishedBeforeExit => f.write_str("finished before the exit was known"),
            Self::FinishedWithWrongExit => {
                f.write_str("finished with another exit than the leader's")
            }
            Self::FinishedBeforeOutputEnded => f.write_str("finished while output was open"),
            Self::FinishedWithFalseLeak => f.write_str("called output leaked that was not"),
            Self::FinishedInFlight => f.write_str("finished while a job was in flight"),
            Self::FinishedUnreaped => f.write_str("finished without a reap, and left a zombie"),
            Self::FinishedWithWrongTerminated => {
                f.write_str("finished with a wrong word on whether the child was terminated")
            }
            Self::LeftSurvivor { pid } => {
                write!(
                    f,
                    "finished after a sweep, but {pid} of the group is still alive"
                )
            }
            Self::ActedAfterFinish => f.write_str("did something after it had finished"),
            Self::SleepsThrough(deadline) => write!(f, "sleeps through a deadline: {deadline:?}"),
            Self::Stalls => f.write_str("sleeps for ever and has not finished"),
            Self::Spins => f.write_str("is woken over and over and does not finish"),
            Self::Misuse(misuse) => write!(f, "misused its core: {misuse}"),
            Self::Complaint(about) => f.write_str(about),
        }
    }
}
