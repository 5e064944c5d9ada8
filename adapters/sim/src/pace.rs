//! How the loop around a driver goes about its work.

use childminder_driver::BUDGET;

/// The freedoms that a loop has with a [`Driver`](childminder_driver::Driver): it is right under all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// What it says of what is ready.
    pub hints: Hints,
    /// How many bytes of output a turn may read; at least one.
    pub budget: usize,
    /// Whether there is a second turn after each, for nothing.
    pub extra_turns: bool,
}

/// What a loop says of what is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hints {
    /// What the selector announced.
    Precise,
    /// That anything may be.
    All,
}

impl Pace {
    /// As a loop does that knows what it waits for.
    pub const EVEN: Self = Self {
        hints: Hints::Precise,
        budget: BUDGET,
        extra_turns: false,
    };
}

impl Default for Pace {
    fn default() -> Self {
        Self::EVEN
    }
}
