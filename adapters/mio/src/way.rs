//! The way of a child's output inside the kernel.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use childminder::Instant;
use childminder_driver::Forwarded;
use childminder_unix::{Moved, Pipe, Relay, Selector};

/// From a child's pipe to the target of a relay.
#[derive(Debug)]
pub(crate) struct Way {
    relay: Arc<Relay>,
    sight: Sight,
    room: Room,
    is_watched: bool,
}

/// Whether the target has room, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Perhaps,
    None,
    /// None, and until then it is waited for.
    NoneUntil(Instant),
    /// It has been waited for in vain: the relay takes what comes next.
    Overdue,
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
            room: Room::Perhaps,
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
        if std::mem::replace(&mut self.room, Room::Perhaps) == Room::Overdue {
            return None;
        }
        let (moved, forwarded): (_, fn(usize) -> Forwarded) = match self.sight {
            Sight::Seen => match self.relay.copy_from(pipe, buffer) {
                Ok(moved) => (moved, Forwarded::Seen),
                Err(error) => return Some(Err(error)),
            },
            Sight::Unseen => (self.relay.move_from(pipe, most), Forwarded::Unseen),
        };
        match moved {
            Moved::Bytes(length) => Some(Ok(forwarded(length))),
            Moved::Full => {
                self.room = Room::None;
                Some(Err(io::ErrorKind::WouldBlock.into()))
            }
            Moved::Nothing => Some(Err(io::ErrorKind::WouldBlock.into())),
            Moved::Impossible => None,
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        matches!(self.room, Room::None | Room::NoneUntil(_))
    }

    /// There is room; whether it was waited for.
    pub(crate) fn unblock(&mut self) -> bool {
        let was_blocked = self.is_blocked();
        if was_blocked {
            self.room = Room::Perhaps;
        }
        was_blocked
    }

    /// Waits for room from now on, if there is none.
    pub(crate) fn begin_waiting(&mut self, now: Instant) {
        if self.room == Room::None {
            self.room = Room::NoneUntil(now.after(PATIENCE));
        }
    }

    pub(crate) fn waits_until(&self) -> Option<Instant> {
        match self.room {
            Room::NoneUntil(until) => Some(until),
            _ => None,
        }
    }

    /// Whether room has been waited for in vain; then it is waited for no more.
    pub(crate) fn end_waiting(&mut self, now: Instant) -> bool {
        let is_overdue = self.waits_until().is_some_and(|until| until <= now);
        if is_overdue {
            self.room = Room::Overdue;
        }
        is_overdue
    }

    /// Room is told of once each time that there is some again, so the selector is asked once, when it is needed for the
    /// first time.
    pub(crate) fn watch(&mut self, selector: &Selector, key: u64) -> io::Result<()> {
        if self.is_blocked() && !self.is_watched {
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

/// A reader that has made no room for so long stands still. What its child writes then is kept for it by the relay, so
/// that the child can go on, and end.
const PATIENCE: Duration = Duration::from_millis(10);
