//! A child that is watched.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use childminder::{ExitStatus, Signal, Target};
use nix::unistd::{getpgid, getpgrp};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, Signal as Sendable, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group,
    waitid,
};

use super::ignored::Ignored;
use super::only_here::{pidfd_open, pidfd_send, pidfd_wait, pidfds_work, sendable};
use super::reap::{self, Remains};
use super::sigchld::Sigchld;
use crate::child::{Delivery, Halt, Usage};
use crate::signals;
use crate::start::Watch;

/// What must be there before the spawn for the exit to be noticed.
#[derive(Debug)]
pub(crate) enum Watcher {
    Pidfd,
    Sigchld(Sigchld),
}

impl Watcher {
    /// An error unless a child can be watched so and its exit status can be had.
    pub(crate) fn new(watch: Watch) -> io::Result<Self> {
        let watcher = match watch {
            Watch::Pidfd => pidfds_work().map(|()| Self::Pidfd),
            Watch::Sigchld => Sigchld::new().map(Self::Sigchld),
        }?;
        Ignored::by_us().but_not_sigchld()?;
        Ok(watcher)
    }
}

/// A child that was spawned by us. Dropping it unreaped ends it, and its group if it has one.
#[derive(Debug)]
pub(crate) struct Process {
    leader: Pid,
    handle: Handle,
    /// Readable when the exit should be looked for, where the handle is not.
    sigchld: Option<Sigchld>,
    /// Whether its process id is its group's as well.
    has_group: bool,
    reaped: Option<(ExitStatus, Remains)>,
}

impl Process {
    /// Takes over a child, or ends it.
    pub(crate) fn adopt(
        child: std::process::Child,
        watcher: Watcher,
        has_group: bool,
    ) -> io::Result<Self> {
        let leader = Pid::from_child(&child);
        let (handle, sigchld) = match watcher {
            Watcher::Sigchld(sigchld) => (Handle::Pid(leader), Some(sigchld)),
            Watcher::Pidfd => match pidfd_open(leader) {
                Ok(pidfd) => (Handle::Pidfd(Arc::new(pidfd)), None),
                Err(Errno::SRCH) => return Err(lost()),
                Err(error) => {
                    abandon(child, leader, has_group);
                    return Err(error.into());
                }
            },
        };
        Ok(Self {
            leader,
            handle,
            sigchld,
            has_group,
            reaped: None,
        })
    }

    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        if let Some((status, _)) = self.reaped {
            return Ok(status);
        }
        let dead = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = self.wait(dead).map_err(explained)?;
        let status = exit_status(status.as_ref().ok_or_else(lost)?)?;
        let remains = reap::reap(self.leader)?;
        self.reaped = Some((status, remains));
        Ok(status)
    }

    pub(crate) fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        if let Some((status, _)) = self.reaped {
            return Ok(Some(status));
        }
        if let Some(sigchld) = &self.sigchld {
            sigchld.clear()?;
        }
        let status = self.look().map_err(explained)?;
        status.as_ref().map(exit_status).transpose()
    }

    pub(crate) fn take_halt(&self) -> io::Result<Option<Halt>> {
        if self.reaped.is_some() {
            return Ok(None);
        }
        let halts = WaitIdOptions::STOPPED | WaitIdOptions::CONTINUED | WaitIdOptions::NOHANG;
        let halt = self.wait(halts).map_err(explained)?;
        Ok(halt.and_then(|halt| match halt.stopping_signal() {
            Some(number) => Signal::new(number).map(Halt::Stopped),
            None => Some(Halt::Continued),
        }))
    }

    pub(crate) fn send(&self, signal: Signal, target: Target) -> io::Result<Delivery> {
        if self.reaped.is_some() {
            return Ok(Delivery::Gone);
        }
        let signal = sendable(signal.number()).ok_or_else(|| unsendable(signal))?;
        let lives = match self.look() {
            // Somebody else has reaped it, so its numbers may be a stranger's by now.
            Err(Errno::CHILD) => return Ok(Delivery::Gone),
            look => look?.is_none(),
        };
        let to_group = target == Target::Group && self.has_group;
        let has_left = to_group && lives && self.has_left_its_group();
        let mut sent = Err(Errno::SRCH);
        if to_group {
            sent = kill_process_group(self.group()?, signal);
        }
        // To a dead leader, the kernel would take the signal and say nothing.
        if lives && (!to_group || has_left) {
            sent = match (sent, self.handle.send(signal)) {
                (Err(Errno::SRCH), to_leader) => to_leader,
                (to_group, Err(Errno::SRCH)) => to_group,
                (to_group, to_leader) => to_group.and(to_leader),
            };
        }
        match sent {
            Ok(()) => Ok(Delivery::Sent),
            Err(Errno::SRCH) => Ok(Delivery::Gone),
            Err(error) => Err(error.into()),
        }
    }

    /// It may join another group of its session (`setpgid(2)`).
    fn has_left_its_group(&self) -> bool {
        let leader = nix::unistd::Pid::from_raw(self.leader.as_raw_pid());
        getpgid(Some(leader)).is_ok_and(|group| group != leader)
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        Some(self.reaped?.1.usage)
    }

    pub(crate) fn dumped_core(&self) -> bool {
        matches!(&self.reaped, Some((_, remains)) if remains.dumped_core)
    }

    pub(crate) fn id(&self) -> u32 {
        self.leader.as_raw_pid().unsigned_abs()
    }

    pub(crate) fn is_reaped(&self) -> bool {
        self.reaped.is_some()
    }

    pub(crate) fn exit_fd(&self) -> BorrowedFd<'_> {
        match (&self.handle, &self.sigchld) {
            (_, Some(sigchld)) => sigchld.as_fd(),
            (Handle::Pidfd(pidfd), None) => pidfd.as_fd(),
            (Handle::Pid(_), None) => unreachable!("a child without a pidfd has the other watch"),
        }
    }

    /// The group's id, if it is one that may be signalled: `kill(2)` takes -1 for everybody, and our
    /// own group is us. (That may have no number here, if a process out of our PID namespace leads it.)
    fn group(&self) -> io::Result<Pid> {
        if self.leader == Pid::INIT || self.leader.as_raw_pid() == getpgrp().as_raw() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "process group {} is not the child's alone: signal the leader instead",
                    self.leader.as_raw_pid()
                ),
            ));
        }
        Ok(self.leader)
    }

    /// Whether and how it ended, leaving it as it is.
    fn look(&self) -> Result<Option<WaitIdStatus>, Errno> {
        self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT)
    }

    fn wait(&self, options: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
        self.handle.wait(options)
    }
}

/// What names the child to the kernel. Its number does until it is reaped, as long as nobody else reaps it.
#[derive(Clone, Debug)]
enum Handle {
    /// Shared with the thread that reaps what was dropped alive.
    Pidfd(Arc<OwnedFd>),
    Pid(Pid),
}

impl Handle {
    fn wait(&self, options: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
        retry_on_intr(|| match self {
            Self::Pidfd(pidfd) => pidfd_wait(pidfd, options),
            Self::Pid(pid) => waitid(WaitId::Pid(*pid), options),
        })
    }

    fn send(&self, signal: Sendable) -> Result<(), Errno> {
        match self {
            Self::Pidfd(pidfd) => pidfd_send(pidfd, signal),
            Self::Pid(pid) => kill_process(*pid, signal),
        }
    }
}

impl Drop for Process {
    /// Errors have nobody to go to here, and nothing better could be done about them.
    fn drop(&mut self) {
        if self.reaped.is_some() {
            return;
        }
        // The leader by itself too: it may have moved to another group.
        let _ = self.send(Signal::KILL, Target::Group);
        let _ = self.send(Signal::KILL, Target::Leader);
        if let Ok(None) = self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            let handle = self.handle.clone();
            in_background(move || {
                let _ = handle.wait(WaitIdOptions::EXITED);
            });
        }
    }
}

/// Ends a child that has no pidfd and will not get one.
fn abandon(mut child: std::process::Child, leader: Pid, has_group: bool) {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if Handle::Pid(leader).wait(look).is_err() {
        // It is not ours to signal: the number may be a stranger's by now.
        return;
    }
    let _ = if has_group {
        kill_process_group(leader, Sendable::KILL)
    } else {
        kill_process(leader, Sendable::KILL)
    };
    if let Ok(None) = child.try_wait() {
        in_background(move || {
            let _ = child.wait();
        });
    }
}

/// Runs `work` without making anybody wait for it; a system that is out of threads leaves it undone.
fn in_background(work: impl FnOnce() + Send + 'static) {
    let _ = thread::Builder::new()
        .name("child-reaper".to_owned())
        .spawn(work);
}

fn exit_status(status: &WaitIdStatus) -> io::Result<ExitStatus> {
    if let Some(code) = status.exit_status() {
        return Ok(ExitStatus::Code(code));
    }
    status
        .terminating_signal()
        .and_then(Signal::new)
        .map(ExitStatus::Signal)
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the kernel reported neither an exit nor a signal: {status:?}"),
            )
        })
}

fn unsendable(signal: Signal) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!(
            "{} cannot be sent: it is none of the system's signals, or one that the C library keeps for itself",
            signals::name(signal)
        ),
    )
}

fn explained(error: Errno) -> io::Error {
    match error {
        Errno::CHILD => lost(),
        other => other.into(),
    }
}

fn lost() -> io::Error {
    io::Error::other(
        "the child was reaped behind our back and its exit status is lost: this process must not ignore SIGCHLD, nor wait for children that are not its own (waitpid with -1)",
    )
}
