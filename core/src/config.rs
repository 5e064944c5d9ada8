//! What the owner wants minded, and how.

use core::fmt;
use core::time::Duration;

use crate::signal::Signal;
use crate::stream::Stream;
use crate::time::limit_nanos;

/// The deadlines, the ladder and what counts as progress, for one child.
///
/// [`Config::default`] is what most want: no deadline but the drain's and the notifications', output
/// counts as progress, SIGINT to the process group, five seconds, SIGKILL. A limit longer than 584 years is
/// no limit.
///
/// Minor releases may add fields, so always end with `..Config::default()`.
///
/// ```
/// use childminder::Config;
/// use std::time::Duration;
///
/// let config = Config { idle_timeout: Some(Duration::from_secs(60)), ..Config::default() };
/// assert_eq!(config.drain_timeout, Some(Duration::from_secs(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// How long the child may go without activity. Counts from `Started`, then from the latest
    /// activity; `None` is for ever.
    pub idle_timeout: Option<Duration>,
    /// Silence after which the owner is warned, once: no error, no signal. Counts as `idle_timeout` does, anew after
    /// `SetIdleTimeout` too; activity makes the next warning possible. A warning that would come together with the end is
    /// left out. `None` is never.
    pub warn_timeout: Option<Duration>,
    /// How long after `Started` the first output, on any stream, may take.
    pub first_output_timeout: Option<Duration>,
    /// How long the child may live.
    pub run_timeout: Option<Duration>,
    /// How long one notification may take, counted from the event that let it start; a caller that
    /// polls late finds less left. The default is 30 seconds: the run ends only when the
    /// notification in flight has ended, so one that is never answered would keep it open for ever.
    pub notification_timeout: Option<Duration>,
    /// How often the core queues a heartbeat notification, the first at `Started`. A beat is left out
    /// while the one before has not been answered. Like any notification, one that fails ends the run:
    /// answer that it succeeded where that is not wanted. Zero is never.
    pub heartbeat_interval: Option<Duration>,
    /// Whether the core runs one more notification when all else is over: the exit, the drain, the search for strays
    /// and every other notification. It runs whatever went wrong before, and nothing follows it but `Finish`. One that
    /// fails is an error, and the first if nothing went wrong before.
    pub final_notification: bool,
    /// How long after the exit output may stay open before it counts as leaked; `None` is for ever.
    pub drain_timeout: Option<Duration>,
    /// What counts as activity.
    pub activity: Activity,
    /// How the child is ended, when it must be.
    pub ladder: Ladder,
    /// Which runs end with SIGKILL to what is left of the group, and to the strays.
    pub sweep: Sweep,
    /// How long strays may take to go when they are killed. `None`: strays are not looked for.
    ///
    /// Strays that are left alone are looked for too, so that the outcome can tell of them, for a tenth of a
    /// second at most: what closes the output is often about to exit.
    pub stray_timeout: Option<Duration>,
}

impl Config {
    /// The ancestor to the letter: Launchpad's `ProcessMonitorProtocolWithTimeout` signals the
    /// leader alone, sweeps nothing, and waits for the output and for notifications for ever.
    pub const fn launchpad(idle_timeout: Duration) -> Self {
        let interrupt = Stage {
            signal: Signal::INT,
            target: Target::Leader,
            wait: Some(Duration::from_secs(5)),
        };
        let kill = Stage {
            signal: Signal::KILL,
            target: Target::Leader,
            wait: None,
        };
        Self {
            idle_timeout: Some(idle_timeout),
            notification_timeout: None,
            drain_timeout: None,
            ladder: Ladder::beginning(&[interrupt, kill]),
            sweep: Sweep::Never,
            ..Self::DEFAULT
        }
    }

    const DEFAULT: Self = Self {
        idle_timeout: None,
        warn_timeout: None,
        first_output_timeout: None,
        run_timeout: None,
        notification_timeout: Some(Duration::from_secs(30)),
        heartbeat_interval: None,
        final_notification: false,
        drain_timeout: Some(Duration::from_secs(2)),
        activity: Activity::AnyOutput,
        ladder: Ladder::DEFAULT,
        sweep: Sweep::Terminated,
        stray_timeout: None,
    };
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What counts as activity, besides `Progress`, which always does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activity {
    /// Output on either stream.
    #[default]
    AnyOutput,
    /// Output on standard output only.
    Stdout,
    /// Output on standard error only.
    Stderr,
    /// No output: only what the owner vouches for.
    Explicit,
}

impl Activity {
    /// Whether output on this stream is activity.
    #[inline]
    pub const fn counts(self, stream: Stream) -> bool {
        match self {
            Self::AnyOutput => true,
            Self::Stdout => matches!(stream, Stream::Stdout),
            Self::Stderr => matches!(stream, Stream::Stderr),
            Self::Explicit => false,
        }
    }

    /// Its name, as a flight record has it: `any`, `stdout`, `stderr` or `explicit`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AnyOutput => "any",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Explicit => "explicit",
        }
    }
}

/// Which runs are swept: SIGKILL to the group just before the reap, so that no member outlives its monitor, and
/// to every stray.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sweep {
    /// None.
    Never,
    /// Those whose ladder was started.
    #[default]
    Terminated,
    /// All, those included that ended by themselves.
    Always,
}

impl Sweep {
    /// Its name, as a flight record has it: `never`, `terminated` or `always`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Terminated => "terminated",
            Self::Always => "always",
        }
    }
}

/// How a child is ended: up to four stages, each sent when the one before has waited out its wait.
///
/// ```
/// use childminder::{Ladder, Signal, Stage, Target};
/// use std::time::Duration;
///
/// let ladder = Ladder::from([
///     Stage { signal: Signal::TERM, target: Target::Group, wait: Some(Duration::from_secs(10)) },
///     Stage { signal: Signal::KILL, target: Target::Group, wait: None },
/// ]);
/// assert_eq!(ladder.stages().count(), 2);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ladder {
    signals: [Option<(Signal, Target)>; Self::MAX_STAGES],
    /// In nanoseconds; `u64::MAX` is for ever. An array of its own, since pairs with it would be
    /// padded to nearly twice the size.
    waits: [u64; Self::MAX_STAGES],
}

impl Ladder {
    /// The most stages a ladder can have.
    pub const MAX_STAGES: usize = 4;

    /// The ladder without stages: a child that must end is not signalled, and the monitor waits for
    /// its exit.
    pub const NONE: Self = Self {
        signals: [None; Self::MAX_STAGES],
        waits: [u64::MAX; Self::MAX_STAGES],
    };

    const DEFAULT: Self = Self::beginning(&[
        Stage {
            signal: Signal::INT,
            target: Target::Group,
            wait: Some(Duration::from_secs(5)),
        },
        Stage {
            signal: Signal::KILL,
            target: Target::Group,
            wait: None,
        },
    ]);

    /// SIGKILL to the group, and no more.
    pub(crate) const KILL: Self = Self::beginning(&[Stage {
        signal: Signal::KILL,
        target: Target::Group,
        wait: None,
    }]);

    /// A ladder of these stages, in this order, for a number of them that is known only at run time.
    /// An array of one to four stages is a ladder without further ado: `Ladder::from([interrupt, kill])`.
    ///
    /// # Errors
    ///
    /// [`TooManyStages`] for more than [`Ladder::MAX_STAGES`].
    pub const fn new(stages: &[Stage]) -> Result<Self, TooManyStages> {
        if stages.len() > Self::MAX_STAGES {
            return Err(TooManyStages {
                given: stages.len(),
            });
        }
        Ok(Self::beginning(stages))
    }

    /// The ladder of the first [`MAX_STAGES`](Self::MAX_STAGES) of these stages.
    const fn beginning(stages: &[Stage]) -> Self {
        let mut ladder = Self::NONE;
        let mut at = 0;
        while at < Self::MAX_STAGES && at < stages.len() {
            let stage = &stages[at];
            ladder.signals[at] = Some((stage.signal, stage.target));
            ladder.waits[at] = limit_nanos(stage.wait);
            at += 1;
        }
        ladder
    }

    /// The stages, first to last. A wait longer than 584 years is `None`.
    pub fn stages(&self) -> impl Iterator<Item = Stage> + use<> {
        let signals = self.signals.into_iter().flatten();
        signals
            .zip(self.waits)
            .map(|((signal, target), wait)| Stage {
                signal,
                target,
                wait: (wait < u64::MAX).then(|| Duration::from_nanos(wait)),
            })
    }

    /// Whether any stage is sent to the process group.
    pub fn addresses_group(&self) -> bool {
        self.stages().any(|stage| stage.target == Target::Group)
    }

    /// The stages after the first so many, each with its number, which counts from 1.
    pub(crate) fn after(&self, stages: u8) -> impl Iterator<Item = (u8, Stage)> + use<> {
        (1..).zip(self.stages()).skip(usize::from(stages))
    }

    /// How many stages it has.
    pub(crate) fn len(&self) -> u8 {
        self.signals.iter().flatten().fold(0, |count, _| count + 1)
    }
}

/// SIGINT to the group, five seconds, SIGKILL to the group.
impl Default for Ladder {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Its stages.
impl fmt::Debug for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ladder")?;
        f.debug_list().entries(self.stages()).finish()
    }
}

macro_rules! from_stages {
    ($($count:literal)*) => {
        $(
            impl From<[Stage; $count]> for Ladder {
                fn from(stages: [Stage; $count]) -> Self {
                    const { assert!($count <= Self::MAX_STAGES) };
                    Self::beginning(&stages)
                }
            }
        )*
    };
}

from_stages! { 1 2 3 4 }

/// One stage of a [`Ladder`]: send, wait, go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stage {
    /// What to send.
    pub signal: Signal,
    /// What to send it to.
    pub target: Target,
    /// How long to wait before the next stage; after the last one, before the child counts as
    /// unkillable: at once, if it is zero. `None` is for ever.
    pub wait: Option<Duration>,
}

/// What a signal is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The child itself, the process that was spawned.
    Leader,
    /// Every member of the child's process group.
    Group,
}

impl Target {
    /// `leader` or `group`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Group => "group",
        }
    }
}

/// Its name.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A ladder was asked for with more stages than it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyStages {
    /// How many were given.
    pub given: usize,
}

impl fmt::Display for TooManyStages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a ladder has at most {} stages, not {}",
            Ladder::MAX_STAGES,
            self.given
        )
    }
}

impl core::error::Error for TooManyStages {}
