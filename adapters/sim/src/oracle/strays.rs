//! Strays: looked for when the child is over, killed only in a run that is swept; the outcome says what was seen.

use childminder::{Outcome, Strays, Sweep};
use childminder_driver::Sighting;

use crate::oracle::{Mark, Oracle};
use crate::rule::Rule;
use crate::time::{MILLISECOND, SECOND};

/// What the supervisor knows of strays, and has done about them.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(super) struct Hunt {
    /// When the leader was seen dead, or given up, at the earliest.
    since: Option<Mark>,
    group_killed: bool,
    /// The latest look, and when it was.
    look: Option<(Sighting, Mark)>,
    /// Whether a look came when the child could be over.
    has_last: bool,
    /// Whether the kernel cannot show strays.
    is_blind: bool,
    has_seen: bool,
    has_killed: bool,
    /// Whether what the latest look has shown was killed.
    is_answered: bool,
    hurried: Option<Mark>,
}

impl Hunt {
    pub(super) fn may_begin(&mut self, now: Mark) {
        self.since.get_or_insert(now);
    }

    pub(super) fn group_killed(&mut self) {
        self.group_killed = true;
    }

    /// The owner is impatient: strays are waited for no longer than a second from now.
    pub(super) fn hurry(&mut self, now: Mark) {
        if self.since.is_some() {
            self.hurried.get_or_insert(now);
        }
    }

    pub(super) fn looked(&mut self, sighting: Option<Sighting>, now: Mark, is_last: bool) {
        let Some(sighting) = sighting else {
            self.is_blind = true;
            return;
        };
        self.look = Some((sighting, now));
        self.has_last |= is_last;
        self.has_seen |= sighting.living > 0;
        self.is_answered = false;
    }

    /// Whether a look came when the child could be over.
    pub(super) fn has_last_look(&self) -> bool {
        self.has_last
    }

    pub(super) fn has_seen(&self) -> bool {
        self.has_seen
    }

    fn living(&self) -> u64 {
        self.look.map_or(0, |(sighting, _)| sighting.living)
    }

    /// Whether all that live have refused to be killed.
    fn are_immune(&self) -> bool {
        self.look
            .is_some_and(|(Sighting { living, immune }, _)| living <= immune)
    }
}

impl Oracle {
    pub(super) fn may_be_over(&self) -> bool {
        !self.can_signal() && self.may_end()
    }

    /// Strays are about to be killed.
    pub(super) fn judge_hunt(&mut self) -> Result<(), Rule> {
        let is_swept = match self.limits.sweep {
            Sweep::Always => true,
            Sweep::Terminated => self.may_have_begun_to_end(),
            _ => false,
        };
        if !is_swept || self.limits.strays == u64::MAX {
            return Err(Rule::KilledUnsweptStrays);
        }
        let in_time = self.may_end() || self.hunt.group_killed;
        if self.hunt.since.is_none() || !in_time {
            return Err(Rule::KilledStraysTooSoon);
        }
        if self.hunt.living() == 0 {
            return Err(Rule::KilledUnseenStrays);
        }
        self.hunt.has_killed = true;
        self.hunt.is_answered = true;
        Ok(())
    }

    /// The leader is reaped: strays were looked for, or given up before the child was over.
    pub(super) fn judge_look(&self) -> Result<(), Rule> {
        let given_up = self.hunt.look.is_some() && self.is_patience_over(self.limits.strays);
        let need_not = !self.must_look() || self.hunt.is_blind || given_up;
        if self.hunt.has_last || need_not {
            return Ok(());
        }
        Err(Rule::ReapedBeforeLook)
    }

    pub(super) fn judge_strays(&self, outcome: &Outcome) -> Result<(), Rule> {
        let hunt = &self.hunt;
        let is_on = self.limits.strays < u64::MAX;
        let is_swept = match self.limits.sweep {
            Sweep::Always => true,
            Sweep::Terminated => outcome.terminated,
            _ => false,
        };
        let is_clear = hunt.look.is_some() && hunt.living() == 0;
        let is_true = match outcome.strays {
            Strays::Unknown => hunt.is_blind || !self.must_look(),
            Strays::None => is_clear && !hunt.has_killed,
            Strays::Killed => is_clear && hunt.has_killed,
            Strays::Left => {
                hunt.living() > 0 && !is_swept && self.is_patience_over(self.least_patience())
            }
            Strays::Survived => {
                let may_give_up = hunt.are_immune() || self.is_patience_over(self.limits.strays);
                hunt.living() > 0 && is_swept && may_give_up
            }
            _ => false,
        };
        if is_true && (is_on || outcome.strays == Strays::Unknown) {
            return Ok(());
        }
        Err(Rule::FinishedWithWrongStrays)
    }

    /// A run that is swept for sure has strays, the time for them is not over, and they were not killed.
    pub(super) fn must_kill_strays(&self) -> bool {
        let hunt = &self.hunt;
        self.is_surely_swept()
            && hunt.has_last
            && !hunt.is_answered
            && !hunt.are_immune()
            && !self.is_patience_over(self.limits.strays)
    }

    /// The latest look, and how soon another must follow it, if that is certain.
    pub(super) fn next_look(&self) -> Option<(Mark, u64)> {
        let hunt = &self.hunt;
        let (_, looked) = hunt.look.filter(|(sighting, _)| sighting.living > 0)?;
        if !hunt.has_last || self.limits.strays == u64::MAX {
            return None;
        }
        let patience = if self.is_surely_swept() && !hunt.are_immune() {
            self.limits.strays
        } else if !hunt.are_immune() {
            self.least_patience()
        } else {
            return None;
        };
        let is_soon_over = self.is_patience_over(patience.saturating_sub(LONGEST_PAUSE));
        (!is_soon_over).then_some((looked, LONGEST_PAUSE))
    }

    /// Whether strays must be looked for, if the kernel can show them.
    fn must_look(&self) -> bool {
        self.limits.strays < u64::MAX && self.least_patience() > 0
    }

    /// How long strays that are left alone are waited for.
    fn least_patience(&self) -> u64 {
        let limits = &self.limits;
        limits.strays.min(limits.drain).min(EXIT_GRACE)
    }

    fn is_patience_over(&self, patience: u64) -> bool {
        let over = |since: Option<Mark>, span| {
            since.is_some_and(|since| self.clock.most_since(since) >= span)
        };
        over(self.hunt.since, patience) || over(self.hunt.hurried, SECOND.min(patience))
    }

    fn is_surely_swept(&self) -> bool {
        match self.limits.sweep {
            Sweep::Always => self.limits.strays < u64::MAX,
            Sweep::Terminated => {
                self.limits.strays < u64::MAX
                    && (self.signals.must_have_begun || self.signals.has_begun(true))
            }
            _ => false,
        }
    }
}

/// As long as strays are left to exit by themselves, at most.
const EXIT_GRACE: u64 = 100 * MILLISECOND;

/// Between two looks, at most.
const LONGEST_PAUSE: u64 = 64 * MILLISECOND;
