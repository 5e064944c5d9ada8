//! The signals that `childminder` passes on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use childminder::{Ladder, Signal, Stage, Target};
use childminder_unix::signals::{self, is_ignored};
use signal_hook::consts::{SIGCONT, SIGXFSZ};

use crate::plan::is_init;

/// Whether a signal that we are sent asks for the command's end: SIGINT, SIGTERM, SIGHUP or SIGQUIT.
pub(crate) fn asks_to_end(signal: Signal) -> bool {
    REQUESTS.contains(&signal)
}

/// The signals that `run` hears: what asks for the end, and what is passed on to the command as it is: what would
/// end us, where it does not start the ladder; by an init, also what a terminal or a shell would tell the command
/// otherwise.
pub(crate) fn handled() -> impl Iterator<Item = Signal> {
    let requests = REQUESTS.into_iter();
    let requests = requests.filter(|signal| *signal != Signal::HUP || !is_ignored(Signal::HUP));
    let to_init: &[&str] = if is_init() { &["CONT", "WINCH"] } else { &[] };
    let named = ENDING.iter().chain(to_init).map(ToString::to_string);
    let realtime = (0..).map(|n| format!("RTMIN+{n}"));
    let known = |name: String| signals::parse(&name).ok();
    let passed_on = named.filter_map(known).chain(realtime.map_while(known));
    requests.chain(passed_on)
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

/// A write tells when a file must not grow. This keeps SIGXFSZ from ending us before: an empty handler, which the
/// command does not inherit, as it would an ignored signal.
pub(crate) fn survive_file_size_limit() -> io::Result<()> {
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    Ok(())
}

/// Continues a process that was stopped.
pub(crate) const CONT: Signal = Signal::new(SIGCONT).expect("a signal");

const REQUESTS: [Signal; 4] = [Signal::INT, Signal::TERM, Signal::QUIT, Signal::HUP];

/// The signals that are for programs to use, or for the kernel to tell of a limit or a device, and end a program
/// that does not handle them. Not every system has them all.
const ENDING: [&str; 9] = [
    "USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "XCPU",
];
