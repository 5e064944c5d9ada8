//! A child that shares our memory until its exec, so that nothing of it is copied, and the only place where such a
//! child is made.
//!
//! Between the clone and the exec runs [`Job::run`], on a stack of its own, while this thread waits in the kernel
//! (`CLONE_VFORK`) and others run on: it puts the standard streams in place (`dup2`), changes the directory, does
//! what [`Start::enter`] does, and tries to execute each candidate in turn; and the recorder of stop signals may run.
//! All of that is system calls on what was prepared before. It allocates, locks and frees nothing, since another thread
//! may hold the allocator's lock. The C library's `errno` is this thread's own, which waits, and reads it after its own
//! calls only. No handler of ours runs in the child: it sets them back to the defaults before it unblocks signals, and has
//! a table of handlers of its own.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::process::ChildStdin;

use nix::libc::{self, c_int, c_void};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::process::{Pid, chdir};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use super::executable::{Executable, last_error};
use super::start::Start;
use super::stops::{Stops, record_in_memory};
use super::{Spawned, send};
use crate::command::Command;
use crate::spawn_options::SpawnOptions;
use crate::stdio::{Source, Stdio};
use crate::sys::process::{Process, Watcher};

/// With every signal blocked. Gives the watcher back where the system has no such clone.
pub(super) fn spawn(
    command: &Command,
    options: &SpawnOptions,
    watcher: Watcher,
) -> io::Result<Result<Spawned, Watcher>> {
    let [stdin, stdout, stderr] = command.streams();
    let (stdin, our_stdin) = ends(stdin, Side::Reads)?;
    let (stdout, our_stdout) = ends(stdout, Side::Writes)?;
    let (stderr, our_stderr) = ends(stderr, Side::Writes)?;
    let directory = command.get_current_dir();
    let directory = directory.map(|path| CString::new(path.as_os_str().as_bytes()));
    let mut job = Job {
        streams: [stdin.fd(), stdout.fd(), stderr.fd()],
        directory: directory.transpose()?,
        start: &Start::new(options)?,
        executable: Executable::new(command)?,
        failure: None,
    };
    Stops::forget_in_memory();
    let (leader, pidfd) = match clone(&mut job, matches!(watcher, Watcher::Pidfd)) {
        Err(Errno::NOSYS | Errno::INVAL | Errno::PERM) => return Ok(Err(watcher)),
        cloned => cloned?,
    };
    // From here on, dropping the process ends it: an error below leaves nothing behind.
    let has_group = options.place.leaves_our_group();
    let mut process = Process::new(leader, pidfd, watcher, has_group)?;
    if let Some(failure) = job.failure {
        // It has exited.
        process.reap()?;
        return Err(failure.into());
    }
    send(Stops::in_memory(), &process)?;
    Ok(Ok(Spawned {
        process,
        stdin: our_stdin.map(ChildStdin::from),
        stdout: our_stdout,
        stderr: our_stderr,
    }))
}

/// What the child has to do. It shares it with us.
struct Job<'a> {
    /// None of them is itself a standard stream, so they can be put in place in any order.
    streams: [Option<BorrowedFd<'a>>; 3],
    directory: Option<CString>,
    start: &'a Start,
    executable: Executable,
    failure: Option<Errno>,
}

impl Job<'_> {
    /// In the child. Returns what has failed, or does not return.
    fn run(&mut self) -> Result<(), Errno> {
        let [stdin, stdout, stderr] = self.streams;
        // The copies are not close-on-exec.
        stdin.map_or(Ok(()), dup2_stdin)?;
        stdout.map_or(Ok(()), dup2_stdout)?;
        stderr.map_or(Ok(()), dup2_stderr)?;
        if let Some(directory) = &self.directory {
            chdir(directory)?;
        }
        self.start.enter(record_in_memory)?;
        Err(self.executable.exec())
    }
}

/// The child begins here and ends here, unless it becomes another program.
extern "C" fn begin(job: *mut c_void) -> c_int {
    let job = job.cast::<Job<'_>>();
    // SAFETY: `clone` below was given this pointer, and does not touch what it points to until we are done.
    #[expect(unsafe_code, reason = "the C library passes a pointer")]
    let job = unsafe { &mut *job };
    job.failure = job.run().err();
    libc::EXIT_FAILURE
}

/// Makes the child, and returns when it has executed its program, or has failed, or is dead.
fn clone(job: &mut Job<'_>, wants_pidfd: bool) -> Result<(Pid, Option<OwnedFd>), Errno> {
    let mut stack = Vec::<MaybeUninit<u8>>::with_capacity(STACK_SIZE);
    let mut flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    if wants_pidfd {
        flags |= libc::CLONE_PIDFD;
    }
    let mut pidfd: c_int = -1;
    // SAFETY: `begin` runs on a stack that nothing else uses, as large as it says; stacks grow downwards from the
    // end, which the C library aligns. `job`, `stack` and `pidfd` outlive the child's use of them, since this thread
    // goes on only when the child has left our memory; until then nothing else refers to them. What the child does meanwhile is
    // described at the top. It gets no copy of `job`'s owners that it would drop: `begin` ends the process.
    #[expect(
        unsafe_code,
        reason = "a child in our memory is beyond what any type can promise"
    )]
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK_SIZE).cast();
        let job: *mut Job<'_> = job;
        libc::clone(begin, top, flags, job.cast(), &raw mut pidfd)
    };
    let Some(leader) = Pid::from_raw(pid.max(0)) else {
        return Err(last_error());
    };
    if pidfd < 0 {
        return Ok((leader, None));
    }
    // SAFETY: the kernel has just opened it for us, and closes it at an exec.
    #[expect(unsafe_code, reason = "the kernel passes a number")]
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok((leader, Some(pidfd)))
}

/// The child's end of a stream.
enum End<'a> {
    Inherited,
    Given(BorrowedFd<'a>),
    Made(OwnedFd),
}

impl End<'_> {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            End::Inherited => None,
            End::Given(fd) => Some(*fd),
            End::Made(fd) => Some(fd.as_fd()),
        }
    }
}

/// What the child does with a stream.
#[derive(Clone, Copy)]
enum Side {
    Reads,
    Writes,
}

/// The child's end, which is no standard stream of ours, and our end.
fn ends(stdio: &Stdio, side: Side) -> io::Result<(End<'_>, Option<OwnedFd>)> {
    let apart = |fd: OwnedFd| {
        Ok::<_, io::Error>(if is_standard(fd.as_fd()) {
            fcntl_dupfd_cloexec(fd, FIRST_APART)?
        } else {
            fd
        })
    };
    Ok(match (&stdio.0, side) {
        (Source::Inherit, _) => (End::Inherited, None),
        (Source::Null, Side::Reads) => (End::Made(apart(File::open(NULL)?.into())?), None),
        (Source::Null, Side::Writes) => {
            let null = File::options().write(true).open(NULL)?;
            (End::Made(apart(null.into())?), None)
        }
        (Source::Piped, Side::Reads) => {
            let (reader, writer) = io::pipe()?;
            (End::Made(apart(reader.into())?), Some(writer.into()))
        }
        (Source::Piped, Side::Writes) => {
            let (reader, writer) = io::pipe()?;
            (End::Made(apart(writer.into())?), Some(reader.into()))
        }
        (Source::Given(fd), _) if is_standard(fd.as_fd()) => {
            (End::Made(fcntl_dupfd_cloexec(fd, FIRST_APART)?), None)
        }
        (Source::Given(fd), _) => (End::Given(fd.as_fd()), None),
    })
}

fn is_standard(fd: BorrowedFd<'_>) -> bool {
    fd.as_raw_fd() < FIRST_APART
}

/// The first descriptor that is no standard stream.
const FIRST_APART: i32 = 3;

const NULL: &str = "/dev/null";

/// In bytes. What runs there is not deep; a handler's frame takes some 11 KiB on a processor with large registers.
const STACK_SIZE: usize = 64 * 1024;
