//! What came of runs in which no rule was broken.

use std::fmt;
use std::time::Duration;

use childminder::Outcome;

use crate::coverage::{Coverage, Seen};
use crate::dice::mix;
use crate::trace::Trace;

/// What came of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The outcome that the supervisor declared.
    pub outcome: Outcome,
    /// How long it took, in true time, from the start to that.
    pub took: Duration,
    /// How many turns the supervisor had.
    pub turns: u32,
    /// Sixty-four bits of everything that happened. The same scenario under the same supervisor has
    /// the same, on every machine.
    pub digest: u64,
    /// What of interest has happened.
    pub coverage: Coverage,
    /// Everything that happened, if it was kept: [`run`](crate::run) keeps it.
    pub trace: Trace,
}

/// What came of many runs. It does not depend on their order, so that they can be shared out among
/// threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub runs: u64,
    /// Of all runs' digests.
    pub digest: u64,
    /// How many turns in all.
    pub turns: u64,
    nanos: u128,
    counts: [u64; Seen::ALL.len()],
}

impl Tally {
    /// How many runs have seen this.
    pub fn count(&self, seen: Seen) -> u64 {
        self.counts[seen as usize]
    }

    /// How much time has gone by in all of them.
    pub fn time(&self) -> Duration {
        let seconds = u64::try_from(self.nanos / 1_000_000_000).unwrap_or(u64::MAX);
        Duration::from_secs(seconds)
    }

    /// Adds one run.
    pub fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.digest = self.digest.wrapping_add(mix(report.digest));
        self.turns += u64::from(report.turns);
        self.nanos += report.took.as_nanos();
        let mut bits = report.coverage.bits();
        while bits != 0 {
            self.counts[bits.trailing_zeros() as usize] += 1;
            bits &= bits - 1;
        }
    }

    /// Adds the runs of another thread.
    pub fn merge(&mut self, other: &Self) {
        self.runs += other.runs;
        self.digest = self.digest.wrapping_add(other.digest);
        self.turns += other.turns;
        self.nanos += other.nanos;
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            runs: 0,
            digest: 0,
            turns: 0,
            nanos: 0,
            counts: [0; Seen::ALL.len()],
        }
    }
}

/// A table of what was seen, and how often.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>12}  lifetimes", self.runs)?;
        for seen in Seen::ALL {
            writeln!(f, "{:>12}  {}", self.count(seen), seen.words())?;
        }
        write!(f, "digest {:016x}", self.digest)
    }
}
