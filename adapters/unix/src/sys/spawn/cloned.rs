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
//! The first that fails ends the child, and is the error of the spawn. All of that is system calls on what was prepared before. It allocates,
//! locks and frees nothing, since another thread may hold the allocator's lock. The C library's `errno` is this thread's
//! own, which waits, and reads it after its own calls only. No handler of ours runs in the child: all are at their
//! defaults before it unblocks signals, and it has a table of handlers of its own. Only the recorder of stop signals may run.
//!
//! Before `close_range`, nothing is opened or closed, as that would be ours. Where there is no `clone3` or no `close_range`,
//! once and for all, the child begins with a copy of the table, and of the handlers, which it sets to their defaults itself.

use std::ffi::{CString, c_int, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::process::ChildStdin;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use rustix::io::Errno;
use rustix::process::{WaitIdOptions, chdir};

use super::executable::{Executable, last_error};
use super::start::{Handlers, Start};
use super::stops::{Stops, record_in_memory};
use super::streams::{COPIED, Streams};
use super::vfork::{self, Made, Work};
use super::{Spawned, send};
use crate::command::Command;
use crate::spawn_options::SpawnOptions;
use crate::sys::disposition::ignored_realtime;
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
    failure: Option<Failure>,
}

/// The table of descriptors that the child begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    /// Ours; and the signals that we handle are at their defaults.
    Shared {
        ignored_realtime: u64,
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
        if SHARING_WORKS.load(Ordering::Relaxed) && self.streams.bring_near() {
            let ignored_realtime = ignored_realtime();
            match self.try_with(Table::Shared { ignored_realtime }, wants_pidfd) {
                Err(Failure::Sharing(Errno::NOSYS | Errno::INVAL | Errno::PERM)) => {
                    SHARING_WORKS.store(false, Ordering::Relaxed);
                }
                // What has no copy, or no name, is in a copy of all.
                Err(Failure::Sharing(_) | Failure::Streams(_)) => {}
                made => return made,
            }
        }
        self.streams.leave_where_they_are();
        self.try_with(Table::Copied, wants_pidfd)
    }

    fn try_with(&mut self, table: Table, wants_pidfd: bool) -> Result<Made, Failure> {
        self.table = table;
        self.failure = None;
        Stops::forget_in_memory();
        let work = Work {
            begin,
            argument: (&raw mut *self).cast(),
        };
        let made = match table {
            Table::Shared { .. } => {
                vfork::with_our_descriptors(work, wants_pidfd).map_err(|errno| match errno {
                    Errno::NOSYS | Errno::INVAL | Errno::PERM => Failure::Sharing(errno),
                    _ => Failure::Clone(errno),
                })
            }
            Table::Copied => {
                vfork::with_copied_descriptors(work, wants_pidfd).map_err(Failure::Clone)
            }
        }?;
        let Some(failure) = self.failure else {
            return Ok(made);
        };
        // It has exited. If something else has reaped it, that is as good.
        let _ = wait_by_number(made.0, WaitIdOptions::EXITED);
        Err(failure)
    }

    /// In the child. Returns what has failed, or does not return.
    fn run(&mut self) -> Result<(), Failure> {
        if let Some(directory) = &self.directory {
            chdir(directory)?;
        }
        match self.table {
            Table::Copied => self.start.enter(Handlers::Copied, record_in_memory)?,
            Table::Shared { ignored_realtime } => {
                let handlers = Handlers::Cleared { ignored_realtime };
                self.start.enter(handlers, record_in_memory)?;
                copy_descriptors().map_err(Failure::Sharing)?;
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

/// Gives the calling process a table of its own, with only the first of our descriptors: Linux 5.9.
fn copy_descriptors() -> Result<(), Errno> {
    // SAFETY: what is not copied has owners in the process that this one shares its memory with, where it stays open; and
    // none of them is used or dropped here.
    #[expect(unsafe_code, reason = "no crate wraps `close_range`")]
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            COPIED.cast_unsigned(),
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

/// Whether a child can begin with our table, as far as is known.
static SHARING_WORKS: AtomicBool = AtomicBool::new(true);
