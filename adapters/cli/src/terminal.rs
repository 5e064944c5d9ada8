//! What terminals are to `childminder run`: the one that we were started at, and the one that the child gets
//! with `--tty`.

use std::io::{self, IsTerminal as _};
use std::mem;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use childminder::{ExitStatus, Outcome, Stream};
use childminder_unix::{Child, ControllingTerminal, SpawnOptions};
use mio::{Registry, Token, Waker};
use rustix::process::{getpid, getsid};
use rustix::stdio::{stderr, stdin, stdout};

use crate::args::RunArgs;
use crate::jobs::{JobControl, Uses};
use crate::minded::Minded;
use crate::owner::Owner;
use crate::tty::Tty;

/// Dropped, it leaves our terminal as it was.
pub(crate) struct Terminal {
    jobs: Option<JobControl>,
    tty: Option<Tty>,
}

impl Terminal {
    /// Call this before there are other threads. `token` and `waker` bring what is to be
    /// [attended](Self::attend).
    pub(crate) fn new(
        args: &RunArgs,
        registry: &Registry,
        token: Token,
        waker: &Arc<Waker>,
    ) -> io::Result<Self> {
        let uses = if args.tty {
            let raw = io::stdin().is_terminal();
            Uses::Apart { raw }
        } else {
            Uses::Lent
        };
        let terminal = match (args.session, args.tty) {
            // A session of its own has no terminal.
            (true, _) => None,
            (false, false) => ControllingTerminal::open(),
            (false, true) => outer(),
        };
        // In a script, the shell would not see us stop alone.
        let waits_stopped = ControllingTerminal::is_led_by_us();
        let jobs = terminal
            .map(|terminal| JobControl::new(terminal, uses, waits_stopped, registry, token));
        let tty = args
            .tty
            .then(|| Tty::new(outer(), registry, token, Arc::clone(waker)));
        Ok(Self {
            jobs: jobs.transpose()?,
            tty: tty.transpose()?,
        })
    }

    /// Starts `command` where its terminal is.
    pub(crate) fn start(
        &mut self,
        mut command: Command,
        mut start: SpawnOptions,
        args: &RunArgs,
    ) -> io::Result<Child> {
        if let Some(tty) = &mut self.tty {
            return tty.start(command, start);
        }
        command
            .stdout(self.stream(Stream::Stdout, args))
            .stderr(self.stream(Stream::Stderr, args));
        if let Some(jobs) = &mut self.jobs {
            start.place = jobs.place()?;
        }
        Child::spawn_with(&mut command, &start)
    }

    /// Whether a shell runs us as a job: we have a controlling terminal, and did not begin the session.
    pub(crate) fn is_of_a_shells_job() -> bool {
        ControllingTerminal::open().is_some() && getsid(None) != Ok(getpid())
    }

    /// After the start: our terminal is the child's now, or raw.
    pub(crate) fn hand_over(&mut self, child: &mut Minded<Owner>) -> io::Result<()> {
        if let Some(jobs) = &mut self.jobs {
            jobs.hand_over(child)?;
            child.handler_mut().raw_terminal = jobs.is_raw();
        }
        Ok(())
    }

    /// Sees to what has come; any time is harmless.
    pub(crate) fn attend(&mut self, child: &mut Minded<Owner>) -> io::Result<()> {
        if let Some(jobs) = &mut self.jobs {
            // Our terminal may have another size by then.
            let resume = || self.tty.iter().for_each(Tty::resize);
            jobs.attend(child, Owner::settle, resume)?;
            let was_raw = mem::replace(&mut child.handler_mut().raw_terminal, jobs.is_raw());
            if let Some(tty) = self.tty.as_ref().filter(|_| jobs.is_raw() && !was_raw) {
                tty.look_again();
            }
        }
        if let Some(tty) = &mut self.tty {
            tty.attend(child);
        }
        Ok(())
    }

    /// After each turn.
    pub(crate) fn look_at(&mut self, owner: &Owner) {
        if let Some(tty) = self.tty.as_mut().filter(|_| owner.log.exited.is_some()) {
            tty.let_go();
        }
    }

    /// When to attend again, though nothing comes.
    pub(crate) fn next_look(&self) -> Option<Duration> {
        self.jobs.as_ref()?.next_look()
    }

    /// At the end, our terminal is ours again, and Ctrl-Z stops us like anybody.
    pub(crate) fn take_back(&mut self, owner: &mut Owner, outcome: &Outcome) {
        owner.settle();
        owner.raw_terminal = false;
        if let Some(mut jobs) = self.jobs.take() {
            jobs.take_back(ended_by_itself(outcome));
        }
    }

    /// The child gets a terminal of ours as it is, if we are in the foreground and nothing asks to watch
    /// what is written there.
    fn stream(&self, stream: Stream, args: &RunArgs) -> Stdio {
        let is_terminal = match stream {
            Stream::Stdout => io::stdout().is_terminal(),
            Stream::Stderr => io::stderr().is_terminal(),
        };
        let in_foreground = self.jobs.as_ref().is_some_and(JobControl::has_terminal);
        // What is to outlive us must not write to our pipe.
        let is_direct = is_terminal && in_foreground || args.keep;
        if is_direct && !args.watches(stream) {
            return Stdio::inherit();
        }
        Stdio::piped()
    }
}

/// The terminal that we stand between: the one that controls us, or the one that we were given.
fn outer() -> Option<ControllingTerminal> {
    let given = || {
        let streams = [stdin(), stdout(), stderr()].into_iter();
        let mut copies = streams.filter_map(|stream| stream.try_clone_to_owned().ok());
        copies.find_map(ControllingTerminal::other)
    };
    ControllingTerminal::open().or_else(given)
}

/// Whether the child ended unasked, and by no signal that is known of.
fn ended_by_itself(outcome: &Outcome) -> bool {
    !outcome.terminated && matches!(outcome.exit, Some(ExitStatus::Code(_) | ExitStatus::Lost))
}
