//! Bytes as a stream of choices, for the fuzz targets.

/// Reads choices off a byte string; past its end every choice is the first one.
#[derive(Clone, Debug)]
pub struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// All of these bytes, from the first.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte, zero past the end.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// One of `from`, which must not be empty.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// One item of one of these lists, each list as likely as its weight.
    pub fn choose_weighted<T: Copy>(&mut self, lists: &[(u8, &[T])]) -> T {
        let total: u32 = lists.iter().map(|(weight, _)| u32::from(*weight)).sum();
        let mut left = u32::from(self.byte()) % total;
        for (weight, list) in lists {
            match left.checked_sub(u32::from(*weight)) {
                Some(rest) => left = rest,
                None => return self.choose(list),
            }
        }
        unreachable!("what is left is below the sum of the weights")
    }

    /// Whether every byte has been read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
