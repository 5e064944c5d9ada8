//! Where things stand in a lane.

use std::fmt;
use std::ops::Sub;

use crate::timeline::axis::Axis;

/// A place on the axis, or the distance of two, in hundred-thousandths of a percent of the width.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u32);

impl Place {
    /// There is a little room on both sides, for what is drawn around a moment.
    pub(crate) fn on(axis: &Axis, at: u64) -> Self {
        let margin = margin(axis);
        let whole = u128::from(axis.length) + 2 * margin;
        let place = (u128::from(at) + margin) * u128::from(WHOLE) / whole;
        Self(u32::try_from(place).unwrap_or(WHOLE))
    }

    /// At the width that a drawing is made for.
    pub(crate) fn pixels(self) -> u32 {
        self.0 / (WHOLE / WIDTH)
    }

    /// The class of a text here that would not fit in the middle.
    pub(crate) fn edge(self) -> &'static str {
        match self.pixels() {
            0..EDGE => " first-tick",
            pixels if pixels > WIDTH - EDGE => " last-tick",
            _ => "",
        }
    }

    /// In percent.
    pub(crate) fn number(self) -> String {
        let text = format!("{}.{:05}", self.0 / 100_000, self.0 % 100_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl Sub for Place {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.number())
    }
}

/// The room on each side of the axis, in nanoseconds.
pub(crate) fn margin(axis: &Axis) -> u128 {
    u128::from(axis.length).div_ceil(60)
}

/// A whole width, in the units of a [`Place`].
const WHOLE: u32 = 100 * 100_000;

/// How near the edge a label of the axis is too wide, in pixels.
const EDGE: u32 = 36;

/// The width that overlaps are looked for at, in pixels.
pub(crate) const WIDTH: u32 = 720;
