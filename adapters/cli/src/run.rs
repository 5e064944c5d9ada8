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
//!
//! What is left by a run that ended by itself is not touched, but named, unless it is gone within a tenth of a
//! second. As process 1 we take every process along at the end, because the kernel would: this way the report can
//! name them.

use std::ffi::OsStr;
use std::io;
use std::mem;
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use childminder::{Error, ExitStatus, Outcome, Signal, Stream, Target};
use childminder_driver::Job;
use childminder_terminal::Minded as _;
use childminder_unix::{
    Arrival, Cgroup, Child, Command, Guardian, NotifySocket, Origin, Orphans, Place, Signals,
    SpawnOptions, Stdio, Strays, Watch, signals,
};
use rustix::fs::{Access, access};
use signal_hook::consts::{SIGINT, SIGQUIT};

use crate::console::Console;
use crate::event_loop::{Deaths, EventLoop, Listener, Proc};
use crate::failure::Failure;
use crate::files;
use crate::flight_record::{FlightRecord, RecordTrouble};
use crate::news::News;
use crate::owner::Minder;
use crate::plan::{Containment, OnOurDeath, Plan, Signs, Speech, is_init};
use crate::progress;
use crate::report::{self, Report};
use crate::report_file::ReportFile;
use crate::signals::{asks_to_end, handled};
use crate::status::{self, NOT_FOUND};
use crate::terminal::Terminal;
use crate::wishes::{Wish, Wishes};
use crate::words::{complain, reason};

type Loop = EventLoop<Minder>;

/// Runs and minds the command; returns the status to exit with.
pub(crate) fn run(plan: &Plan) -> Result<u8, Failure> {
    // The first, as it is a fork; dropped last.
    let guardian = guardian(plan);
    let (record, report) = files::open(plan)?;
    let (mut child, mut terminal) = match begin(plan, record, &guardian) {
        Ok(begun) => begun,
        Err(failure) => return Ok(not_begun(plan, &failure, &report)),
    };
    let mut requests = Requests::new(plan);
    let outcome = child.run(&mut terminal, &mut requests);
    child.handler_mut().console.erase_progress();
    let mut outcome = outcome?;
    let blindness = &mut child.handler_mut().blindness;
    if outcome.strays == childminder::Strays::Unknown && blindness.is_none() {
        *blindness = Orphans::can_be_seen().err();
    }
    terminal.take_back(child.handler_mut(), &outcome);

    let mut given_up = child.flush(&outcome, &mut requests)?;
    if child.handler().has_lost_output() {
        outcome.error.get_or_insert(Minder::LOST_OUTPUT);
    }
    let trouble = complete_record(&mut child, &outcome, &mut requests, &mut given_up)?;
    let status = conclude(
        plan,
        outcome,
        given_up,
        trouble,
        &mut child,
        &report,
        &mut requests,
    );
    // Only our own words can be lost now.
    child.flush(&outcome, &mut requests)?;
    if let Some(loss) = child.handler_mut().take_lost_words()
        && matches!(report, ReportFile::Stream(_))
    {
        child.handler_mut().console.say(&loss);
        child.flush(&outcome, &mut requests)?;
        return Ok(status::or_ours(status));
    }
    let interruption = interruption(&outcome, child.handler());
    // By --success, it may have ended well.
    if let Some(signal) = interruption.filter(|signal| status == status::of_signal(*signal))
        && given_up.is_none()
        && Terminal::is_of_a_shells_job()
    {
        drop(guardian);
        signals::die_of(signal);
    }
    Ok(status)
}

/// What ends all that the command has started, if we are killed. For process 1 the kernel does.
fn guardian(plan: &Plan) -> io::Result<Option<Guardian>> {
    let is_wanted = plan.on_our_death == OnOurDeath::Kill && !is_init();
    is_wanted.then(Guardian::fork).transpose()
}

/// All that there is from the start on.
fn begin(
    plan: &Plan,
    record: FlightRecord,
    guardian: &io::Result<Option<Guardian>>,
) -> Result<(Loop, Terminal), Failure> {
    let mut child = Loop::new(handled(plan.terminal))?;
    let mut terminal = Terminal::planned(plan.terminal, &mut child)?;
    let watch = Watch::detect();
    let deaths = if terminal.takes_deaths() || watch == Watch::Sigchld {
        Deaths::Suspected
    } else {
        Deaths::Heard
    };
    let proc = if plan.report.is_some() || plan.record.is_some() {
        Proc::Checked
    } else {
        Proc::WhenNeeded
    };
    let adopted = child.adopt_orphans(deaths, proc);
    // The first other threads: what we hear of is blocked in them, too.
    record.relay(|file, on_failure| child.relay_to(file, on_failure))?;
    let mut console = Console::new(child.outlets());
    if plan.progress {
        console.show_progress();
    }
    for stream in Stream::ALL {
        if plan.watches(stream) {
            console.outlets().open(stream)?;
        }
    }
    let mut minder = Minder::new(plan, console, record);
    minder.arrivals = (deaths == Deaths::Heard).then(|| child.arrivals());
    let present = guardian.as_ref().ok().and_then(Option::as_ref);
    let mut strays = contained(plan, present)?;
    if let Err(error) = adopted {
        strays.note(error.to_string());
        minder.blindness = Some(error);
    }
    can_be_entered(plan.directory.as_deref())?;
    let socket = match plan.signs {
        Signs::Words => Some(NotifySocket::new()?),
        Signs::Output | Signs::Lines(..) => None,
    };
    let process = spawn(
        plan,
        &mut strays,
        &mut terminal,
        present,
        watch,
        socket.as_ref(),
    )
    .map_err(|error| not_run(&plan.command[0], &error))?;
    if plan.containment == Containment::Cgroup
        && strays.cgroup().is_none()
        && plan.speech != Speech::Nothing
        && let Some(why) = strays.notes().last()
    {
        minder
            .console
            .say(&format!("{why}; a process group will do"));
    }
    if let Err(why) = guardian {
        strays.note(format!(
            "SIGKILL to childminder would leave processes: {why}"
        ));
    }
    child.mind(process, Some(strays), plan.config, minder)?;
    if let Some(socket) = socket {
        child.hear(socket, plan.config.idle_timeout)?;
    }
    terminal.hand_over(&mut child)?;
    Ok((child, terminal))
}

fn contained(plan: &Plan, guardian: Option<&Guardian>) -> Result<Strays, Failure> {
    if plan.containment != Containment::Cgroup {
        return Ok(Strays::new());
    }
    let limited = || {
        let mut cgroup = guardian.map_or_else(Cgroup::create, Guardian::create_cgroup)?;
        cgroup.limit(&plan.limits)?;
        io::Result::Ok(cgroup)
    };
    match limited() {
        Ok(cgroup) => Ok(Strays::in_cgroup(cgroup)),
        Err(error) if !plan.limits.are_none() => Err(error.into()),
        Err(error) => {
            let mut strays = Strays::new();
            strays.note(error.to_string());
            Ok(strays)
        }
    }
}

/// The spawn would not tell this error from one of the command's.
fn can_be_entered(directory: Option<&Path>) -> Result<(), Failure> {
    let Some(directory) = directory else {
        return Ok(());
    };
    access(directory.join("."), Access::EXEC_OK).map_err(|errno| {
        let error = io::Error::from(errno);
        Failure::ours(format!("cannot change to {}: {error}", directory.display()))
    })
}

fn spawn(
    plan: &Plan,
    strays: &mut Strays,
    terminal: &mut Terminal,
    guardian: Option<&Guardian>,
    watch: Watch,
    socket: Option<&NotifySocket>,
) -> io::Result<Child> {
    let is_marked = guardian.is_some() || socket.is_some();
    let mark = is_marked.then(|| strays.mark());
    let variables = socket.map(|socket| socket.variables(plan.config.idle_timeout));
    strays.spawn(|cgroup| {
        let mut command = Command::new(&plan.command[0]);
        command.envs(mark.iter().map(|mark| (Strays::VARIABLE, mark)));
        for (name, value) in variables.iter().flatten() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
            .args(&plan.command[1..])
            .stdout(stdio(Stream::Stdout, plan))
            .stderr(stdio(Stream::Stderr, plan));
        if let Some(directory) = &plan.directory {
            command.current_dir(directory);
        }
        let options = SpawnOptions {
            place: match plan.containment {
                Containment::Session => Place::Session,
                Containment::Group | Containment::Cgroup => Place::Group,
            },
            kill_on_parent_death: plan.on_our_death == OnOurDeath::Kill
                && SpawnOptions::CAN_KILL_ON_PARENT_DEATH,
            watch,
            cgroup,
            guardian: guardian.map(Guardian::group_handle).transpose()?,
            // A script may have them ignored; the ladder must work.
            signals: Signals::Reset,
        };
        terminal.spawn(command, options)
    })
}

/// The command gets our own stream, unless something asks to see what is written there: no byte is copied, the run
/// does not wait for what is left of the command to close it, and a daemon keeps it when we are gone.
fn stdio(stream: Stream, plan: &Plan) -> Stdio {
    if plan.sees(stream) {
        Stdio::piped()
    } else {
        Stdio::inherit()
    }
}

/// The signals that we are sent. The first wish for the end starts the ladder and is its first stage. On a ladder that
/// is under way it is impatience, unless it is a hangup. Any signal that is no wish is the command's.
struct Requests<'a> {
    plan: &'a Plan,
    wishes: Wishes,
    /// None without `--notify`.
    news: Option<News<'a>>,
    /// When to draw how it goes.
    next_frame: Option<Instant>,
}

impl<'a> Requests<'a> {
    fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            wishes: Wishes::default(),
            news: News::of(plan),
            next_frame: None,
        }
    }

    /// Begins to run the notification that is due, once the one before has ended.
    fn notify(&self, child: &mut Loop) {
        let Some(news) = self.news.as_ref().filter(|_| child.may_notify()) else {
            return;
        };
        let Some((job, answer)) = child.handler_mut().due.take() else {
            return;
        };
        let told = match job {
            Job::Final(outcome) => {
                let facts = facts(self.plan, outcome, child);
                news.end(child, facts.json(facts.status()))
            }
            Job::Requested(()) => news.warning(child),
            _ => news.heartbeat(child),
        };
        child.notify(news.line, format!("{told}\n"), answer);
    }
}

impl Listener<Minder> for Requests<'_> {
    fn hear(&mut self, child: &mut Loop, arrivals: &[Arrival]) {
        for arrival in arrivals {
            if !asks_to_end(arrival.signal) && arrival.origin != Origin::Ourselves {
                child.control().pass_on(arrival.signal, Target::Leader);
            }
        }
        let wish = self.wishes.hear(arrivals, Instant::now());
        child.handler_mut().has_hung_up = self.wishes.are_of_a_hangup();
        if wish.is_some() && mem::take(&mut child.handler_mut().was_asked_at_the_exit) {
            return;
        }
        if wish.is_some() && child.monitor().preliminary_outcome().is_some() {
            // All that is left to end is what tells the end.
            return child.end_notifier();
        }
        match wish {
            Some(Wish::Begins(signal)) if !child.monitor().is_terminating() => {
                let ladder = child.handler_mut().asked_by(signal);
                child.control().set_ladder(ladder);
                child.control().terminate();
            }
            None | Some(Wish::Begins(Signal::HUP)) => {}
            Some(Wish::Begins(_) | Wish::Escalates(_)) => child.control().escalate(),
        }
    }

    fn hear_at_the_end(&mut self, arrivals: &[Arrival]) -> Option<Signal> {
        let wish = self.wishes.hear(arrivals, Instant::now())?;
        let (Wish::Begins(signal) | Wish::Escalates(signal)) = wish;
        Some(signal)
    }

    fn next_look(&self) -> Option<Instant> {
        let looks = [self.wishes.next_look(), self.next_frame];
        looks.into_iter().flatten().min()
    }

    fn before_waiting(&mut self, child: &mut Loop) {
        if mem::take(&mut child.handler_mut().is_to_warn) && self.plan.speech != Speech::Nothing {
            let warning = report::warning(self.plan, &child.handler().tail);
            child.handler_mut().console.say(&warning);
        }
        if mem::take(&mut child.handler_mut().is_overdue) {
            child.kill_notifier();
        }
        self.notify(child);
        let child = &*child;
        self.next_frame = child.handler().console.draw_progress(
            || progress::has_foreground(child),
            || progress::parts(child),
        );
    }
}

/// The signal of the terminal that ended the command, if nothing else did.
fn interruption(outcome: &Outcome, minder: &Minder) -> Option<Signal> {
    let Some(ExitStatus::Signal(signal)) = outcome.exit else {
        return None;
    };
    let is_typed = matches!(signal.number(), SIGINT | SIGQUIT);
    let is_first = outcome.error == Some(Error::Exit(ExitStatus::Signal(signal)));
    let as_asked = minder.log.asked_by.is_none_or(|asked| asked == signal);
    (is_typed && is_first && as_asked).then_some(signal)
}

/// Completes the record, and waits until it is written.
fn complete_record(
    child: &mut Loop,
    outcome: &Outcome,
    requests: &mut Requests,
    given_up: &mut Option<Signal>,
) -> io::Result<Option<RecordTrouble>> {
    let Some(record) = child.handler_mut().record.finish() else {
        return Ok(None);
    };
    let lost = match record.relay() {
        Some(relay) => {
            let (signal, lost) = child.flush_to_file(relay, outcome, requests)?;
            *given_up = given_up.or(signal);
            lost
        }
        None => None,
    };
    Ok(record.trouble(lost))
}

/// What is known of a run whose child is over.
fn facts<'a>(plan: &'a Plan, outcome: Outcome, child: &'a Loop) -> Report<'a> {
    let minder = child.handler();
    Report {
        plan,
        outcome,
        log: &minder.log,
        tail: &minder.tail,
        testimony: &minder.testimony,
        child: child.child(),
        strays: child.strays().expect("a run looks for them"),
        orphans_reaped: child.orphans_reaped(),
        notes: &minder.notes,
        blindness: minder.blindness.as_ref(),
    }
}

/// Writes the report, says the sentence.
fn conclude(
    plan: &Plan,
    outcome: Outcome,
    given_up: Option<Signal>,
    trouble: Option<RecordTrouble>,
    child: &mut Loop,
    report: &ReportFile,
    requests: &mut Requests,
) -> u8 {
    let mut failures = Vec::new();
    let mut limited = None;
    match trouble {
        Some(RecordTrouble::Failed(why)) => failures.push(why),
        Some(RecordTrouble::Limited(note)) => {
            child.handler_mut().notes.push(note.clone());
            limited = Some(note).filter(|_| plan.speech != Speech::Nothing);
        }
        None => {}
    }
    let facts = facts(plan, outcome, child);
    let mut status = given_up.map_or_else(|| facts.status(), status::of_signal);
    if !failures.is_empty() {
        status = status::or_ours(status);
    }
    let sentence = facts.sentence().filter(|_| plan.speech != Speech::Nothing);
    let killed: Vec<_> = facts.killed_strays().collect();
    let json = format!("{:#}\n", facts.json(status));

    for message in killed {
        child.handler_mut().say_if_verbose(&message);
    }
    if let Err(error) = write_report(report, &json, child, &outcome, requests) {
        failures.push(ReportFile::cannot_write(&error));
        status = status::or_ours(status);
    }
    for message in sentence.iter().chain(&limited).chain(&failures) {
        child.handler_mut().console.say(message);
    }
    status
}

fn write_report(
    report: &ReportFile,
    json: &str,
    child: &mut Loop,
    outcome: &Outcome,
    requests: &mut Requests,
) -> io::Result<()> {
    let file = match report {
        ReportFile::Stream(stream) => {
            child.handler_mut().console.write_report(*stream, json);
            return Ok(());
        }
        ReportFile::Special(file) => file,
        ReportFile::Nowhere | ReportFile::Regular(_) => return report.write_at_once(json),
    };
    let (sender, failures) = mpsc::channel();
    let relay = child.relay_to(file, move |failure| {
        // The receiver lives as long as the relay.
        let _ = sender.send(failure);
    })?;
    let _ = relay.write(json.as_bytes());
    let (_, lost) = child.flush_to_file(&relay, outcome, requests)?;
    failures.try_recv().ok().or(lost).map_or(Ok(()), Err)
}

/// Reports a command that never ran; the status to exit with.
fn not_begun(plan: &Plan, failure: &Failure, report: &ReportFile) -> u8 {
    let json = format!("{:#}\n", report::not_run(plan, failure));
    let written = report.write_at_once(&json);
    complain(&failure.message);
    if let Err(error) = written {
        complain(&ReportFile::cannot_write(&error));
    }
    failure.status
}

fn not_run(name: &OsStr, error: &io::Error) -> Failure {
    let shown = name.to_string_lossy();
    let status = status::for_start_error(error);
    let message = match status {
        NOT_FOUND if !is_path(name) => format!("no such command: {shown:?} (not in PATH)"),
        NOT_FOUND if Path::new(name).exists() => {
            format!("cannot run {shown:?}: the interpreter it names is not there")
        }
        NOT_FOUND => format!("no such command: {shown:?}"),
        _ => format!("cannot run {shown:?}: {}", reason(error)),
    };
    Failure { status, message }
}

/// Whether a shell would take this for a path, and not look it up in PATH.
fn is_path(name: &OsStr) -> bool {
    name.as_encoded_bytes().contains(&b'/')
}
