//! A child that shares our memory until its exec, so that nothing of it is copied, and our table of descriptors for as
//! long as it needs that whole.
//!
//! Between the clone and the exec runs [`Job::run`], on a stack of its own, while this thread waits in the kernel
//! (`CLONE_VFORK`) and others run on. It does this, in this order:
//!
//! | what | calls |
//! | --- | --- |
//! | changes the directory | `chdir` |
//! | leaves our group | `setpgid` or `setsid`; `sigpending`, and a `sigaction` for each signal that was pending |
//! | tells the guardian of its group | `fcntl` |
//! | sets its signals | a `sigaction` each |
//! | enters its cgroup | `write` |
//! | takes the terminal for its group | `tcsetpgrp` |
//! | dies with us | `prctl`, `getppid` |
//! | has a table of its own | `close_range` |
//! | puts the standard streams in place | `open` and `dup2` |
//! | takes its standard input for its terminal | `ioctl` |
//! | unblocks signals | `sigprocmask` |
//! | tries to execute each candidate in turn | `execve` |
//!
//! The first call that fails ends the child, and is the error of the spawn; the child leaves nothing. All this is system
//! calls on what was prepared before. It allocates, locks and frees nothing, since another thread may hold the allocator's
//! lock. The C library's `errno` is this thread's own, which waits, and reads it after its own calls only. No handler
//! of ours runs in the child: all are at their defaults before it unblocks signals, and it has a table of handlers of its
//! own. Only the recorder of stop signals may run. Before `close_range` the child opens and closes nothing, since that
//! would be done to us; [`super::streams`] says why the table is not copied at once.
//!
//! Where there is no `clone3` (Linux 5.5, which a sandbox may deny) or no `close_range` (5.9), the child begins with a
//! copy of the whole table, and of our handlers, which it sets to their defaults itself. That is found out once.

use std::ffi::{CString, c_int, c_void};
use std::io;
use std::mem;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process::ChildStdin;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use rustix::io::Errno;
use rustix::process::{Pid, WaitIdOptions, chdir};

use super::executable::{Executable, last_error};
use super::start::{Handlers, Start};
use super::stops::{Stops, record_in_memory};
use super::streams::{FEW, Streams};
use super::vfork::{self, Work};
use super::{Spawned, send};
use crate::command::Command;
use crate::spawn_options::SpawnOptions;
use crate::sys::disposition::ignored_though_seldom;
use crate::sys::process::{Process, Watcher, wait_by_number};

/// With every signal blocked. Gives the watcher back where the system has no such clone.
pub(super) fn spawn(
    command: &Command,
    options: &SpawnOptions,
    watcher: Watcher,
) -> io::Result<Result<Spawned, Watcher>> {
    let (streams, ours) = Streams::new(command.streams())?;
    let directory = command.get_current_dir();
    let directory = directory.map(|path| CString::new(path.as_os_str().as_bytes()));
    let mut job = Job {
        table: Table::Copied,
        directory: directory.transpose()?,
        start: &Start::new(options)?,
        streams,
        executable: Executable::new(command)?,
        pidfd: NONE,
        failure: None,
    };
    let (leader, pidfd) = match job.make_child(matches!(watcher, Watcher::Pidfd)) {
        Err(Failure::Clone(Errno::NOSYS | Errno::INVAL | Errno::PERM)) => return Ok(Err(watcher)),
        made => made.map_err(Failure::errno)?,
    };
    // From here on, dropping the process ends it: an error below leaves nothing behind.
    let has_group = options.place.leaves_our_group();
    let process = Process::new(leader, pidfd, watcher, has_group)?;
    send(Stops::in_memory(), &process)?;
    Ok(Ok(Spawned {
        process,
        stdin: ours.stdin.map(ChildStdin::from),
        stdout: ours.stdout,
        stderr: ours.stderr,
    }))
}

/// What the child has to do. It shares it with us.
struct Job<'a> {
    table: Table,
    directory: Option<CString>,
    start: &'a Start,
    streams: Streams<'a>,
    executable: Executable,
    /// The kernel sets it before the child begins.
    pidfd: c_int,
    failure: Option<Failure>,
}

/// The child, and its pidfd if one is wanted.
type Made = (Pid, Option<OwnedFd>);

/// The table of descriptors that the child begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    /// Ours, of which it then has all copied, or if there are many, these few; and the signals that we handle are at
    /// their defaults.
    Shared {
        few: u32,
        ignored: u64,
    },
    Copied,
}

#[derive(Clone, Copy, Debug)]
enum Failure {
    /// No child was made.
    Clone(Errno),
    /// It cannot begin with our table.
    Sharing(Errno),
    Streams(Errno),
    Other(Errno),
}

impl Failure {
    fn errno(self) -> Errno {
        match self {
            Self::Clone(errno)
            | Self::Sharing(errno)
            | Self::Streams(errno)
            | Self::Other(errno) => errno,
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Other(errno)
    }
}

impl Job<'_> {
    /// In the way that is best here. When this returns, the child executes its program.
    fn make_child(&mut self, wants_pidfd: bool) -> Result<Made, Failure> {
        if SHARING_WORKS.load(Ordering::Relaxed) {
            let shared = Table::Shared {
                few: self.streams.name_those_far_up(),
                ignored: ignored_though_seldom(),
            };
            match self.try_with(shared, wants_pidfd) {
                Err(Failure::Sharing(Errno::NOSYS | Errno::INVAL | Errno::PERM)) => {
                    SHARING_WORKS.store(false, Ordering::Relaxed);
                }
                // What cannot be opened by its name is in a copy of all.
                Err(Failure::Sharing(_) | Failure::Streams(_)) => {}
                made => return made,
            }
        }
        self.streams.leave_where_they_are();
        self.try_with(Table::Copied, wants_pidfd)
    }

    fn try_with(&mut self, table: Table, wants_pidfd: bool) -> Result<Made, Failure> {
        self.table = table;
        self.pidfd = NONE;
        self.failure = None;
        Stops::forget_in_memory();
        let job: *mut Self = self;
        let work = Work {
            begin,
            argument: job.cast(),
            pidfd: if wants_pidfd {
                &raw mut self.pidfd
            } else {
                ptr::null_mut()
            },
        };
        let child = match table {
            Table::Copied => vfork::with_copied_descriptors(work).map_err(Failure::Clone),
            Table::Shared { .. } => {
                vfork::with_our_descriptors(work).map_err(|errno| match errno {
                    Errno::NOSYS | Errno::INVAL | Errno::PERM => Failure::Sharing(errno),
                    _ => Failure::Clone(errno),
                })
            }
        }?;
        let pidfd = self.take_pidfd();
        let Some(failure) = self.failure else {
            return Ok((child, pidfd));
        };
        // It has exited. If something else has reaped it, that is as good.
        let _ = wait_by_number(child, WaitIdOptions::EXITED);
        Err(failure)
    }

    fn take_pidfd(&mut self) -> Option<OwnedFd> {
        let pidfd = mem::replace(&mut self.pidfd, NONE);
        if pidfd == NONE {
            return None;
        }
        // SAFETY: the kernel has opened it for us, and closes it at an exec; nothing else has taken it.
        #[expect(unsafe_code, reason = "the kernel passes a number")]
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        Some(pidfd)
    }

    /// In the child. Returns what has failed, or does not return.
    fn run(&mut self) -> Result<(), Failure> {
        if let Some(directory) = &self.directory {
            chdir(directory)?;
        }
        match self.table {
            Table::Copied => self.start.enter(Handlers::Copied, record_in_memory)?,
            Table::Shared { few, ignored } => {
                let handlers = Handlers::Cleared { ignored };
                self.start.enter(handlers, record_in_memory)?;
                // The pidfd got the lowest number that was free.
                let are_many = self.pidfd >= FEW.cast_signed();
                copy_descriptors(if are_many { few } else { ALL }).map_err(Failure::Sharing)?;
            }
        }
        self.streams.put_in_place().map_err(Failure::Streams)?;
        self.start.finish()?;
        Err(self.executable.exec().into())
    }
}

/// The child begins here and ends here, unless it becomes another program.
extern "C" fn begin(job: *mut c_void) -> c_int {
    let job = job.cast::<Job<'_>>();
    // SAFETY: `try_with` passes this pointer, and touches nothing that it points to until we are done.
    #[expect(unsafe_code, reason = "the kernel passes a pointer")]
    let job = unsafe { &mut *job };
    job.failure = job.run().err();
    libc::EXIT_FAILURE
}

/// Gives the calling process a table of its own, with so many of our descriptors: Linux 5.9.
fn copy_descriptors(count: u32) -> Result<(), Errno> {
    // SAFETY: what is not copied has owners in the process that this one shares its memory with, where it stays open; and
    // none of them is used or dropped here.
    #[expect(unsafe_code, reason = "no crate wraps `close_range`")]
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            count,
            u32::MAX,
            libc::CLOSE_RANGE_UNSHARE,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(last_error())
    }
}

/// No number of a descriptor.
const NONE: c_int = -1;

/// More than there can be.
const ALL: u32 = u32::MAX;

/// Whether a child can begin with our table, as far as is known.
static SHARING_WORKS: AtomicBool = AtomicBool::new(true);
