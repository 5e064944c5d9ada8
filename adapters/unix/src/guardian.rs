//! What ends a tree of processes when the process that minds it is killed.

mod hunt;

use std::ffi::CStr;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::cgroup::Cgroup;
use crate::mark::Maker;
use crate::sys::{self, GroupHandle};
use hunt::Hunt;

/// A small process beside this one. It sleeps until this process is dead. If the guardian was not dropped before, this
/// process was killed: by SIGKILL, or by the out-of-memory killer. Then it ends what this process has started:
///
/// - the members of the [group](Self::group_handle) it was told of,
/// - the members of the [cgroup](Self::create_cgroup) that was made with it, which it then removes,
/// - every process with a [mark](crate::Strays::mark) of this process in its environment, and its descendants,
///
/// and looks again until there are none. Dropping it ends it, and nothing else.
///
/// It has no descriptor of this process and no environment, holds no directory, blocks all signals, and is in a process
/// group of its own. No wait for children sees it. `ps` shows it as `guardian of` this process.
///
/// # Strangers
///
/// None can be hit, though process ids are used again. The kernel remembers the group itself, and not its number. A
/// process is sent a signal through a pidfd that was opened before the mark was read; and no other process ever makes
/// the same mark.
///
/// # What it does not find
///
/// - A process that has removed the mark, has left the group, and has lost its parent.
/// - A process that hides its environment: it has written over it, runs as another user, or forbids to look
///   (`PR_SET_DUMPABLE`).
/// - What has no pidfd (before Linux 5.3) or is not in `/proc`, unless it is in the group or in the cgroup.
///
/// A guardian that is killed itself does nothing.
///
/// ```
/// use childminder_unix::{Child, Command, Guardian, SpawnOptions, Strays};
///
/// # fn main() -> std::io::Result<()> {
/// # if true { return Ok(()) } // Beside the threads of the test, there is none.
/// let guardian = Guardian::fork()?;
/// let mut command = Command::new("make");
/// command.env(Strays::VARIABLE, Strays::new().mark());
/// let options = SpawnOptions { guardian: Some(guardian.group_handle()?), ..SpawnOptions::default() };
/// let mut child = Child::spawn_with(&mut command, &options)?;
/// child.reap()?;
/// drop(guardian);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Guardian {
    id: u32,
    /// Its other end tells the guardian about cgroups, and that this process is dead.
    /// Taken only by the drop.
    line: Option<PipeWriter>,
    group: GroupHandle,
}

impl Guardian {
    /// Forks the guardian of this process. There can be one at a time.
    ///
    /// # Errors
    ///
    /// - `Unsupported` on other systems than Linux.
    /// - `AlreadyExists` where there is one.
    /// - A sentence where this process has other threads: do this first.
    /// - What `pipe(2)` and `clone(2)` say.
    pub fn fork() -> io::Result<Self> {
        if sys::has_unseen() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let (mut reader, line) = io::pipe()?;
        let mut group = GroupHandle::new()?;
        let maker = Maker::this_process();
        let id = sys::fork_unseen(|| watch(&mut reader, &mut group, &maker))?;
        Ok(Self {
            id,
            line: Some(line),
            group,
        })
    }

    /// Makes a cgroup, as [`Cgroup::create`] does, that is ended and removed too.
    ///
    /// # Errors
    ///
    /// As [`Cgroup::create`]; and what `write(2)` says when the guardian is dead.
    pub fn create_cgroup(&self) -> io::Result<Cgroup> {
        // It hears of it before it is there: no moment is left in which it would stay for ever.
        let cgroup = Cgroup::create_telling(|path| {
            self.tell(&[path.as_os_str().as_bytes(), b"\0"].concat())
        })?;
        self.tell(b"\0")?;
        Ok(cgroup)
    }

    /// For [`SpawnOptions::guardian`](crate::SpawnOptions::guardian): the group that the child leads is ended too, and no
    /// other's any more. The child says so itself before it executes, since it may have started others by the time its
    /// spawn returns.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors.
    pub fn group_handle(&self) -> io::Result<OwnedFd> {
        self.group.sight()
    }

    /// The process id of the guardian.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// At once or not at all: it is less than `PIPE_BUF`.
    fn tell(&self, message: &[u8]) -> io::Result<()> {
        let mut line = self.line.as_ref().ok_or(io::ErrorKind::BrokenPipe)?;
        line.write_all(message)
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        let line = &mut self.line;
        sys::end_unseen(self.id, || {
            let mut line = line.take().ok_or(io::ErrorKind::BrokenPipe)?;
            // The line is closed with it.
            line.write_all(&[STAND_DOWN])
        });
    }
}

/// What the guardian does.
fn watch(line: &mut PipeReader, group: &mut GroupHandle, maker: &Maker) {
    sys::step_aside(NAME, &format!("guardian of {}", maker.id()));
    let [aim, trigger] = group.fds();
    sys::close_all_but(&[line.as_fd(), aim, trigger]);
    let mut told = Vec::new();
    // The end comes when no process has the other end any more: also none that is forked and not yet executed, which
    // would not bear its mark.
    let _ = line.read_to_end(&mut told);
    if told.ends_with(&[STAND_DOWN]) {
        return;
    }
    Hunt::new(maker, group, told_cgroup(&told)).run();
}

/// The cgroup that was made last, of those that were to be made. A path ends with a zero; a second one says that the
/// directory was made and was not there before.
fn told_cgroup(told: &[u8]) -> Option<ToldCgroup> {
    let (told, is_made) = match told.strip_suffix(b"\0\0") {
        Some(told) => (told, true),
        None => (told.strip_suffix(b"\0")?, false),
    };
    let path = told.rsplit(|byte| *byte == 0).next()?;
    let path = Path::new(std::ffi::OsStr::from_bytes(path)).to_owned();
    Some(if is_made {
        ToldCgroup::Made(Cgroup::at(path))
    } else {
        ToldCgroup::Begun(path)
    })
}

/// What the guardian knows of a cgroup.
enum ToldCgroup {
    Made(Cgroup),
    /// It may not be there, or may have been there before.
    Begun(std::path::PathBuf),
}

/// The last word to a guardian that has nothing to end. A path ends with a zero.
const STAND_DOWN: u8 = 1;

/// What `ps` calls it.
const NAME: &CStr = c"guardian";
