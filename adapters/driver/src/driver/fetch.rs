//! One piece of output, out of the kernel.

use std::io;

use childminder::Stream;

use super::Turn;
use crate::Handler;
use crate::kernel::{Forwarded, Kernel};

/// What has come of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brought {
    pub(super) length: usize,
    /// How much could have come.
    pub(super) asked: usize,
    pub(super) way: Way,
}

/// How it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Read,
    ForwardedSeen,
    ForwardedUnseen,
}

/// What is done about output that cannot be forwarded for want of room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    /// It is left where it is.
    Waits,
    /// It is read.
    Due,
}

/// Takes at most so much of this stream: by forwarding it, if the kernel can.
pub(super) fn fetch<H: Handler, K: Kernel>(
    turn: &mut Turn<'_, H, K>,
    stream: Stream,
    most: usize,
    urgency: Urgency,
) -> io::Result<Brought> {
    let buffer = &mut turn.shared.buffer;
    let room = most.min(buffer.len());
    let buffer = &mut buffer[..room];
    let (length, asked, way) = match turn.kernel.forward(stream, most, buffer) {
        Some(Ok(Forwarded::Seen(length))) => (length, room, Way::ForwardedSeen),
        Some(Ok(Forwarded::Unseen(length))) => (length, most, Way::ForwardedUnseen),
        Some(Err(error)) if urgency == Urgency::Waits || !is_for_want_of_room(&error) => {
            return Err(error);
        }
        Some(Err(_)) | None => (turn.kernel.read(stream, buffer)?, room, Way::Read),
    };
    Ok(Brought { length, asked, way })
}

fn is_for_want_of_room(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
