//! The signals that we are sent, for the loop, and for a handler that cannot wait for the loop.

use std::cell::RefCell;
use std::io;
use std::mem;
use std::rc::Rc;
use std::time::{Duration, Instant};

use childminder::Signal;
use childminder_unix::{Arrival, Arrivals};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::left_until;

#[derive(Clone, Debug)]
pub(crate) struct SharedArrivals(Rc<RefCell<Queue>>);

#[derive(Debug)]
struct Queue {
    arrivals: Arrivals,
    /// Those that have been seen, and are still the loop's to take.
    seen: Vec<Arrival>,
}

impl SharedArrivals {
    pub(super) fn new(arrivals: Arrivals) -> Self {
        let seen = Vec::new();
        Self(Rc::new(RefCell::new(Queue { arrivals, seen })))
    }

    pub(super) fn add(&self, signals: impl IntoIterator<Item = Signal>) -> io::Result<()> {
        self.0.borrow_mut().arrivals.add(signals)
    }

    /// Whether there are some of which nothing wakes the loop.
    pub(super) fn have_been_seen(&self) -> bool {
        !self.0.borrow().seen.is_empty()
    }

    pub(super) fn take(&self) -> Vec<Arrival> {
        let mut all = self.take_seen();
        all.extend(self.0.borrow_mut().arrivals.take());
        all
    }

    pub(super) fn take_seen(&self) -> Vec<Arrival> {
        mem::take(&mut self.0.borrow_mut().seen)
    }

    /// Waits until `choose` chooses one of those that have come, or until this time is over. All of them are still the
    /// loop's to take.
    pub(crate) fn wait_for<T>(
        &self,
        patience: Duration,
        choose: impl Fn(&[Arrival]) -> Option<T>,
    ) -> Option<T> {
        let queue = &mut *self.0.borrow_mut();
        let until = Instant::now() + patience;
        loop {
            queue.seen.extend(queue.arrivals.take());
            let chosen = choose(&queue.seen);
            let left = left_until(until);
            if chosen.is_some() || left.is_zero() {
                return chosen;
            }
            let mut fds = [PollFd::new(&queue.arrivals, PollFlags::IN)];
            // An error is as good as an event: the time is limited.
            let _ = poll(&mut fds, Timespec::try_from(left).ok().as_ref());
        }
    }
}
