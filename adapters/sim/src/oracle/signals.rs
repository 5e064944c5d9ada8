//! Signals: stage after stage of the ladder, none without a reason and none too soon; then the sweep.

use childminder::{Ladder, Signal, Sweep, Target};

use crate::oracle::{Mark, Oracle};
use crate::process::linux;
use crate::rule::Rule;
use crate::time::limit;

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts, each by itself")]
pub(super) struct Signals {
    stages: [Stage; Ladder::MAX_STAGES],
    stage_count: usize,
    /// Whether it is known which ladder is in force.
    ladder_unknown: bool,
    /// How many stages have been sent, or left out because their target is gone.
    passed: usize,
    /// How many have been sent.
    pub(super) sent: usize,
    last: Option<(Mark, u64)>,
    /// The bounds count from this moment and this stage on.
    from: Option<(u64, usize)>,
    escalations: u32,
    escalated: Option<u64>,
    swept: bool,
    pub(super) refused: bool,
    pub(super) must_have_begun: bool,
}

#[derive(Clone, Copy, Debug)]
struct Stage {
    signal: Signal,
    target: Target,
    wait: u64,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            signal: Signal::KILL,
            target: Target::Group,
            wait: 0,
        }
    }
}

impl Signals {
    pub(super) fn with(ladder: &Ladder) -> Self {
        let mut signals = Self::default();
        for (slot, stage) in signals.stages.iter_mut().zip(ladder.stages()) {
            *slot = Stage {
                signal: stage.signal,
                target: stage.target,
                wait: limit(stage.wait),
            };
            signals.stage_count += 1;
        }
        signals
    }

    /// Another ladder was asked for, and it is not known whether this one is under way.
    pub(super) fn forget_ladder(&mut self, surely_under_way: bool) {
        if !surely_under_way {
            self.ladder_unknown = true;
        }
    }

    pub(super) fn escalate(&mut self, now: Mark) {
        self.escalations += 1;
        self.escalated.get_or_insert(now.most);
    }

    /// Whether a termination must have sent something by now.
    pub(super) fn is_overdue(&self) -> bool {
        !self.ladder_unknown && self.stage_count > 0 && self.sent == 0
    }

    /// The latest stage, when it was sent and how long it waits.
    pub(super) fn last(&self) -> Option<(Mark, u64)> {
        self.last.filter(|_| !self.ladder_unknown)
    }

    /// Whether it must have begun; a sweep tells so where only ended runs are swept.
    pub(super) fn has_begun(&self, sweep_tells: bool) -> bool {
        self.sent > 0 || self.swept && sweep_tells
    }

    /// SIGKILL to the group was asked for, in place of what is left of the ladder, unless just that is under way.
    pub(super) fn kill(&mut self, now: Mark, surely: bool, begun: bool, may_have_begun: bool) {
        let only_kills = matches!(
            self.stages[..self.stage_count],
            [Stage {
                signal: Signal::KILL,
                target: Target::Group,
                wait: u64::MAX
            }]
        );
        if self.ladder_unknown || only_kills && begun {
            return;
        }
        if !surely || only_kills && may_have_begun {
            self.ladder_unknown = true;
            return;
        }
        *self = Self {
            stages: [Stage {
                wait: u64::MAX,
                ..Stage::default()
            }; Ladder::MAX_STAGES],
            stage_count: 1,
            from: Some((now.most, 0)),
            escalations: self.escalations,
            escalated: self.escalated,
            swept: self.swept,
            refused: self.refused,
            must_have_begun: self.must_have_begun,
            ..Self::default()
        };
    }

    /// How long the stages from the one that the bounds count from, up to `end`, must have waited.
    fn waits(&self, end: usize, leader_alive: bool) -> u64 {
        let begin = self.from.map_or(0, |(_, stage)| stage);
        self.stages[begin.min(end)..end]
            .iter()
            .filter(|stage| leader_alive || stage.target == Target::Group)
            .fold(0, |sum: u64, stage| sum.saturating_add(stage.wait))
    }

    /// The next stage that could be this signal; the targets of those in between must be gone.
    fn find(&self, signal: Signal, target: Target, leader_alive: bool) -> Option<usize> {
        for (index, stage) in self.stages[..self.stage_count]
            .iter()
            .enumerate()
            .skip(self.passed)
        {
            if stage.signal == signal && stage.target == target {
                return Some(index);
            }
            if leader_alive || stage.target == Target::Group {
                return None;
            }
        }
        None
    }
}

impl Oracle {
    pub(super) fn judge_signal(&mut self, signal: Signal, target: Target) -> Result<(), Rule> {
        if self.reaped {
            return Ok(()); // the machine knows which process was hit
        }
        if self.exit.is_some() && target == Target::Leader {
            return Err(Rule::SignalledDeadLeader(signal));
        }
        if signal == linux::CONT {
            return Ok(());
        }
        if (signal, target) == (Signal::KILL, Target::Group) {
            self.hunt.group_killed();
        }
        let reason = self.earliest_reason_to_end();
        if self.limits.sweep == Sweep::Always && self.is_sweep(signal, target) {
            let leader_alive = self.exit.is_none();
            let fits = self.signals.find(signal, target, leader_alive).is_some();
            // It may be a stage as well, and then others may follow.
            self.signals.ladder_unknown |= fits && reason < u64::MAX;
            self.signals.swept = true;
            return Ok(());
        }
        if reason == u64::MAX {
            return Err(Rule::SignalledUnprovoked(signal));
        }
        let judged = self.judge_stage(signal, target, reason);
        if judged.is_err() && self.is_sweep(signal, target) {
            self.signals.swept = true;
            return Ok(());
        }
        judged?;
        self.must_end_now();
        // A stage ends a suspension, but maybe it was decided before the suspension began, or is the sweep.
        if self.suspended_in < self.turns && !self.is_sweep(signal, target) {
            self.clock.resume();
        }
        Ok(())
    }

    fn judge_stage(&mut self, signal: Signal, target: Target, reason: u64) -> Result<(), Rule> {
        let leader_alive = self.exit.is_none();
        let mark = self.clock.mark();
        let now = self.clock.most_since(Mark::default());
        let signals = &mut self.signals;
        if signals.ladder_unknown {
            signals.sent += 1;
            return Ok(());
        }
        let Some(stage) = signals.find(signal, target, leader_alive) else {
            return Err(Rule::SignalledOffLadder(signal, target));
        };
        let (from, _) = *signals.from.get_or_insert((reason, 0));
        let bound = from.saturating_add(signals.waits(stage, leader_alive));
        let last_waits = match signals.last {
            Some((sent, wait)) if leader_alive => self.clock.most_since(sent) < wait,
            _ => false,
        };
        if now < bound || last_waits {
            // An impatient owner may have asked for it.
            if signals.escalations == 0 {
                return Err(Rule::StageTooSoon(stage + 1));
            }
            signals.escalations -= 1;
            signals.from = Some((signals.escalated.unwrap_or(reason), stage));
        }
        signals.passed = stage + 1;
        signals.sent += 1;
        signals.last = Some((mark, signals.stages[stage].wait));
        Ok(())
    }

    fn is_sweep(&self, signal: Signal, target: Target) -> bool {
        let kill = signal == Signal::KILL && target == Target::Group;
        kill && self.limits.sweep != Sweep::Never
            && !self.signals.swept
            && self.exit.is_some()
            && self.may_end()
    }

    /// Whether the last stage can have waited out its wait. Of a stage that waits for no time at all it
    /// may be said before it was sent: errors are noted before signals are sent.
    pub(super) fn could_be_unkillable(&self) -> bool {
        let signals = &self.signals;
        if signals.ladder_unknown {
            return true;
        }
        let reason = self.earliest_reason_to_end();
        let (from, _) = signals.from.unwrap_or((reason, 0));
        let waits = signals.waits(signals.stage_count, true);
        let now = self.clock.most_since(Mark::default());
        let in_time = signals.escalations > 0 || now >= from.saturating_add(waits);
        let last_over = signals
            .last
            .is_none_or(|(sent, wait)| self.clock.most_since(sent) >= wait);
        signals.stage_count > 0 && waits < u64::MAX && in_time && last_over
    }
}
