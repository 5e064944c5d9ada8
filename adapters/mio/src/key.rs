//! What the selector calls what it watches.

use childminder::Stream;
use childminder_driver::{ChildId, Ready};

use crate::process::Source;

/// What a key tells of.
pub(crate) enum Told {
    /// A child's source is ready.
    Ready(ChildId, Ready),
    /// There is room where this stream is forwarded to.
    Room(ChildId, Stream),
    /// There is room for the child's input, or nothing reads it any more.
    Input(ChildId),
    /// A child says something of itself.
    Vouch(ChildId),
}

/// A child's source.
pub(crate) fn key_of(child: ChildId, source: Source) -> u64 {
    child.number() << BITS | source as u64
}

/// The way of a child's stream.
pub(crate) fn room_key_of(child: ChildId, stream: Stream) -> u64 {
    child.number() << BITS | ROOM | stream as u64
}

/// A child's input.
pub(crate) fn input_key_of(child: ChildId) -> u64 {
    child.number() << BITS | INPUT
}

/// A child's notify socket.
pub(crate) fn vouch_key_of(child: ChildId) -> u64 {
    child.number() << BITS | VOUCH
}

/// None for a key of the set's own.
pub(crate) fn told_by(key: u64) -> Option<Told> {
    let child = ChildId::new(key >> BITS)?;
    Some(match key & 7 {
        0 => Told::Ready(child, Ready::STDOUT),
        1 => Told::Ready(child, Ready::STDERR),
        2 => Told::Ready(child, Ready::EXIT),
        INPUT => Told::Input(child),
        VOUCH => Told::Vouch(child),
        key if key & 1 == 0 => Told::Room(child, Stream::Stdout),
        _ => Told::Room(child, Stream::Stderr),
    })
}

const BITS: u32 = 3;
const INPUT: u64 = 3;
const ROOM: u64 = 4;
const VOUCH: u64 = 6;

/// The set's own. No child has the number zero.
pub(crate) const WAKEUP: u64 = 0;
pub(crate) const TIMER: u64 = 1;
