//! Our controlling terminal, and the child's turn at it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sys::signal::{SigSet, Signal};
use rustix::process::{Pid, getpid};
use rustix::termios::{
    OptionalActions, Termios, isatty, tcgetattr, tcgetpgrp, tcsetattr, tcsetpgrp,
};

use crate::child::Child;
use crate::spawn_options::Place;

/// The terminal that controls our session, `/dev/tty`.
///
/// A terminal has one foreground process group, which may read it and is sent what is typed at it as
/// signals: Ctrl-C, Ctrl-Z. When that is our group, the terminal is ours to lend: to a child, which is
/// the leader of another group, or to ourselves in raw mode. Whatever is lent comes back with
/// [`take_back`](Self::take_back), and with the drop: the foreground, and the modes as they were.
///
/// Takes the feature `terminal`.
#[derive(Debug)]
pub struct ControllingTerminal {
    fd: OwnedFd,
    /// Whether it has a foreground group at all, as far as we are concerned.
    controls_us: bool,
    /// The modes to come back to, while the terminal is lent.
    ours: Option<Termios>,
    /// What the child had made of the modes when the terminal was last taken back.
    theirs: Option<Termios>,
}

impl ControllingTerminal {
    /// Ours, if we have one.
    pub fn open() -> Option<Self> {
        let fd = File::options()
            .read(true)
            .write(true)
            .open("/dev/tty")
            .ok()?;
        Some(Self {
            fd: fd.into(),
            controls_us: true,
            ours: None,
            theirs: None,
        })
    }

    /// This one, if it is a terminal. One that does not control us is always ours: to make raw, not to lend.
    pub fn other(fd: OwnedFd) -> Option<Self> {
        isatty(&fd).then_some(Self {
            fd,
            controls_us: false,
            ours: None,
            theirs: None,
        })
    }

    /// Whether our process group is in the foreground.
    pub fn is_ours(&self) -> bool {
        !self.controls_us || our_group().is_some() && tcgetpgrp(&self.fd).ok() == our_group()
    }

    /// Whether we lead our process group.
    pub fn is_led_by_us() -> bool {
        our_group() == Some(getpid())
    }

    /// Whether it is lent: there is something to take back.
    pub fn is_lent(&self) -> bool {
        self.ours.is_some()
    }

    /// Where a child is to start that gets the terminal: in the foreground, if it is ours. It is lent from
    /// now on, whether or not the child can be started.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `dup(2)` say.
    pub fn place(&mut self) -> io::Result<Place> {
        if !self.controls_us || !self.is_ours() {
            return Ok(Place::Group);
        }
        let foreground = Place::Foreground(self.fd.try_clone()?);
        self.ours = Some(tcgetattr(&self.fd)?);
        Ok(foreground)
    }

    /// Gives the foreground, if it is ours, to the child's group, with the modes that the child had made.
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
        self.ours = Some(tcgetattr(&self.fd)?);
        if let Some(theirs) = self.theirs.take() {
            tcsetattr(&self.fd, OptionalActions::Now, &theirs)?;
        }
        if tcsetpgrp(&self.fd, group).is_err() {
            self.take_back();
        }
        Ok(())
    }

    /// Puts the terminal into raw mode, if it is ours: every key comes as it is, and output goes out so.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `tcsetattr(3)` say.
    pub fn make_raw(&mut self) -> io::Result<()> {
        if !self.is_ours() {
            return Ok(());
        }
        let ours = match &self.ours {
            // A shell that stopped us may have undone it.
            Some(ours) => ours.clone(),
            None => tcgetattr(&self.fd)?,
        };
        let mut raw = ours.clone();
        raw.make_raw();
        self.ours = Some(ours);
        Ok(tcsetattr(&self.fd, OptionalActions::Now, &raw)?)
    }

    /// Takes back what was lent, if anything was: the foreground and the modes. On a terminal that has gone
    /// there is nothing to take back.
    pub fn take_back(&mut self) {
        let Some(ours) = self.ours.take() else {
            return;
        };
        self.theirs = tcgetattr(&self.fd).ok();
        let _ = unstopped(|| {
            if let Some(group) = our_group().filter(|_| self.controls_us) {
                tcsetpgrp(&self.fd, group)?;
            }
            Ok(tcsetattr(&self.fd, OptionalActions::Now, &ours)?)
        });
    }

    /// Leaves the modes as the child has made them when the terminal is taken back, as a shell does after a
    /// command that ended by itself: to change them may be what it was for, as with `stty(1)`.
    pub fn keep_modes(&mut self) {
        if self.ours.is_some() {
            self.ours = tcgetattr(&self.fd).ok();
        }
    }

    /// To be called when somebody had stopped us, and continued us. If the foreground has been given to
    /// somebody else meanwhile, by the shell, it is not ours to take back any more.
    pub fn look_again(&mut self, child: &Child) {
        let Ok(foreground) = tcgetpgrp(&self.fd) else {
            return;
        };
        if Some(foreground) != our_group() && foreground.as_raw_pid() != child.id().cast_signed() {
            self.ours = None;
        }
    }
}

impl AsFd for ControllingTerminal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for ControllingTerminal {
    fn drop(&mut self) {
        self.take_back();
    }
}

/// Whether this is our controlling terminal and another process group is in its foreground: to read it would
/// stop us. Takes the feature `terminal`.
pub fn is_in_background(terminal: impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| Some(foreground) != our_group())
}

/// Not rustix's `getpgrp`, which panics where the group's leader is out of sight, in a PID namespace.
fn our_group() -> Option<Pid> {
    Pid::from_raw(nix::unistd::getpgrp().as_raw())
}

/// Who changes the terminal from the background is stopped by SIGTTOU, unless that is blocked.
fn unstopped<T>(change: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before =
        SigSet::from(Signal::SIGTTOU).thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
    let changed = change();
    before.thread_set_mask()?;
    changed
}
