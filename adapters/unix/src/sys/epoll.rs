//! What is readable among many descriptors, by `epoll(7)`.

use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

pub(crate) fn new() -> Result<OwnedFd, Errno> {
    epoll::create(CreateFlags::CLOEXEC)
}

pub(crate) fn add(queue: &OwnedFd, fd: BorrowedFd<'_>, key: u64) -> Result<(), Errno> {
    epoll::add(queue, fd, EventData::new_u64(key), EventFlags::IN)
}

pub(crate) fn remove(queue: &OwnedFd, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    epoll::delete(queue, fd)
}

pub(crate) fn add_writable(queue: &OwnedFd, fd: BorrowedFd<'_>, key: u64) -> Result<(), Errno> {
    let once = EventFlags::OUT | EventFlags::ET;
    epoll::add(queue, fd, EventData::new_u64(key), once)
}

pub(crate) fn remove_writable(queue: &OwnedFd, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    remove(queue, fd)
}

/// Hang-ups and errors are told unasked.
pub(crate) fn ready(queue: &OwnedFd, keys: &mut Vec<u64>) -> Result<(), Errno> {
    let mut events = [MaybeUninit::<Event>::uninit(); BATCH];
    let (events, _) = epoll::wait(queue, &mut events, Some(&NO_WAIT))?;
    keys.extend(events.iter().map(|event| event.data.u64()));
    Ok(())
}

pub(crate) const BATCH: usize = 256;
const NO_WAIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
