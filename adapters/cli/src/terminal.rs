//! What terminals are to the command: the one that we were started at, and the one that it gets with `--tty`.

use std::io::{self, IsTerminal as _};
use std::mem;
use std::os::fd::AsFd as _;
use std::time::Duration;

use childminder::{ExitStatus, Outcome, Signal, Target};
use childminder_terminal::{
    InBackground, JobControl, Minded as _, Modes, Terminal as Ours, Tty, Uses, leads_own_group,
    leads_own_session,
};
use childminder_unix::{Arrival, Child, Command, SpawnOptions, signals};
use signal_hook::consts::SIGSTOP;

use crate::event_loop::{Attendant, EventLoop, Owner};
use crate::plan::{TerminalPlan, is_init};
use crate::signals::{CONT, TSTP};

/// Dropped, it leaves our terminal as it was.
#[derive(Default)]
pub(crate) struct Terminal {
    jobs: Option<JobControl>,
    tty: Option<Tty>,
    /// Where no terminal stops us, what stops the command when SIGTSTP comes from a process, which would stop us alone.
    passes_stops_on_as: Option<Signal>,
    /// Whether we stopped ourselves, and have not read yet of the SIGCONT that continued us.
    has_stopped: bool,
}

impl Terminal {
    /// For `run`. Call this before there are other threads.
    pub(crate) fn planned<H: Owner>(
        plan: TerminalPlan,
        event_loop: &mut EventLoop<H>,
    ) -> io::Result<Self> {
        // In a script, the shell would not see us stop alone.
        let in_background = if leads_own_group() {
            InBackground::Stop
        } else {
            InBackground::RunOn
        };
        match plan {
            TerminalPlan::Lent => Self::lent(in_background, event_loop),
            TerminalPlan::None => {
                let uses = Uses::Apart { raw: false };
                let jobs =
                    Ours::controlling().map(|ours| JobControl::new(ours, uses, in_background));
                Self::watched(jobs.transpose()?, None, event_loop)?.or_without(STOP, event_loop)
            }
            TerminalPlan::Own => {
                let raw = io::stdin().is_terminal();
                let outer = Ours::controlling_or_given();
                let jobs =
                    outer.map(|ours| JobControl::new(ours, Uses::Apart { raw }, in_background));
                let tty = Tty::new(Ours::controlling_or_given())?;
                Self::watched(jobs.transpose()?, Some(tty), event_loop)?
                    .or_without(STOP, event_loop)
            }
        }
    }

    /// Our terminal, if we have one, to be lent to the command.
    pub(crate) fn lent<H: Owner>(
        in_background: InBackground,
        event_loop: &mut EventLoop<H>,
    ) -> io::Result<Self> {
        let jobs = Ours::controlling()
            .map(|ours| JobControl::new(ours, Uses::Lent, in_background))
            .transpose()?;
        Self::watched(jobs, None, event_loop)?.or_without(TSTP, event_loop)
    }

    fn watched<H: Owner>(
        jobs: Option<JobControl>,
        tty: Option<Tty>,
        event_loop: &mut EventLoop<H>,
    ) -> io::Result<Self> {
        let fds = [
            jobs.as_ref().map(JobControl::as_fd),
            tty.as_ref().map(Tty::as_fd),
        ];
        for fd in fds.into_iter().flatten() {
            event_loop.watch(fd)?;
        }
        Ok(Self {
            jobs,
            tty,
            passes_stops_on_as: None,
            has_stopped: false,
        })
    }

    /// Without a terminal, this stops the command: SIGSTOP where it leads a session of its own, in which the kernel drops
    /// SIGTSTP, since no shell watches it. An init cannot be stopped, and passes these signals on like others.
    fn or_without<H: Owner>(self, stop: Signal, event_loop: &mut EventLoop<H>) -> io::Result<Self> {
        if self.jobs.is_some() {
            return Ok(self);
        }
        event_loop.listen_to(&[TSTP, CONT])?;
        Ok(Self {
            passes_stops_on_as: Some(stop).filter(|_| !is_init()),
            ..self
        })
    }

    /// Whether job control takes SIGCHLD.
    pub(crate) fn takes_deaths(&self) -> bool {
        self.jobs.is_some()
    }

    /// Spawns `command` where its terminal is.
    pub(crate) fn spawn(
        &mut self,
        mut command: Command,
        mut options: SpawnOptions,
    ) -> io::Result<Child> {
        if let Some(tty) = &mut self.tty {
            return tty.spawn(command, options);
        }
        if let Some(jobs) = &mut self.jobs {
            options.place = jobs.place_for_child()?;
        }
        Child::spawn_with(&mut command, &options)
    }

    /// Has SIGTSTP stop the command, and then us, with every deadline, and SIGCONT continue both. A command that is being
    /// ended is not stopped.
    ///
    /// SIGSTOP to all of us is not heard. Its end is, and is no sign of a hung command: the silence counts anew.
    fn pass_stops_on<H: Owner>(
        &mut self,
        stop: Signal,
        child: &mut EventLoop<H>,
        arrivals: &mut Vec<Arrival>,
    ) -> io::Result<()> {
        let has = |signal| arrivals.iter().any(|arrival| arrival.signal == signal);
        let (is_stopped, is_continued) = (has(TSTP), has(CONT));
        arrivals.retain(|arrival| ![TSTP, CONT].contains(&arrival.signal));
        if is_continued {
            if !mem::take(&mut self.has_stopped) {
                child.control().progress();
            }
            child.control().pass_on(CONT, Target::Group);
        } else if is_stopped && !child.monitor().is_terminating() {
            child.control().pass_on(stop, Target::Group);
            child.control().suspended();
            child.turn();
            child.handler().about_to_stop();
            self.has_stopped = true;
            signals::stop()?;
            // The SIGCONT that has continued us comes as an arrival of its own.
            child.control().resumed();
        }
        Ok(())
    }

    /// Whether a shell runs us as a job: we have a controlling terminal, and did not begin the session.
    pub(crate) fn is_of_a_shells_job() -> bool {
        Ours::controlling().is_some() && !leads_own_session()
    }

    /// After the start: our terminal is the command's now, or raw.
    pub(crate) fn hand_over<H: Owner>(&mut self, child: &mut EventLoop<H>) -> io::Result<()> {
        if let Some(jobs) = &mut self.jobs {
            jobs.hand_over_terminal(child.child())?;
            child.handler_mut().terminal_is_raw(jobs.is_raw());
        }
        Ok(())
    }

    /// At the end, our terminal is ours again, and Ctrl-Z stops us like any program.
    pub(crate) fn take_back<H: Owner>(mut self, handler: &mut H, outcome: &Outcome) {
        if self.jobs.as_ref().is_some_and(JobControl::is_raw) {
            handler.outlets().flush_briefly();
            handler.terminal_is_raw(false);
        }
        if let Some(mut jobs) = mem::take(&mut self.jobs) {
            jobs.take_back_terminal(if ended_by_itself(outcome) {
                Modes::Keep
            } else {
                Modes::Restore
            });
        }
    }
}

impl<H: Owner> Attendant<H> for Terminal {
    fn attend(&mut self, child: &mut EventLoop<H>, arrivals: &mut Vec<Arrival>) -> io::Result<()> {
        let is_continued = arrivals.iter().any(|arrival| arrival.signal == CONT);
        if let Some(tty) = self.tty.as_ref().filter(|_| is_continued) {
            tty.resize();
            tty.retry_input();
        }
        if let Some(stop) = self.passes_stops_on_as {
            self.pass_stops_on(stop, child, arrivals)?;
        }
        if let Some(jobs) = &mut self.jobs {
            // Our terminal may have another size by then.
            let before_continue = || self.tty.iter().for_each(Tty::resize);
            let was_raw = jobs.is_raw();
            jobs.attend(
                child,
                |child| child.handler().about_to_stop(),
                before_continue,
            )?;
            if jobs.is_raw() != was_raw {
                child.handler_mut().terminal_is_raw(!was_raw);
            }
            if let Some(tty) = self.tty.as_ref().filter(|_| jobs.is_raw() && !was_raw) {
                tty.retry_input();
            }
        }
        if let Some(tty) = &mut self.tty {
            tty.attend(&mut child.control());
            if matches!(child.child().exit_status(), Ok(Some(_)) | Err(_)) {
                tty.close_slave();
            }
        }
        Ok(())
    }

    fn next_look(&self) -> Option<Duration> {
        self.jobs.as_ref()?.next_look()
    }
}

/// Whether the command ended unasked, and by no signal that is known of.
fn ended_by_itself(outcome: &Outcome) -> bool {
    !outcome.terminated && matches!(outcome.exit, Some(ExitStatus::Code(_) | ExitStatus::Lost))
}

const STOP: Signal = Signal::new(SIGSTOP).expect("a signal");
