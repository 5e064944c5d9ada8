//! What a turn asks of the kernel.

use std::io;
use std::sync::Arc;

use childminder::{ExitStatus, Instant, Signal, Stream, Target};

use crate::answer::Mailbox;

/// One child, its output and the clock. No call but `reap` blocks, and that is for a dead child.
pub(crate) trait Kernel {
    /// What the descriptors are registered with.
    type Registry;

    /// What is there of this stream, which is open: some bytes of it, `WouldBlock`, or zero, its end.
    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize>;

    /// Closes our end of this stream, which is open, whatever the error.
    fn close(&mut self, stream: Stream, registry: &Self::Registry) -> io::Result<()>;

    /// The child is a zombie, and is to be one no longer.
    fn reap(&mut self) -> io::Result<()>;

    /// Nothing is waited for any more: closes what is still open, whatever the error.
    fn let_go(&mut self, registry: &Self::Registry) -> io::Result<()>;

    fn signal(&self, signal: Signal, target: Target) -> io::Result<()>;

    /// How many bytes of this stream, which is open, can be read now.
    fn waiting(&self, stream: Stream) -> io::Result<usize>;

    /// Whether our end of this stream is open.
    fn is_open(&self, stream: Stream) -> bool;

    fn exit_status(&self) -> io::Result<Option<ExitStatus>>;

    fn now(&self) -> Instant;

    fn mailbox(&self) -> &Arc<Mailbox>;
}

pub(crate) const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];
