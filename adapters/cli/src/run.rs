//! `childminder run`.
//!
//! A shell ends its loop or list only if the command that it runs dies of SIGINT. So where the minded command
//! did, we do too, if a shell may be waiting: we have a controlling terminal and did not begin the session.
//! Otherwise it is status 130.
//!
//! SIGKILL at the end of the ladder waits ten seconds, after which the command is given up with status 125, also
//! after a deadline: 124 says that a deadline ended the command, and it has not.
//!
//! We hear SIGINT though a script had it ignored, because a program that sends it to us means it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use childminder::{Config, Error, ExitStatus, Outcome, Signal, Stream};
use childminder_record::Recorder;
use childminder_unix::{SpawnOptions, Watch, signals};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGINT, SIGQUIT};

use crate::args::{ActivityArg, RunArgs};
use crate::minded::Minded;
use crate::owner::Owner;
use crate::relay::{self, PATIENCE, Relay, look_after_relays};
use crate::report::Report;
use crate::signals::{Requests, ladder_beginning_with};
use crate::status::{NOT_FOUND, OURS, of_signal, of_start};
use crate::terminal::Terminal;
use crate::tree::{End, Tree};
use crate::{Trouble, report, streams, tree, wait};

/// Runs and minds the command; returns the status to exit with.
pub(crate) fn run(args: &RunArgs) -> Result<u8, Trouble> {
    if args.tty && args.activity == ActivityArg::Stderr {
        return Err(Trouble::ours(
            "--activity stderr says nothing with --tty, where all output is standard output: use any or stdout".to_owned(),
        ));
    }
    let recorder = match &args.record {
        Some(path) => Some(recorder(path, args)?),
        None => None,
    };
    let report = ReportFile::open(args.report.as_deref())?;
    let (mut events, mut terminal, mut child) = match begin(args, recorder) {
        Ok(begun) => begun,
        Err(trouble) => {
            let json = format!("{:#}\n", report::not_run(args, &trouble));
            let written = report.write_at_once(&json);
            report::complain(&trouble.message);
            if let Err(error) = written {
                report::complain(&cannot_write(&error));
            }
            return Ok(trouble.status);
        }
    };
    let mut outcome = events.mind(&mut child, args, &mut terminal)?;
    terminal.take_back(child.handler_mut(), &outcome);
    events.settle(&mut child, outcome, &args.config())?;

    let (usage, dumped_core) = (child.child().usage(), child.child().dumped_core());
    let owner = child.handler_mut();
    owner.log.usage = usage;
    owner.log.dumped_core = dumped_core;
    // Whoever reads a command that ended by itself may take their time.
    let patience = outcome.terminated.then_some(PATIENCE);
    let given_up = events.flush(owner, patience)?;
    owner.note_lost_output(&mut outcome);
    let status = conclude(args, outcome, given_up, &events.tree, owner, &report);
    // Only our own words can be lost now.
    events.flush(owner, patience)?;
    if let ReportFile::Stream(stream) = report
        && let Some(loss) = owner.relay(stream).take_loss(stream)
    {
        owner.say(&loss);
        events.flush(owner, Some(PATIENCE))?;
        return Ok(or_ours(status));
    }
    if let Some(signal) = interruption(&outcome, owner).filter(|_| given_up.is_none())
        && Terminal::is_of_a_shells_job()
    {
        // A shell ends its loop or list only if we die of it too.
        signals::die_of(signal);
    }
    Ok(status)
}

/// All that there is from the start on.
fn begin(
    args: &RunArgs,
    recorder: Option<Recorder<File>>,
) -> Result<(Loop, Terminal, Minded<Owner>), Trouble> {
    let mut events = Loop::new(args).map_err(system)?;
    // What has waited for us is heard now, and not before.
    signals::unblock_all().map_err(system)?;
    let mut terminal =
        Terminal::new(args, events.poll.registry(), TERMINAL, &events.waker).map_err(system)?;
    let owner = Owner::new(
        Relay::new(io::stdout(), Arc::clone(&events.waker)).map_err(system)?,
        Relay::new(io::stderr(), Arc::clone(&events.waker)).map_err(system)?,
        args,
        recorder,
    );
    let child = spawn(args, &mut events.tree, &mut terminal, owner)?;
    Ok((events, terminal, child))
}

/// The signal of the terminal that ended the command, if nothing else did.
fn interruption(outcome: &Outcome, owner: &Owner) -> Option<Signal> {
    let Some(ExitStatus::Signal(signal)) = outcome.exit else {
        return None;
    };
    let is_typed = matches!(signal.number(), SIGINT | SIGQUIT);
    let is_first = outcome.error == Some(Error::Exit(ExitStatus::Signal(signal)));
    let as_asked = owner.log.asked_by.is_none_or(|asked| asked == signal);
    (is_typed && is_first && as_asked).then_some(signal)
}

/// What is waited for.
struct Loop {
    poll: Poll,
    ready: Events,
    requests: Requests,
    tree: Tree,
    /// For the relays. Kept here too: a relay that ends drops its share, and the last one dropped would
    /// take an event with it that nobody has seen yet.
    waker: Arc<Waker>,
}

impl Loop {
    fn new(args: &RunArgs) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), ROOM)?;
        let requests = Requests::new(poll.registry(), REQUEST)?;
        Ok(Self {
            ready: Events::with_capacity(16),
            requests,
            tree: Tree::new(args, poll.registry(), TREE)?,
            poll,
            waker: Arc::new(waker),
        })
    }

    /// Until the end.
    fn mind(
        &mut self,
        child: &mut Minded<Owner>,
        args: &RunArgs,
        terminal: &mut Terminal,
    ) -> Result<Outcome, Trouble> {
        let registered = self
            .poll
            .registry()
            .register(child.source(), CHILD, Interest::READABLE);
        registered.map_err(system)?;
        let mut next_look = None;
        loop {
            let timeout = [child.timeout(), terminal.next_look(), next_look.take()];
            self.wait(timeout.into_iter().flatten().min())?;
            for signal in self.requests.pending() {
                end(child, signal, args);
            }
            let attended = terminal.attend(child);
            attended.map_err(system)?;
            child.turn();
            terminal.look_at(child.handler());
            self.tree.look_after(child.child());
            if let Some(outcome) = child.outcome() {
                return Ok(outcome);
            }
            // Who left the group may hold the output.
            if child.handler().has_swept() && self.tree.wind_up(child.child(), End::Swept) {
                next_look = Some(NEXT_LOOK);
            }
            look_after_relays(child, |owner, stream| Some(owner.relay(stream)));
        }
    }

    /// Until nobody is left of the tree, if they are to end; otherwise until those are gone who were about to.
    fn settle(
        &mut self,
        child: &mut Minded<Owner>,
        outcome: Outcome,
        config: &Config,
    ) -> Result<(), Trouble> {
        let end = End::new(outcome.terminated && config.sweep);
        let patience = match end {
            End::Natural => config.drain_timeout.unwrap_or(Duration::MAX).min(TO_DIE),
            End::Swept | End::Init => TO_END_STRAYS,
        };
        let begun = Instant::now();
        let mut is_urgent = false;
        while self.tree.wind_up(child.child(), end) {
            let left = patience.saturating_sub(begun.elapsed());
            is_urgent |= self.request(child.handler()).is_some();
            if left.is_zero() || (is_urgent && begun.elapsed() > AT_LEAST) {
                break;
            }
            self.wait(Some(left.min(NEXT_LOOK)))?;
        }
        self.tree.let_go(child.child());
        if child.handler().verbose {
            for killed in self.tree.killed() {
                let named = tree::named(killed);
                child
                    .handler_mut()
                    .say(&format!("killed {named}, which had left the group"));
            }
        }
        Ok(())
    }

    /// Until all that the owner took is written, or given up: then the signal that had it given up, if one had.
    fn flush(
        &mut self,
        owner: &Owner,
        patience: Option<Duration>,
    ) -> Result<Option<Signal>, Trouble> {
        let mut request = None;
        relay::flush([&owner.stdout, &owner.stderr], patience, |timeout| {
            self.wait(timeout)?;
            request = self.request(owner);
            Ok(request.is_some())
        })?;
        Ok(request)
    }

    /// Whether somebody waits for us to end. A hangup comes along with others.
    fn request(&mut self, owner: &Owner) -> Option<Signal> {
        let is_first = owner.log.asked_by.is_none();
        let mut pending = self.requests.pending();
        pending.find(|signal| is_first || *signal != Signal::HUP)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> Result<(), Trouble> {
        wait(&mut self.poll, &mut self.ready, timeout).map_err(system)
    }
}

/// The first signal starts the ladder and is its first stage. On a ladder that is under way it is
/// impatience; but not SIGHUP, which shells and the kernel send both when a terminal goes, and service
/// managers together with SIGTERM.
fn end(child: &mut Minded<Owner>, signal: Signal, args: &RunArgs) {
    if child.monitor().is_terminating() || child.handler().log.asked_by.is_some() {
        if signal != Signal::HUP {
            child.control().escalate();
        }
        return;
    }
    child.handler_mut().log.asked_by = Some(signal);
    let ladder = ladder_beginning_with(signal, &args.config().ladder, args.grace());
    child.control().set_ladder(ladder);
    child.control().terminate();
}

fn spawn(
    args: &RunArgs,
    tree: &mut Tree,
    terminal: &mut Terminal,
    mut owner: Owner,
) -> Result<Minded<Owner>, Trouble> {
    let (name, rest) = args.command.split_first().expect("clap requires a command");
    let attempt = |place, cgroup| {
        let mut command = Command::new(name);
        command.args(rest);
        let start = SpawnOptions {
            place,
            cgroup,
            kill_on_parent_death: !args.keep && SpawnOptions::CAN_KILL_ON_PARENT_DEATH,
            watch: Watch::detect(),
        };
        terminal.start(command, start, args)
    };
    let child = tree.start(attempt).map_err(|error| not_run(name, &error))?;
    if let Some(why) = tree.without_cgroup().filter(|_| !args.quiet) {
        owner.say(&format!("{why}; a process group will do"));
    }
    owner.log.leader = child.id();
    let mut child = Minded::new(child, args.config(), owner).map_err(system)?;
    terminal.hand_over(&mut child).map_err(system)?;
    Ok(child)
}

/// Completes the record, writes the report, says the sentence.
fn conclude(
    args: &RunArgs,
    outcome: Outcome,
    given_up: Option<Signal>,
    tree: &Tree,
    owner: &mut Owner,
    report: &ReportFile,
) -> u8 {
    let mut troubles = Vec::new();
    if let Err(error) = owner.finish_record() {
        troubles.push(format!("cannot write the flight record: {error}"));
    }
    let facts = Report {
        args,
        outcome,
        log: &owner.log,
        tail: &owner.tail,
        tree,
    };
    let mut status = given_up.map_or_else(|| facts.status(), of_signal);
    if !troubles.is_empty() {
        status = or_ours(status);
    }
    let sentence = facts.sentence().filter(|_| !args.quiet);
    let json = format!("{:#}\n", facts.json(status));

    if let Err(error) = report.write(&json, owner) {
        troubles.push(cannot_write(&error));
        status = or_ours(status);
    }
    for message in sentence.iter().chain(&troubles) {
        owner.say(message);
    }
    status
}

/// Trouble of ours does not hide how the command ended, unless it ended well.
fn or_ours(status: u8) -> u8 {
    if status == 0 { OURS } else { status }
}

/// Where the report goes; opened before the command is run, so that a mistake costs nothing.
enum ReportFile {
    Nowhere,
    /// Behind what the child writes there.
    Stream(Stream),
    File(File),
}

impl ReportFile {
    fn open(path: Option<&Path>) -> Result<Self, Trouble> {
        match path {
            None => Ok(Self::Nowhere),
            Some(path) if path == Path::new("-") => Ok(Self::Stream(Stream::Stdout)),
            Some(path) => match streams::that_goes_to(path) {
                Some(stream) => Ok(Self::Stream(stream)),
                None => create(path).map(Self::File),
            },
        }
    }

    fn write(&self, json: &str, owner: &mut Owner) -> io::Result<()> {
        let Self::Stream(stream) = self else {
            return self.write_at_once(json);
        };
        owner.write_report(*stream, json);
        Ok(())
    }

    /// Without an owner.
    fn write_at_once(&self, json: &str) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Stream(Stream::Stdout) => io::stdout().write_all(json.as_bytes()),
            Self::Stream(Stream::Stderr) => io::stderr().write_all(json.as_bytes()),
            Self::File(file) => (&*file).write_all(json.as_bytes()),
        }
    }
}

fn cannot_write(error: &io::Error) -> String {
    format!("cannot write the report: {error}")
}

fn recorder(path: &Path, args: &RunArgs) -> Result<Recorder<File>, Trouble> {
    let words: Vec<_> = args
        .command
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    Recorder::new(create(path)?, &words.join(" "), &args.config())
        .map_err(|error| Trouble::ours(format!("cannot write {}: {error}", path.display())))
}

fn create(path: &Path) -> Result<File, Trouble> {
    File::create(path)
        .map_err(|error| Trouble::ours(format!("cannot write {}: {error}", path.display())))
}

fn not_run(name: &OsStr, error: &io::Error) -> Trouble {
    let shown = name.to_string_lossy();
    let message = match of_start(error) {
        NOT_FOUND if !is_path(name) => format!("no such command: {shown:?} (not in PATH)"),
        NOT_FOUND if Path::new(name).exists() => {
            format!("cannot run {shown:?}: the interpreter it names is not there")
        }
        NOT_FOUND => format!("no such command: {shown:?}"),
        _ => format!("cannot run {shown:?}: {error}"),
    };
    Trouble {
        status: of_start(error),
        message,
    }
}

/// Whether a shell would take this for a path, and not look it up in PATH.
fn is_path(name: &OsStr) -> bool {
    name.as_encoded_bytes().contains(&b'/')
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn system(error: io::Error) -> Trouble {
    Trouble::ours(error.to_string())
}

const CHILD: Token = Token(0);
const REQUEST: Token = Token(1);
const ROOM: Token = Token(2);
const TREE: Token = Token(3);
const TERMINAL: Token = Token(4);

/// How long who is about to end may take, for instance after closing its output.
const TO_DIE: Duration = Duration::from_millis(100);

/// How long it may take though somebody waits for us.
const AT_LEAST: Duration = Duration::from_secs(1);

/// How long SIGKILL may take with those whom the command left.
const TO_END_STRAYS: Duration = Duration::from_secs(5);

/// Not every death is told us.
const NEXT_LOOK: Duration = Duration::from_millis(20);
