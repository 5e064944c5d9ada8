//! The signals that `childminder` passes on.

use std::time::Duration;

use childminder::{Ladder, Signal, Stage, Target};
use childminder_unix::signals::{self, is_ignored};
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};

use crate::plan::TerminalPlan;

/// Whether a signal that we are sent asks for the command's end: SIGINT, SIGTERM, SIGHUP or SIGQUIT.
pub(crate) fn asks_to_end(signal: Signal) -> bool {
    REQUESTS.contains(&signal)
}

/// The signals that `run` hears: what asks for the end, and what is passed on to the command as it is. Not heard are
/// SIGKILL and SIGSTOP, which cannot be; SIGCHLD, which is about our own children; those of job control, which are
/// [`Terminal`](crate::terminal::Terminal)'s business, as SIGWINCH is where the command has a terminal of its own; and what
/// the kernel raises for a fault of ours, SIGSEGV for instance.
pub(crate) fn handled(terminal: TerminalPlan) -> impl Iterator<Item = Signal> {
    let requests = REQUESTS.into_iter();
    let requests = requests.filter(|signal| *signal != Signal::HUP || !is_ignored(Signal::HUP));
    let named = PASSED_ON
        .iter()
        .filter_map(|name| signals::parse(name).ok());
    let passed_on = named.chain(signals::realtime());
    let is_heard = move |signal: &Signal| *signal != WINCH || terminal != TerminalPlan::Own;
    requests.chain(passed_on.filter(is_heard))
}

/// `ladder`, begun with `signal`: in place of its first stage, or, where that is all there is, before
/// it, with this much time between.
pub(crate) fn ladder_beginning_with(signal: Signal, ladder: &Ladder, grace: Duration) -> Ladder {
    let mut stages: Vec<Stage> = ladder.stages().collect();
    match stages.as_mut_slice() {
        [first, _, ..] => first.signal = signal,
        _ => stages.insert(
            0,
            Stage {
                signal,
                target: Target::Group,
                wait: Some(grace),
            },
        ),
    }
    Ladder::new(&stages).expect("as many stages as before, or two")
}

/// Continues a process that was stopped.
pub(crate) const CONT: Signal = Signal::new(SIGCONT).expect("a signal");

/// Ctrl-Z.
pub(crate) const TSTP: Signal = Signal::new(SIGTSTP).expect("a signal");

/// Another size of the terminal.
const WINCH: Signal = Signal::new(SIGWINCH).expect("a signal");

const REQUESTS: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::QUIT, Signal::HUP];

/// The signals that are for programs to use, or for the kernel to tell of a limit, a device or a terminal. Not every
/// system has them all.
const PASSED_ON: [&str; 15] = [
    "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "XCPU", "XFSZ", "PIPE", "URG",
    "WINCH", "EMT", "INFO",
];
