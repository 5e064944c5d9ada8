//! Our terminal, and the child's turn at it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use childminder_unix::{Child, Place};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use rustix::process::{Pid, getpid};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp,
};

/// A terminal of ours, most often the one that controls our session (`/dev/tty`).
///
/// A terminal has one foreground process group, which may read it, and to which the kernel sends what is typed as
/// signals: Ctrl-C, Ctrl-Z. While that is our group, the terminal is ours to lend: to a child that leads another
/// group, or to ourselves in raw mode. [`take_back`](Self::take_back) and the drop undo either: they bring back the
/// foreground, and the modes as they were.
#[derive(Debug)]
pub struct Terminal {
    fd: OwnedFd,
    /// Whether this is the controlling terminal of our session.
    controls_us: bool,
    /// The modes to come back to, while the terminal is lent.
    our_modes: Option<Termios>,
    /// The modes that the child had made when the terminal was last taken back.
    child_modes: Option<Termios>,
}

/// What becomes of modes that the child has changed, when the terminal is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modes {
    /// They stay, as with a shell when a command has ended by itself: the change may be what the command was for,
    /// as with `stty(1)`.
    Keep,
    /// They are again what they were before.
    Restore,
}

impl Terminal {
    /// The controlling terminal of our session, if it has one.
    pub fn controlling() -> Option<Self> {
        let tty = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        Some(Self::new(tty.into(), true))
    }

    /// Wraps `fd` if it is a terminal, without assuming that it controls us. Such a terminal can be made raw, and
    /// cannot be lent to a child.
    pub fn from_fd(fd: OwnedFd) -> Option<Self> {
        isatty(&fd).then(|| Self::new(fd, false))
    }

    /// The [controlling](Self::controlling) terminal, or else the first of our standard streams that is a terminal.
    pub fn controlling_or_given() -> Option<Self> {
        let given = || {
            let streams = [stdin(), stdout(), stderr()].into_iter();
            let mut copies = streams.filter_map(|stream| stream.try_clone_to_owned().ok());
            copies.find_map(Self::from_fd)
        };
        Self::controlling().or_else(given)
    }

    fn new(fd: OwnedFd, controls_us: bool) -> Self {
        Self {
            fd,
            controls_us,
            our_modes: None,
            child_modes: None,
        }
    }

    /// The place in which to spawn a child that shall get the terminal: in the foreground, if the terminal is ours. It
    /// counts as lent from now on, whether or not the spawn succeeds.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `dup(2)` say.
    pub fn lend_at_spawn(&mut self) -> io::Result<Place> {
        if !self.controls_us || !self.is_ours() {
            return Ok(Place::Group);
        }
        let foreground = Place::Foreground(self.fd.try_clone()?);
        self.our_modes = Some(tcgetattr(&self.fd)?);
        Ok(foreground)
    }

    /// Gives the foreground, if it is ours, to the child's group, with the modes that the child had made before.
    /// A child that is gone does not get it.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `tcsetattr(3)` say.
    pub fn lend(&mut self, child: &Child) -> io::Result<()> {
        let group = Pid::from_raw(child.id().cast_signed());
        let Some(group) = group.filter(|_| self.controls_us && self.is_ours()) else {
            return Ok(());
        };
        self.our_modes = Some(tcgetattr(&self.fd)?);
        if let Some(child_modes) = self.child_modes.take() {
            tcsetattr(&self.fd, OptionalActions::Now, &child_modes)?;
        }
        if tcsetpgrp(&self.fd, group).is_err() {
            self.take_back(Modes::Restore);
        }
        Ok(())
    }

    /// Puts the terminal into raw mode, if it is ours: each key arrives as it is typed, and output is not changed.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `tcsetattr(3)` say.
    pub fn make_raw(&mut self) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        let our_modes = match &self.our_modes {
            // It was raw before, and a shell may have changed that while we were stopped.
            Some(our_modes) => our_modes.clone(),
            None => tcgetattr(&self.fd)?,
        };
        let mut raw = our_modes.clone();
        raw.make_raw();
        self.our_modes = Some(our_modes);
        Ok(tcsetattr(&self.fd, OptionalActions::Now, &raw)?)
    }

    /// Takes back what was lent, if anything was: the foreground, and the modes if they are to be restored. A
    /// terminal that has hung up is left alone.
    pub fn take_back(&mut self, modes: Modes) {
        let Some(mut our_modes) = self.our_modes.take() else {
            return;
        };
        self.child_modes = tcgetattr(&self.fd).ok();
        if let (Modes::Keep, Some(child_modes)) = (modes, &self.child_modes) {
            our_modes = child_modes.clone();
        }
        let _ = without_ttou(|| {
            if let Some(group) = our_group().filter(|_| self.controls_us) {
                tcsetpgrp(&self.fd, group)?;
            }
            Ok(tcsetattr(&self.fd, OptionalActions::Now, &our_modes)?)
        });
    }

    /// Call this after a SIGCONT. If a shell has given the foreground to a third group while we were stopped, the
    /// terminal does not count as lent any more, so that it is not taken from that group.
    pub fn forget_loan_if_reassigned(&mut self, child: &Child) {
        let Ok(foreground) = tcgetpgrp(&self.fd) else {
            return;
        };
        if Some(foreground) != our_group() && foreground.as_raw_pid() != child.id().cast_signed() {
            self.our_modes = None;
        }
    }

    /// Whether our process group is in the foreground. A terminal that does not control us always counts as ours.
    pub fn is_ours(&self) -> bool {
        !self.controls_us || our_group().is_some() && tcgetpgrp(&self.fd).ok() == our_group()
    }

    /// Whether it is lent or raw: there is something to take back.
    pub fn is_lent(&self) -> bool {
        self.our_modes.is_some()
    }
}

impl AsFd for Terminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back(Modes::Restore);
    }
}

/// Whether `terminal` is our controlling terminal and another process group is in its foreground: to read it would
/// stop us.
pub fn is_in_background(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| Some(foreground) != our_group())
}

/// Whether we lead our process group, as an interactive shell makes the first process of each job.
pub fn leads_own_group() -> bool {
    our_group() == Some(getpid())
}

/// Whether we lead our session, as what a terminal's emulator or a remote login starts does.
///
/// Not by rustix's `getsid`, which has no value for a session whose leader is out of sight, in a PID namespace.
pub fn leads_own_session() -> bool {
    nix::unistd::getsid(None) == Ok(nix::unistd::getpid())
}

/// Not rustix's `getpgrp`, which panics where the group's leader is out of sight, in a PID namespace.
fn our_group() -> Option<Pid> {
    Pid::from_raw(nix::unistd::getpgrp().as_raw())
}

/// Blocks SIGTTOU meanwhile, which would stop a process that changes the terminal from the background.
fn without_ttou<T>(change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = SigSet::from(Signal::SIGTTOU).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let changed = change();
    before.thread_set_mask()?;
    changed
}
