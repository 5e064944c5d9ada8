//! A fork that runs on in our own program, and process groups that are killed whatever becomes of their numbers.

use std::ffi::CStr;
use std::fs;
use std::io::{self, PipeReader, PipeWriter, Write as _};
use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid, setpgid};

/// Forks a child that runs `work` and ends, in a process group of its own and with all signals blocked. It has our
/// memory as it is now, and shares none: the out-of-memory killer kills all that share it.
///
/// Waits for children do not see it, nor does its death send SIGCHLD: only [`end_unseen`] waits for it.
///
/// An error where this process has other threads: one of them may hold a lock that nothing in the child would release.
pub(crate) fn fork_unseen(mut work: impl FnMut()) -> io::Result<u32> {
    if has_other_threads()? {
        return Err(io::Error::other("this process has other threads"));
    }
    let mut stack = vec![0; STACK];
    let body = Box::new(|| {
        work();
        0
    });
    // A signal to our group must not end it before it has left.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: the child has a copy of all our memory, the stack included, and no other thread is there that could have
    // left it in disorder. It ends when the closure returns.
    #[expect(unsafe_code, reason = "no crate has a safe fork")]
    let forked = unsafe { nix::sched::clone(body, &mut stack, CloneFlags::empty(), None) };
    before.thread_set_mask()?;
    let child = forked?;
    // The child does this too; now it is done when either goes on.
    let _ = setpgid(child, child);
    let child = child.as_raw().unsigned_abs();
    UNSEEN.store(child, Ordering::Relaxed);
    Ok(child)
}

/// Whether there is a child of [`fork_unseen`].
pub(crate) fn has_unseen() -> bool {
    !is_unseen(NONE)
}

/// Whether this is the child of [`fork_unseen`], which none of our other children must be taken for.
pub(crate) fn is_unseen(pid: u32) -> bool {
    UNSEEN.load(Ordering::Relaxed) == pid
}

/// Kills a child of [`fork_unseen`], or asks it to end by `ask`, should the kernel refuse; and reaps it.
pub(crate) fn end_unseen(child: u32, ask: impl FnOnce() -> io::Result<()>) {
    let child = Pid::from_raw(child.cast_signed());
    if kill(child, Signal::SIGKILL).is_ok() || ask().is_ok() {
        while waitpid(child, Some(WaitPidFlag::__WALL)) == Err(Errno::EINTR) {}
    }
    UNSEEN.store(NONE, Ordering::Relaxed);
}

/// For a child of [`fork_unseen`]: out of the way of what is done to our group and to our directory, and no more to be
/// taken for this process by its name, its arguments and its environment.
pub(crate) fn step_aside(name: &CStr, title: &str) {
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    let _ = std::env::set_current_dir("/");
    let _ = prctl::set_name(name);
    overwrite_arguments(title);
}

/// Puts `title` in place of the arguments, as far as there is room, and nothing in place of the environment: the kernel
/// shows both from where it put them at the start, one string behind the other. Does nothing where they are elsewhere.
fn overwrite_arguments(title: &str) {
    #[expect(unsafe_code, reason = "the C library has them, and no crate")]
    unsafe extern "C" {
        static program_invocation_name: *mut libc::c_char;
        static environ: *mut *mut libc::c_char;
    }
    let lengths = std::env::args_os().map(|argument| argument.len() + 1);
    let room: usize = lengths.sum();
    let mut shown = title.as_bytes().to_vec();
    // The last byte stays a zero, or the kernel takes the environment for more arguments.
    shown.truncate(room.saturating_sub(1));
    shown.resize(room, 0);
    // SAFETY: the C library sets both variables before `main`. The first argument, with all others, ends where the first
    // string of the environment begins: so both are where the kernel put them, in memory that is ours to write. Of the
    // other strings, only those that follow without a gap are touched. No other thread is there.
    #[expect(
        unsafe_code,
        reason = "nothing else tells where they are without `/proc`"
    )]
    unsafe {
        let (arguments, mut string) = (program_invocation_name, environ);
        if string.is_null() || arguments.wrapping_add(room) != *string {
            return;
        }
        arguments
            .cast::<u8>()
            .copy_from_nonoverlapping(shown.as_ptr(), room);
        let mut next = *string;
        while !next.is_null() && *string == next {
            let length = libc::strlen(next);
            next.write_bytes(0, length);
            next = next.add(length + 1);
            string = string.add(1);
        }
    }
}

/// Closes all descriptors but these, whatever owns them.
pub(crate) fn close_all_but(kept: &[BorrowedFd<'_>]) {
    let mut kept: Vec<_> = kept
        .iter()
        .map(|fd| fd.as_raw_fd().unsigned_abs())
        .collect();
    kept.sort_unstable();
    let mut first = 0;
    for fd in kept {
        if fd > first {
            close_range(first, fd - 1);
        }
        first = fd + 1;
    }
    close_range(first, u32::MAX);
}

/// A process group that can be killed. The kernel remembers the group itself, as the owner of a descriptor
/// (`F_SETOWN`), and not its number: a group that is given the same number later is out of reach. What aims is shared
/// with a fork, which fires.
#[derive(Debug)]
pub(crate) struct GroupHandle {
    reader: PipeReader,
    writer: PipeWriter,
}

impl GroupHandle {
    pub(crate) fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        Ok(Self { reader, writer })
    }

    /// What a child [aims](aim_at_own_group) at its group.
    pub(crate) fn sight(&self) -> io::Result<OwnedFd> {
        self.reader.as_fd().try_clone_to_owned()
    }

    /// Sends SIGKILL to the members of the group, by a write that the owner is to be told of by this signal.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        fcntl(&self.reader, F_SETSIG, libc::SIGKILL)?;
        fcntl(&self.reader, libc::F_SETFL, libc::O_ASYNC)?;
        self.writer.write_all(&[0])
    }

    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.reader.as_fd(), self.writer.as_fd()]
    }
}

/// In a child that leads its group: this group is the one. Async-signal-safe.
pub(crate) fn aim_at_own_group(sight: &OwnedFd) -> Result<(), rustix::io::Errno> {
    let aimed = fcntl(sight, libc::F_SETOWN, -getpid().as_raw());
    aimed.map_err(|errno| rustix::io::Errno::from_raw_os_error(errno as i32))
}

fn fcntl(pipe: &impl AsRawFd, command: i32, value: i32) -> Result<(), Errno> {
    // SAFETY: these commands take a number and touch no memory of ours.
    #[expect(unsafe_code, reason = "no crate wraps F_SETOWN and F_SETSIG")]
    let result = unsafe { libc::fcntl(pipe.as_raw_fd(), command, value) };
    Errno::result(result).map(drop)
}

fn close_range(first: u32, last: u32) {
    // SAFETY: the numbers are of descriptors that nothing in this process uses any more, and no memory is touched.
    #[expect(
        unsafe_code,
        reason = "the owners of these descriptors are of no use here"
    )]
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } == 0;
    if closed {
        return;
    }
    // Before Linux 5.9.
    let open = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let end = open.current.map_or(MANY, |limit| limit.min(MANY));
    for fd in u64::from(first)..=u64::from(last).min(end) {
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "as above")]
        unsafe {
            libc::close(RawFd::try_from(fd).unwrap_or(-1));
        }
    }
}

/// `unshare(2)`: threads can be asked for only by a process that has no other, and then it does nothing. A sandbox may
/// forbid to ask.
fn has_other_threads() -> io::Result<bool> {
    match unshare(CloneFlags::CLONE_THREAD) {
        Ok(()) => Ok(false),
        Err(Errno::EINVAL) => Ok(true),
        Err(_) => Ok(fs::read_dir("/proc/self/task")?.count() > 1),
    }
}

/// The child of [`fork_unseen`]; there is one at most.
static UNSEEN: AtomicU32 = AtomicU32::new(NONE);

const NONE: u32 = 0;

/// In bytes; what is not used is not there.
const STACK: usize = 256 * 1024;

/// More descriptors than are open.
const MANY: u64 = 1 << 16;

/// `fcntl(2)`; the `libc` crate does not have it for each processor.
const F_SETSIG: i32 = 10;
