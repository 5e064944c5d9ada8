//! The standard streams of a child, and how it gets at them in a table of descriptors of its own.
//!
//! The kernel copies a table of descriptors one by one, up to a number that it is given, and the exec closes what it has
//! copied. So a child in our memory begins with our own table, does with it what takes descriptors and opens and closes
//! none, and then has it copied: all of it, or where there are many, the first [`FEW`]. There are many where a new
//! descriptor gets a higher number than that; then, what is not close-on-exec and further up is not the child's.
//!
//! The pipes that were made for the child may be further up. It opens those anew, by their names in `/proc`, and makes
//! sure that they are the same pipes. There are two other ways:
//!
//! - low numbers that are kept back for this: there may be none left when the first child is spawned;
//! - `pidfd_getfd(2)`, which would do for every descriptor: the usual sandboxes refuse it (Yama, Docker).
//!
//! What was given to the child is not opened anew, since it may be a socket, or a file with a position in it. If
//! that is further up, all below it is copied too. A process that may not be looked into (`PR_SET_DUMPABLE`), or has no
//! `/proc`, has no names for its pipes. Then all is copied, and a child was made in vain.

use std::ffi::{CStr, CString};
use std::io;
use std::mem;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, fstat, open};
use rustix::io::{Errno, fcntl_dupfd_cloexec, ioctl_fionbio};
use rustix::process::getpid;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::stdio::{Source, Stdio};

/// The child's ends.
#[derive(Debug)]
pub(super) struct Streams<'a> {
    stdin: End<'a>,
    stdout: End<'a>,
    stderr: End<'a>,
}

/// Our ends of the pipes.
#[derive(Debug)]
pub(super) struct OurEnds {
    pub(super) stdin: Option<OwnedFd>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
}

impl<'a> Streams<'a> {
    pub(super) fn new([stdin, stdout, stderr]: &'a [Stdio; 3]) -> io::Result<(Self, OurEnds)> {
        let (stdin, our_stdin) = End::new(stdin, Side::Reads)?;
        let (stdout, our_stdout) = End::new(stdout, Side::Writes)?;
        let (stderr, our_stderr) = End::new(stderr, Side::Writes)?;
        let streams = Self {
            stdin,
            stdout,
            stderr,
        };
        let ours = OurEnds {
            stdin: our_stdin,
            stdout: our_stdout,
            stderr: our_stderr,
        };
        Ok((streams, ours))
    }

    /// How many of our descriptors, from 0 on, a child must have a copy of where all would be too many. It opens what
    /// is further up by its name.
    pub(super) fn name_those_far_up(&mut self) -> u32 {
        let ends = [&mut self.stdin, &mut self.stdout, &mut self.stderr];
        ends.into_iter().map(End::reach).fold(FEW, u32::max)
    }

    /// Takes that back.
    pub(super) fn leave_where_they_are(&mut self) {
        for end in [&mut self.stdin, &mut self.stdout, &mut self.stderr] {
            if let End::Pipe { name, .. } = end {
                *name = None;
            }
        }
    }

    /// In the child, in a table of its own. The copies are not close-on-exec.
    ///
    /// Async-signal-safe: system calls on what `self` owns. What it opens is left to the exec.
    pub(super) fn put_in_place(&self) -> Result<(), Errno> {
        self.stdin.put_in_place(|fd| dup2_stdin(fd))?;
        self.stdout.put_in_place(|fd| dup2_stdout(fd))?;
        self.stderr.put_in_place(|fd| dup2_stderr(fd))
    }
}

/// The child's end of a stream. What is open has no number of a standard stream, so that all can be put in place in
/// any order.
#[derive(Debug)]
enum End<'a> {
    /// It stays as it is.
    Inherited,
    /// `/dev/null`, which the child opens.
    Null(Side),
    Given(BorrowedFd<'a>),
    Copied(OwnedFd),
    Pipe {
        end: OwnedFd,
        side: Side,
        /// For a child that opens it anew. Until then it must stay open here.
        name: Option<PipeName>,
    },
}

/// What the child does with a stream.
#[derive(Clone, Copy, Debug)]
enum Side {
    Reads,
    Writes,
}

impl<'a> End<'a> {
    /// And our own end.
    fn new(stdio: &'a Stdio, side: Side) -> io::Result<(Self, Option<OwnedFd>)> {
        Ok(match &stdio.0 {
            Source::Inherit => (Self::Inherited, None),
            Source::Null => (Self::Null(side), None),
            Source::Given(fd) if is_standard(fd.as_fd()) => {
                (Self::Copied(fcntl_dupfd_cloexec(fd, FIRST_APART)?), None)
            }
            Source::Given(fd) => (Self::Given(fd.as_fd()), None),
            Source::Piped => {
                let (reader, writer) = io::pipe()?;
                let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
                let (end, ours) = match side {
                    Side::Reads => (reader, writer),
                    Side::Writes => (writer, reader),
                };
                let end = apart(end)?;
                let name = None;
                (Self::Pipe { end, side, name }, Some(ours))
            }
        })
    }

    fn reach(&mut self) -> u32 {
        let behind = |fd: BorrowedFd<'_>| fd.as_raw_fd().unsigned_abs() + 1;
        match self {
            Self::Inherited | Self::Null(_) => 0,
            Self::Given(fd) => behind(*fd),
            Self::Copied(fd) => behind(fd.as_fd()),
            Self::Pipe { end, name, .. } => {
                let reach = behind(end.as_fd());
                if reach > FEW {
                    *name = PipeName::of(end);
                }
                if name.is_some() { 0 } else { reach }
            }
        }
    }

    fn put_in_place(&self, dup2: Dup2) -> Result<(), Errno> {
        match self {
            Self::Inherited => Ok(()),
            Self::Null(side) => put(open_anew(NULL, *side, OFlags::empty())?, dup2),
            Self::Given(fd) => dup2(*fd),
            Self::Copied(fd) => dup2(fd.as_fd()),
            Self::Pipe {
                name: Some(name),
                side,
                ..
            } => put(name.open(*side)?, dup2),
            Self::Pipe { end, .. } => dup2(end.as_fd()),
        }
    }
}

/// Onto one of the standard streams.
type Dup2 = fn(BorrowedFd<'_>) -> Result<(), Errno>;

/// What names a pipe of ours to a child.
#[derive(Debug)]
struct PipeName {
    path: CString,
    device: u64,
    inode: u64,
}

impl PipeName {
    fn of(pipe: &OwnedFd) -> Option<Self> {
        let path = format!("/proc/{}/fd/{}", getpid().as_raw_pid(), pipe.as_raw_fd());
        let stat = fstat(pipe).ok()?;
        Some(Self {
            path: CString::new(path).ok()?,
            device: stat.st_dev,
            inode: stat.st_ino,
        })
    }

    /// In the child. It does not wait for another end, as it would if `/proc` were not our own and showed another process's pipe.
    fn open(&self, side: Side) -> Result<OwnedFd, Errno> {
        let pipe = open_anew(&self.path, side, OFlags::NONBLOCK)?;
        let stat = fstat(&pipe)?;
        if (stat.st_dev, stat.st_ino) != (self.device, self.inode) {
            return Err(Errno::STALE);
        }
        ioctl_fionbio(&pipe, false)?;
        Ok(pipe)
    }
}

/// In the child.
fn open_anew(path: &CStr, side: Side, more: OFlags) -> Result<OwnedFd, Errno> {
    let access = match side {
        Side::Reads => OFlags::RDONLY,
        Side::Writes => OFlags::WRONLY,
    };
    let flags = access | OFlags::CLOEXEC | OFlags::NOCTTY | more;
    // One of the standard streams may have been closed, and this have got its number.
    apart(open(path, flags, Mode::empty())?)
}

/// In the child. The exec closes what was opened.
fn put(opened: OwnedFd, dup2: Dup2) -> Result<(), Errno> {
    dup2(opened.as_fd())?;
    mem::forget(opened);
    Ok(())
}

/// The same, with a number that is not a standard stream's.
fn apart(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    if is_standard(fd.as_fd()) {
        return fcntl_dupfd_cloexec(fd, FIRST_APART);
    }
    Ok(fd)
}

fn is_standard(fd: BorrowedFd<'_>) -> bool {
    fd.as_raw_fd() < FIRST_APART
}

/// The first descriptor that is no standard stream.
const FIRST_APART: i32 = 3;

/// What is quickly copied. The kernel has room for 64 in each table, and the child opens a few.
pub(super) const FEW: u32 = 56;

const NULL: &CStr = c"/dev/null";
