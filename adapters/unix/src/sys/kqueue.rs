//! What is readable among many descriptors, by `kqueue(2)`.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::ptr;
use std::time::Duration;

use rustix::event::kqueue::{Event, EventFilter, EventFlags, kevent, kqueue};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

pub(crate) fn new() -> Result<OwnedFd, Errno> {
    let queue = kqueue()?;
    fcntl_setfd(&queue, FdFlags::CLOEXEC)?;
    Ok(queue)
}

pub(crate) fn add(queue: &OwnedFd, fd: BorrowedFd<'_>, key: u64) -> Result<(), Errno> {
    change(
        queue,
        EventFilter::Read(fd.as_raw_fd()),
        EventFlags::ADD,
        key,
    )
}

pub(crate) fn remove(queue: &OwnedFd, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    change(
        queue,
        EventFilter::Read(fd.as_raw_fd()),
        EventFlags::DELETE,
        0,
    )
}

pub(crate) fn add_writable(queue: &OwnedFd, fd: BorrowedFd<'_>, key: u64) -> Result<(), Errno> {
    let once = EventFlags::ADD | EventFlags::CLEAR;
    change(queue, EventFilter::Write(fd.as_raw_fd()), once, key)
}

pub(crate) fn remove_writable(queue: &OwnedFd, fd: BorrowedFd<'_>) -> Result<(), Errno> {
    change(
        queue,
        EventFilter::Write(fd.as_raw_fd()),
        EventFlags::DELETE,
        0,
    )
}

/// The end of a stream is an event of its read filter.
pub(crate) fn ready(queue: &OwnedFd, keys: &mut Vec<u64>) -> Result<(), Errno> {
    let mut events = [MaybeUninit::<Event>::uninit(); BATCH];
    // SAFETY: no change is made, so no descriptor is referred to.
    #[expect(unsafe_code, reason = "rustix has no safe wrapper of `kevent`")]
    let (events, _) = unsafe { kevent(queue, &[], &mut events, Some(Duration::ZERO)) }?;
    keys.extend(events.iter().map(|event| event.udata().addr() as u64));
    Ok(())
}

fn change(queue: &OwnedFd, filter: EventFilter, flags: EventFlags, key: u64) -> Result<(), Errno> {
    let key = usize::try_from(key).map_err(|_| Errno::INVAL)?;
    let change = Event::new(filter, flags, ptr::without_provenance_mut(key));
    let mut no_events = [MaybeUninit::<Event>::uninit(); 0];
    // SAFETY: the descriptor is open during the call, and a queue forgets a descriptor when it is closed. The
    // key is a number and never used as a pointer.
    #[expect(unsafe_code, reason = "rustix has no safe wrapper of `kevent`")]
    unsafe { kevent(queue, &[change], &mut no_events, Some(Duration::ZERO)) }?;
    Ok(())
}

pub(crate) const BATCH: usize = 256;
