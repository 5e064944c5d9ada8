//! The way of a child's output inside the kernel.

use std::io;
use std::sync::Arc;

use childminder_driver::Forwarded;
use childminder_unix::{Moved, Pipe, Relay, Selector};

/// From a child's pipe to the target of a relay.
#[derive(Debug)]
pub(crate) struct Way {
    relay: Arc<Relay>,
    sight: Sight,
    is_blocked: bool,
    is_watched: bool,
}

/// Whether the handler looks at the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    Seen,
    Unseen,
}

impl Way {
    pub(crate) fn new(relay: Arc<Relay>, sight: Sight) -> Self {
        Self {
            relay,
            sight,
            is_blocked: false,
            is_watched: false,
        }
    }

    /// As [`Kernel::forward`](childminder_driver::Kernel::forward) has it.
    pub(crate) fn take(
        &mut self,
        pipe: &Pipe,
        most: usize,
        buffer: &mut [u8],
    ) -> Option<io::Result<Forwarded>> {
        let (moved, forwarded): (_, fn(usize) -> Forwarded) = match self.sight {
            Sight::Seen => (self.relay.copy_from(pipe, buffer), Forwarded::Seen),
            Sight::Unseen => (self.relay.move_from(pipe, most), Forwarded::Unseen),
        };
        self.is_blocked = moved == Moved::Full;
        match moved {
            Moved::Bytes(length) => Some(Ok(forwarded(length))),
            Moved::Full => Some(Err(io::ErrorKind::WouldBlock.into())),
            Moved::Impossible => None,
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.is_blocked
    }

    /// There is room; whether it was waited for.
    pub(crate) fn unblock(&mut self) -> bool {
        std::mem::take(&mut self.is_blocked)
    }

    /// Room is told of once each time that there is some again, so the selector is asked once, when it is needed for the
    /// first time.
    pub(crate) fn watch(&mut self, selector: &Selector, key: u64) -> io::Result<()> {
        if self.is_blocked && !self.is_watched {
            selector.add_writable(&*self.relay, key)?;
            self.is_watched = true;
        }
        Ok(())
    }

    pub(crate) fn end(&self, selector: &Selector) {
        if self.is_watched {
            // It is watched, so the selector knows it; an error would leave an event too many.
            let _ = selector.remove_writable(&*self.relay);
        }
    }
}
