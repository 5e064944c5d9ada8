//! The signals that `childminder` passes on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use childminder::{Ladder, Signal, Stage, Target};
use childminder_unix::signals::is_ignored;
use mio::{Interest, Registry, Token};
use signal_hook::consts::SIGCHLD;
use signal_hook_mio::v1_0::Signals;

/// What was sent to us and asks for the child's end: SIGINT, SIGTERM, SIGHUP or SIGQUIT.
pub(crate) struct Requests {
    signals: Signals,
}

impl Requests {
    pub(crate) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let mut wanted = vec![Signal::INT, Signal::TERM, Signal::QUIT];
        if !is_ignored(Signal::HUP) {
            wanted.push(Signal::HUP);
        }
        let mut signals = Signals::new(wanted.into_iter().map(Signal::number))?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        Ok(Self { signals })
    }

    pub(crate) fn pending(&mut self) -> impl Iterator<Item = Signal> + '_ {
        self.signals.pending().filter_map(Signal::new)
    }
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
    Ladder::new(&stages).unwrap_or_default()
}

/// Where our parent had us ignore SIGCHLD, the kernel would reap the child by itself, and its exit
/// status would be lost. A signal that is handled, if only by doing nothing, is not ignored.
pub(crate) fn end_ignoring_sigchld() -> io::Result<()> {
    if is_ignored(CHLD) {
        signal_hook::flag::register(SIGCHLD, Arc::default())?;
    }
    Ok(())
}

const CHLD: Signal = Signal::new(SIGCHLD).expect("a signal");
