//! What happens all the time in a run, in few numbers: how much it wrote when, and how near a deadline was.

use childminder::{Deadline, Stream};

/// A run's time in slices of equal length, at most [`Flow::MOST`] of them: when it grows beyond the last, each two become
/// one.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// The length of a slice, in nanoseconds.
    width: u64,
    slices: Vec<Slice>,
}

/// What happened in a slice of time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Slice {
    /// How much was written, to each stream.
    pub(crate) bytes: [f64; 2],
    /// The most of any deadline's time that had passed, in thousandths, and which deadline that was.
    pub(crate) fuse: Option<(u16, Deadline)>,
}

/// A deadline that is armed: its time began, and will be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Armed {
    pub(crate) since: u64,
    pub(crate) due: u64,
}

impl Flow {
    pub(crate) const MOST: usize = 512;

    pub(crate) fn new() -> Self {
        Self {
            width: 1,
            slices: Vec::new(),
        }
    }

    pub(crate) fn width(&self) -> u64 {
        self.width
    }

    pub(crate) fn slices(&self) -> &[Slice] {
        &self.slices
    }

    /// This much was written, evenly in this time.
    #[expect(clippy::cast_precision_loss, reason = "it is for the eye")]
    pub(crate) fn write(&mut self, from: u64, until: u64, stream: Stream, bytes: u64) {
        let (first, last) = self.reach(from, until);
        let slices = &mut self.slices[first..=last];
        let share = bytes as f64 / slices.len() as f64;
        for slice in slices {
            slice.bytes[stream as usize] += share;
        }
    }

    /// This deadline was armed in this time.
    pub(crate) fn burn(&mut self, from: u64, until: u64, deadline: Deadline, armed: Armed) {
        let (first, last) = self.reach(from, until);
        let width = self.width;
        for (slice, number) in self.slices[first..=last].iter_mut().zip(first as u64..) {
            let at = until.min((number + 1).saturating_mul(width));
            let passed = armed.passed(at);
            if slice.fuse.is_none_or(|(most, _)| most < passed) {
                slice.fuse = Some((passed, deadline));
            }
        }
    }

    /// The same with at most this many slices.
    pub(crate) fn with_at_most(mut self, most: usize) -> Self {
        while self.slices.len() > most.max(1) {
            self.double();
        }
        self
    }

    /// The same with slices that are at least this long.
    pub(crate) fn with_at_least(mut self, width: u64) -> Self {
        while self.width < width {
            self.double();
        }
        self
    }

    /// The slices of these moments, the second of which is not earlier.
    fn reach(&mut self, from: u64, until: u64) -> (usize, usize) {
        let most = Self::MOST as u64;
        while until / self.width >= most {
            self.double();
        }
        let slice = |at: u64| usize::try_from((at / self.width).min(most)).unwrap_or(Self::MOST);
        let (first, last) = (slice(from.min(until)), slice(until));
        if self.slices.len() <= last {
            self.slices.resize(last + 1, Slice::default());
        }
        (first, last)
    }

    fn double(&mut self) {
        self.width = self.width.saturating_mul(2);
        let pairs = self.slices.chunks(2);
        self.slices = pairs
            .map(|pair| {
                let both = pair.iter().copied().reduce(Slice::and);
                both.unwrap_or_default()
            })
            .collect();
    }
}

impl Slice {
    fn and(self, next: Self) -> Self {
        let fuses = [self.fuse, next.fuse];
        Self {
            bytes: [0, 1].map(|stream| self.bytes[stream] + next.bytes[stream]),
            fuse: fuses.into_iter().flatten().max_by_key(|(most, _)| *most),
        }
    }
}

impl Armed {
    /// How much of its time had passed then, in thousandths.
    fn passed(self, at: u64) -> u16 {
        let whole = u128::from(self.due.saturating_sub(self.since)).max(1);
        let passed = u128::from(at.saturating_sub(self.since));
        u16::try_from(passed * 1000 / whole)
            .unwrap_or(1000)
            .min(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(flow: &Flow) -> Vec<f64> {
        flow.slices().iter().map(|slice| slice.bytes[0]).collect()
    }

    fn total(flow: &Flow) -> u64 {
        let total: f64 = bytes(flow).iter().sum();
        format!("{total:.0}").parse().expect("a number")
    }

    #[test]
    fn nothing_is_lost_when_slices_are_joined() {
        let mut flow = Flow::new();
        for at in 0..100_000 {
            flow.write(at, at, Stream::Stdout, 1);
        }
        assert!(flow.slices().len() <= Flow::MOST);
        assert_eq!(flow.width(), 256);
        assert!(bytes(&flow).iter().all(|bytes| *bytes <= 256.0));
        assert_eq!(total(&flow), 100_000);
        let few = flow.with_at_most(10);
        assert!((5..=10).contains(&few.slices().len()));
        assert_eq!(total(&few), 100_000);
    }

    #[test]
    fn output_that_took_a_while_is_spread() {
        let mut flow = Flow::new();
        flow.write(2, 5, Stream::Stdout, 10);
        assert_eq!(bytes(&flow), [0.0, 0.0, 2.5, 2.5, 2.5, 2.5]);
    }

    #[test]
    fn a_fuse_burns_until_the_deadline_and_the_most_burnt_counts() {
        let mut flow = Flow::new();
        let armed = Armed { since: 0, due: 4 };
        flow.burn(0, 3, Deadline::Idle, armed);
        let run = Armed {
            since: 0,
            due: 1000,
        };
        flow.burn(0, 5, Deadline::Run, run);
        let fuses: Vec<_> = flow
            .slices()
            .iter()
            .filter_map(|slice| slice.fuse)
            .collect();
        let idle = [250, 500, 750, 750].map(|passed| (passed, Deadline::Idle));
        assert_eq!(fuses[..4], idle);
        assert_eq!(fuses[4..], [(5, Deadline::Run), (5, Deadline::Run)]);
        assert_eq!(armed.passed(u64::MAX), 1000);
    }

    #[test]
    fn time_has_no_end() {
        let mut flow = Flow::new();
        flow.write(0, 0, Stream::Stderr, u64::MAX);
        flow.write(u64::MAX, u64::MAX, Stream::Stderr, u64::MAX);
        assert!(flow.slices().len() <= Flow::MOST);
        let armed = Armed {
            since: 0,
            due: u64::MAX,
        };
        flow.burn(0, u64::MAX, Deadline::Run, armed);
        let last = flow.slices().last().expect("a slice");
        assert_eq!(last.fuse, Some((1000, Deadline::Run)));
    }
}
