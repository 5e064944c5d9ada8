//! The order in which the children of a set have their turns.

use std::collections::VecDeque;

use childminder_driver::ChildId;

/// The children that have something to do: those first that have exited or have a deadline that is due, which takes
/// little time and happens once; then the longest waiting.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    urgent: VecDeque<ChildId>,
    others: VecDeque<ChildId>,
}

impl Queue {
    pub(crate) fn add(&mut self, child: ChildId) {
        self.others.push_back(child);
    }

    /// Before all that are not urgent.
    pub(crate) fn go_on_with(&mut self, child: ChildId) {
        self.others.push_front(child);
    }

    pub(crate) fn add_urgent(&mut self, child: ChildId) {
        self.urgent.push_back(child);
    }

    pub(crate) fn next(&mut self) -> Option<ChildId> {
        self.urgent.pop_front().or_else(|| self.others.pop_front())
    }

    pub(crate) fn len(&self) -> usize {
        self.urgent.len() + self.others.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
