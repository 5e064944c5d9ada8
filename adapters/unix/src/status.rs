//! What the kernel says of a child and of a signal.

use std::time::Duration;

use childminder::Signal;

/// What a child has used (`getrusage(2)`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time on the processor in the child's own code.
    pub user: Duration,
    /// Time on the processor in the kernel.
    pub system: Duration,
    /// The most memory that it, or the largest of its descendants, had resident, in bytes. What we had
    /// when we spawned it counts, as the kernel has it.
    pub peak_memory: u64,
}

/// What job control did to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobChange {
    /// This signal stopped it.
    Stopped(Signal),
    /// It goes on.
    Continued,
}

/// What became of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// The kernel took it. For a group, that means that it has a member, if only the dead leader
    /// that is not yet reaped.
    Sent,
    /// There was nothing to send it to: the leader is dead, the group has no member, or the child was
    /// reaped. Nothing was sent.
    Gone,
}
