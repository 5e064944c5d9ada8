//! When to look at which child's deadlines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use childminder::Instant;
use childminder_driver::ChildId;

/// A heap of alarms, the earliest first. One that is not wanted any more stays until its time or until the
/// unwanted are more than the others: to take it out at once would cost a search.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    heap: BinaryHeap<Reverse<(Instant, ChildId)>>,
    unwanted: usize,
}

impl Alarms {
    pub(crate) fn add(&mut self, at: Instant, child: ChildId) {
        self.heap.push(Reverse((at, child)));
    }

    /// An alarm of some child's is not wanted any more. `is_wanted` tells of each.
    pub(crate) fn forget_one(&mut self, is_wanted: impl Fn(Instant, ChildId) -> bool) {
        self.unwanted += 1;
        if self.unwanted > self.heap.len() / 2 {
            self.heap
                .retain(|Reverse((at, child))| is_wanted(*at, *child));
            self.unwanted = 0;
        }
    }

    /// Takes the next alarm that is due, with its time. It may be an unwanted one.
    pub(crate) fn next_due(&mut self, now: Instant) -> Option<(Instant, ChildId)> {
        if self.first()? > now {
            return None;
        }
        let Reverse(due) = self.heap.pop()?;
        Some(due)
    }

    /// An unwanted one went off.
    pub(crate) fn forgotten(&mut self) {
        self.unwanted = self.unwanted.saturating_sub(1);
    }

    /// When the next alarm is due.
    pub(crate) fn first(&self) -> Option<Instant> {
        let Reverse((at, _)) = self.heap.peek()?;
        Some(*at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_of_children_that_have_ended_do_not_pile_up() {
        let mut alarms = Alarms::default();
        let mut child = ChildId::FIRST;
        for _ in 0..10_000 {
            alarms.add(Instant(1 << 40), child);
            alarms.forget_one(|_, _| false);
            child = child.next();
        }
        assert!(alarms.heap.len() <= 2, "{}", alarms.heap.len());
    }

    #[test]
    fn they_come_in_the_order_of_their_times() {
        let mut alarms = Alarms::default();
        let [first, second] = [ChildId::FIRST, ChildId::FIRST.next()];
        alarms.add(Instant(7), first);
        alarms.add(Instant(5), second);
        alarms.add(Instant(9), second);
        assert_eq!(alarms.first(), Some(Instant(5)));
        assert_eq!(alarms.next_due(Instant(8)), Some((Instant(5), second)));
        assert_eq!(alarms.next_due(Instant(8)), Some((Instant(7), first)));
        assert_eq!(alarms.next_due(Instant(8)), None);
    }
}
