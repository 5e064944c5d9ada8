//! What a child does before its exec, whichever way it was made.

use std::io;
use std::os::fd::OwnedFd;

use nix::libc::{SIGHUP, SIGKILL, SIGSTOP};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use rustix::io::Errno;
use rustix::process::{Pid, getpgid, getpid, getppid, setpgid, setsid};

use super::stops::RECORDED;
use crate::spawn_options::{Place, Signals, SpawnOptions};
use crate::sys::aim_at_own_group;
use crate::sys::disposition::{
    Recorder, SIGNALS, bit, drop_pending, ignore, is_ignored, is_seldom_ignored, record,
    reset_to_default,
};
use crate::sys::only_here::{CAN_KILL_ON_PARENT_DEATH, die_with_parent};

/// What is to be done, with all that it takes: nothing is allocated in the child.
#[derive(Debug)]
pub(super) struct Start {
    place: Place,
    cgroup: Option<OwnedFd>,
    guardian: Option<OwnedFd>,
    parent: Option<Pid>,
    signals: Signals,
}

impl Start {
    pub(super) fn new(options: &SpawnOptions) -> io::Result<Self> {
        if options.kill_on_parent_death && !CAN_KILL_ON_PARENT_DEATH {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "only Linux has a parent-death signal",
            ));
        }
        let cgroup = options.cgroup.as_ref().map(OwnedFd::try_clone);
        let guardian = options.guardian.as_ref().map(OwnedFd::try_clone);
        Ok(Self {
            place: options.place.try_clone()?,
            cgroup: cgroup.transpose()?,
            guardian: guardian.transpose()?,
            parent: options.kill_on_parent_death.then(getpid),
            signals: options.signals,
        })
    }

    /// In the child, which has every signal blocked. What may fail comes before what would have to be undone. It opens and
    /// closes nothing.
    ///
    /// Async-signal-safe, as is all that is done in the child: system calls on what `self` owns. It neither allocates
    /// nor locks nor panics.
    pub(super) fn enter(&self, handlers: Handlers, recorder: Recorder) -> Result<(), Errno> {
        self.take_place()?;
        if self.place.leaves_our_group() {
            // It was sent to the group that the child was in, which is ours to answer.
            drop_pending()?;
            if let Some(guardian) = &self.guardian {
                aim_at_own_group(guardian)?;
            }
        }
        self.set_dispositions(handlers, recorder)?;
        if let Some(cgroup) = &self.cgroup {
            rustix::io::write(cgroup, b"0")?;
        }
        // From the background this takes a SIGTTOU that is blocked, as all are.
        #[cfg(feature = "terminal")]
        if let Place::Foreground(terminal) = &self.place {
            rustix::termios::tcsetpgrp(terminal, getpid())?;
        }
        if let Some(parent) = self.parent {
            die_with_parent()?;
            // It may have died before the kernel was asked; then nothing reads this error. (From a new
            // PID namespace, no parent is in sight.)
            if getppid().is_some_and(|now| now != parent) {
                return Err(Errno::PIPE);
            }
        }
        Ok(())
    }

    /// In the child, whose standard streams are in place, and just before its exec: signals come through from here on.
    pub(super) fn finish(&self) -> Result<(), Errno> {
        #[cfg(feature = "terminal")]
        if let Place::Terminal = &self.place {
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        }
        let blocked = match &self.signals {
            Signals::Reset => SigSet::empty(),
            Signals::As(inherited) => inherited.blocked(),
        };
        let unblocked = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&blocked), None);
        unblocked.map_err(|error| Errno::from_raw_os_error(error as i32))
    }

    fn set_dispositions(&self, handlers: Handlers, recorder: Recorder) -> Result<(), Errno> {
        let stays = |signal| self.may_be_ignored(signal) && handlers.lack(signal);
        for signal in SIGNALS.filter(|signal| !stays(*signal)) {
            if self.ignores(signal) {
                ignore(signal)?;
            } else if RECORDED.contains(&signal) {
                record(signal, recorder)?;
            } else if handlers.may_be_set(signal) {
                reset_to_default(signal)?;
            }
        }
        Ok(())
    }

    fn ignores(&self, signal: i32) -> bool {
        matches!(&self.signals, Signals::As(inherited) if inherited.ignores(signal))
    }

    /// As `nohup(1)` wants it, if it is ignored here.
    fn may_be_ignored(&self, signal: i32) -> bool {
        matches!(self.signals, Signals::Reset) && signal == SIGHUP
    }

    fn take_place(&self) -> Result<(), Errno> {
        match &self.place {
            Place::Inherit => Ok(()),
            Place::Session => begin_session(),
            #[cfg(feature = "terminal")]
            Place::Terminal => begin_session(),
            _ => begin_group(),
        }
    }
}

/// What a child begins with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handlers {
    /// As in this process.
    Copied,
    /// All signals are at their defaults or ignored, of those that are seldom ignored those of a bit each, from signal 1
    /// on.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux can do it")
    )]
    Cleared { ignored: u64 },
}

impl Handlers {
    /// Whether this signal may be at something else than its default.
    fn may_be_set(self, signal: i32) -> bool {
        match self {
            _ if matches!(signal, SIGKILL | SIGSTOP) => false,
            Self::Copied => true,
            Self::Cleared { ignored } => !is_seldom_ignored(signal) || ignored & bit(signal) != 0,
        }
    }

    /// Whether there is none for this signal: it is ignored, or at its default.
    fn lack(self, signal: i32) -> bool {
        matches!(self, Self::Cleared { .. }) || is_ignored(signal)
    }
}

/// A hook of the command's own may have begun a session, which has a group.
fn begin_group() -> Result<(), Errno> {
    match setpgid(None, None) {
        Err(Errno::PERM) if getpgid(None) == Ok(getpid()) => Ok(()),
        result => result,
    }
}

/// A hook of the command's own may have begun one.
///
/// Not rustix's `getsid`, which has no value for a session whose leader is out of sight, in a PID namespace.
fn begin_session() -> Result<(), Errno> {
    match setsid() {
        Err(Errno::PERM) if nix::unistd::getsid(None) == Ok(nix::unistd::getpid()) => Ok(()),
        result => result.map(drop),
    }
}
