//! A child through its pidfd.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use childminder::{ExitStatus, Signal, Target};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    Pid, PidfdFlags, Signal as Sendable, WaitId, WaitIdOptions, WaitIdStatus, getpgrp,
    kill_process_group, pidfd_open, pidfd_send_signal, waitid,
};

use crate::child::Delivery;
use crate::signals;

/// The leader of a process group, spawned by us. Dropping it unreaped ends the group.
#[derive(Debug)]
pub(crate) struct Process {
    /// The group's id as well.
    leader: Pid,
    /// Shared with the thread that reaps what was dropped alive.
    pidfd: Arc<OwnedFd>,
    reaped: Option<ExitStatus>,
}

impl Process {
    /// Takes over a child that was spawned as the leader of a group, or ends it.
    pub(crate) fn adopt(child: std::process::Child) -> io::Result<Self> {
        let leader = Pid::from_child(&child);
        match pidfd_open(leader, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self {
                leader,
                pidfd: Arc::new(pidfd),
                reaped: None,
            }),
            Err(Errno::SRCH) => Err(lost()),
            Err(error) => {
                abandon(child, leader);
                Err(error.into())
            }
        }
    }

    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.reaped {
            return Ok(status);
        }
        let status = self.wait(WaitIdOptions::EXITED).map_err(explained)?;
        let status = exit_status(status.as_ref().ok_or_else(lost)?)?;
        self.reaped = Some(status);
        Ok(status)
    }

    pub(crate) fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        if self.reaped.is_some() {
            return Ok(self.reaped);
        }
        let status = self.look().map_err(explained)?;
        status.as_ref().map(exit_status).transpose()
    }

    pub(crate) fn send(&self, signal: Signal, target: Target) -> io::Result<Delivery> {
        if self.reaped.is_some() {
            return Ok(Delivery::Gone);
        }
        let signal = sendable(signal)?;
        match self.look() {
            // Somebody else has reaped it, so its numbers may be a stranger's by now.
            Err(Errno::CHILD) => return Ok(Delivery::Gone),
            // The kernel would take the signal and say nothing.
            Ok(Some(_)) if target == Target::Leader => return Ok(Delivery::Gone),
            other => other?,
        };
        let sent = match target {
            Target::Leader => pidfd_send_signal(&self.pidfd, signal),
            Target::Group => kill_process_group(self.group()?, signal),
        };
        match sent {
            Ok(()) => Ok(Delivery::Sent),
            Err(Errno::SRCH) => Ok(Delivery::Gone),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.leader.as_raw_pid().unsigned_abs()
    }

    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// The group's id, if it is one that may be signalled: `kill(2)` takes -1 for everybody, and our
    /// own group is us.
    fn group(&self) -> io::Result<Pid> {
        if self.leader == Pid::INIT || self.leader == getpgrp() {
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
        wait(&WaitId::PidFd(self.pidfd()), options)
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
            let pidfd = Arc::clone(&self.pidfd);
            in_background(move || {
                let _ = wait(&WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED);
            });
        }
    }
}

/// Ends a child that has no pidfd and will not get one.
fn abandon(mut child: std::process::Child, leader: Pid) {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if wait(&WaitId::Pid(leader), look).is_err() {
        // It is not ours to signal: the number may be a stranger's by now.
        return;
    }
    let _ = kill_process_group(leader, Sendable::KILL);
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

fn wait(child: &WaitId<'_>, options: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
    retry_on_intr(|| waitid(child.clone(), options))
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

/// The signal as the system calls take it.
fn sendable(signal: Signal) -> io::Result<Sendable> {
    Sendable::from_named_raw(signal.number()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "{} cannot be sent: only the ordinary signals, 1 to 31, can",
                signals::name(signal)
            ),
        )
    })
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
