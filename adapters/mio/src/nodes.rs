//! The children of a set, by id.

use std::mem;

use childminder_driver::{ChildId, Handler};

use crate::node::Node;

/// A list in the order of the ids, which is that of starting, found where it must be without gaps, or by halves. A child
/// that leaves leaves a gap; the gaps are closed when they are more than the children.
pub(crate) struct Nodes<H: Handler> {
    list: Vec<Place<H>>,
    gaps: usize,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a box would add its pointer and what the allocator puts beside it, and gaps are closed"
)]
enum Place<H: Handler> {
    Taken(Node<H>),
    Gap(ChildId),
}

impl<H: Handler> Nodes<H> {
    pub(crate) const fn new() -> Self {
        Self {
            list: Vec::new(),
            gaps: 0,
        }
    }

    /// Adds a child whose id is above all others.
    pub(crate) fn push(&mut self, node: Node<H>) {
        self.list.push(Place::Taken(node));
    }

    pub(crate) fn remove(&mut self, id: ChildId) -> Option<Node<H>> {
        let index = self.find(id)?;
        let Place::Taken(node) = mem::replace(&mut self.list[index], Place::Gap(id)) else {
            return None;
        };
        self.gaps += 1;
        if self.gaps > self.list.len() / 2 {
            self.list.retain(|place| place.node().is_some());
            self.list.shrink_to(2 * self.list.len());
            self.gaps = 0;
        }
        Some(node)
    }

    pub(crate) fn get_mut(&mut self, id: ChildId) -> Option<&mut Node<H>> {
        let index = self.find(id)?;
        self.list[index].node_mut()
    }

    pub(crate) fn get(&self, id: ChildId) -> Option<&Node<H>> {
        self.list[self.find(id)?].node()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node<H>> {
        self.list.iter().filter_map(Place::node)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Node<H>> {
        self.list.iter_mut().filter_map(Place::node_mut)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len() - self.gaps
    }

    fn find(&self, id: ChildId) -> Option<usize> {
        let first = self.list.first()?.id();
        let index = usize::try_from(id.number().checked_sub(first.number())?).ok()?;
        if self.list.get(index).is_some_and(|place| place.id() == id) {
            return Some(index);
        }
        // Gaps that were closed have moved it forward.
        let before = &self.list[..index.min(self.list.len())];
        before.binary_search_by_key(&id, Place::id).ok()
    }
}

impl<H: Handler> Place<H> {
    fn id(&self) -> ChildId {
        match self {
            Self::Taken(node) => node.driver.id(),
            Self::Gap(id) => *id,
        }
    }

    fn node(&self) -> Option<&Node<H>> {
        match self {
            Self::Taken(node) => Some(node),
            Self::Gap(_) => None,
        }
    }

    fn node_mut(&mut self) -> Option<&mut Node<H>> {
        match self {
            Self::Taken(node) => Some(node),
            Self::Gap(_) => None,
        }
    }
}
