//! The signals that `childminder` passes on.

use std::ffi::c_int;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use childminder::{Ladder, Signal, Stage, Target};
use childminder_unix::signals::is_ignored;
use mio::{Interest, Registry, Token};
use signal_hook::consts::SIGXFSZ;
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
        handle_idly(SIGXFSZ)?;
        let mut signals = Signals::new(wanted.into_iter().map(Signal::number))?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        Ok(Self { signals })
    }

    /// A hangup comes last: it may only go along with another.
    pub(crate) fn pending(&mut self) -> impl Iterator<Item = Signal> {
        let mut pending: Vec<_> = self.signals.pending().filter_map(Signal::new).collect();
        pending.sort_by_key(|signal| *signal == Signal::HUP);
        pending.into_iter()
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
    Ladder::new(&stages).expect("as many stages as before, or two")
}

/// Handles this signal by doing nothing, which is not to ignore it. Of an ignored SIGCHLD, which our parent may
/// have left us, the kernel would reap the child by itself, and its exit status would be lost; SIGXFSZ would
/// end us where a write can tell that a file must not grow.
pub(crate) fn handle_idly(signal: c_int) -> io::Result<()> {
    signal_hook::flag::register(signal, Arc::default())?;
    Ok(())
}
