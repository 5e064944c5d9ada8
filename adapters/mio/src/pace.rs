//! How often a stream is read.

use std::mem;
use std::time::Duration;

use childminder::Instant;

/// Lets a stream rest after a short read, so that many small writes come in one read: for so long that the next read can
/// be expected to bring half of what a pipe holds, but for half a millisecond at most, and for less where the pipe has
/// become full meanwhile, since that holds up the child. What comes after a silence is read at once. Where rests bring
/// nothing more, as from a child that waits for an answer to each line, they become rare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// When it was read last.
    read_at: Instant,
    /// The end of the rest, if it rests.
    rests_until: Option<Instant>,
    /// The longest rest.
    longest: Duration,
    /// What the latest read brought that no rest came before.
    unrested: u32,
    /// So many reads are made without a rest, since the latest one was in vain.
    reads_left: u8,
    /// How many it was the last time.
    penalty: u8,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            read_at: Instant::ZERO,
            rests_until: None,
            longest: LONGEST,
            unrested: 0,
            reads_left: 0,
            penalty: 0,
        }
    }
}

impl Pace {
    /// Until when it rests, if it does.
    pub(crate) fn rests_until(&self) -> Option<Instant> {
        self.rests_until
    }

    /// Whether a rest is over. Then it is read.
    pub(crate) fn is_rested(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| until <= now)
    }

    /// It was read, and this came; `capacity` tells how much it holds.
    pub(crate) fn was_read(
        &mut self,
        now: Instant,
        bytes: usize,
        capacity: impl FnOnce() -> usize,
    ) {
        let span = now.since(mem::replace(&mut self.read_at, now));
        let brought = u32::try_from(bytes).unwrap_or(u32::MAX);
        let has_rested = self.rests_until.take().is_some();
        if has_rested {
            self.judge(span, brought, bytes >= capacity() / 4 * 3);
        } else {
            self.unrested = brought;
            if span > SILENCE || brought == 0 {
                return;
            }
        }
        if self.reads_left > 0 {
            self.reads_left -= 1;
            return;
        }
        let rest = (span.saturating_mul(ENOUGH) / brought.max(1)).min(self.longest);
        if rest >= SHORTEST {
            self.rests_until = Some(now.after(rest));
        } else if has_rested {
            self.was_in_vain();
        }
    }

    /// A rest is over, which brought this.
    fn judge(&mut self, rest: Duration, brought: u32, is_full: bool) {
        if is_full {
            self.longest = rest.min(self.longest) / 2;
            return;
        }
        self.longest = (self.longest * 2).min(LONGEST);
        if brought < self.unrested.saturating_mul(2) {
            self.was_in_vain();
        } else {
            self.penalty = 0;
        }
    }

    fn was_in_vain(&mut self) {
        self.longest = self.longest.max(SHORTEST);
        self.penalty = self.penalty.saturating_mul(2).clamp(8, 128);
        self.reads_left = self.penalty;
    }
}

/// A line after such a silence is read at once.
const SILENCE: Duration = Duration::from_millis(1);

/// What a read should bring, in bytes.
const ENOUGH: u32 = 32 * 1024;

/// A shorter rest would cost more than it saves.
const SHORTEST: Duration = Duration::from_micros(50);

const LONGEST: Duration = Duration::from_micros(500);

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads on, each time when the rest is over, or so much later; returns when the reads were, in microseconds.
    fn reads(
        pace: &mut Pace,
        start: u64,
        bytes_at: impl Fn(u64) -> usize,
        count: usize,
    ) -> Vec<u64> {
        let mut now = start;
        let mut times = Vec::new();
        let mut seen = 0;
        for _ in 0..count {
            times.push(now);
            let all = bytes_at(now);
            pace.was_read(at(now), all - seen, capacity);
            seen = all;
            now = pace.rests_until().map_or(now + 4, |until| until.0 / 1000);
        }
        times
    }

    fn capacity() -> usize {
        64 * 1024
    }

    fn at(micros: u64) -> Instant {
        Instant(micros * 1000)
    }

    #[test]
    fn a_line_after_a_silence_is_followed_by_no_rest() {
        let mut pace = Pace::default();
        for n in 1..100 {
            pace.was_read(at(n * 1001), 64, capacity);
            assert_eq!(pace.rests_until(), None, "{n}");
        }
    }

    #[test]
    fn a_burst_of_lines_is_read_in_few_reads_and_none_rests_longer_than_half_a_millisecond() {
        let mut pace = Pace::default();
        // Sixty-four bytes each microsecond.
        let times = reads(
            &mut pace,
            5000,
            |now| usize::try_from(now).unwrap() * 64,
            22,
        );
        assert!(times[21] > 5000 + 20 * 400, "{times:?}");
        assert!(
            times.windows(2).all(|pair| pair[1] - pair[0] <= 500),
            "{times:?}"
        );
    }

    #[test]
    fn nothing_is_not_followed_by_a_rest() {
        let mut pace = Pace::default();
        pace.was_read(at(5000), 64, capacity);
        pace.was_read(at(5300), 0, capacity);
        assert_eq!(pace.rests_until(), None);
    }

    #[test]
    fn rests_in_which_the_pipe_becomes_full_become_short_and_rare() {
        let mut pace = Pace::default();
        // A page comes at once, and in a rest whatever the pipe holds.
        let mut now = 5000;
        let mut lost = 0;
        for _ in 0..1000 {
            let rest = pace.rests_until().map_or(0, |until| until.0 / 1000 - now);
            lost += rest;
            now += rest.max(100);
            let bytes = if rest > 0 { capacity() } else { 4096 };
            pace.was_read(at(now), bytes, capacity);
        }
        assert!(lost < 2000, "{lost} us");

        // What writes little by little afterwards is given its rests again.
        let mut reads = 0;
        let start = now;
        while now < start + 100_000 {
            let rest = pace.rests_until().map_or(0, |until| until.0 / 1000 - now);
            let since = rest.max(4);
            now += since;
            pace.was_read(at(now), usize::try_from(since).unwrap() * 64, capacity);
            reads += 1;
        }
        assert!(reads < 1000, "{reads}");
    }

    #[test]
    fn a_pipe_that_was_full_is_left_alone_for_as_long_as_it_takes_to_become_half_full() {
        let mut pace = Pace::default();
        // Sixty-four bytes at once, and then four hundred of them each microsecond.
        let mut now = 5000;
        let mut rests = Vec::new();
        for _ in 0..100 {
            let rest = pace.rests_until().map_or(0, |until| until.0 / 1000 - now);
            rests.push(rest);
            now += rest.max(10);
            let written = usize::try_from(rest * 400).unwrap();
            pace.was_read(at(now), written.clamp(64, capacity()), capacity);
        }
        assert!(
            rests[50..].iter().all(|rest| (60..125).contains(rest)),
            "{rests:?}"
        );
    }

    #[test]
    fn a_flood_does_not_rest() {
        let mut pace = Pace::default();
        // Four kilobytes each microsecond.
        let times = reads(
            &mut pace,
            5000,
            |now| usize::try_from(now).unwrap() * 4096,
            1000,
        );
        assert!(times[999] < 5000 + 999 * 5, "{times:?}");
    }

    #[test]
    fn rests_that_bring_no_more_become_rare() {
        let mut pace = Pace::default();
        let mut rests = 0;
        let mut now = 5000;
        for _ in 0..1000 {
            // One line a read, whenever that is.
            pace.was_read(at(now), 64, capacity);
            now += match pace.rests_until() {
                Some(_) => 500,
                None => 20,
            };
            rests += u32::from(pace.rests_until().is_some());
        }
        assert!(rests < 16, "{rests}");
    }

    #[test]
    fn one_rest_that_brings_more_makes_up_for_all_that_were_in_vain() {
        let mut pace = Pace::default();
        let mut now = 5000;
        // How many reads there are until the next rest, that included; this is what a rest brings.
        let mut reads_until_a_rest = |after_a_rest: usize| {
            let mut bytes = after_a_rest;
            for reads in 1.. {
                pace.was_read(at(now), bytes, capacity);
                bytes = 64;
                if pace.rests_until().is_some() {
                    now += 500;
                    return reads;
                }
                now += 20;
            }
            unreachable!("it rests at some time");
        };
        for _ in 0..10 {
            reads_until_a_rest(64);
        }
        assert!(reads_until_a_rest(64) > 100);
        reads_until_a_rest(6400);
        assert!(reads_until_a_rest(64) < 20);
    }

    #[test]
    fn a_rest_ends_when_it_is_over_and_with_a_read() {
        let mut pace = Pace::default();
        pace.was_read(at(5000), 64, capacity);
        pace.was_read(at(5010), 64, capacity);
        let until = pace.rests_until().expect("a rest");
        assert!(!pace.is_rested(at(5011)));
        assert!(pace.is_rested(until));
        pace.was_read(until, 0, capacity);
        assert_eq!(pace.rests_until(), None);
    }
}
