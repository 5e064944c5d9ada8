//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use childminder::{Activity, Ladder, Signal, Sweep};
use clap::{Parser, Subcommand, ValueEnum};
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
    #[command(display_name = "childminder")]
    Run(Box<RunArgs>),
    /// Run a command with a time limit, as coreutils' timeout does
    #[command(disable_help_flag = true, override_help = crate::timeout::help::text("childminder timeout"))]
    Timeout {
        /// What `timeout` reads itself
        words: Vec<OsString>,
    },
    /// Replay flight records and compare what the state machine does now
    #[command(display_name = "childminder")]
    Replay(ReplayArgs),
    /// Read many reports: who failed first and why, who stands out
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
        could not kill it; 126 if it cannot be run, 127 if not found. Signals are reset."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    /// End it after such a silence; --warn D: say so
    #[arg(long, value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub idle: Option<Limit>,
    /// When to say that it is silent (hidden: stands with --idle)
    #[arg(long, value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true, hide = true)]
    pub warn: Option<Limit>,
    /// End it if its first output takes longer
    #[arg(long, value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub first_output: Option<Limit>,
    /// End it when it has run this long
    #[arg(long, value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub wall: Option<Limit>,
    /// How long output may outlive it (2s)
    #[arg(long, value_name = "DURATION", value_parser = parse::duration, allow_hyphen_values = true)]
    pub drain: Option<Duration>,
    /// How to end it, 1-4 stages (INT:5s,KILL:10s)
    #[arg(long, value_name = "SIGNAL:WAIT,…", value_parser = parse::ladder,
        allow_hyphen_values = true, overrides_with_all = ["signal", "grace"])]
    pub ladder: Option<Ladder>,
    /// First signal (INT); -k, --grace till KILL (5s)
    #[arg(short, long, value_name = "SIGNAL", value_parser = childminder_unix::signals::parse,
        allow_hyphen_values = true, overrides_with = "ladder")]
    pub signal: Option<Signal>,
    /// How long after it comes KILL (hidden: stands with --signal)
    #[arg(short = 'k', long, value_name = "DURATION", value_parser = parse::duration,
        allow_hyphen_values = true, overrides_with = "ladder", hide = true)]
    pub grace: Option<Duration>,
    /// any|stdout|stderr|notify; --activity-match RE
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "any",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub activity: ActivityArg,
    /// Only lines that match count (hidden: stands with --activity)
    #[arg(long, value_name = "REGEX", value_parser = Regex::new, allow_hyphen_values = true, hide = true)]
    pub activity_match: Option<Regex>,
    /// Kill its daemons: never|terminated|always
    #[arg(long, value_name = "WHEN", hide_possible_values = true)]
    pub sweep: Option<SweepArg>,
    /// What is success besides 0, and then 0 (3,143)
    #[arg(long, value_name = "N,…", value_parser = parse::statuses,
        allow_hyphen_values = true)]
    pub success: Option<Statuses>,
    /// Run it there
    #[arg(long, value_name = "DIR")]
    pub chdir: Option<PathBuf>,
    /// Own session: no /dev/tty, no job control
    #[arg(long, conflicts_with_all = ["cgroup", "tty", "memory", "pids", "cpu"])]
    pub session: bool,
    /// Own cgroup; limit it: --memory, --pids, --cpu
    #[arg(long)]
    pub cgroup: bool,
    /// Most memory of its cgroup (hidden: stands with --cgroup)
    #[arg(long, value_name = "SIZE", value_parser = most(parse::size),
        allow_hyphen_values = true, hide = true)]
    pub memory: Option<Most<u64>>,
    /// Most processes and threads of its cgroup (hidden: stands with --cgroup)
    #[arg(long, value_name = "N", value_parser = most(parse::count::<u64>),
        allow_hyphen_values = true, hide = true)]
    pub pids: Option<Most<u64>>,
    /// Most processors of its cgroup (hidden: stands with --cgroup)
    #[arg(long, value_name = "N", value_parser = most(parse::processors),
        allow_hyphen_values = true, hide = true)]
    pub cpu: Option<Most<f64>>,
    /// Flight record (in FILE: {VARIABLE}, {pid})
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// JSON report (- is stdout), with --tail N (10)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Lines of output in the report (hidden: stands with --report)
    #[arg(long, value_name = "N", value_parser = parse::count::<usize>,
        allow_hyphen_values = true, hide = true)]
    pub tail: Option<usize>,
    /// Run it at the end; --heartbeat D: and each D
    #[arg(long, value_name = "COMMAND")]
    pub notify: Option<OsString>,
    /// How often it is run meanwhile (hidden: stands with --notify)
    #[arg(long, value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true, hide = true)]
    pub heartbeat: Option<Limit>,
    /// How long it may take (hidden: stands in the guide)
    #[arg(long, value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true, hide = true)]
    pub notify_timeout: Option<Limit>,
    /// Leave all running if childminder is killed
    #[arg(long)]
    pub keep: bool,
    /// Own terminal, where Ctrl-Z does not stop it
    #[arg(long)]
    pub tty: bool,
    /// Say nothing of how it ended; -v: more
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say what is done when it is done (hidden: stands with --quiet)
    #[arg(short, long, hide = true)]
    pub verbose: bool,
    /// Print this help (hidden: obvious)
    #[arg(short, long, action = clap::ArgAction::Help, hide = true)]
    pub help: Option<bool>,
    /// Print the version (hidden: obvious)
    #[arg(short = 'V', long, action = clap::ArgAction::Version, hide = true)]
    pub version: Option<bool>,
    /// The command and its arguments
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        hide = true
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
