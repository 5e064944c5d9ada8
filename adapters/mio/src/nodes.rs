//! The children of a set, by id.

use childminder_driver::{ChildId, Handler};

use crate::node::Node;

/// A list in the order of the ids, which is that of starting: sixteen bytes a child, found where it must be without gaps, or by halves. A child
/// that leaves leaves a gap; the gaps are closed when they are more than the children.
pub(crate) struct Nodes<H: Handler> {
    list: Vec<(ChildId, Option<Box<Node<H>>>)>,
    gaps: usize,
}

impl<H: Handler> Nodes<H> {
    pub(crate) const fn new() -> Self {
        Self {
            list: Vec::new(),
            gaps: 0,
        }
    }

    /// Adds a child whose id is above all others.
    pub(crate) fn push(&mut self, id: ChildId, node: Box<Node<H>>) {
        self.list.push((id, Some(node)));
    }

    pub(crate) fn remove(&mut self, id: ChildId) -> Option<Node<H>> {
        let place = self.find(id)?;
        let node = self.list[place].1.take()?;
        self.gaps += 1;
        if self.gaps > self.list.len() / 2 {
            self.list.retain(|(_, node)| node.is_some());
            self.gaps = 0;
        }
        Some(*node)
    }

    pub(crate) fn get_mut(&mut self, id: ChildId) -> Option<&mut Node<H>> {
        let place = self.find(id)?;
        self.list[place].1.as_deref_mut()
    }

    pub(crate) fn get(&self, id: ChildId) -> Option<&Node<H>> {
        self.list[self.find(id)?].1.as_deref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChildId, &Node<H>)> {
        self.list
            .iter()
            .filter_map(|(id, node)| Some((*id, node.as_deref()?)))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Node<H>> {
        self.list
            .iter_mut()
            .filter_map(|(_, node)| node.as_deref_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len() - self.gaps
    }

    fn find(&self, id: ChildId) -> Option<usize> {
        let (first, _) = self.list.first()?;
        let place = usize::try_from(id.number().checked_sub(first.number())?).ok()?;
        if self.list.get(place).is_some_and(|(there, _)| *there == id) {
            return Some(place);
        }
        // Gaps that were closed have moved it forward.
        let before = &self.list[..place.min(self.list.len())];
        before.binary_search_by_key(&id, |(id, _)| *id).ok()
    }
}
