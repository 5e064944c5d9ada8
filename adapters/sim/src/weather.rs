//! What the machine is like.

use std::time::Duration;

use childminder_driver::Trigger;

/// How late, how slow and how faulty the machine is. [`Weather::FINE`] is none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub struct Weather {
    /// How late, at the most, a supervisor is woken when something has happened. What happens
    /// meanwhile it finds in the same turn.
    pub latency: Duration,
    /// How late, at the most, it is woken by its own timer.
    pub oversleep: Duration,
    /// How long, at the most, one call of the machine takes. If it takes any time at all, things
    /// happen between two calls of the same turn.
    pub call: Duration,
    /// How often it is woken for nothing.
    pub spurious: u8,
    /// Whether a timer is early in the queue: of what happens at the very moment for which the
    /// supervisor had itself woken, it then learns in a later turn.
    pub timer_first: bool,
    /// How output and the exit are announced. On the edge, a stream is announced once after each read
    /// that found it empty, and the exit once: a supervisor that does not look then, or stops reading
    /// before it has to, gets no second announcement.
    pub trigger: Trigger,
    /// Whether a read may return less than there is.
    pub short_reads: bool,
    /// One in how many reads is interrupted before it has read anything (EINTR); zero is none. The
    /// read after it is not.
    pub interrupts: u8,
    /// One in how many signals is refused with EPERM; zero is none.
    pub refusals: u8,
    /// Which read fails for good, whatever it reads: 1 is the first; zero is none.
    pub failing_read: u8,
    /// One in how many questions of how much can be read (FIONREAD) fails; zero is none.
    pub failing_waiting: u8,
    /// Whether the reap is answered with an error.
    pub failing_reap: bool,
    /// Whether something else reaps the leader as soon as it is dead, such as a library that waits for
    /// any child. Its exit status is lost then, and no signal reaches anything by its pid.
    pub lost_exit: bool,
    /// Whether the kernel cannot show strays.
    pub unseen_strays: bool,
    /// When, and how, the clock that the supervisor sees is set.
    pub clock_set: Option<ClockSet>,
}

/// A change of the clock, which is no passing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSet {
    /// When.
    pub at: Duration,
    /// By how much.
    pub by: Duration,
    /// Forward, or back.
    pub forward: bool,
}

impl Weather {
    /// Every wake-up and every call is prompt and exact.
    pub const FINE: Self = Self {
        latency: Duration::ZERO,
        oversleep: Duration::ZERO,
        call: Duration::ZERO,
        spurious: 0,
        timer_first: false,
        trigger: Trigger::Level,
        short_reads: false,
        interrupts: 0,
        refusals: 0,
        failing_read: 0,
        failing_waiting: 0,
        failing_reap: false,
        lost_exit: false,
        unseen_strays: false,
        clock_set: None,
    };
}

impl Default for Weather {
    fn default() -> Self {
        Self::FINE
    }
}
