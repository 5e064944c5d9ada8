//! What happened, in full and as a number.

use std::fmt;

use crate::moment::{Moment, Seconds};

/// Everything that happened in a run, in order. Printed, it is a story that people can read: what the
/// world does stands at the margin, what the supervisor does is indented. Times are true ones, counted
/// from the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    moments: Vec<(u64, Moment)>,
}

impl Trace {
    /// Each moment and its time in nanoseconds.
    pub fn moments(&self) -> impl Iterator<Item = (u64, Moment)> + '_ {
        self.moments.iter().copied()
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut moments = self.moments.iter().peekable();
        while let Some((at, moment)) = moments.next() {
            // A turn in which nothing is done is no part of the story.
            let idle = *moment == Moment::Turn
                && moments
                    .peek()
                    .is_none_or(|(_, next)| next.is_the_worlds() || *next == Moment::Turn);
            if !idle {
                writeln!(f, "{}  {moment}", Seconds(*at))?;
            }
        }
        Ok(())
    }
}

/// Always sums up what happens, and keeps it if `keeps`.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) digest: Digest,
    pub(crate) keeps: bool,
    pub(crate) trace: Trace,
}

impl Log {
    pub(crate) fn begin(&mut self, seed: u64, keeps: bool) {
        self.digest = Digest::default();
        self.digest.add(seed, 0, 0);
        self.keeps = keeps;
        self.trace.moments.clear();
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as for `Moment::code`")]
    pub(crate) fn add(&mut self, at: u64, moment: Moment) {
        let (what, fact) = moment.code();
        self.digest.add(at, what, fact);
        if self.keeps {
            self.keep(at, moment);
        }
    }

    #[cold]
    fn keep(&mut self, at: u64, moment: Moment) {
        self.trace.moments.push((at, moment));
    }
}

/// Sixty-four bits of everything that happened: one multiplication for each moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0x6a09_e667_f3bc_c908)
    }
}

impl Digest {
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as for `Moment::code`")]
    fn add(&mut self, at: u64, what: u64, fact: u64) {
        let left = self.0 ^ at;
        let right = fact.wrapping_add(what << 56) ^ 0x9e37_79b9_7f4a_7c15;
        let wide = u128::from(left) * u128::from(right);
        let high = u64::try_from(wide >> 64).unwrap_or_default();
        let low = left.wrapping_mul(right);
        self.0 = (high ^ low).wrapping_add(self.0.rotate_left(29));
    }

    pub(crate) fn value(self) -> u64 {
        crate::dice::mix(self.0)
    }
}
