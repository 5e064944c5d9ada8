//! Chance, out of a seed, or choices, out of bytes.

/// `SplitMix64`. Written here, and not taken from a crate, because a seed in a bug report
/// must give the same run for ever, on every machine: no release of a dependency may change it, and
/// nothing in it depends on the width of a pointer, on byte order or on floating point.
///
/// Or else the bytes of a fuzzer, each choice as few of them as it needs, so that it steers them all.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    state: u64,
    /// What is left of the latest roll, for small dice: four of them out of one roll.
    rest: u64,
    bytes: Option<Bytes>,
}

impl Dice {
    /// Seeds that lie next to each other give streams that have nothing to do with each other.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: mix(seed.wrapping_add(GOLDEN)),
            rest: 0,
            bytes: None,
        }
    }

    /// Past their end nothing unusual happens: no `one_in` comes true.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self {
            bytes: Some(Bytes { bytes, at: 0 }),
            ..Self::new(0)
        }
    }

    /// The bytes that no choice has used.
    pub(crate) fn left(self) -> Vec<u8> {
        self.bytes.map_or_else(Vec::new, |bytes| {
            bytes.bytes.get(bytes.at..).unwrap_or_default().to_vec()
        })
    }

    /// From zero up to, but without, `sides`; zero if there are none.
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        if let Some(bytes) = &mut self.bytes {
            return bytes.below(sides);
        }
        let wide = u128::from(self.roll()) * u128::from(sides);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// [`below`](Self::below), for a few sides.
    pub(crate) fn few(&mut self, sides: u16) -> u16 {
        if let Some(bytes) = &mut self.bytes {
            return u16::try_from(bytes.below(sides.into())).unwrap_or_default();
        }
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

    fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }
}

#[derive(Clone, Debug)]
struct Bytes {
    bytes: Vec<u8>,
    at: usize,
}

impl Bytes {
    fn below(&mut self, sides: u64) -> u64 {
        let width = match sides {
            0..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            0x1_0001..=0x1_0000_0000 => 4,
            _ => 8,
        };
        let roll = (0..width).fold(0, |roll: u128, _| roll << 8 | u128::from(self.next()));
        let scaled = (roll * u128::from(sides)) >> (8 * width);
        u64::try_from(scaled).unwrap_or_default()
    }

    /// Turned round, so that a zero is the largest roll.
    fn next(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        !byte
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
