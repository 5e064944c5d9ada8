//! What only Linux has: 5.4 and newer for pidfds, any for the rest.

use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd as _, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use childminder::Instant;
use nix::libc;
use nix::sys::signal::SigSet;
use rustix::event::EventfdFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal as Sendable, WaitId, WaitIdOptions, WaitIdStatus,
    getpid, waitid,
};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use rustix_libc_wrappers::process::SignalExt as _;

use super::Ends;

/// A counter that is readable unless it is zero.
pub(crate) fn wakeup() -> io::Result<Ends> {
    let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
    Ok((rustix::event::eventfd(0, flags)?, None))
}

/// A descriptor that is readable when its moment has come.
pub(crate) fn timer() -> io::Result<OwnedFd> {
    let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
    Ok(timerfd_create(TimerfdClockId::Monotonic, flags)?)
}

/// The kernel takes a zero for no moment at all, so the earliest moment is the one after it.
pub(crate) fn set_timer(timer: &OwnedFd, at: Option<Instant>) -> io::Result<()> {
    let nanos = at.map_or(0, |at| at.0.max(1));
    let time = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec::try_from(Duration::from_nanos(nanos)).map_err(|_| Errno::INVAL)?,
    };
    timerfd_settime(timer, TimerfdTimerFlags::ABSTIME, &time)?;
    Ok(())
}

/// The real-time signals that glibc leaves to programs. musl keeps one more for itself; but a program that is linked to it
/// has to mean the same by `RTMIN+1` as the shell beside it.
#[expect(clippy::unnecessary_wraps, reason = "not every system has them")]
pub(crate) fn realtime_signals() -> Option<RangeInclusive<i32>> {
    Some(FIRST_REALTIME..=64)
}

/// Any signal of this number that a program may send.
pub(super) fn sendable(number: i32) -> Option<Sendable> {
    let of_musl = || {
        // SAFETY: musl handles this signal only while it changes the identity of a process with threads, and none of
        // ours is the target. To other programs it is a signal like the others.
        #[expect(unsafe_code, reason = "rustix leaves out what our own C library keeps")]
        (number == FIRST_REALTIME).then(|| unsafe { Sendable::from_raw_unchecked(number) })
    };
    Sendable::from_raw(number).or_else(of_musl)
}

/// The signal mask of this thread, which becomes `mask`, if there is one. It is complete: musl leaves the real-time signal
/// that it keeps for itself out of what it tells, and whoever sets that mask again would unblock it.
pub(crate) fn swap_mask(mask: Option<&SigSet>) -> io::Result<SigSet> {
    let mut before = *SigSet::empty().as_ref();
    let mask: *const libc::sigset_t = mask.map_or(ptr::null(), |mask| mask.as_ref());
    // SAFETY: the kernel reads and writes as many bytes as it is told, of sets that are larger and outlive the call.
    #[expect(unsafe_code, reason = "every wrapper is the C library's")]
    let (result, before) = unsafe {
        let how = libc::SIG_SETMASK;
        let result = libc::syscall(
            libc::SYS_rt_sigprocmask,
            how,
            mask,
            &raw mut before,
            KERNEL_SET,
        );
        (result, SigSet::from_sigset_t_unchecked(before))
    };
    nix::errno::Errno::result(result)?;
    Ok(before)
}

/// The size of a set of signals to the kernel, in bytes.
const KERNEL_SET: usize = 8;

const FIRST_REALTIME: i32 = 34;

/// A descriptor that is the process, whatever becomes of its number.
pub(crate) fn pidfd_open(pid: Pid) -> Result<OwnedFd, Errno> {
    rustix::process::pidfd_open(pid, PidfdFlags::empty())
}

pub(super) fn pidfd_wait(
    pidfd: &OwnedFd,
    options: WaitIdOptions,
) -> Result<Option<WaitIdStatus>, Errno> {
    waitid(WaitId::PidFd(pidfd.as_fd()), options)
}

pub(crate) fn pidfd_send(pidfd: &OwnedFd, signal: Sendable) -> Result<(), Errno> {
    rustix::process::pidfd_send_signal(pidfd, signal)
}

/// An error unless a child can be watched through a pidfd. It tries on ourselves what will be done to the
/// child, until that has worked once.
pub(super) fn pidfds_work() -> io::Result<()> {
    static HAVE_WORKED: AtomicBool = AtomicBool::new(false);
    if HAVE_WORKED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let pidfd = pidfd_open(getpid()).map_err(unsupported)?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match retry_on_intr(|| pidfd_wait(&pidfd, look)) {
        // The right answer: we are not our own child.
        Ok(_) | Err(Errno::CHILD) => {}
        Err(error) => return Err(unsupported(error)),
    }
    HAVE_WORKED.store(true, Ordering::Relaxed);
    Ok(())
}

pub(crate) const CAN_KILL_ON_PARENT_DEATH: bool = true;

/// Has the kernel kill the calling process when the thread that made it ends (`PR_SET_PDEATHSIG`).
pub(super) fn die_with_parent() -> Result<(), Errno> {
    rustix::process::set_parent_process_death_signal(Some(Sendable::KILL))
}

/// Has the kernel give orphans below us to us (`PR_SET_CHILD_SUBREAPER`).
pub(crate) fn adopt_orphans() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(getpid()))?)
}

/// Has the kernel dump no core of this process, to no file and to no collector (`PR_SET_DUMPABLE`).
pub(crate) fn leave_no_core() -> io::Result<()> {
    Ok(rustix::process::set_dumpable_behavior(
        DumpableBehavior::NotDumpable,
    )?)
}

/// `ENOSYS` is a kernel without the call, `EINVAL` one without `P_PIDFD`, `EPERM` a sandbox.
fn unsupported(error: Errno) -> io::Error {
    match error {
        Errno::NOSYS | Errno::INVAL | Errno::PERM => io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "cannot watch a child through a pidfd: {error} (it takes Linux 5.4 or newer, and a sandbox that allows pidfd_open and waitid; `Watch::Sigchld` does without)"
            ),
        ),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
