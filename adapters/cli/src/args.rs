//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use childminder::{Activity, Ladder, Signal, Sweep};
use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use regex::bytes::Regex;

use crate::parse::{self, Statuses};

/// Minds a command: notices when it stops making progress, ends it politely and then for certain.
#[derive(Debug, Parser)]
#[command(
    name = "childminder",
    version,
    propagate_version = true,
    max_term_width = 80
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a command and mind it
    ///
    /// Runs COMMAND, notices when it stops making progress, interrupts it, kills it if it will not go, and tells how it ended
    /// in one sentence on standard error, unless it was a success. Everything that COMMAND has started is ended with it.
    ///
    /// Without an option nothing ends COMMAND but itself or a signal.
    #[command(display_name = "childminder")]
    Run(Box<RunArgs>),
    /// Run a command with a time limit, as coreutils' timeout does
    #[command(disable_help_flag = true, override_help = crate::timeout::help::text("childminder timeout"))]
    Timeout {
        /// What `timeout` reads itself
        words: Vec<OsString>,
    },
    /// Replay flight records and compare what the state machine does now
    ///
    /// Replays what was recorded by `childminder run --record`: each event is told to the state machine of this version, and
    /// what it does is compared with what was done then. The first ten differences of a file are printed, and at the end how
    /// many runs and steps were replayed.
    #[command(display_name = "childminder")]
    Replay(ReplayArgs),
    /// Read many reports: which failed first and why, which stand out
    #[command(display_name = "childminder")]
    Report(ReportArgs),
    /// Draw flight records on one axis of time
    #[command(display_name = "childminder")]
    Timeline(TimelineArgs),
}

/// The arguments of `run`. The default is to be asked for nothing.
#[derive(Debug, Default, clap::Args)]
#[command(
    override_usage = "childminder run [OPTIONS] [--] COMMAND [ARG]...",
    help_template = "{usage-heading} {usage}\n\n{options}{after-help}",
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    after_help = "DURATION: 90, 1.5, 500ms, 30s, 1h30m; 0 is none. Exit status: the command's;\n\
        128+N if signal N ended it; 124 if a deadline did; 125 if childminder failed or\n\
        could not kill it; 126 if it cannot be run, 127 if not found. Signals are reset.",
    after_long_help = include_str!("reference.txt")
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    /// End the command when it has been silent for this long. Silence is the time without activity: `--activity` says what
    /// activity is.
    #[arg(long, long_help, help = "End it after such a silence; --warn D: say so",
        value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub idle: Option<Limit>,
    /// Say once for each silence that the command has been silent for this long, and do nothing else. With `--notify`, that
    /// is told too, as the event `warning`.
    #[arg(long, long_help, hide_short_help = true,
        value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub warn: Option<Limit>,
    /// End the command if its first output takes longer than this. Any output is the first, whatever `--activity` says; so is
    /// `READY=1`, with `--activity notify`.
    #[arg(long, long_help, help = "End it if its first output takes longer",
        value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub first_output: Option<Limit>,
    /// End the command when it has run for this long, whatever it does. The wait for the readers of its output is bounded by
    /// this too.
    #[arg(long, long_help, help = "End it when it has run this long",
        value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub wall: Option<Limit>,
    /// How long, after the command has exited, something else that it started may hold its output open; by default 2s. What
    /// is written in this time is passed on. Then the output is closed, and the run is over.
    #[arg(long, long_help, help = "How long output may outlive it (2s)",
        value_name = "DURATION", value_parser = parse::duration, allow_hyphen_values = true)]
    pub drain: Option<Duration>,
    /// How the command is ended: one to four signals, each with the time to wait before the next, such as
    /// `INT:5s,TERM:5s,KILL`. Only the last may go without a wait. It is then waited for as long as it takes; after KILL, for
    /// ten seconds, since a process that outlives that will not go. Every signal goes to the process group of the command. Of
    /// `--ladder` and the two options `--signal` and `--grace`, the later counts.
    #[arg(long, long_help, help = "How to end it, 1-4 stages (INT:5s,KILL:10s)",
        value_name = "SIGNAL:WAIT,…", value_parser = parse::ladder,
        allow_hyphen_values = true, overrides_with_all = ["signal", "grace"])]
    pub ladder: Option<Ladder>,
    /// The first signal that ends the command, a name or a number; by default INT. After it comes KILL.
    #[arg(short, long, long_help, help = "First signal (INT); -k, --grace till KILL (5s)",
        value_name = "SIGNAL", value_parser = childminder_unix::signals::parse,
        allow_hyphen_values = true, overrides_with = "ladder")]
    pub signal: Option<Signal>,
    /// How long the command has after the first signal until it gets KILL; by default 5s.
    #[arg(short = 'k', long, long_help, hide_short_help = true,
        value_name = "DURATION", value_parser = parse::duration,
        allow_hyphen_values = true, overrides_with = "ladder")]
    pub grace: Option<Duration>,
    /// What puts the deadline of `--idle` off: output on `any` stream (the default), only on `stdout` or only on `stderr`; or,
    /// with `notify`, nothing but what the command says of itself by systemd's protocol (see NOTIFY PROTOCOL).
    #[arg(
        long,
        long_help,
        help = "any|stdout|stderr|notify; --activity-match RE",
        value_name = "WHICH",
        default_value = "any",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub activity: ActivityArg,
    /// Of the output that `--activity` names, only lines that match this count, once they are complete. Of a line longer than
    /// 64 KiB, that much is looked at. The syntax is that of Rust's crate regex.
    #[arg(long, long_help, hide_short_help = true,
        value_name = "REGEX", value_parser = Regex::new, allow_hyphen_values = true)]
    pub activity_match: Option<Regex>,
    /// After which runs the daemons that the command left behind are killed: `never`; after runs that were `terminated`, which
    /// is the default; or `always`, which is the default as process 1. What is left behind by a run that ended by itself is
    /// otherwise only named.
    #[arg(
        long,
        long_help,
        help = "Kill its daemons: never|terminated|always",
        value_name = "WHEN",
        hide_possible_values = true
    )]
    pub sweep: Option<SweepArg>,
    /// Exit statuses of the command that are success, besides 0, with commas between; 128+N stands for signal N. For these
    /// childminder exits with 0, unless a deadline ended the command.
    #[arg(long, long_help, help = "What is success besides 0, and then 0 (3,143)",
        value_name = "N,…", value_parser = parse::statuses, allow_hyphen_values = true)]
    pub success: Option<Statuses>,
    /// Run the command in this directory.
    #[arg(long, long_help, help = "Run it there", value_name = "DIR")]
    pub chdir: Option<PathBuf>,
    /// Give the command a session of its own, without a terminal: it has no `/dev/tty`, and neither Ctrl-C nor Ctrl-Z reaches
    /// it from the terminal by itself.
    #[arg(long, long_help, help = "Own session: no /dev/tty, no job control",
        conflicts_with_all = ["cgroup", "tty", "memory", "pids", "cpu"])]
    pub session: bool,
    /// Give the command a control group (cgroup v2) of its own, which nothing in it leaves. Where that cannot be done, this
    /// is said, and a process group will do.
    #[arg(
        long,
        long_help,
        help = "Own cgroup; limit it: --memory, --pids, --cpu"
    )]
    pub cgroup: bool,
    /// The most memory that the command's cgroup may use, such as `512M` or `1.5G`; `max` is no limit. It implies `--cgroup`,
    /// as `--pids` and `--cpu` do; where a limit cannot be set, nothing is run (see LIMITS).
    #[arg(long, long_help, hide_short_help = true,
        value_name = "SIZE", value_parser = most(parse::size), allow_hyphen_values = true)]
    pub memory: Option<Most<u64>>,
    /// The most processes and threads in the command's cgroup; `max` is no limit.
    #[arg(long, long_help, hide_short_help = true,
        value_name = "N", value_parser = most(parse::count::<u64>), allow_hyphen_values = true)]
    pub pids: Option<Most<u64>>,
    /// The most processors that the command's cgroup may keep busy, such as `1.5`; `max` is no limit.
    #[arg(long, long_help, hide_short_help = true,
        value_name = "N", value_parser = most(parse::processors), allow_hyphen_values = true)]
    pub cpu: Option<Most<f64>>,
    /// Write a flight record of the run to this file, for `childminder replay` and `childminder timeline`. It ends at 64 MiB.
    /// In its name `{NAME}` is an environment variable, `{pid}` the process id of childminder, and `{{` a brace.
    #[arg(
        long,
        long_help,
        help = "Flight record (in FILE: {VARIABLE}, {pid})",
        value_name = "FILE"
    )]
    pub record: Option<PathBuf>,
    /// Write a report of the run to this file, in JSON; `-` is standard output. Its name may have parts in braces, as that of
    /// `--record`. It takes the place of an old one when it is complete. A command that cannot be run has a report too.
    #[arg(
        long,
        long_help,
        help = "JSON report (- is stdout), with --tail N (10)",
        value_name = "FILE"
    )]
    pub report: Option<PathBuf>,
    /// How many of the last lines of output the report quotes, within 1 MiB; by default 10. With 0, the report alone does not
    /// make childminder watch the output.
    #[arg(long, long_help, hide_short_help = true,
        value_name = "N", value_parser = parse::count::<usize>, allow_hyphen_values = true)]
    pub tail: Option<usize>,
    /// Have a shell run this when the command is over, with news of the run in JSON on its standard input (see NEWS).
    #[arg(long, long_help, help = "Run it at the end; --heartbeat D: and each D",
        value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub notify: Option<OsString>,
    /// Run the command of `--notify` as often as this while the command runs, too, the first time at once.
    #[arg(long, long_help, hide_short_help = true,
        value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub heartbeat: Option<Limit>,
    /// How long the command of `--notify` may take each time; by default 30s.
    #[arg(long, long_help, hide_short_help = true,
        value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub notify_timeout: Option<Limit>,
    /// Leave all running if childminder itself is killed by SIGKILL. Otherwise all that it started is killed too, on Linux, but
    /// for what hides its environment, as a process of another user does.
    #[arg(long, long_help, help = "Leave all running if childminder is killed")]
    pub keep: bool,
    /// Give the command a terminal of its own, and watch what it shows there (see TERMINALS).
    #[arg(
        long,
        long_help,
        help = "Own terminal; --progress: a live line on yours"
    )]
    pub tty: bool,
    /// Show on standard error, if that is a terminal, how the run goes: for how long it has run and been silent, how much
    /// it has written, and which deadline comes next and when. This line is gone at the end (see PROGRESS).
    #[arg(long, long_help, hide_short_help = true)]
    pub progress: bool,
    /// Say nothing of how the command ended; only errors of childminder itself are said.
    #[arg(
        short,
        long,
        long_help,
        help = "Say nothing of how it ended; -v: more",
        conflicts_with = "verbose"
    )]
    pub quiet: bool,
    /// Say what is done when it is done: each error, each signal that is sent, each process that is killed, and what the
    /// command says of itself.
    #[arg(short, long, long_help, hide_short_help = true)]
    pub verbose: bool,
    /// Print the help that fits on a screen. All of this is printed by `childminder help run`.
    #[arg(short, long, long_help, hide_short_help = true, action = clap::ArgAction::HelpShort)]
    pub help: Option<bool>,
    /// Print the version.
    #[arg(short = 'V', long, long_help, hide_short_help = true, action = clap::ArgAction::Version)]
    pub version: Option<bool>,
    /// The command and its arguments. It is looked up in PATH. Options end here, or at `--` before it.
    #[arg(
        long_help,
        hide_short_help = true,
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

impl RunArgs {
    /// An option that was given and is about what `--notify` runs.
    pub(crate) fn needs_notify(&self) -> Option<&'static str> {
        let options = [
            ("--heartbeat", self.heartbeat.is_some()),
            ("--notify-timeout", self.notify_timeout.is_some()),
        ];
        options
            .into_iter()
            .find_map(|(option, is_given)| is_given.then_some(option))
    }

    /// What this command line means, where it is `run` without an option: most are, and to build the parser takes as long
    /// as all else that such a run does.
    pub fn of_plain(line: &[OsString]) -> Option<Self> {
        let (word, rest) = line.get(1..)?.split_first()?;
        let command = match rest.split_first()? {
            (dashes, rest) if dashes == "--" => rest,
            (first, _) if first.as_encoded_bytes().starts_with(b"-") => return None,
            _ => rest,
        };
        (word == "run" && !command.is_empty()).then(|| Self {
            command: command.to_vec(),
            ..Self::default()
        })
    }
}

/// The arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A record that is cut short is replayed as far as it goes, which is said.\n\
        Exit status: 0 without a difference, 1 with one, 125 when a file is no record."
)]
pub struct ReplayArgs {
    /// The flight records; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// The arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 if all runs succeeded, 1 if one failed, 125 when a file is no report."
)]
pub struct ReportArgs {
    /// One JSON object, for programs
    #[arg(long)]
    pub json: bool,
    /// The reports; a directory is all *.json in it, - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// The arguments of `timeline`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --align it is clock if every record says when its run began, as those of\n\
        childminder run do, and else start. Clocks of several hosts are taken as they are.\n\
        Exit status: 0, or 125 when a file is no record or the picture cannot be drawn."
)]
pub struct TimelineArgs {
    /// Draw into this file: FILE.html, to explore, or FILE.svg. Else: on the terminal
    #[arg(short, long, value_name = "FILE", value_parser = drawing)]
    pub output: Option<Drawing>,
    /// What the runs have in common: the time of day, or that each begins at 0
    #[arg(long, value_name = "clock|start", hide_possible_values = true)]
    pub align: Option<AlignArg>,
    /// The flight records; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// How the runs of a picture stand on its axis of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "documented, they would fill the help's screen")]
pub enum AlignArg {
    Clock,
    Start,
}

/// A picture that is a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// A page for a browser.
    Html(PathBuf),
    /// The drawing alone.
    Svg(PathBuf),
}

fn drawing(file: &str) -> Result<Drawing, &'static str> {
    let path = PathBuf::from(file);
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    match ending.to_str() {
        Some("html" | "htm") => Ok(Drawing::Html(path)),
        Some("svg") => Ok(Drawing::Svg(path)),
        _ => Err("write a name that ends in .html or .svg"),
    }
}

/// A deadline as it was given; 0 is none.
#[derive(Clone, Copy, Debug)]
pub struct Limit(Duration);

impl Limit {
    /// The deadline, if it is one.
    pub fn get(self) -> Option<Duration> {
        Some(self.0).filter(|limit| !limit.is_zero())
    }
}

fn deadline(text: &str) -> Result<Limit, parse::BadDuration> {
    parse::duration(text).map(Limit)
}

/// A limit, or that there is none.
#[derive(Clone, Copy, Debug)]
pub struct Most<T>(Option<T>);

impl<T> Most<T> {
    /// The limit, if there is one.
    pub fn get(self) -> Option<T> {
        self.0
    }
}

/// What `parse` takes, or `max`.
fn most<T, E>(
    parse: impl Fn(&str) -> Result<T, E> + Clone,
) -> impl Fn(&str) -> Result<Most<T>, E> + Clone {
    move |text| match text {
        "max" => Ok(Most(None)),
        _ => parse(text).map(|limit| Most(Some(limit))),
    }
}

/// After which runs what the command left is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "documented, they would fill the help's screen")]
pub enum SweepArg {
    Never,
    Terminated,
    Always,
}

impl From<SweepArg> for Sweep {
    fn from(arg: SweepArg) -> Self {
        match arg {
            SweepArg::Never => Self::Never,
            SweepArg::Terminated => Self::Terminated,
            SweepArg::Always => Self::Always,
        }
    }
}

/// Which output is activity, or that the command vouches for itself; each is named like what it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "documented, they would fill the help's screen")]
pub enum ActivityArg {
    #[default]
    Any,
    Stdout,
    Stderr,
    Notify,
}

impl From<ActivityArg> for Activity {
    fn from(arg: ActivityArg) -> Self {
        match arg {
            ActivityArg::Any => Self::AnyOutput,
            ActivityArg::Stdout => Self::Stdout,
            ActivityArg::Stderr => Self::Stderr,
            ActivityArg::Notify => Self::Explicit,
        }
    }
}
