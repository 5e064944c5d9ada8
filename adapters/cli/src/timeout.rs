//! `childminder timeout`: what coreutils' `timeout` takes and does.
//!
//! It reads its own command line: coreutils takes abbreviations, stops at the first operand, and has wordings that
//! people's scripts and tests compare. clap can be taught none of these.

mod duration;
pub(crate) mod help;
mod options;
mod watcher;
mod words;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use childminder::{Config, Ladder, Outcome, Signal, Stage, Stream, Sweep, Target};
use childminder_terminal::{InBackground, Minded as _};
use childminder_unix::signals;
use childminder_unix::{
    Arrival, Child, Command, Inherited, Place, Signals, SpawnOptions, Stdio, Watch,
};
use signal_hook::consts::{
    FORBIDDEN, SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP,
    SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
};

use self::options::{Asked, Options, Sending, quote};
use self::watcher::Watcher;
use self::words::{complain, without_number};
use crate::event_loop::{EventLoop, Listener};
use crate::failure::Failure;
use crate::signals::CONT;
use crate::status::{self, OURS, TIMED_OUT};
use crate::terminal::Terminal;
use crate::wishes::Echoes;

/// Does what this command line says; the status to exit with. `call` is how we are called, and `name` stands
/// before our messages.
pub(crate) fn main(call: &str, name: &str, args: impl IntoIterator<Item = OsString>) -> u8 {
    let options = match options::parse(args) {
        Ok(Asked::Help) => return print(name, &help::text(call)),
        Ok(Asked::Version) => {
            let version = env!("CARGO_PKG_VERSION");
            return print(name, &format!("timeout (childminder) {version}\n"));
        }
        Ok(Asked::Run(options)) => options,
        Err(wrong) => {
            if let Some(wrong) = wrong {
                complain(name, &wrong);
            }
            let _ = writeln!(io::stderr(), "Try '{call} --help' for more information.");
            return OURS;
        }
    };
    run(name, &options).unwrap_or_else(|failure| {
        complain(name, &failure.message);
        failure.status
    })
}

fn run(name: &str, options: &Options) -> Result<u8, Failure> {
    let inherited = Inherited::now()?;
    let mut child = EventLoop::new(passed_on(options.signal))?;
    let mut terminal = if options.foreground {
        Terminal::default()
    } else {
        // In the background the time runs, too.
        Terminal::lent(InBackground::RunOn, &mut child)?
    };
    let outlets = child.outlets();
    if options.idle.is_some() {
        outlets.open(Stream::Stdout)?;
        outlets.open(Stream::Stderr)?;
    }
    let process =
        spawn(options, inherited, &mut terminal).map_err(|error| not_run(options, &error))?;
    let watcher = Watcher::new(name, options, outlets);
    child.mind(process, None, config(options), watcher)?;
    terminal.hand_over(&mut child)?;
    let mut signals = Taken::new(options);
    let outcome = child.run(&mut terminal, &mut signals)?;
    terminal.take_back(child.handler_mut(), &outcome);
    child.flush(&outcome, &mut signals)?;
    if child.child().dumped_core() {
        child.handler().say("the monitored command dumped core");
    }
    child.flush(&outcome, &mut signals)?;
    Ok(conclude(options, outcome, child.handler()))
}

fn spawn(options: &Options, inherited: Inherited, terminal: &mut Terminal) -> io::Result<Child> {
    let signals = Signals::As(handed_on(inherited, options.signal));
    let mut command = Command::new(&options.command[0]);
    command.args(&options.command[1..]);
    if options.idle.is_some() {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let options = SpawnOptions {
        place: if options.foreground {
            Place::Inherit
        } else {
            Place::Group
        },
        kill_on_parent_death: SpawnOptions::CAN_KILL_ON_PARENT_DEATH,
        watch: Watch::detect(),
        signals,
        ..SpawnOptions::default()
    };
    terminal.spawn(command, options)
}

/// As coreutils' does it: what it handles itself is at its default in the command, all else as it was.
fn handed_on(inherited: Inherited, Sending(signal): Sending) -> Inherited {
    let handled = [
        SIGALRM, SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGCHLD, SIGTTIN, SIGTTOU,
    ];
    let handled = handled.into_iter().filter_map(Signal::new).chain(signal);
    let inherited = handled.fold(inherited, Inherited::with_default);
    Signal::new(SIGCHLD).map_or(inherited, |signal| inherited.with_unblocked(signal))
}

fn config(options: &Options) -> Config {
    Config {
        run_timeout: options.limit,
        idle_timeout: options.idle,
        ladder: ladder(options.signal, options),
        sweep: Sweep::Never,
        ..Config::default()
    }
}

/// The signal, and SIGKILL if that is asked for; without it the command is waited for as long as it takes.
fn ladder(Sending(signal): Sending, options: &Options) -> Ladder {
    let stage = |signal, wait| Stage {
        signal,
        target: Target::Group,
        wait,
    };
    let mut stages = match signal {
        // No process sees signal 0, but one that was stopped goes on.
        None => vec![stage(CONT, options.kill_after)],
        // A command that was stopped goes on too.
        Some(signal) if stops(signal) => vec![
            stage(signal, Some(Duration::ZERO)),
            stage(CONT, options.kill_after),
        ],
        Some(signal) => vec![stage(signal, options.kill_after)],
    };
    if options.kill_after.is_some() {
        stages.push(stage(Signal::KILL, None));
    }
    Ladder::new(&stages).expect("three stages at most")
}

/// The signals that we are sent, without echoes: coreutils' own leads a process group, and so gets one of two that are sent
/// to a process and to its parent's group.
struct Taken<'a> {
    options: &'a Options,
    echoes: Echoes,
}

impl<'a> Taken<'a> {
    fn new(options: &'a Options) -> Self {
        Self {
            options,
            echoes: Echoes::default(),
        }
    }

    fn without_echoes(&mut self, arrivals: &[Arrival]) -> Vec<Signal> {
        let now = Instant::now();
        let counts = |arrival: &&Arrival| !self.echoes.is_echo(**arrival, now);
        let counted = arrivals.iter().filter(counts);
        counted.map(|arrival| arrival.signal).collect()
    }
}

impl Listener<Watcher> for Taken<'_> {
    fn hear(&mut self, child: &mut EventLoop<Watcher>, arrivals: &[Arrival]) {
        for signal in self.without_echoes(arrivals) {
            pass_on(child, signal, self.options);
        }
    }

    fn hear_at_the_end(&mut self, arrivals: &[Arrival]) -> Option<Signal> {
        self.without_echoes(arrivals).first().copied()
    }
}

/// SIGALRM says that the time is up. Any other signal is the command's, and the time for `--kill-after`
/// begins with the first.
fn pass_on(child: &mut EventLoop<Watcher>, signal: Signal, options: &Options) {
    let time_is_up = signal.number() == SIGALRM;
    if time_is_up {
        child.handler_mut().timed_out = true;
    }
    let terminating = child.monitor().is_terminating() || child.handler().ended_early;
    if terminating && time_is_up && options.kill_after.is_some() {
        child.control().escalate();
    } else if !terminating && (time_is_up || options.kill_after.is_some()) {
        child.handler_mut().ended_early = true;
        if !time_is_up {
            let ladder = ladder(Sending(Some(signal)), options);
            child.control().set_ladder(ladder);
        }
        child.control().terminate();
    } else {
        let signal = if time_is_up {
            options.signal.0.unwrap_or(CONT)
        } else {
            signal
        };
        child.control().pass_on(signal, Target::Group);
        // As coreutils' does, so that a command that was stopped sees it.
        if signal != Signal::KILL && signal != CONT && !stops(signal) {
            child.control().pass_on(CONT, Target::Group);
        }
    }
}

/// What we exit with, if we do not end as the command did.
fn conclude(options: &Options, outcome: Outcome, watcher: &Watcher) -> u8 {
    use childminder::ExitStatus::{Code, Lost, Signal as Signalled};
    if watcher.killed && !options.foreground {
        return die_of(Signal::KILL);
    }
    let gives_124 = watcher.timed_out && !options.preserve_status;
    match outcome.exit {
        Some(Signalled(signal)) if !watcher.timed_out => die_of(signal),
        Some(Signalled(Signal::KILL)) => status::of_signal(Signal::KILL),
        Some(_) if gives_124 => TIMED_OUT,
        Some(Signalled(signal)) => status::of_signal(signal),
        Some(Code(0)) if watcher.has_failed() => OURS,
        Some(Code(code)) => code.to_le_bytes()[0],
        None | Some(Lost) => OURS,
    }
}

/// Dies of this signal; if it cannot, the status that a shell would have for that.
fn die_of(signal: Signal) -> u8 {
    signals::die_of(signal);
    status::of_signal(signal)
}

fn not_run(options: &Options, error: &io::Error) -> Failure {
    let (command, said) = (quote(&options.command[0]), without_number(error));
    Failure {
        status: status::for_start_error(error),
        message: format!("failed to run command {command}: {said}"),
    }
}

/// The signals to us that are the command's.
fn passed_on(Sending(signal): Sending) -> impl Iterator<Item = Signal> {
    let mut numbers = vec![SIGALRM, SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2];
    let own = signal.filter(|signal| !stops(*signal)).map(Signal::number);
    numbers.extend(own.filter(|own| !FORBIDDEN.contains(own) && ![SIGCHLD, SIGCONT].contains(own)));
    numbers.into_iter().filter_map(Signal::new)
}

fn stops(signal: Signal) -> bool {
    matches!(signal.number(), SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU)
}

fn print(name: &str, text: &str) -> u8 {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => 0,
        Err(error) => {
            complain(name, &format!("write error: {}", without_number(&error)));
            OURS
        }
    }
}
