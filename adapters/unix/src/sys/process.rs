//! A child that is watched.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::thread;

use childminder::{ExitStatus, Signal, Target};
use nix::libc;
use nix::unistd::{getpgid, getpgrp};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, Signal as Sendable, WaitId, WaitIdOptions, WaitIdStatus, kill_process, kill_process_group,
    waitid,
};

use super::disposition::is_ignored;
use super::only_here::{pidfd_open, pidfd_send, pidfd_wait, pidfds_work, sendable};
use super::reap::{self, Reaped};
use super::sigchld::Sigchld;
use crate::lost::Lost;
use crate::signals;
use crate::spawn_options::Watch;
use crate::status::{Delivery, JobChange, Usage};

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
        // The kernel would reap children by itself. Afterwards this shows only when a child has died, and its
        // exit status is lost then.
        if is_ignored(libc::SIGCHLD) {
            return Err(io::Error::other(IGNORES_SIGCHLD));
        }
        Ok(watcher)
    }
}

/// A child that was spawned by us. Dropping it unreaped ends it, and its group if it has one.
#[derive(Debug)]
pub(crate) struct Process {
    leader: Pid,
    /// Taken only by the drop, which may leave the pidfd to another thread.
    handle: Option<Handle>,
    /// Whether its process id is its group's as well.
    has_group: bool,
    /// On the heap, so that a child that runs is small.
    reaped: Option<Box<Reaped>>,
}

impl Process {
    /// Takes over a child, or ends it.
    pub(super) fn new(
        leader: Pid,
        pidfd: Option<OwnedFd>,
        watcher: Watcher,
        has_group: bool,
    ) -> io::Result<Self> {
        let handle = match (watcher, pidfd) {
            (Watcher::Sigchld(sigchld), _) => Handle::Sigchld(Box::new(sigchld)),
            (Watcher::Pidfd, Some(pidfd)) => Handle::Pidfd(pidfd),
            (Watcher::Pidfd, None) => match pidfd_open(leader) {
                Ok(pidfd) => Handle::Pidfd(pidfd),
                Err(Errno::SRCH) => return Err(Lost.into()),
                Err(error) => {
                    abandon(leader, has_group);
                    return Err(error.into());
                }
            },
        };
        Ok(Self {
            leader,
            handle: Some(handle),
            has_group,
            reaped: None,
        })
    }

    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        if let Some(reaped) = &self.reaped {
            return Ok(reaped.status);
        }
        let reaped = match self.handle() {
            Handle::Pidfd(pidfd) => reap::by_pidfd(pidfd, self.leader),
            Handle::Sigchld(_) => reap::by_number(self.leader),
        };
        let reaped = reaped.map_err(|error| match error.raw_os_error() {
            Some(libc::ECHILD) => Lost.into(),
            _ => error,
        })?;
        let status = reaped.status;
        self.reaped = Some(Box::new(reaped));
        Ok(status)
    }

    pub(crate) fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        if let Some(reaped) = &self.reaped {
            return Ok(Some(reaped.status));
        }
        if let Handle::Sigchld(sigchld) = self.handle() {
            sigchld.clear()?;
        }
        let status = self.look().map_err(explained);
        // A dead child's descriptor stays readable, as a pidfd does, whatever part of the program has asked first.
        if let (Handle::Sigchld(sigchld), Ok(Some(_)) | Err(_)) = (self.handle(), &status) {
            sigchld.renew();
        }
        status?.as_ref().map(exit_status).transpose()
    }

    pub(crate) fn take_job_change(&self) -> io::Result<Option<JobChange>> {
        if self.reaped.is_some() {
            return Ok(None);
        }
        let halts = WaitIdOptions::STOPPED | WaitIdOptions::CONTINUED | WaitIdOptions::NOHANG;
        let halt = self.wait(halts).map_err(explained)?;
        Ok(halt.and_then(|halt| match halt.stopping_signal() {
            Some(number) => Signal::new(number).map(JobChange::Stopped),
            None => Some(JobChange::Continued),
        }))
    }

    pub(crate) fn send(&self, signal: Signal, target: Target) -> io::Result<Delivery> {
        if self.reaped.is_some() {
            return Ok(Delivery::Gone);
        }
        let signal = sendable(signal.number()).ok_or_else(|| unsendable(signal))?;
        let lives = match self.look() {
            // Something else has reaped it, so its numbers may be another process's by now.
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
            sent = match (sent, self.send_to_leader(signal)) {
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
        Some(self.reaped.as_ref()?.usage)
    }

    pub(crate) fn dumped_core(&self) -> bool {
        matches!(&self.reaped, Some(reaped) if reaped.dumped_core)
    }

    pub(crate) fn id(&self) -> u32 {
        self.leader.as_raw_pid().unsigned_abs()
    }

    pub(crate) fn is_reaped(&self) -> bool {
        self.reaped.is_some()
    }

    pub(crate) fn exit_fd(&self) -> BorrowedFd<'_> {
        match self.handle() {
            Handle::Pidfd(pidfd) => pidfd.as_fd(),
            Handle::Sigchld(sigchld) => sigchld.as_fd(),
        }
    }

    /// The group's id, if it is one that may be signalled: `kill(2)` takes -1 for every process, and our
    /// own group has us in it. (That may have no number here, if a process out of our PID namespace leads it.)
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
        match self.handle() {
            Handle::Pidfd(pidfd) => retry_on_intr(|| pidfd_wait(pidfd, options)),
            Handle::Sigchld(_) => wait_by_number(self.leader, options),
        }
    }

    fn send_to_leader(&self, signal: Sendable) -> Result<(), Errno> {
        match self.handle() {
            Handle::Pidfd(pidfd) => pidfd_send(pidfd, signal),
            Handle::Sigchld(_) => kill_process(self.leader, signal),
        }
    }

    fn handle(&self) -> &Handle {
        self.handle.as_ref().expect("only the drop takes it")
    }
}

/// What names the child to the kernel, and what becomes readable when it dies.
#[derive(Debug)]
enum Handle {
    Pidfd(OwnedFd),
    /// The child's number names it until it is reaped, as long as nothing else reaps it.
    Sigchld(Box<Sigchld>),
}

impl Drop for Process {
    /// Errors are dropped: there is no way to report them from here, and nothing to do about them.
    fn drop(&mut self) {
        if self.reaped.is_some() {
            return;
        }
        // The leader by itself too: it may have moved to another group.
        let _ = self.send(Signal::KILL, Target::Group);
        let _ = self.send(Signal::KILL, Target::Leader);
        if !matches!(
            self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOHANG),
            Ok(None)
        ) {
            return;
        }
        match self.handle.take() {
            Some(Handle::Pidfd(pidfd)) => in_background(move || {
                let _ = retry_on_intr(|| pidfd_wait(&pidfd, WaitIdOptions::EXITED));
            }),
            Some(Handle::Sigchld(_)) => {
                let leader = self.leader;
                in_background(move || {
                    let _ = wait_by_number(leader, WaitIdOptions::EXITED);
                });
            }
            None => {}
        }
    }
}

/// Ends a child that has no pidfd and will not get one.
fn abandon(leader: Pid, has_group: bool) {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if wait_by_number(leader, look).is_err() {
        // It is not ours to signal: the number may be another process's by now.
        return;
    }
    let _ = if has_group {
        kill_process_group(leader, Sendable::KILL)
    } else {
        kill_process(leader, Sendable::KILL)
    };
    if let Ok(None) = wait_by_number(leader, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        in_background(move || {
            let _ = wait_by_number(leader, WaitIdOptions::EXITED);
        });
    }
}

/// Runs `work` on a thread of its own; a system that is out of threads leaves it undone.
fn in_background(work: impl FnOnce() + Send + 'static) {
    let _ = thread::Builder::new()
        .name("child-reaper".to_owned())
        .spawn(work);
}

pub(super) fn wait_by_number(
    child: Pid,
    options: WaitIdOptions,
) -> Result<Option<WaitIdStatus>, Errno> {
    retry_on_intr(|| waitid(WaitId::Pid(child), options))
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
        Errno::CHILD => Lost.into(),
        other => other.into(),
    }
}

const IGNORES_SIGCHLD: &str = "this process ignores SIGCHLD, perhaps because its parent did, so the child's exit status would be lost: set SIGCHLD to its default (SIG_DFL) before spawning";
