//! What takes the place of what only Linux has.
//!
//! | Linux | elsewhere |
//! | --- | --- |
//! | pidfds | `waitid(2)` on a child that is not reaped; SIGCHLD wakes ([`Watch::Sigchld`](crate::Watch)) |
//! | `eventfd` | a pipe |
//! | `epoll` | `kqueue(2)` |
//! | `PR_SET_DUMPABLE` | `RLIMIT_CORE` |
//! | writes that do not wait (`RWF_NOWAIT`, `splice`, `tee`) | a thread that does |
//! | timers, parent-death signal, subreaper, guardian, cgroups, real-time signals, notify sockets | `Unsupported` |

use std::ffi::CStr;
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{BorrowedFd, OwnedFd};

use childminder::Instant;
use nix::sys::signal::{SigSet, SigmaskHow};
use rustix::io::{Errno, ioctl_fionbio};
use rustix::process::{
    Pid, Resource, Rlimit, Signal as Sendable, WaitIdOptions, WaitIdStatus, getrlimit, setrlimit,
};

use super::{Datagram, Ends, Look};
use crate::status::Delivery;

pub(crate) fn wakeup() -> io::Result<Ends> {
    let (reader, writer) = io::pipe()?;
    ioctl_fionbio(&reader, true)?;
    ioctl_fionbio(&writer, true)?;
    Ok((reader.into(), Some(writer.into())))
}

pub(crate) fn timer() -> io::Result<OwnedFd> {
    Err(unsupported("a timer that is a descriptor"))
}

pub(crate) fn set_timer(_: &OwnedFd, _: Option<Instant>) -> io::Result<()> {
    Err(unsupported("a timer that is a descriptor"))
}

pub(crate) fn write_at_once(_: BorrowedFd<'_>, _: &[u8]) -> Result<usize, Errno> {
    Err(Errno::NOSYS)
}

pub(crate) fn splice_at_once(
    _: BorrowedFd<'_>,
    _: BorrowedFd<'_>,
    _: usize,
) -> Result<usize, Errno> {
    Err(Errno::NOSYS)
}

pub(crate) fn tee_at_once(_: BorrowedFd<'_>, _: BorrowedFd<'_>, _: usize) -> Result<usize, Errno> {
    Err(Errno::NOSYS)
}

pub(crate) fn pipe_capacity(_: BorrowedFd<'_>) -> Option<usize> {
    None
}

pub(crate) fn datagram_socket(_: &[u8]) -> io::Result<OwnedFd> {
    Err(unsupported("a socket that names its senders"))
}

pub(crate) fn next_datagram(_: &OwnedFd, _: &mut [u8]) -> io::Result<Option<Datagram>> {
    Err(unsupported("a socket that names its senders"))
}

pub(crate) fn realtime_signals() -> Option<RangeInclusive<i32>> {
    None
}

pub(crate) fn swap_mask(mask: Option<&SigSet>) -> io::Result<SigSet> {
    Ok(match mask {
        Some(mask) => mask.thread_swap_mask(SigmaskHow::SIG_SETMASK)?,
        None => SigSet::thread_get_mask()?,
    })
}

pub(super) fn sendable(number: i32) -> Option<Sendable> {
    Sendable::from_named_raw(number)
}

pub(crate) fn pidfd_open(_: Pid) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

pub(super) fn pidfd_wait(_: &OwnedFd, _: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
    Err(Errno::NOSYS)
}

pub(crate) fn pidfd_send(_: &OwnedFd, _: Sendable) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

pub(super) fn pidfds_work() -> io::Result<()> {
    Err(unsupported("a pidfd"))
}

pub(crate) const CAN_KILL_ON_PARENT_DEATH: bool = false;

pub(super) fn die_with_parent() -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

pub(crate) fn look_at_children() -> io::Result<Look> {
    Err(unsupported("a look at children that reaps none"))
}

pub(crate) fn reap_child(_: u32) -> io::Result<bool> {
    Err(unsupported("orphans of ours"))
}

pub(crate) fn kill_child(_: u32) -> io::Result<Delivery> {
    Err(unsupported("orphans of ours"))
}

pub(crate) fn has_living_child() -> io::Result<bool> {
    Err(unsupported("orphans of ours"))
}

pub(crate) fn lives(_: u32) -> io::Result<bool> {
    Err(unsupported("orphans of ours"))
}

pub(crate) fn adopt_orphans() -> io::Result<()> {
    Err(unsupported("a child subreaper"))
}

pub(crate) fn fork_unseen(_: impl FnMut()) -> io::Result<u32> {
    Err(unsupported("a child that no wait sees"))
}

pub(crate) fn has_unseen() -> bool {
    false
}

pub(crate) fn is_unseen(_: u32) -> bool {
    false
}

pub(crate) fn end_unseen(_: u32, _: impl FnOnce() -> io::Result<()>) {}

pub(crate) fn step_aside(_: &CStr, _: &str) {}

pub(crate) fn close_all_but(_: &[BorrowedFd<'_>]) {}

/// There is no handle to do it with.
pub(crate) fn aim_at_own_group(_: &OwnedFd) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}

/// There is none.
#[derive(Debug)]
pub(crate) enum GroupHandle {}

impl GroupHandle {
    pub(crate) fn new() -> io::Result<Self> {
        Err(unsupported("a handle of a process group"))
    }

    pub(crate) fn sight(&self) -> io::Result<OwnedFd> {
        match *self {}
    }

    pub(crate) fn kill(&mut self) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; 2] {
        match *self {}
    }
}

pub(crate) fn leave_no_core() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: getrlimit(Resource::Core).maximum,
    };
    Ok(setrlimit(Resource::Core, none)?)
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("only Linux has {what}"))
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::os::fd::AsFd;
    use std::process::{self, Command};

    use nix::libc;
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;
    use crate::wakeup::Wakeup;

    #[test]
    fn a_pipe_wakes_as_well() {
        let wakeup = Wakeup::from(wakeup().expect("a pipe"));
        assert!(!is_readable(&wakeup, NOW));
        // More than the pipe has room for.
        for _ in 0..10_000 {
            wakeup.wake().expect("woken");
        }
        assert!(is_readable(&wakeup, NOW));
        wakeup.clear().expect("cleared");
        assert!(!is_readable(&wakeup, NOW));
        wakeup.clear().expect("nothing to clear");
        wakeup.wake().expect("woken");
        assert!(is_readable(&wakeup, NOW));
    }

    #[test]
    fn no_core_may_be_left() {
        if again("no_core_may_be_left", &[]) {
            return;
        }
        let maximum = getrlimit(Resource::Core).maximum;
        leave_no_core().expect("a lower limit");
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        assert_eq!(getrlimit(Resource::Core).maximum, maximum);
    }

    #[test]
    fn what_cannot_be_had_says_so() {
        assert_eq!(pidfd_open(Pid::INIT).err(), Some(Errno::NOSYS));
        assert_eq!(die_with_parent(), Err(Errno::NOSYS));
        for error in [
            pidfds_work().err(),
            timer().err(),
            adopt_orphans().err(),
            look_at_children().err(),
            reap_child(process::id()).err(),
            kill_child(process::id()).err(),
            has_living_child().err(),
            lives(process::id()).err(),
            fork_unseen(|| ()).err(),
            GroupHandle::new().err(),
        ] {
            let error = error.expect("an error");
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().starts_with("only Linux has "), "{error}");
        }
        assert_eq!(realtime_signals(), None);
        assert!(sendable(libc::SIGTERM).is_some());
        assert!(sendable(libc::SIGRTMIN()).is_none());
    }

    /// Runs this test in a process of its own, as `env(1)` with these options prepares it; false there.
    fn again(name: &str, options: &[&str]) -> bool {
        const MARK: &str = "CHILDMINDER_TEST_PROCESS";
        if env::var_os(MARK).is_some() {
            return false;
        }
        let status = Command::new("env")
            .args(options)
            .arg(env::current_exe().expect("the test's program"))
            .args([
                "--exact",
                &format!(
                    "{}::{name}",
                    module_path!().split_once("::").expect("a module").1
                ),
            ])
            .env(MARK, "1")
            .output()
            .expect("the test's program runs");
        let said = String::from_utf8_lossy(&status.stdout);
        assert!(said.contains("1 passed"), "{said}");
        true
    }

    fn is_readable(fd: impl AsFd, limit: Timespec) -> bool {
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, Some(&limit))).expect("poll") > 0
    }

    const NOW: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    const A_MINUTE: Timespec = Timespec {
        tv_sec: 60,
        tv_nsec: 0,
    };
}
