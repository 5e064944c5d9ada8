//! Which child.

use std::fmt;
use std::num::NonZeroU64;

/// The number of a child in its set: 1, 2, 3, … in the order of starting. It is never given twice, unlike
/// a process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildId(NonZeroU64);

impl ChildId {
    /// The first child of every set.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The id of this number, or `None` for zero, which is no id.
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0.get()
    }

    /// The id of the child that is started after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
