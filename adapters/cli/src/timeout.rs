//! `childminder timeout`: what coreutils' `timeout` takes and does.
//!
//! It reads its own command line: coreutils takes abbreviations, stops at the first operand, and has wordings that
//! people's scripts and tests compare. clap can be taught none of these.

mod duration;
mod options;
mod watcher;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;

use childminder::{Config, Ladder, Outcome, Signal, Stage, Target};
use childminder_unix::signals::{self, unblock_all};
use childminder_unix::{Child, ControllingTerminal, Place, SpawnOptions, Watch};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{
    FORBIDDEN, SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGSTOP, SIGTERM, SIGTSTP,
    SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2,
};
use signal_hook_mio::v1_0::Signals;

use self::options::{Asked, Options, Sending, quote};
use self::watcher::Watcher;
use crate::jobs::{JobControl, Uses};
use crate::minded::Minded;
use crate::relay::{self, PATIENCE, Relay, look_after_relays};
use crate::signals::handle_idly;
use crate::status::{OURS, TIMED_OUT, of_signal, of_start};
use crate::wait;

/// Does what this command line says; the status to exit with. `call` is how we are called, and `name` is
/// whom our messages are from.
pub(crate) fn main(call: &str, name: &str, args: impl IntoIterator<Item = OsString>) -> u8 {
    let options = match options::parse(args) {
        Ok(Asked::Help) => return print(name, &help(call)),
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
    run(name, &options).unwrap_or_else(|trouble| {
        complain(name, &trouble.message);
        trouble.status
    })
}

/// The help.
pub(crate) fn help(call: &str) -> String {
    format!("Usage: {call} [OPTION]... DURATION COMMAND [ARG]...\n{HELP}")
}

/// What went wrong, and the status for it.
struct Trouble {
    status: u8,
    message: String,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self {
            status: OURS,
            message: error.to_string(),
        }
    }
}

fn run(name: &str, options: &Options) -> Result<u8, Trouble> {
    handle_idly(SIGCHLD)?;
    let mut poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), ROOM)?);
    let mut received = Signals::new(passed_on(options.signal))?;
    poll.registry()
        .register(&mut received, SIGNALS, Interest::READABLE)?;
    unblock_all()?;
    let lent = (!options.foreground)
        .then(ControllingTerminal::open)
        .flatten();
    let jobs = lent.map(|terminal| {
        // In the background the time runs, too.
        JobControl::new(terminal, Uses::Lent, false, poll.registry(), JOBS)
    });
    let mut jobs = jobs.transpose()?;
    let relays = match options.idle {
        Some(_) => Some([
            Relay::new(io::stdout(), Arc::clone(&waker))?,
            Relay::new(io::stderr(), Arc::clone(&waker))?,
        ]),
        None => None,
    };
    let watcher = Watcher::new(name, options, relays);
    let mut child = match start(options, jobs.as_mut()) {
        Ok(child) => Minded::new(child, config(options), watcher)?,
        Err(error) => {
            if let Some(jobs) = &mut jobs {
                jobs.take_back(false);
            }
            return Err(not_run(options, &error));
        }
    };
    if let Some(jobs) = &mut jobs {
        jobs.hand_over(&child)?;
    }
    poll.registry()
        .register(child.source(), CHILD, Interest::READABLE)?;
    let mut events = Events::with_capacity(16);
    let outcome = loop {
        let timeout = [
            child.timeout(),
            jobs.as_ref().and_then(JobControl::next_look),
        ];
        wait(&mut poll, &mut events, timeout.into_iter().flatten().min())?;
        for signal in received.pending().filter_map(Signal::new) {
            pass_on(&mut child, signal, options);
        }
        if let Some(jobs) = &mut jobs {
            jobs.attend(&mut child, |_| (), || ())?;
        }
        child.turn();
        if let Some(outcome) = child.outcome() {
            break outcome;
        }
        look_after_relays(&mut child, Watcher::relay);
    };
    if let Some(jobs) = &mut jobs {
        jobs.take_back(!outcome.terminated);
    }
    drop(jobs);
    if let Some(relays) = child.handler().relays() {
        let patience = outcome.terminated.then_some(PATIENCE);
        relay::flush(relays, patience, |timeout| {
            wait(&mut poll, &mut events, timeout)?;
            io::Result::Ok(received.pending().next().is_some())
        })?;
        child.handler_mut().note_lost_output();
    }
    if child.child().dumped_core() {
        complain(name, "the monitored command dumped core");
    }
    Ok(conclude(options, outcome, child.handler()))
}

fn start(options: &Options, jobs: Option<&mut JobControl>) -> io::Result<Child> {
    let mut command = Command::new(&options.command[0]);
    command.args(&options.command[1..]);
    if options.idle.is_some() {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    }
    let place = match jobs {
        Some(jobs) => jobs.place()?,
        None if options.foreground => Place::Inherit,
        None => Place::Group,
    };
    // Having to die with us, it is started by `execvp`, which gives a script without `#!` to sh.
    let start = SpawnOptions {
        place,
        kill_on_parent_death: SpawnOptions::CAN_KILL_ON_PARENT_DEATH,
        watch: Watch::detect(),
        ..SpawnOptions::default()
    };
    Child::spawn_with(&mut command, &start)
}

fn config(options: &Options) -> Config {
    Config {
        run_timeout: options.limit,
        idle_timeout: options.idle,
        ladder: ladder(options.signal, options),
        sweep: false,
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
        // Nobody sees signal 0; whoever was stopped goes on.
        None => vec![stage(CONT, options.kill_after)],
        // A command that was stopped goes on too.
        Some(signal) if stops(signal) => vec![
            stage(signal, Some(std::time::Duration::ZERO)),
            stage(CONT, options.kill_after),
        ],
        Some(signal) => vec![stage(signal, options.kill_after)],
    };
    if options.kill_after.is_some() {
        stages.push(stage(Signal::KILL, None));
    }
    Ladder::new(&stages).expect("three stages at most")
}

/// SIGALRM says that the time is up. Any other signal is the command's, and the time for `--kill-after`
/// begins with the first.
fn pass_on(child: &mut Minded<Watcher>, signal: Signal, options: &Options) {
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
            child
                .control()
                .set_ladder(ladder(Sending(Some(signal)), options));
        }
        child.control().terminate();
    } else {
        let signal = if time_is_up {
            options.signal.0.unwrap_or(CONT)
        } else {
            signal
        };
        child.handler().announce(signal);
        if let Err(error) = child.child().signal(signal, Target::Group) {
            child.control().fail(error);
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
        Some(Signalled(Signal::KILL)) => of_signal(Signal::KILL),
        Some(_) if gives_124 => TIMED_OUT,
        Some(Signalled(signal)) => of_signal(signal),
        Some(Code(0)) if watcher.has_failed() => OURS,
        Some(Code(code)) => code.to_le_bytes()[0],
        None | Some(Lost) => OURS,
    }
}

/// Dies of this signal; if it cannot, the status that a shell would have for that.
fn die_of(signal: Signal) -> u8 {
    signals::die_of(signal);
    of_signal(signal)
}

fn not_run(options: &Options, error: &io::Error) -> Trouble {
    let (command, said) = (quote(&options.command[0]), without_number(error));
    Trouble {
        status: of_start(error),
        message: format!("failed to run command {command}: {said}"),
    }
}

/// The signals to us that are the command's.
fn passed_on(Sending(signal): Sending) -> Vec<i32> {
    let mut numbers = vec![SIGALRM, SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2];
    let own = signal.filter(|signal| !stops(*signal)).map(Signal::number);
    numbers.extend(own.filter(|own| !FORBIDDEN.contains(own) && ![SIGCHLD, SIGCONT].contains(own)));
    numbers
}

fn stops(signal: Signal) -> bool {
    matches!(signal.number(), SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU)
}

fn complain(name: &str, message: &str) {
    // With that gone there is nobody left to tell.
    let _ = io::stderr().write_all(format!("{name}: {message}\n").as_bytes());
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

/// The words that C has for it.
fn without_number(error: &io::Error) -> String {
    let said = error.to_string();
    said.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

const CONT: Signal = Signal::new(SIGCONT).expect("a signal");

const CHILD: Token = Token(0);
const SIGNALS: Token = Token(1);
const ROOM: Token = Token(2);
const JOBS: Token = Token(3);

const HELP: &str = "\
Runs COMMAND, and sends it a signal if it still runs after DURATION.

  -k, --kill-after DURATION  send KILL this long after the first signal
  -s, --signal SIGNAL        send this, a name or a number, in place of TERM
  -f, --foreground           leave COMMAND in our process group, so that it can
                             use the terminal; its children get no signal
  -p, --preserve-status      exit with COMMAND's status when the time is up, too
  -v, --verbose              say on standard error which signals are sent
      --idle DURATION        end it after this long without output, too; its
                             output then goes through pipes
      --help, --version      show this, or the version

DURATION is a number, also with a fraction or exponent, and s (the default), m,
h or d; 0 is no limit. Options end at the first word that is none, or at --.

Exit status: COMMAND's own; 124 if the time was up; 125 if timeout failed; 126 if
COMMAND cannot be run, 127 if it is not found; 137 if it was sent KILL.

Unlike with coreutils: COMMAND leads a process group of its own, and timeout does
not, so nothing else in a pipeline is signalled, a STOP to the job does not stop
COMMAND, and COMMAND cannot call setsid(2) without forking, as setsid(1) does; the
time stands still while Ctrl-Z has stopped the job; Ctrl-C at the terminal goes to
COMMAND alone and does not begin --kill-after; COMMAND gets KILL if timeout is
killed; USR1 and USR2 are passed on; a signal that came twice is passed on twice;
signals that are ignored or blocked are not so in COMMAND; a standard stream that
is closed is /dev/null; what is not 0 is never rounded to it.
";
