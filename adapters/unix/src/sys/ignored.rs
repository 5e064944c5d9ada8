//! The signals that this process ignores, which a child would ignore too (`execve(2)`).

use std::fs;
use std::io;

use nix::libc;

use super::only_here::sendable;

/// A mask; nothing where there is no `proc(5)` that tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ignored(Option<u64>);

impl Ignored {
    /// Reads the calling thread's own file: a main thread that has ended has none.
    pub(crate) fn by_us() -> Self {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Self::in_status(&status)
    }

    /// The mask in the line `SigIgn:` of `/proc/PID/status`.
    fn in_status(status: &str) -> Self {
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Self(mask)
    }

    /// As far as it is known.
    pub(crate) fn has(self, signal: i32) -> bool {
        self.0.is_some_and(|mask| mask & bit(signal) != 0)
    }

    /// Those that are put back to their defaults in a child, all if it is not known; but not SIGHUP, whose
    /// ignoring is what `nohup` is for, nor SIGPIPE, which `Command` sees to, nor what the C library keeps for
    /// itself.
    pub(crate) fn to_reset(self) -> impl Iterator<Item = i32> + Clone {
        let mask = self.0.unwrap_or(u64::MAX);
        (1..=64).filter(move |signal| {
            let ours = !matches!(*signal, libc::SIGHUP | libc::SIGPIPE);
            mask & bit(*signal) != 0 && ours && sendable(*signal).is_some()
        })
    }

    /// Without a SIGCHLD that is at least not ignored, the kernel reaps children by itself.
    ///
    /// Ask before the spawn: afterwards this shows only when a child has died, and its exit status is lost
    /// then.
    pub(crate) fn but_not_sigchld(self) -> io::Result<()> {
        if !self.has(libc::SIGCHLD) {
            return Ok(());
        }
        Err(io::Error::other(
            "this process ignores SIGCHLD, perhaps because its parent did, so the child's exit status would be lost: set SIGCHLD to its default (SIG_DFL) before spawning",
        ))
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tx\nSigBlk:\tffff\nSigIgn:\t0000000000010000\nSigCgt:\tffff\n";
        assert_eq!(Ignored::in_status(status), Ignored(Some(1 << 16)));
        assert_eq!(Ignored::in_status("Name:\tx\n"), Ignored(None));
        assert_eq!(Ignored::in_status("SigIgn:\tnonsense\n"), Ignored(None));
    }

    #[test]
    fn a_hangup_that_is_ignored_stays_so() {
        let mask = [libc::SIGHUP, libc::SIGINT, libc::SIGPIPE, 32, 64]
            .iter()
            .fold(0, |mask, signal| mask | bit(*signal));
        let reset: Vec<_> = Ignored(Some(mask)).to_reset().collect();
        assert_eq!(reset, [libc::SIGINT, 64]);
    }

    #[test]
    fn what_may_be_ignored_is_reset_too() {
        let unknown = Ignored(None);
        assert!(unknown.to_reset().any(|signal| signal == libc::SIGINT));
        assert!(unknown.to_reset().all(|signal| signal != libc::SIGHUP));
        assert!(!unknown.has(libc::SIGINT));
        assert!(unknown.but_not_sigchld().is_ok());
    }
}
