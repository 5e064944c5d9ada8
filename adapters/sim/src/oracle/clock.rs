//! How much time has gone by for the supervisor, at the most and at the least.
//!
//! It is time by the clock that the supervisor sees, less the time for which the child was suspended.
//! A clock that was set back is taken to stand still until it has caught up. Two things are not known
//! exactly: when within a turn the supervisor has looked at the clock, and whether a suspension was
//! over, because a stage of the ladder ends it. So there are two readings.

/// The two readings.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Whether there was a turn: time counts from the first.
    runs: bool,
    seen: u64,
    most: u64,
    least: u64,
    /// What `most` was at the beginning of the turn.
    turn: u64,
    /// By how much the clock was ever behind what it had shown before.
    setback: u64,
    surely_suspended: bool,
    /// For how long, while it is sure; and how much of that was in this turn.
    held: u64,
    held_in_turn: u64,
    perhaps_suspended: bool,
}

/// A moment to count from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) most: u64,
    pub(super) least: u64,
}

impl Clock {
    pub(super) fn turn(&mut self, seen: u64) {
        if !self.runs {
            self.runs = true;
            self.seen = seen;
        }
        self.turn = u64::MAX;
        self.advance(seen);
        self.turn = self.turn.min(self.most);
        self.held_in_turn = 0;
    }

    pub(super) fn advance(&mut self, seen: u64) {
        if seen < self.seen {
            self.setback = self.setback.max(self.seen - seen);
            // A supervisor that had not looked at the clock again before it was set back was suspended for less.
            if self.surely_suspended {
                self.surely_suspended = false;
                self.most += self.held;
            }
            self.turn = self.turn.min(self.most.saturating_sub(self.seen - seen));
            return;
        }
        let passed = seen - self.seen;
        self.seen = seen;
        if self.surely_suspended {
            self.held += passed;
            self.held_in_turn += passed;
        } else {
            self.most += passed;
        }
        if !self.perhaps_suspended {
            self.least += passed;
        }
    }

    pub(super) fn suspend(&mut self, surely: bool) {
        self.perhaps_suspended = true;
        self.held = 0;
        if !surely {
            return self.perhaps_resume();
        }
        if !self.surely_suspended {
            self.surely_suspended = true;
            self.held_in_turn = 0;
        }
    }

    /// A supervisor that looks at the clock once a turn resumes at the beginning of the turn.
    pub(super) fn perhaps_resume(&mut self) {
        if self.surely_suspended {
            self.surely_suspended = false;
            self.most += self.held_in_turn;
        }
    }

    pub(super) fn resume(&mut self) {
        self.perhaps_resume();
        self.perhaps_suspended = false;
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            most: self.turn,
            least: self.least,
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.seen
    }

    pub(super) fn most_since(&self, mark: Mark) -> u64 {
        self.most.saturating_sub(mark.most)
    }

    /// What the clock will show, at the latest, when `limit` will have gone by since `mark`. `u64::MAX`
    /// if that is never, or not known, because time may stand still.
    pub(super) fn latest(&self, mark: Mark, limit: u64) -> u64 {
        if limit == u64::MAX || self.perhaps_suspended {
            return u64::MAX;
        }
        let left = limit.saturating_sub(self.least.saturating_sub(mark.least));
        self.seen
            .saturating_add(left)
            .saturating_add(self.setback + TOLERANCE)
    }
}

/// More than one turn can take.
const TOLERANCE: u64 = crate::time::MILLISECOND;
