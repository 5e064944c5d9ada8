//! What the arguments of `run` ask for, decided once: nothing behind this sees the parser's struct.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use childminder::{Activity, Config, Signal, Stream, Sweep};
use childminder_unix::Limits;
use regex::bytes::Regex;

use crate::args::{ActivityArg, Limit, Most, RunArgs};
use crate::failure::Failure;
use crate::file_name;
use crate::parse::{self, Statuses};
use crate::progress;

/// A run, as it is to be.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) command: Vec<OsString>,
    pub(crate) config: Config,
    pub(crate) signs: Signs,
    /// How much time there is before a ladder that is put off by a signal to us.
    pub(crate) grace: Duration,
    pub(crate) containment: Containment,
    /// Of the cgroup; where there are any, it is not done without one.
    pub(crate) limits: Limits,
    pub(crate) terminal: TerminalPlan,
    /// Where the command is run, if not where we are.
    pub(crate) directory: Option<PathBuf>,
    /// The statuses besides 0 that are no failure.
    pub(crate) success: Statuses,
    /// What becomes of the command when we die.
    pub(crate) on_our_death: OnOurDeath,
    pub(crate) record: Option<PathBuf>,
    pub(crate) report: Option<PathBuf>,
    /// How many of the last lines of output the report has.
    pub(crate) tail: usize,
    /// What a shell runs for each notification.
    pub(crate) notify: Option<OsString>,
    pub(crate) speech: Speech,
    /// Whether a line tells how it goes. Only where that can be shown.
    pub(crate) progress: bool,
}

/// What shows that the command goes on.
#[derive(Clone, Debug)]
pub(crate) enum Signs {
    /// Output, which the state machine can tell itself.
    Output,
    /// Lines of this output that match.
    Lines(Activity, Regex),
    /// What it says by systemd's protocol.
    Words,
}

/// What holds the command's processes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Containment {
    Group,
    Session,
    Cgroup,
}

/// The command's terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TerminalPlan {
    /// Ours, if we have one, is lent to it.
    Lent,
    /// It has none.
    None,
    /// One of its own, made for it.
    Own,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnOurDeath {
    Kill,
    Keep,
}

/// What is said besides errors of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    Nothing,
    HowItEnded,
    Everything,
}

impl TryFrom<RunArgs> for Plan {
    type Error = Failure;

    fn try_from(args: RunArgs) -> Result<Self, Failure> {
        if args.tty && args.activity == ActivityArg::Stderr {
            return Err(Failure::ours(
                "--activity stderr says nothing with --tty, where all output is standard output: use any or stdout".to_owned(),
            ));
        }
        if args.notify.is_none()
            && let Some(option) = args.needs_notify()
        {
            return Err(Failure::ours(format!(
                "{option} does nothing without --notify COMMAND, which it is about"
            )));
        }
        // At a terminal or not.
        if args.progress && args.keep {
            return Err(does_not_keep("--progress", PIPE_WOULD_BREAK));
        }
        let signs = match (args.activity, args.activity_match) {
            (ActivityArg::Notify, Some(_)) => {
                return Err(Failure::ours(
                    "--activity notify does not go with --activity-match: either the command vouches for itself, or its output does".to_owned(),
                ));
            }
            (ActivityArg::Notify, None) => Signs::Words,
            (which, Some(regex)) => Signs::Lines(which.into(), regex),
            (_, None) => Signs::Output,
        };
        let defaults = Config::default();
        let grace = args.grace.unwrap_or(DEFAULT_GRACE);
        let limits = Limits {
            memory: args.memory.and_then(Most::get),
            pids: args.pids.and_then(Most::get),
            cpus: args.cpu.and_then(Most::get),
        };
        let notify_timeout = args.notify_timeout.map_or(Some(NOTIFY_TIMEOUT), Limit::get);
        let short_ladder = || parse::short_ladder(args.signal.unwrap_or(Signal::INT), grace);
        let plan = Self {
            config: Config {
                idle_timeout: args.idle.and_then(Limit::get),
                warn_timeout: args.warn.and_then(Limit::get),
                first_output_timeout: args.first_output.and_then(Limit::get),
                run_timeout: args.wall.and_then(Limit::get),
                notification_timeout: args.notify.as_ref().and(notify_timeout),
                heartbeat_interval: args.heartbeat.and_then(Limit::get),
                final_notification: args.notify.is_some(),
                drain_timeout: args.drain.or(defaults.drain_timeout),
                activity: match &signs {
                    Signs::Lines(..) => Activity::Explicit,
                    Signs::Output | Signs::Words => args.activity.into(),
                },
                ladder: args.ladder.unwrap_or_else(short_ladder),
                sweep: match args.sweep {
                    Some(sweep) => sweep.into(),
                    // With process 1 the kernel takes every process along. This way the report can name them.
                    None if is_init() => Sweep::Always,
                    None => defaults.sweep,
                },
                stray_timeout: Some(STRAY_TIMEOUT),
            },
            signs,
            grace,
            containment: match (args.cgroup || !limits.are_none(), args.session) {
                (true, _) => Containment::Cgroup,
                (false, true) => Containment::Session,
                (false, false) => Containment::Group,
            },
            terminal: match (args.session, args.tty) {
                (true, _) => TerminalPlan::None,
                (false, true) => TerminalPlan::Own,
                (false, false) => TerminalPlan::Lent,
            },
            on_our_death: if args.keep {
                OnOurDeath::Keep
            } else {
                OnOurDeath::Kill
            },
            limits,
            directory: args.chdir,
            success: args.success.unwrap_or_default(),
            record: named("--record", args.record)?,
            report: named("--report", args.report)?,
            tail: args.tail.unwrap_or(DEFAULT_TAIL),
            notify: args.notify,
            speech: match (args.quiet, args.verbose) {
                (true, _) => Speech::Nothing,
                (false, true) => Speech::Everything,
                (false, false) => Speech::HowItEnded,
            },
            progress: args.progress && progress::can_be_shown(),
            command: args.command,
        };
        plan.can_keep_promise()?;
        Ok(plan)
    }
}

impl Plan {
    /// Whether something is asked for that takes watching this stream of the command's.
    pub(crate) fn watches(&self, stream: Stream) -> bool {
        self.watching_option(stream).is_some()
    }

    /// Whether what is written to this stream comes by way of us.
    pub(crate) fn sees(&self, stream: Stream) -> bool {
        self.terminal == TerminalPlan::Own || self.watches(stream)
    }

    /// Whether something can be seen that is activity.
    pub(crate) fn sees_activity(&self) -> bool {
        let mut streams = Stream::ALL.into_iter();
        matches!(self.signs, Signs::Words)
            || streams.any(|stream| self.counts(stream) && self.sees(stream))
    }

    /// Whether what is written to this stream can put the idle deadline off.
    fn counts(&self, stream: Stream) -> bool {
        match &self.signs {
            Signs::Lines(activity, _) => activity.counts(stream),
            Signs::Output | Signs::Words => self.config.activity.counts(stream),
        }
    }

    /// The first option that takes it.
    fn watching_option(&self, stream: Stream) -> Option<&'static str> {
        let config = &self.config;
        let options = [
            (
                "--idle",
                config.idle_timeout.is_some() && self.counts(stream),
            ),
            (
                "--warn",
                config.warn_timeout.is_some() && self.counts(stream),
            ),
            ("--first-output", config.first_output_timeout.is_some()),
            ("--record", self.record.is_some()),
            ("--report", self.report.is_some() && self.tail > 0),
            ("--notify", self.notify.is_some()),
            ("--progress", self.progress),
        ];
        options
            .into_iter()
            .find_map(|(option, watches)| watches.then_some(option))
    }

    /// An error if the command is to outlive us and could not: with what watches it, its output is in a pipe of ours,
    /// which would break.
    fn can_keep_promise(&self) -> Result<(), Failure> {
        if self.on_our_death == OnOurDeath::Kill {
            return Ok(());
        }
        let mut watching = Stream::ALL
            .into_iter()
            .filter_map(|stream| self.watching_option(stream));
        let (option, why) = match watching.next() {
            _ if self.terminal == TerminalPlan::Own => (
                "--tty",
                "the terminal would go with childminder, and the command would be hung up; leave one of them out",
            ),
            Some("--report") => (
                "--report",
                "childminder would quote the output in it, for which it takes a pipe, and the command would die of it (SIGPIPE) once childminder is killed; add --tail 0",
            ),
            Some(option) => (option, PIPE_WOULD_BREAK),
            None => return Ok(()),
        };
        Err(does_not_keep(option, why))
    }

    /// The command's words, for people and programs.
    pub(crate) fn words(&self) -> Vec<String> {
        let words = self.command.iter();
        words
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }
}

fn does_not_keep(option: &str, why: &str) -> Failure {
    Failure::ours(format!("--keep does not go with {option}: {why}"))
}

fn named(option: &str, pattern: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    let name = pattern.map(|pattern| file_name::expand(option, &pattern));
    name.transpose()
}

pub(crate) fn is_init() -> bool {
    std::process::id() == 1
}

const PIPE_WOULD_BREAK: &str = "childminder would have its output in a pipe, and the command would die of it (SIGPIPE) once childminder is killed; leave one of them out";

/// How many of the last lines of output a report has.
const DEFAULT_TAIL: usize = 10;

const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// How long the command of --notify may take.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long SIGKILL may take with what the command leaves behind.
const STRAY_TIMEOUT: Duration = Duration::from_secs(5);
