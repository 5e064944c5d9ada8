//! What the reap of a child tells: how it ended, what it has used, and whether it left a core.

use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::time::Duration;

use childminder::{ExitStatus, Signal};
use nix::errno::Errno;
use nix::libc;
use rustix::process::Pid;

use crate::status::Usage;

/// What was told at the reap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaped {
    pub(super) status: ExitStatus,
    pub(super) usage: Usage,
    pub(super) dumped_core: bool,
}

/// Reaps a child of ours by what names it for certain. Blocks until it is dead.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(super) fn by_pidfd(pidfd: &OwnedFd, _: Pid) -> io::Result<Reaped> {
    use std::os::fd::AsRawFd as _;

    // SAFETY: all zeroes is a value of these structs of numbers, and the call writes to nothing but them, which outlive
    // it. The kernel's `struct rusage` is the C library's where numbers have 64 bits. The last call fills what is read of a
    // `siginfo_t`.
    #[expect(
        unsafe_code,
        reason = "the C library's `waitid` does not take the kernel's last argument"
    )]
    let (status, code, usage) = unsafe {
        let mut info: libc::siginfo_t = mem::zeroed();
        let mut usage = mem::zeroed();
        retry_on_intr(|| {
            libc::syscall(
                libc::SYS_waitid,
                libc::P_PIDFD,
                pidfd.as_raw_fd(),
                &raw mut info,
                libc::WEXITED,
                &raw mut usage,
            )
        })?;
        (info.si_status(), info.si_code, usage)
    };
    Ok(Reaped {
        status: if code == libc::CLD_EXITED {
            ExitStatus::Code(status)
        } else {
            killed_by(status)?
        },
        usage: used(&usage),
        dumped_core: code == libc::CLD_DUMPED,
    })
}

/// The same in two calls: the first makes certain that the number is the child's.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(super) fn by_pidfd(pidfd: &OwnedFd, child: Pid) -> io::Result<Reaped> {
    use rustix::process::WaitIdOptions;

    let dead = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    rustix::io::retry_on_intr(|| super::only_here::pidfd_wait(pidfd, dead))?;
    by_number(child)
}

/// Reaps a child of ours that nothing else waits for. Blocks until it is dead.
pub(super) fn by_number(child: Pid) -> io::Result<Reaped> {
    let mut status = 0;
    // SAFETY: all zeroes is a value of this struct of numbers, and the call writes to nothing but the two
    // places that it is given, which outlive it.
    #[expect(
        unsafe_code,
        reason = "nothing else tells one child's usage, and no crate wraps it"
    )]
    let usage = unsafe {
        let mut usage = mem::zeroed();
        let child = child.as_raw_pid();
        retry_on_intr(|| libc::wait4(child, &raw mut status, 0, &raw mut usage).into())?;
        usage
    };
    Ok(Reaped {
        status: if libc::WIFEXITED(status) {
            ExitStatus::Code(libc::WEXITSTATUS(status))
        } else {
            killed_by(libc::WTERMSIG(status))?
        },
        usage: used(&usage),
        dumped_core: libc::WIFSIGNALED(status) && libc::WCOREDUMP(status),
    })
}

fn retry_on_intr(mut call: impl FnMut() -> libc::c_long) -> io::Result<()> {
    loop {
        match Errno::result(call()) {
            Err(Errno::EINTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

fn killed_by(signal: i32) -> io::Result<ExitStatus> {
    let signal = Signal::new(signal).map(ExitStatus::Signal);
    signal.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn used(usage: &libc::rusage) -> Usage {
    Usage {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * RSS_UNIT,
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

/// In bytes. `getrusage(2)`: kibibytes, but bytes on macOS.
const RSS_UNIT: u64 = if cfg!(target_vendor = "apple") {
    1
} else {
    1024
};
