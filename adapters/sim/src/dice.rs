//! Chance, out of a seed.

/// `SplitMix64`. Written here, and not taken from a crate, because a seed in somebody's bug report
/// must give the same run for ever, on every machine: no release of a dependency may change it, and
/// nothing in it depends on the width of a pointer, on byte order or on floating point.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
    /// What is left of the latest roll, for small dice: four of them out of one roll.
    rest: u64,
}

impl Dice {
    /// Seeds that lie next to each other give streams that have nothing to do with each other.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: mix(seed.wrapping_add(GOLDEN)),
            rest: 0,
        }
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// From zero up to, but without, `sides`; zero if there are none.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        let wide = u128::from(self.roll()) * u128::from(sides);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// [`below`](Self::below), for a few sides.
    pub(crate) fn few(&mut self, sides: u16) -> u16 {
        // The topmost bit that is set only marks the end.
        if self.rest <= 0xffff {
            let roll = self.roll();
            self.rest = roll >> 16 | 1 << 48;
            return scale(roll, sides);
        }
        let roll = self.rest;
        self.rest >>= 16;
        scale(roll, sides)
    }

    pub(crate) fn one_in(&mut self, sides: u16) -> bool {
        self.few(sides) == 0
    }

    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        let sides = u16::try_from(N).unwrap_or(u16::MAX);
        from[usize::from(self.few(sides))]
    }
}

/// The lowest sixteen bits, scaled down.
fn scale(roll: u64, sides: u16) -> u16 {
    let scaled = ((roll & 0xffff) * u64::from(sides)) >> 16;
    u16::try_from(scaled).unwrap_or_default()
}

/// Spreads every bit over all others.
pub(crate) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
