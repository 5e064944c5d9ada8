//! Chance, out of a seed.

/// `SplitMix64`. Written here, and not taken from a crate, because a seed in somebody's bug report
/// must give the same run for ever, on every machine: no release of a dependency may change it, and
/// nothing in it depends on the width of a pointer, on byte order or on floating point.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Seeds that lie next to each other give streams that have nothing to do with each other.
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed.wrapping_add(GOLDEN)))
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// From zero up to, but without, `sides`; zero if there are none.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        let wide = u128::from(self.roll()) * u128::from(sides);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let sides = u64::try_from(from.len()).unwrap_or(u64::MAX);
        from[usize::try_from(self.below(sides)).unwrap_or_default()]
    }
}

/// Spreads every bit over all others.
pub(crate) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
