//! A rule was broken.

use std::error::Error;
use std::fmt;

use childminder::{Config, Instant};

use crate::moment::Seconds;
use crate::rule::Rule;
use crate::trace::Trace;

/// A rule was broken: which, when and how. Printed, it is all that is needed to understand it, and to
/// see it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What was broken.
    pub rule: Rule,
    /// The scenario's seed.
    pub seed: u64,
    /// How long, in true time, after the start.
    pub at: Instant,
    /// In which turn of the supervisor's.
    pub turn: u32,
    /// What the supervisor was held to.
    pub config: Box<Config>,
    /// What happened, up to then.
    pub trace: Trace,
}

impl Error for Violation {}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule, seed, turn, ..
        } = self;
        writeln!(f, "the supervisor {rule}")?;
        writeln!(f, "seed {seed}, turn {turn}; {}", Held(&self.config))?;
        write!(f, "{}", self.trace)?;
        write!(f, "{}  here it {rule}", Seconds(self.at.0))
    }
}

/// A config in a line: what is on.
struct Held<'c>(&'c Config);

impl fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.0;
        let limits = [
            ("idle", config.idle_timeout),
            ("warning", config.warn_timeout),
            ("first output", config.first_output_timeout),
            ("run", config.run_timeout),
            ("notification", config.notification_timeout),
            ("heartbeat", config.heartbeat_interval),
            ("drain", config.drain_timeout),
            ("strays", config.stray_timeout),
        ];
        for (name, limit) in limits {
            if let Some(limit) = limit {
                write!(f, "{name} {limit:?}, ")?;
            }
        }
        if config.final_notification {
            f.write_str("the end told, ")?;
        }
        write!(f, "activity {:?}, ladder", config.activity)?;
        for stage in config.ladder.stages() {
            write!(f, " {}:{}", stage.signal, stage.target)?;
            if let Some(wait) = stage.wait {
                write!(f, ":{wait:?}")?;
            }
        }
        write!(f, ", sweep {}", config.sweep.name())
    }
}
