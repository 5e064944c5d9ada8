//! Writes that do not wait, to descriptors that would: they are shared, and must not be made non-blocking.

use std::io::IoSlice;
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::{FileType, fstat};
use rustix::io::{Errno, ReadWriteFlags, pwritev2};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, pipe_with, splice, tee};

/// Writes what there is room for. Of what is no pipe, sockets know this since Linux 6.4, and a few kinds of files; the
/// others refuse.
pub(crate) fn write_at_once(to: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    let here = u64::MAX;
    match pwritev2(to, &[IoSlice::new(bytes)], here, ReadWriteFlags::NOWAIT) {
        Err(Errno::OPNOTSUPP) if is_pipe(to)? => write_by_way_of_a_pipe(to, bytes),
        result => result,
    }
}

/// A pipe does not take a write that does not wait before Linux 6.5, nor once something was spliced into it.
fn write_by_way_of_a_pipe(to: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, Errno> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let written = rustix::io::write(writer, bytes)?;
    // What is left there is dropped, as not written.
    splice_at_once(reader.as_fd(), to, written)
}

fn is_pipe(fd: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(fd)?.st_mode) == FileType::Fifo)
}

/// Moves what there is, and room for, from one pipe to another.
pub(crate) fn splice_at_once(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    most: usize,
) -> Result<usize, Errno> {
    splice(
        from,
        None,
        to,
        None,
        most,
        SpliceFlags::NONBLOCK | SpliceFlags::MOVE,
    )
}

/// The same, and leaves it where it is, too.
pub(crate) fn tee_at_once(
    from: BorrowedFd<'_>,
    to: BorrowedFd<'_>,
    most: usize,
) -> Result<usize, Errno> {
    tee(from, to, most, SpliceFlags::NONBLOCK)
}

/// How much it holds, in bytes; none if it is no pipe.
pub(crate) fn pipe_capacity(pipe: BorrowedFd<'_>) -> Option<usize> {
    fcntl_getpipe_size(pipe).ok()
}
