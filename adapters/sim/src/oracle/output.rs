//! What the supervisor has read.

use childminder::Stream;

use crate::oracle::Mark;
use crate::process::index;

#[derive(Debug, Default)]
pub(super) struct Output {
    /// Whether there was any, or word that the child is ready.
    pub(super) begun: bool,
    /// The latest activity.
    pub(super) active: Mark,
    ended: [bool; 2],
}

impl Output {
    pub(super) fn end(&mut self, stream: Stream) {
        self.ended[index(stream)] = true;
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended == [true; 2]
    }
}
