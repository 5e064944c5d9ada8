//! Job control: the terminal is the child's while it runs, and what stops the child stops us, so that our shell
//! sees it.
//!
//! **The terminal is lent.** A child in a group of its own can use our terminal only as the foreground group. It
//! gets the terminal at the start if we lead our group and write to no pipe, so that we seem to be a job by
//! ourselves; otherwise when it stops for SIGTTIN or SIGTTOU. A pager behind us, or the shell of a script,
//! would otherwise be in the background, and be stopped. Until then Ctrl-C reaches us and not the child.
//! SIGTSTP is held back, passed on to the child, and answered with a stop of our own when the child stops. Once
//! the child of a pipeline has the terminal, Ctrl-Z stops the child and us; the rest of the pipeline takes a second
//! one. The terminal comes back when the child is dead, though other processes of its group may live.
//!
//! **In the background** the kernel stops a command that uses the terminal. [`InBackground`] says whether we stop with
//! it, as any job does. If not, only the child is stopped, and it gets the terminal as soon as that is ours. No signal
//! announces that when a shell's `fg` finds a job that runs, so [`JobControl::next_look`] asks for a look from time
//! to time.
//!
//! **Only a shell's job stops.** The kernel drops SIGTSTP, SIGTTIN and SIGTTOU for a group that no shell watches, and
//! so tells whether anything would continue us. If we do not stop, the clocks go on, and the idle deadline ends a
//! child that stays stopped. For the same reason SIGSTOP is answered with SIGTSTP. The leader of the session on a
//! [`Pty`](crate::Pty) has no shell either, so Ctrl-Z there stops only what a shell inside runs.
//!
//! **Modes** that a command changed stay when it ends by itself, as with a shell, since that may be what it was
//! for. When it is killed or ended, they are what they were.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::{Child, JobChange, Place, Selector};
use rustix::fs::{FileType, fstat};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};

use crate::held_stop::HeldStop;
use crate::minded::Minded;
use crate::notices::Notices;
use crate::terminal::{Modes, Terminal, leads_own_group};

/// Shares our terminal between the child, ourselves and the shell whose job we are. Dropped, it takes the terminal
/// back and lets Ctrl-Z stop us again.
///
/// The child has the terminal from the start if we are in the foreground and a job by ourselves. In a pipeline or a
/// script, where other processes of our group may be using it, the child gets it when it asks for it: by being
/// stopped with SIGTTIN or SIGTTOU, as a process is that uses the terminal from the background.
///
/// In the loop: spawn in the [place for the child](Self::place_for_child), mind the child,
/// [hand the terminal over](Self::hand_over_terminal), and then [`attend`](Self::attend) before each turn, whenever the
/// descriptor is readable or [`next_look`](Self::next_look) is over. At the end,
/// [take the terminal back](Self::take_back_terminal).
#[derive(Debug)]
pub struct JobControl {
    terminal: Terminal,
    held_stop: HeldStop,
    notices: Notices,
    /// Readable when one of these two is.
    selector: Selector,
    uses: Uses,
    in_background: InBackground,
    /// Whether the child has had the terminal, or asked for it.
    child_uses_terminal: bool,
    /// Whether the child was left stopped: it waits for the terminal, or no SIGCONT seemed to have continued us.
    left_stopped: bool,
    /// Whether the child was stopped because we were to stop.
    stopped_for_us: bool,
}

/// What our terminal is to the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uses {
    /// The child's own, lent to its process group.
    Lent,
    /// Where we are; the child has another one, as from [`Tty`](crate::Tty). Ours is put into raw mode if `raw` says
    /// so.
    Apart {
        /// Whether what is typed shall come as it is, to be typed at the child's terminal.
        raw: bool,
    },
}

/// What we do when the child is stopped because it uses the terminal while another group has the foreground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InBackground {
    /// Stop as well, as any job of a shell does. The clocks stand.
    Stop,
    /// Run on, and so do the clocks. For a script, whose shell would not see that we alone have stopped.
    RunOn,
}

impl JobControl {
    /// Holds SIGTSTP back from now on ([`HeldStop`]); call it before there are other threads. SIGCHLD and SIGCONT are
    /// handled, so they must not be blocked, as `Arrivals` of them would.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors or threads.
    pub fn new(terminal: Terminal, uses: Uses, in_background: InBackground) -> io::Result<Self> {
        let held_stop = HeldStop::new()?;
        let notices = Notices::of(&[SIGCHLD, SIGCONT])?;
        let selector = Selector::new()?;
        selector.add(&held_stop, 0)?;
        selector.add(&notices, 0)?;
        Ok(Self {
            terminal,
            held_stop,
            notices,
            selector,
            uses,
            in_background,
            child_uses_terminal: false,
            left_stopped: false,
            stopped_for_us: false,
        })
    }

    /// Where to spawn a child that uses our terminal. Whether the spawn succeeds or not, the terminal is to be
    /// [taken back](Self::take_back_terminal) afterwards.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `dup(2)` say.
    pub fn place_for_child(&mut self) -> io::Result<Place> {
        if !is_job_by_itself() {
            return Ok(Place::Group);
        }
        let place = self.terminal.lend_at_spawn()?;
        self.child_uses_terminal = matches!(place, Place::Foreground(_));
        Ok(place)
    }

    /// Lends the terminal to the child, or makes it raw, as [`Uses`] says, if it is ours now. Call it once after the
    /// spawn.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `tcsetattr(3)` say.
    pub fn hand_over_terminal(&mut self, child: &Child) -> io::Result<()> {
        match self.uses {
            Uses::Lent if self.child_uses_terminal => self.terminal.lend(child),
            Uses::Apart { raw: true } => self.terminal.make_raw(),
            _ => Ok(()),
        }
    }

    /// Handles what has come: a stop of the child, a SIGTSTP to us, a continuation. Call it when the descriptor is
    /// readable and before each turn; at any other time it does no harm.
    ///
    /// `before_stop` is called as the last thing before we stop, to write out what is buffered, for instance;
    /// `before_continue` before the child is continued, to give its terminal a new size, for instance.
    ///
    /// The signals to the child that this asks for are sent in the next turn of the child.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` and `tcsetattr(3)` say.
    pub fn attend<M: Minded>(
        &mut self,
        minded: &mut M,
        before_stop: impl Fn(&M),
        before_continue: impl Fn(),
    ) -> io::Result<()> {
        let end = minded.child().exit_status();
        if let (Ok(Some(status)), Uses::Lent) = (&end, self.uses) {
            // Other processes of its group may live, but no shell would stop or continue them.
            let ended_by_itself =
                matches!(status, ExitStatus::Code(_)) && !minded.monitor().is_terminating();
            self.take_back_terminal(if ended_by_itself {
                Modes::Keep
            } else {
                Modes::Restore
            });
            self.child_uses_terminal = false;
        }
        let was_continued = self.take_continuation();
        if was_continued {
            self.terminal.forget_loan_if_reassigned(minded.child());
        }
        if was_continued || self.waits_for_terminal() && self.terminal.is_ours() {
            self.hand_over_terminal(minded.child())?;
            before_continue();
            if mem::take(&mut self.left_stopped) {
                pass_on(minded, CONT);
            }
        }
        if self.held_stop.take()? {
            self.stopped_for_us = self.uses != Uses::Lent;
            pass_on(minded, self.signal_that_stops());
            // No SIGCHLD tells of a stop in what is left of the group of a dead child.
            if matches!(end, Ok(Some(_))) {
                self.stop_with_child(TSTP, minded, &before_stop, &before_continue)?;
            }
        }
        // The driver notices by itself when the child cannot be waited for any more.
        while let Ok(Some(change)) = minded.child().take_job_change() {
            if let JobChange::Stopped(signal) = change {
                self.stop_with_child(signal, minded, &before_stop, &before_continue)?;
            }
        }
        Ok(())
    }

    /// Takes the terminal back at the end, if it was lent or raw. [`Modes::Keep`] counts only where it was
    /// [lent](Uses::Lent).
    pub fn take_back_terminal(&mut self, modes: Modes) {
        self.terminal.take_back(match self.uses {
            Uses::Lent => modes,
            Uses::Apart { .. } => Modes::Restore,
        });
    }

    /// How long the loop may sleep before it calls [`attend`](Self::attend), though the descriptor is not readable: no
    /// signal tells that a shell has given us the foreground. `None` if only the descriptor can bring more.
    pub fn next_look(&self) -> Option<Duration> {
        self.waits_for_terminal()
            .then_some(FOREGROUND_POLL_INTERVAL)
    }

    /// Whether we are in the foreground.
    pub fn has_terminal(&self) -> bool {
        self.terminal.is_ours()
    }

    /// Whether our terminal is in raw mode.
    pub fn is_raw(&self) -> bool {
        matches!(self.uses, Uses::Apart { .. }) && self.terminal.is_lent()
    }

    fn waits_for_terminal(&self) -> bool {
        match self.uses {
            Uses::Lent => self.left_stopped && self.child_uses_terminal,
            Uses::Apart { raw } => raw && !self.terminal.is_lent(),
        }
    }

    /// The child has been stopped by `signal`. So we stop too, and the clocks stand, until we are continued.
    ///
    /// We do not stop where the child only asks for the terminal, and we have it or run on without it; nor where the
    /// child is being ended, which must not wait for a shell; nor where no shell watches us, since nothing would
    /// continue us. Then the deadlines end a child that stays stopped.
    fn stop_with_child<M: Minded>(
        &mut self,
        signal: Signal,
        minded: &mut M,
        before_stop: impl Fn(&M),
        before_continue: impl Fn(),
    ) -> io::Result<()> {
        let asks_for_terminal =
            matches!(signal.number(), SIGTTIN | SIGTTOU) && self.uses == Uses::Lent;
        if asks_for_terminal {
            self.child_uses_terminal = true;
            if self.terminal.is_ours() {
                self.hand_over_terminal(minded.child())?;
                pass_on(minded, CONT);
                return Ok(());
            }
            if self.in_background == InBackground::RunOn {
                self.left_stopped = true;
                return Ok(());
            }
        }
        minded.control().suspended();
        minded.turn();
        if minded.monitor().is_terminating() || minded.monitor().outcome().is_some() {
            minded.control().resumed();
            if !asks_for_terminal {
                pass_on(minded, CONT);
            }
            return Ok(());
        }
        before_stop(minded);
        self.terminal.take_back(Modes::Restore);
        self.take_continuation();
        self.held_stop.stop(signal)?;
        let continued = self.take_continuation();
        self.hand_over_terminal(minded.child())?;
        before_continue();
        minded.control().resumed();
        // The handler of a SIGCONT may still be about to run, in another thread. A child that was stopped for us is not
        // left so where no shell lets us stop.
        let stopped_for_us = mem::take(&mut self.stopped_for_us);
        self.left_stopped = !continued && signal != TSTP && !stopped_for_us;
        if !self.left_stopped {
            pass_on(minded, CONT);
        }
        Ok(())
    }

    /// What to send to the child when the terminal has sent SIGTSTP to our group, which the child is not in. When
    /// the child stops for it, so do we. SIGTSTP would be dropped by a child that leads a session of its own, since no
    /// shell watches it.
    fn signal_that_stops(&self) -> Signal {
        match self.uses {
            Uses::Lent => TSTP,
            Uses::Apart { .. } => STOP,
        }
    }

    /// Whether a SIGCONT has come.
    fn take_continuation(&mut self) -> bool {
        self.notices
            .take()
            .filter(|signal| *signal == SIGCONT)
            .count()
            > 0
    }
}

/// Readable when [`attend`](JobControl::attend) has something to do.
impl AsFd for JobControl {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.selector.as_fd()
    }
}

/// Whether no other process seems to be in our group: we lead it, and no pipeline goes on behind us.
fn is_job_by_itself() -> bool {
    let piped = fstat(rustix::stdio::stdout())
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
    leads_own_group() && !piped
}

fn pass_on(minded: &mut impl Minded, signal: Signal) {
    minded.control().pass_on(signal, Target::Group);
}

/// How often to look whether the terminal is ours.
const FOREGROUND_POLL_INTERVAL: Duration = Duration::from_millis(200);

const CONT: Signal = Signal::new(SIGCONT).expect("a signal");
const STOP: Signal = Signal::new(SIGSTOP).expect("a signal");
const TSTP: Signal = Signal::new(SIGTSTP).expect("a signal");
