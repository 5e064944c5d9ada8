//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use childminder::{Activity, Ladder, Signal};
use clap::{Parser, Subcommand, ValueEnum};

use crate::parse;

/// Minds a command: notices when it stops making progress, ends it politely and then for certain.
#[derive(Debug, Parser)]
#[command(name = "childminder", version, max_term_width = 80)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a command and mind it
    Run(Box<RunArgs>),
    /// Run a command with a time limit, as coreutils' timeout does
    #[command(disable_help_flag = true, override_help = crate::timeout::help::text("childminder timeout"))]
    Timeout {
        /// What `timeout` reads itself
        words: Vec<OsString>,
    },
    /// Replay flight records and compare what the state machine does now
    Replay(ReplayArgs),
}

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "childminder run [OPTIONS] [--] COMMAND [ARG]...",
    help_template = "{usage-heading} {usage}\n\n{options}{after-help}",
    disable_help_flag = true,
    after_help = "DURATION: 90, 1.5, 500ms, 30s, 10m, 2h; 0 is none. Exit status: the command's;\n\
        128+N if signal N ended it; 124 if a deadline did; 125 if childminder failed or\n\
        could not kill it; 126 if the command cannot be run, 127 if it is not found."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    /// End it after this long without activity
    #[arg(long, value_name = "DURATION", value_parser = deadline, allow_hyphen_values = true)]
    pub idle: Option<Limit>,
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
        allow_hyphen_values = true, conflicts_with_all = ["signal", "grace"])]
    pub ladder: Option<Ladder>,
    /// First signal of a ladder of two (INT)
    #[arg(short, long, value_name = "SIGNAL", value_parser = childminder_unix::signals::parse,
        allow_hyphen_values = true)]
    pub signal: Option<Signal>,
    /// How long after it comes KILL (5s)
    #[arg(short = 'k', long, value_name = "DURATION", value_parser = parse::duration,
        allow_hyphen_values = true)]
    pub grace: Option<Duration>,
    /// any|stdout|stderr: what counts
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "any",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub activity: ActivityArg,
    /// Own session: no /dev/tty, no job control
    #[arg(long, conflicts_with_all = ["cgroup", "tty"])]
    pub session: bool,
    /// Own cgroup, if allowed: all in it can be ended
    #[arg(long)]
    pub cgroup: bool,
    /// Write a flight record, for replay
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Write a JSON report; - is stdout
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Lines of output in the report (10)
    #[arg(long, value_name = "N", default_value_t = 10, hide_default_value = true,
        value_parser = parse::count, allow_hyphen_values = true)]
    pub tail: usize,
    /// Leave all running if childminder is killed
    #[arg(long)]
    pub keep: bool,
    /// Give it a terminal of its own
    #[arg(long)]
    pub tty: bool,
    /// Say nothing of how it ended
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say what is done when it is done
    #[arg(short, long)]
    pub verbose: bool,
    /// Print this help (hidden: obvious)
    #[arg(short, long, action = clap::ArgAction::Help, hide = true)]
    pub help: Option<bool>,
    /// The command and its arguments
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        hide = true
    )]
    pub command: Vec<OsString>,
}

/// The arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit status: 0 without a difference, 1 with one, 125 when a file is no record."
)]
pub struct ReplayArgs {
    /// The flight records
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
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

/// Which output is activity; each is named like what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "documented, they would fill the help's screen")]
pub enum ActivityArg {
    Any,
    Stdout,
    Stderr,
}

impl From<ActivityArg> for Activity {
    fn from(arg: ActivityArg) -> Self {
        match arg {
            ActivityArg::Any => Self::AnyOutput,
            ActivityArg::Stdout => Self::Stdout,
            ActivityArg::Stderr => Self::Stderr,
        }
    }
}
