//! What must hold before anything is spawned.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;

use nix::libc;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, WaitId, WaitIdOptions, getpid, pidfd_open, waitid};

/// An error unless a child can be watched and its exit status can be had.
pub(crate) fn ready_to_spawn() -> io::Result<()> {
    kernel_has_pidfds()?;
    sigchld_is_not_ignored()
}

/// Tries on ourselves what will be done to the child. This asks anew each time, since it costs three
/// short system calls and a sandbox may have closed meanwhile.
fn kernel_has_pidfds() -> io::Result<()> {
    let pidfd = pidfd_open(getpid(), PidfdFlags::empty()).map_err(unsupported)?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::PidFd(pidfd.as_fd()), look) {
        // The right answer: we are not our own child.
        Ok(_) | Err(Errno::CHILD) => Ok(()),
        Err(error) => Err(unsupported(error)),
    }
}

/// `ENOSYS` is a kernel without the call, `EINVAL` one without `P_PIDFD`, `EPERM` a sandbox.
fn unsupported(error: Errno) -> io::Error {
    match error {
        Errno::NOSYS | Errno::INVAL | Errno::PERM => io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "cannot watch a child through a pidfd: {error} (it takes Linux 5.4 or newer, and a sandbox that allows pidfd_open and waitid)"
            ),
        ),
        other => other.into(),
    }
}

/// Without a `SIGCHLD` that is at least not ignored, the kernel reaps children by itself.
///
/// This is asked before the spawn: afterwards it would take a dead child, whose exit status is lost
/// already, to find out. What cannot be read is taken as well; a lost child is then noticed at
/// its exit.
fn sigchld_is_not_ignored() -> io::Result<()> {
    // The thread's own file, since the main thread may have ended, and then has none to show.
    let Ok(status) = fs::read_to_string("/proc/thread-self/status") else {
        return Ok(());
    };
    if ignored_signals(&status) & (1 << (libc::SIGCHLD - 1)) == 0 {
        return Ok(());
    }
    Err(io::Error::other(
        "this process ignores SIGCHLD, perhaps because its parent did, so the child's exit status would be lost: set SIGCHLD to its default (SIG_DFL) before spawning",
    ))
}

/// The mask in the line `SigIgn:` of `/proc/PID/status`, or no signal.
fn ignored_signals(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tx\nSigBlk:\tffff\nSigIgn:\t0000000000010000\nSigCgt:\tffff\n";
        assert_eq!(ignored_signals(status), 1 << 16);
        assert_eq!(ignored_signals("Name:\tx\n"), 0);
        assert_eq!(ignored_signals("SigIgn:\tnonsense\n"), 0);
    }

    #[test]
    fn only_what_the_kernel_lacks_is_unsupported() {
        for errno in [Errno::NOSYS, Errno::INVAL, Errno::PERM] {
            let error = unsupported(errno);
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains("Linux 5.4"), "{error}");
        }
        let error = unsupported(Errno::MFILE);
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
    }
}
