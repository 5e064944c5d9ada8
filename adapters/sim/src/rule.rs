//! What a supervisor is held to.

use std::fmt;

use childminder::{Deadline, Error, Misuse, Signal, Stream, Target};

use crate::moment::RequestKind;
use crate::notification::{Job, Payload};

/// A rule, and how it was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A signal after the reap, when the pid belonged to another process already.
    SignalledStranger(Signal),
    /// A signal after the reap: the pid could have belonged to another process.
    SignalledAfterReap(Signal),
    /// A signal to a leader that was known to be dead.
    SignalledDeadLeader(Signal),
    /// A signal that was not asked for, while nothing had failed and no time was up.
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
    /// A final notification that nobody asked for.
    RanFinalUnasked,
    /// A final notification before all else was over.
    RanFinalEarly,
    /// A job behind the final notification.
    RanAfterFinal(Job),
    /// An end that was to be told, and was not.
    NeverRanFinal,
    /// A final notification that was told of another outcome.
    ToldAnotherEnd,
    /// A warning where there was no such silence, or one of it has come, or the child is at its end.
    WarnedWithoutReason,
    /// A warning of a silence of another length.
    SilenceMistold,
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
    /// An end after a sweep that left a process of the group alive.
    LeftSurvivor {
        /// Which one.
        pid: u32,
    },
    /// A signal was passed on that its owner did not ask for.
    PassedOnUnasked(Signal),
    /// A signal that its owner wants delivered is not passed on, though the leader lives.
    NeverPassedOn(Signal),
    /// The kernel refused to pass a signal on, and the handler did not learn it, or not as it was.
    RefusalLost,
    /// It told its monitor of other strays than the look has shown.
    StraysMistold,
    /// It killed strays in a run that is not swept.
    KilledUnsweptStrays,
    /// It killed strays before the leader's exit, or while its group may still hold the output.
    KilledStraysTooSoon,
    /// It killed strays, and the latest look has shown none.
    KilledUnseenStrays,
    /// A swept run has strays, and it sleeps.
    NeverKillsStrays,
    /// It reaped the leader before it looked for strays.
    ReapedBeforeLook,
    /// An outcome that is wrong about what became of the strays, or that gives them up before their time.
    FinishedWithWrongStrays,
    /// An outcome without strays, or with all of them killed, while one lives that could be seen.
    OverlookedStray {
        /// The process.
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
    /// What its handler was given of a stream is not what was read of it, in order and once.
    GarbledOutput(Stream),
    /// What it read it did not deliver in the same turn.
    LostOutput(Stream),
    /// It told its monitor of other output than it delivered.
    MiscountedOutput(Stream),
    /// Its handler was given output, or an end, of a stream that had ended, or that there never was.
    OutputAfterEnd(Stream),
    /// It read what its handler holds, though no deadline was due that output decides.
    IgnoredHold(Stream),
    /// It reported the exit before it had delivered what was written before it.
    ExitBeforeOutput(Stream),
    /// It let a deadline fire before it had delivered the output that could have put it off.
    DeadlineBeforeOutput(Stream),
    /// It let a deadline fire though the child was dead before the turn, and it had not looked.
    DeadlineBeforeExit,
    /// It called a stream ended that was not, or not yet read to its end.
    EndedEarly(Stream),
    /// It finished, and never told its handler that this stream has ended.
    NeverEnded(Stream),
    /// It finished, and left its end of this stream open.
    LeftOpen(Stream),
    /// It asked something of a stream that it had closed, or that there never was.
    UsedAfterClose(Stream),
    /// It reads and reads, and its turn does not end.
    ReadsForEver,
    /// It carried a request out before an older one, or one that was not made.
    RequestOutOfOrder,
    /// A request that was made before the turn is not carried out after it.
    RequestLate(RequestKind),
    /// It told its monitor of an answer that was not given.
    AnswerMadeUp,
    /// An answer that was given before the turn is not taken after it.
    AnswerLost(Job),
    /// It told its monitor something that is not so, or at another time than that of its turn.
    ToldUntrue,
    /// It announced an action that its monitor did not ask for, or not next.
    AnotherAction,
    /// It went on before it had performed what its monitor asked for.
    ActionNotPerformed,
    /// It did what its monitor did not ask for.
    ActionUnasked,
    /// It reported a failure without the words that belong to it, or an error with the words of another.
    WrongWords(Error),
    /// A failure was reported twice, or was none.
    FailureMadeUp,
    /// A failure was neither reported nor given back.
    FailureLost,
    /// It handed out, or gave back, another notification than the one whose turn it was.
    AnotherNotification(Job),
    /// It told its handler of the exit twice, or wrongly, or after its monitor.
    ExitMistold,
    /// It sleeps though there is something for it to do.
    SleepsOverWork(Work),
    /// It told its core something that made no sense.
    Misuse(Misuse),
    /// A fault that it found with itself.
    Complaint(&'static str),
}

/// What a driver must not sleep over, because nothing will wake it for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Requests that are not carried out.
    Requests,
    /// Answers that are not taken.
    Answers,
    /// Output, or its end, that was announced and is not read.
    Output(Stream),
    /// An exit that was announced and not looked for.
    Exit,
}

impl fmt::Display for Rule {
    #[expect(clippy::too_many_lines, reason = "a sentence for each rule")]
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
                write!(
                    f,
                    "sent {signal} to the {target}, which is not on the ladder"
                )
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
            Self::RanFinalUnasked => f.write_str("ran a final notification unasked"),
            Self::RanFinalEarly => {
                f.write_str("ran the final notification before all else was over")
            }
            Self::RanAfterFinal(job) => write!(f, "ran {job} behind the final notification"),
            Self::NeverRanFinal => f.write_str("finished, but never ran the final notification"),
            Self::ToldAnotherEnd => f.write_str("told the final notification of another outcome"),
            Self::WarnedWithoutReason => f.write_str("warned, for which there was no reason"),
            Self::SilenceMistold => f.write_str("warned of a silence of another length"),
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
            Self::PassedOnUnasked(signal) => {
                write!(f, "passed {signal} on, which its owner did not ask for")
            }
            Self::NeverPassedOn(signal) => {
                write!(f, "did not pass {signal} on, as it was asked to")
            }
            Self::RefusalLost => {
                f.write_str("did not tell its handler that a signal could not be passed on")
            }
            Self::StraysMistold => {
                f.write_str("told its monitor of other strays than the look has shown")
            }
            Self::KilledUnsweptStrays => f.write_str("killed strays in a run that is not swept"),
            Self::KilledStraysTooSoon => f.write_str("killed strays before the child was over"),
            Self::KilledUnseenStrays => f.write_str("killed strays that no look has shown"),
            Self::NeverKillsStrays => f.write_str("strays should be killed, but it sleeps"),
            Self::ReapedBeforeLook => {
                f.write_str("reaped the leader and had not looked for strays")
            }
            Self::FinishedWithWrongStrays => {
                f.write_str("finished with a wrong word on what became of the strays")
            }
            Self::OverlookedStray { pid } => {
                write!(
                    f,
                    "finished as if no stray were left, but {pid} is still alive"
                )
            }
            Self::ActedAfterFinish => f.write_str("did something after it had finished"),
            Self::SleepsThrough(deadline) => write!(f, "sleeps through a deadline: {deadline:?}"),
            Self::Stalls => f.write_str("sleeps for ever and has not finished"),
            Self::Spins => f.write_str("is woken over and over and does not finish"),
            Self::GarbledOutput(stream) => {
                write!(f, "delivered {stream} otherwise than it was written")
            }
            Self::LostOutput(stream) => {
                write!(f, "read {stream} and did not deliver it")
            }
            Self::MiscountedOutput(stream) => {
                write!(
                    f,
                    "told its monitor of other output of {stream} than there was"
                )
            }
            Self::OutputAfterEnd(stream) => {
                write!(f, "told its handler more of {stream} after its end")
            }
            Self::IgnoredHold(stream) => {
                write!(f, "read {stream}, which its handler holds")
            }
            Self::ExitBeforeOutput(stream) => {
                write!(
                    f,
                    "told of the exit before the output of {stream} that came before it"
                )
            }
            Self::DeadlineBeforeOutput(stream) => {
                write!(
                    f,
                    "let a deadline fire before it had delivered what {stream} had"
                )
            }
            Self::DeadlineBeforeExit => {
                f.write_str("let a deadline fire before it had looked whether the child is dead")
            }
            Self::EndedEarly(stream) => {
                write!(f, "called {stream} ended, which was not over")
            }
            Self::NeverEnded(stream) => {
                write!(
                    f,
                    "finished and never told its handler of the end of {stream}"
                )
            }
            Self::LeftOpen(stream) => write!(f, "finished and left {stream} open"),
            Self::UsedAfterClose(stream) => {
                write!(f, "asked something of {stream}, which it had closed")
            }
            Self::ReadsForEver => f.write_str("reads for ever in one turn"),
            Self::RequestOutOfOrder => f.write_str("carried a request out that was not the oldest"),
            Self::RequestLate(kind) => {
                write!(
                    f,
                    "did not carry out in its turn what it was asked before: {kind}"
                )
            }
            Self::AnswerMadeUp => f.write_str("told its monitor of an answer that was not given"),
            Self::AnswerLost(job) => write!(f, "did not take the answer to {job} in its turn"),
            Self::ToldUntrue => f.write_str("told its monitor what is not so"),
            Self::AnotherAction => {
                f.write_str("announced an action that its monitor did not ask for next")
            }
            Self::ActionNotPerformed => {
                f.write_str("went on before it had performed what its monitor asked for")
            }
            Self::ActionUnasked => f.write_str("did what its monitor did not ask for"),
            Self::WrongWords(error) => write!(
                f,
                "told of \u{201c}{error}\u{201d} without the words that belong to it"
            ),
            Self::FailureMadeUp => f.write_str("reported a failure twice, or one that is none"),
            Self::FailureLost => {
                f.write_str("finished, and a failure was neither reported nor given back")
            }
            Self::AnotherNotification(job) => {
                write!(
                    f,
                    "handed out or gave back {job} when it was another's turn"
                )
            }
            Self::ExitMistold => {
                f.write_str("told its handler of the exit twice, or wrongly, or too late")
            }
            Self::SleepsOverWork(Work::Requests) => {
                f.write_str("sleeps, and was asked for something")
            }
            Self::SleepsOverWork(Work::Answers) => f.write_str("sleeps, and was given an answer"),
            Self::SleepsOverWork(Work::Output(stream)) => {
                write!(f, "sleeps, and {stream} has something for it")
            }
            Self::SleepsOverWork(Work::Exit) => f.write_str("sleeps, and the child is dead"),
            Self::Misuse(misuse) => write!(f, "misused its core: {misuse}"),
            Self::Complaint(about) => f.write_str(about),
        }
    }
}
