//! Job control: the terminal is the child's while it runs, and what stops the child stops us, for the
//! shell to see.
//!
//! **The terminal is lent.** A child in a group of its own can use our terminal only as the foreground group. It
//! gets the terminal at the start if we lead our group and write to no pipe, so that we are a job by ourselves as
//! far as can be seen; otherwise when it stops for SIGTTIN or SIGTTOU. A pager behind us, or the shell of a script,
//! would otherwise be in the background, and be stopped. Until then Ctrl-C reaches us, and starts the ladder.
//! SIGTSTP is held back by a `signalfd`, passed on, and answered with a stop of our own when the child stops. Once
//! the child of a pipeline has the terminal, Ctrl-Z stops it and us, and takes a second one for the rest. The
//! terminal comes back when the child is dead, whatever is left of its group.
//!
//! **In the background** the kernel stops a command that uses the terminal. `run` stops with it, as any job does, if
//! it leads its group. In a script, whose shell would not see that, and for `timeout`, whose time runs in the
//! background too, only the child is stopped. It gets the terminal when that is ours; we look for that, since a
//! shell's `fg` says nothing to a job that runs.
//!
//! **Only a shell's job stops.** The kernel drops SIGTSTP, SIGTTIN and SIGTTOU for a group that no shell minds, and
//! so tells whether anything would continue us. If we do not stop, the clocks go on, and the idle deadline ends a
//! child that stays stopped. For the same reason SIGSTOP is answered with SIGTSTP. The leader of the session that
//! `--tty` makes has no shell either, so Ctrl-Z there stops only what a shell inside runs.
//!
//! **Modes** that a command changed stay when it ends by itself, as with a shell, since that may be what it was
//! for. When it is killed or ended, they are what they were.

use std::io;
use std::mem;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::Duration;

use childminder::{ExitStatus, Signal, Target};
use childminder_driver::Handler;
use childminder_unix::{ControllingTerminal, JobChange, Place, Stops};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::fs::{FileType, fstat};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
use signal_hook_mio::v1_0::Signals;

use crate::minded::Minded;

/// What we share with the shell whose job we are. Dropped, it takes the terminal back.
///
/// The child has the terminal from the start if we are in the foreground and a job by ourselves. Where
/// others of our group may be using it, in a pipeline or a script, the child gets it when it asks for it:
/// by stopping for SIGTTIN or SIGTTOU, as who uses the terminal from the background does.
pub(crate) struct JobControl {
    terminal: ControllingTerminal,
    stops: Stops,
    signals: Signals,
    uses: Uses,
    /// Whether we stop with a child that wants the terminal while somebody else has it. Otherwise the clocks
    /// go on, and it gets the terminal when that is ours.
    waits_stopped: bool,
    /// Whether the child has had the terminal, or asked for it.
    asked_for: bool,
    /// Whether the child is still stopped: it waits for the terminal, or nobody seemed to have continued us.
    left_stopped: bool,
}

/// What our terminal is to the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uses {
    /// Its own, lent to its process group.
    Lent,
    /// Where we are, between it and the terminal that it has instead; in raw mode if this says so.
    Apart { raw: bool },
}

impl JobControl {
    /// Call this before there are other threads.
    pub(crate) fn new(
        terminal: ControllingTerminal,
        uses: Uses,
        waits_stopped: bool,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let stops = Stops::new()?;
        let stop = stops.as_fd().as_raw_fd();
        registry.register(&mut SourceFd(&stop), token, Interest::READABLE)?;
        let mut signals = Signals::new([SIGCHLD, SIGCONT])?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        Ok(Self {
            terminal,
            stops,
            signals,
            uses,
            waits_stopped,
            asked_for: false,
            left_stopped: false,
        })
    }

    /// Whether we are in the foreground.
    pub(crate) fn has_terminal(&self) -> bool {
        self.terminal.is_ours()
    }

    /// Whether our terminal is in raw mode.
    pub(crate) fn is_raw(&self) -> bool {
        matches!(self.uses, Uses::Apart { .. }) && self.terminal.is_lent()
    }

    /// Where to start a child that uses our terminal. Whether it can be started or not, the terminal is to be
    /// given up afterwards.
    pub(crate) fn place(&mut self) -> io::Result<Place> {
        if !is_job_by_itself() {
            return Ok(Place::Group);
        }
        let place = self.terminal.place()?;
        self.asked_for = matches!(place, Place::Foreground(_));
        Ok(place)
    }

    /// Sees to what has come: a stop of the child's, a wish to stop, a continuation. Call it when the token
    /// is ready; any time else is harmless. `settle` is called last thing before we stop, and `resume` before
    /// the child is continued.
    pub(crate) fn attend<H: Handler>(
        &mut self,
        child: &mut Minded<H>,
        settle: impl Fn(&H),
        resume: impl Fn(),
    ) -> io::Result<()> {
        let end = child.child().exit_status();
        if let (Ok(Some(status)), Uses::Lent) = (&end, self.uses) {
            // Whoever is left of its group has no shell that would say more of them.
            let by_itself = matches!(status, ExitStatus::Code(_));
            self.take_back(by_itself && !child.monitor().is_terminating());
            self.asked_for = false;
        }
        let was_continued = self.was_continued();
        if was_continued {
            self.terminal.look_again(child.child());
        }
        if was_continued || self.waits_for_terminal() && self.terminal.is_ours() {
            self.hand_over(child)?;
            resume();
            if mem::take(&mut self.left_stopped) {
                go_on(child);
            }
        }
        if self.stops.take()? {
            self.pass_on_stop(child);
            // Whoever is left of it will not tell when they stop.
            if matches!(end, Ok(Some(_))) {
                self.stopped(TSTP, child, &settle, &resume)?;
            }
        }
        // A child that is lost is noticed elsewhere.
        while let Ok(Some(halt)) = child.child().take_job_change() {
            if let JobChange::Stopped(signal) = halt {
                self.stopped(signal, child, &settle, &resume)?;
            }
        }
        Ok(())
    }

    /// When to attend again, though nothing comes: a shell may give us the foreground without a word.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        self.waits_for_terminal().then_some(NEXT_LOOK)
    }

    fn waits_for_terminal(&self) -> bool {
        match self.uses {
            Uses::Lent => self.left_stopped && self.asked_for,
            Uses::Apart { raw } => raw && !self.terminal.is_lent(),
        }
    }

    /// Gives the child, or our raw mode, what it is due, if the terminal is ours to give.
    pub(crate) fn hand_over<H: Handler>(&mut self, child: &Minded<H>) -> io::Result<()> {
        match self.uses {
            Uses::Lent if self.asked_for => self.terminal.lend(child.child()),
            Uses::Apart { raw: true } => self.terminal.make_raw(),
            _ => Ok(()),
        }
    }

    /// The end: the terminal is ours again. `by_itself` says whether the child ended unasked, and by no
    /// signal.
    pub(crate) fn take_back(&mut self, by_itself: bool) {
        if by_itself && self.uses == Uses::Lent {
            self.terminal.keep_modes();
        }
        self.terminal.take_back();
    }

    /// The child has been stopped. So are we, then, and the clocks stand, until we are continued.
    ///
    /// Not so where it only asks for the terminal, and we have it or do not wait for it; nor where it is being
    /// ended, which must not wait for anybody; nor where no shell minds us, since nobody would continue us.
    /// Then the deadlines are what ends a child that stays stopped.
    fn stopped<H: Handler>(
        &mut self,
        signal: Signal,
        child: &mut Minded<H>,
        settle: impl Fn(&H),
        resume: impl Fn(),
    ) -> io::Result<()> {
        let asks = matches!(signal.number(), SIGTTIN | SIGTTOU) && self.uses == Uses::Lent;
        if asks {
            self.asked_for = true;
            if self.terminal.is_ours() {
                self.hand_over(child)?;
                go_on(child);
                return Ok(());
            }
            if !self.waits_stopped {
                self.left_stopped = true;
                return Ok(());
            }
        }
        child.control().suspended();
        child.turn();
        if child.monitor().is_terminating() || child.outcome().is_some() {
            child.control().resumed();
            if !asks {
                go_on(child);
            }
            return Ok(());
        }
        settle(child.handler());
        self.terminal.take_back();
        self.was_continued();
        self.stops.stop(signal)?;
        let continued = self.was_continued();
        self.hand_over(child)?;
        resume();
        child.control().resumed();
        // Another thread may be about to take the SIGCONT.
        self.left_stopped = !continued && signal != TSTP;
        if !self.left_stopped {
            go_on(child);
        }
        Ok(())
    }

    /// What was sent to our group by a terminal that the child does not have is for the child as well. When
    /// it stops, we shall. A session of its own has no shell that minds it, so SIGTSTP would be lost on it.
    fn pass_on_stop<H: Handler>(&self, child: &mut Minded<H>) {
        let signal = match self.uses {
            Uses::Lent => TSTP,
            Uses::Apart { .. } => STOP,
        };
        if let Err(error) = child.child().signal(signal, Target::Group) {
            child.control().fail(error);
        }
    }

    fn was_continued(&mut self) -> bool {
        self.signals
            .pending()
            .filter(|signal| *signal == SIGCONT)
            .count()
            > 0
    }
}

/// Whether the shell has put nobody but us into our group, as far as can be seen: we lead it, and no
/// pipeline goes on behind us.
fn is_job_by_itself() -> bool {
    let piped = fstat(rustix::stdio::stdout())
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo);
    ControllingTerminal::is_led_by_us() && !piped
}

fn go_on<H: Handler>(child: &mut Minded<H>) {
    if let Err(error) = child.child().signal(CONT, Target::Group) {
        child.control().fail(error);
    }
}

/// How often to look whether the terminal is ours.
const NEXT_LOOK: Duration = Duration::from_millis(200);

const CONT: Signal = Signal::new(SIGCONT).expect("a signal");
const STOP: Signal = Signal::new(SIGSTOP).expect("a signal");
const TSTP: Signal = Signal::new(SIGTSTP).expect("a signal");
