//! What a process has inherited from its parent.

use std::io;

use childminder::Signal;
use nix::sys::signal::{SigSet, Signal as Named};

use crate::sys;

/// The signals that a process ignores, and those that it blocks, to be handed on to a child as `execve(2)` would do
/// it. Signals that are handled are at their defaults in the child.
///
/// ```
/// use childminder_unix::{Child, Command, Inherited, Signals, SpawnOptions};
///
/// // Before a handler is installed or a signal is unblocked.
/// let inherited = Inherited::now()?;
/// let options = SpawnOptions { signals: Signals::As(inherited), ..SpawnOptions::default() };
/// Child::spawn_with(&mut Command::new("true"), &options)?.reap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inherited {
    /// A bit each, from signal 1 on.
    ignored: u64,
    blocked: SigSet,
}

impl Inherited {
    /// What this process ignores now, and this thread blocks.
    ///
    /// Rust's runtime ignores SIGPIPE before `main`. With the feature `sigpipe`, it counts as ignored if our parent
    /// had it so; without, as not ignored.
    ///
    /// # Errors
    ///
    /// None that are known.
    pub fn now() -> io::Result<Self> {
        let ignored = |signal: &i32| match *signal {
            nix::libc::SIGPIPE => sys::sigpipe_was_ignored(),
            other => sys::is_ignored(other),
        };
        Ok(Self {
            ignored: (1..=64).filter(ignored).map(bit).sum(),
            blocked: sys::swap_mask(None)?,
        })
    }

    /// The same with `signal` not ignored.
    #[must_use]
    pub fn with_default(mut self, signal: Signal) -> Self {
        self.ignored &= !bit(signal.number());
        self
    }

    /// The same with `signal`, which is no real-time signal, not blocked.
    #[must_use]
    pub fn with_unblocked(mut self, signal: Signal) -> Self {
        if let Ok(signal) = Named::try_from(signal.number()) {
            self.blocked.remove(signal);
        }
        self
    }

    pub(crate) fn ignores(&self, signal: i32) -> bool {
        self.ignored & bit(signal) != 0
    }

    pub(crate) fn blocked(&self) -> SigSet {
        self.blocked
    }
}

/// Nothing for a number that is out of range.
fn bit(signal: i32) -> u64 {
    let place = u32::try_from(signal - 1).unwrap_or(u32::MAX);
    1_u64.checked_shl(place).unwrap_or(0)
}
