//! What happened, one thing at a time.

use std::fmt;
use std::time::Duration;

use childminder::{Error, ExitStatus, Instant, Outcome, Signal, Stream, Target};

use crate::notification::{Answer, Job, Payload};
use crate::owner::Request;
use crate::process::linux;

/// One thing that happened in a run: first what the world did, then what the supervisor did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Moment {
    /// The process was spawned.
    Starts { pid: u32 },
    /// It wrote.
    Writes {
        pid: u32,
        stream: Stream,
        bytes: u64,
    },
    /// It forked.
    Forks { pid: u32, child: u32 },
    /// It closed its end of a pipe.
    Closes { pid: u32, stream: Stream },
    /// It began a group of its own.
    LeavesGroup { pid: u32 },
    /// It runs as another user, and may not be signalled.
    BecomesImmune { pid: u32 },
    /// It is stopped.
    Stops { pid: u32 },
    /// It runs on.
    Continues { pid: u32 },
    /// It sleeps where no signal wakes it.
    SleepsUnkillably { pid: u32 },
    /// It takes a signal and does not die of it, or not yet.
    Takes { pid: u32, signal: Signal },
    /// It is dead.
    Dies { pid: u32, status: ExitStatus },
    /// A process that has nothing to do with any of this was given this pid.
    Reused { pid: u32 },
    /// The owner asks for something.
    OwnerAsks(RequestKind),
    /// A job has ended.
    JobEnds(Answer),
    /// The clock was set, and shows this now.
    ClockSet(Instant),
    /// The machine is shut down.
    Shutdown,
    /// The supervisor's turn.
    Turn,
    /// It read.
    Reads { stream: Stream, bytes: u64 },
    /// It read the end of the file.
    ReadsEnd { stream: Stream },
    /// It read, and got an error.
    ReadFails { stream: Stream },
    /// It closed its end of a pipe.
    ClosesPipe { stream: Stream },
    /// It saw that the leader is dead.
    SeesExit(ExitStatus),
    /// It took a request of the owner's.
    TakesRequest(RequestKind),
    /// Its handler asked for something.
    HandlerAsks(RequestKind),
    /// It learnt how a job ended.
    TakesAnswer(Answer),
    /// It sent a signal.
    Signals {
        signal: Signal,
        target: Target,
        delivery: Delivery,
    },
    /// It passed a signal on, as it is.
    PassesOn {
        signal: Signal,
        target: Target,
        delivery: Delivery,
    },
    /// It looked for strays.
    SeesStrays { living: u64, immune: u64 },
    /// It looked for strays, and the kernel cannot show any.
    SeesNoStrays,
    /// It sent SIGKILL to the strays that it has seen.
    KillsStrays,
    /// It reaped the leader.
    Reaps,
    /// It started a job.
    Runs(Job),
    /// It dropped a notification that will never run.
    Discards(Payload),
    /// It noted an error.
    Notes(Error),
    /// It warned of the child's silence.
    Warns,
    /// It declared the run over.
    Finishes(Outcome),
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a refusal is a failure of the run"]
pub enum Delivery {
    /// A process got it, though maybe a zombie.
    Sent,
    /// There was no process (ESRCH).
    Gone,
    /// The kernel would not have it (EPERM).
    Refused,
}

/// A [`Request`], small enough to be noted down a million times a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the request of its name")]
pub enum RequestKind {
    Notify(Payload),
    Progress,
    Ready,
    Fail,
    Terminate,
    Escalate,
    Kill,
    PassOn(Signal, Target),
    SetIdleTimeout,
    SetLadder,
    Suspended,
    Resumed,
    HoldOutput(Stream),
    ReleaseOutput(Stream),
    CloseOutput(Stream),
}

impl From<Request> for RequestKind {
    fn from(request: Request) -> Self {
        match request {
            Request::Notify(payload) => Self::Notify(payload),
            Request::Progress => Self::Progress,
            Request::Ready => Self::Ready,
            Request::Fail => Self::Fail,
            Request::Terminate => Self::Terminate,
            Request::Escalate => Self::Escalate,
            Request::Kill => Self::Kill,
            Request::PassOn(signal, target) => Self::PassOn(signal, target),
            Request::SetIdleTimeout(_) => Self::SetIdleTimeout,
            Request::SetLadder(_) => Self::SetLadder,
            Request::Suspended => Self::Suspended,
            Request::Resumed => Self::Resumed,
        }
    }
}

impl Moment {
    /// Whether the world did it, and not the supervisor.
    pub fn is_the_worlds(self) -> bool {
        self.code().0 < 32
    }

    /// A number for what, and a number for the facts, for the digest. Part of what a seed promises:
    /// never renumber.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "a constant at most call sites; measured: a tenth of all time"
    )]
    pub(crate) fn code(self) -> (u64, u64) {
        let of = |pid: u32, fact: u64| u64::from(pid) << 32 | fact;
        match self {
            Self::Starts { pid } => (1, of(pid, 0)),
            Self::Writes { pid, stream, bytes } => (2 + stream_code(stream), of(pid, bytes)),
            Self::Forks { pid, child } => (4, of(pid, u64::from(child))),
            Self::Closes { pid, stream } => (5, of(pid, stream_code(stream))),
            Self::LeavesGroup { pid } => (6, of(pid, 0)),
            Self::Stops { pid } => (7, of(pid, 0)),
            Self::Continues { pid } => (8, of(pid, 0)),
            Self::SleepsUnkillably { pid } => (9, of(pid, 0)),
            Self::Takes { pid, signal } => (10, of(pid, signal_code(signal))),
            Self::Dies { pid, status } => (11, of(pid, status_code(status))),
            Self::Reused { pid } => (12, of(pid, 0)),
            Self::OwnerAsks(kind) => (13, kind.code()),
            Self::JobEnds(answer) => (14, answer_code(answer)),
            Self::ClockSet(to) => (15, to.0),
            Self::Shutdown => (16, 0),
            Self::BecomesImmune { pid } => (17, of(pid, 0)),
            Self::Turn => (32, 0),
            Self::Reads { stream, bytes } => (33 + stream_code(stream), bytes),
            Self::ReadsEnd { stream } => (35, stream_code(stream)),
            Self::ReadFails { stream } => (36, stream_code(stream)),
            Self::ClosesPipe { stream } => (37, stream_code(stream)),
            Self::SeesExit(status) => (38, status_code(status)),
            Self::TakesRequest(kind) => (39, kind.code()),
            Self::TakesAnswer(answer) => (40, answer_code(answer)),
            Self::Signals {
                signal,
                target,
                delivery,
            } => (41, delivery_code(signal, target, delivery)),
            Self::PassesOn {
                signal,
                target,
                delivery,
            } => (48, delivery_code(signal, target, delivery)),
            Self::SeesStrays { living, immune } => (49, living << 32 | immune),
            Self::SeesNoStrays => (50, 0),
            Self::KillsStrays => (51, 0),
            Self::Reaps => (42, 0),
            Self::Runs(job) => (43, job_code(job)),
            Self::Discards(Payload(number)) => (44, number),
            Self::Notes(error) => (45, error_code(error)),
            Self::HandlerAsks(kind) => (47, kind.code()),
            Self::Warns => (52, 0),
            Self::Finishes(outcome) => {
                let exit = outcome.exit.map_or(0, |status| 1 + status_code(status));
                let error = outcome.error.map_or(0, |error| 1 + error_code(error));
                let flags = u64::from(outcome.leaked) << 1 | u64::from(outcome.terminated);
                let strays = (outcome.strays as u64) << 56;
                (46, strays ^ exit << 32 ^ error << 2 ^ flags)
            }
        }
    }
}

impl RequestKind {
    fn code(self) -> u64 {
        match self {
            Self::Notify(Payload(number)) => 16 + number,
            Self::Progress => 1,
            Self::Ready => 0,
            Self::Fail => 2,
            Self::Terminate => 3,
            Self::Escalate => 4,
            Self::SetIdleTimeout => 5,
            Self::SetLadder => 6,
            Self::Suspended => 7,
            Self::Resumed => 8,
            Self::HoldOutput(stream) => 9 + stream_code(stream),
            Self::ReleaseOutput(stream) => 11 + stream_code(stream),
            Self::CloseOutput(stream) => 13 + stream_code(stream),
            Self::Kill => 15,
            Self::PassOn(signal, target) => {
                1 << 32 | signal_code(signal) << 1 | u64::from(target == Target::Group)
            }
        }
    }
}

fn delivery_code(signal: Signal, target: Target, delivery: Delivery) -> u64 {
    let target = u64::from(target == Target::Group);
    let delivery = match delivery {
        Delivery::Sent => 0,
        Delivery::Gone => 1,
        Delivery::Refused => 2,
    };
    signal_code(signal) << 8 | target << 4 | delivery
}

fn stream_code(stream: Stream) -> u64 {
    u64::from(stream == Stream::Stderr)
}

fn signal_code(signal: Signal) -> u64 {
    u64::from(signal.number().unsigned_abs())
}

fn status_code(status: ExitStatus) -> u64 {
    match status {
        ExitStatus::Code(code) => u64::from(code.unsigned_abs()) << 8,
        ExitStatus::Signal(signal) => signal_code(signal),
        ExitStatus::Lost => 255,
    }
}

fn job_code(job: Job) -> u64 {
    match job {
        Job::Heartbeat => 0,
        Job::Final => u64::MAX >> 1,
        Job::Requested(Payload(number)) => number,
    }
}

fn answer_code(answer: Answer) -> u64 {
    job_code(answer.job) << 1 | u64::from(answer.ok)
}

fn error_code(error: Error) -> u64 {
    match error {
        Error::IdleTimeout => 1,
        Error::FirstOutputTimeout => 2,
        Error::RunTimeout => 3,
        Error::Unkillable => 4,
        Error::Exit(status) => 5 | status_code(status) << 4,
        Error::Notification(id) => 6 | id.number() << 4,
        Error::NotificationTimeout(id) => 7 | id.number() << 4,
        Error::External(id) => 8 | id.number() << 4,
        other => other
            .name()
            .bytes()
            .fold(9, |code, byte| code << 8 ^ u64::from(byte)),
    }
}

/// The world at the margin, the supervisor indented.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Starts { pid } => write!(f, "{pid} starts"),
            Self::Writes { pid, stream, bytes } => {
                write!(f, "{pid} writes {bytes} bytes to {stream}")
            }
            Self::Forks { pid, child } => write!(f, "{pid} forks {child}"),
            Self::Closes { pid, stream } => write!(f, "{pid} closes {stream}"),
            Self::LeavesGroup { pid } => write!(f, "{pid} begins a group of its own"),
            Self::BecomesImmune { pid } => write!(f, "{pid} runs as another user"),
            Self::Stops { pid } => write!(f, "{pid} is stopped"),
            Self::Continues { pid } => write!(f, "{pid} is continued"),
            Self::SleepsUnkillably { pid } => write!(f, "{pid} sleeps, and no signal wakes it"),
            Self::Takes { pid, signal } => {
                write!(f, "{pid} takes {} and lives on", Named(signal))
            }
            Self::Dies { pid, status } => write!(f, "{pid} ends: {status}"),
            Self::Reused { pid } => write!(f, "{pid} is a stranger's pid now"),
            Self::OwnerAsks(kind) => write!(f, "the owner asks: {kind}"),
            Self::JobEnds(answer) => write!(f, "{answer}"),
            Self::ClockSet(to) => write!(f, "the clock is set to {:?}", Duration::from_nanos(to.0)),
            Self::Shutdown => f.write_str("the machine is shut down"),
            Self::Turn => f.write_str("  a turn of the supervisor:"),
            Self::Reads { stream, bytes } => {
                write!(f, "    reads {bytes} bytes of {stream}")
            }
            Self::ReadsEnd { stream } => write!(f, "    reads the end of {stream}"),
            Self::ReadFails { stream } => write!(f, "    fails to read {stream}"),
            Self::ClosesPipe { stream } => write!(f, "    closes {stream}"),
            Self::SeesExit(status) => write!(f, "    sees the exit: {status}"),
            Self::TakesRequest(kind) => write!(f, "    is asked: {kind}"),
            Self::HandlerAsks(kind) => write!(f, "    its handler asks: {kind}"),
            Self::TakesAnswer(answer) => write!(f, "    learns: {answer}"),
            Self::Signals {
                signal,
                target,
                delivery,
            } => write!(f, "    sends {} to the {}{delivery}", Named(signal), target),
            Self::PassesOn {
                signal,
                target,
                delivery,
            } => write!(
                f,
                "    passes {} on to the {}{delivery}",
                Named(signal),
                target
            ),
            Self::SeesStrays { living, immune: 0 } => write!(f, "    sees {living} strays"),
            Self::SeesStrays { living, immune } => {
                write!(f, "    sees {living} strays, {immune} of them immune")
            }
            Self::SeesNoStrays => f.write_str("    cannot see strays"),
            Self::KillsStrays => f.write_str("    kills the strays"),
            Self::Reaps => f.write_str("    reaps the leader"),
            Self::Runs(job) => write!(f, "    runs {job}"),
            Self::Discards(Payload(number)) => write!(f, "    discards notification {number}"),
            Self::Notes(error) => write!(f, "    notes: {error}"),
            Self::Warns => f.write_str("    warns of the silence"),
            Self::Finishes(outcome) => write!(f, "    finishes: {outcome}"),
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notify(Payload(number)) => write!(f, "run notification {number}"),
            Self::Progress => f.write_str("this is progress"),
            Self::Ready => f.write_str("it is ready"),
            Self::Fail => f.write_str("something failed outside"),
            Self::Terminate => f.write_str("terminate it"),
            Self::Escalate => f.write_str("escalate"),
            Self::Kill => f.write_str("kill it"),
            Self::PassOn(signal, target) => {
                write!(f, "pass {} on to the {target}", Named(*signal))
            }
            Self::SetIdleTimeout => f.write_str("another idle timeout"),
            Self::SetLadder => f.write_str("another ladder"),
            Self::Suspended => f.write_str("wait, it is stopped"),
            Self::Resumed => f.write_str("go on, it runs again"),
            Self::HoldOutput(stream) => write!(f, "hold {stream} back"),
            Self::ReleaseOutput(stream) => write!(f, "read {stream} again"),
            Self::CloseOutput(stream) => write!(f, "close {stream}"),
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sent => "",
            Self::Gone => ": none there",
            Self::Refused => ": refused",
        })
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Heartbeat => f.write_str("a heartbeat"),
            Self::Final => f.write_str("the final notification"),
            Self::Requested(Payload(number)) => write!(f, "notification {number}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = if self.ok { "has run" } else { "has failed" };
        write!(f, "{} {ended}", self.job)
    }
}

/// Nanoseconds as seconds, for people.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, rest) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        if rest % 1_000 == 0 {
            return write!(f, "{seconds:>5}.{:06}   ", rest / 1_000);
        }
        write!(f, "{seconds:>5}.{rest:09}")
    }
}

/// A signal by name, also where the name is Linux's alone.
struct Named(Signal);

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            linux::USR1 => f.write_str("SIGUSR1"),
            linux::PIPE => f.write_str("SIGPIPE"),
            linux::CONT => f.write_str("SIGCONT"),
            linux::STOP => f.write_str("SIGSTOP"),
            signal => signal.fmt(f),
        }
    }
}
