//! What the selector calls what it watches.

use childminder_driver::{ChildId, Ready};

use crate::process::Source;

/// A child's source.
pub(crate) fn key_of(child: ChildId, source: Source) -> u64 {
    child.number() << 2 | source as u64
}

/// The child, and what of it is ready.
pub(crate) fn child_of(key: u64) -> Option<(ChildId, Ready)> {
    let ready = match key & 3 {
        0 => Ready::STDOUT,
        1 => Ready::STDERR,
        _ => Ready::EXIT,
    };
    Some((ChildId::new(key >> 2)?, ready))
}

/// The set's own. No child has the number zero.
pub(crate) const WAKEUP: u64 = 0;
pub(crate) const TIMER: u64 = 1;
