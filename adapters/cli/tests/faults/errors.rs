//! The errors that a call may have.

/// `None` for a call that does not fail once its arguments are right, or that strace must not take away: what is closed
/// or unmapped is so whatever the kernel returns, a `FUTEX_WAKE` is not interrupted, and `brk` has no errors.
pub(crate) fn of(call: &str) -> Option<&'static [&'static str]> {
    Some(match call {
        "read" | "write" | "readv" | "writev" | "pread64" | "pwrite64" => {
            &["EINTR", "EAGAIN", "EIO"]
        }
        "pwritev2" => &["EINTR", "EAGAIN", "EIO"],
        "splice" | "tee" => &["EINTR", "EAGAIN", "ENOMEM"],
        "recvfrom" | "sendto" | "recvmsg" | "sendmsg" | "epoll_wait" | "epoll_pwait" | "poll"
        | "ppoll" | "wait4" | "waitid" => &["EINTR"],
        "openat" | "open" => &["EINTR", "EMFILE", "ENOMEM", "EIO", "EPERM"],
        "unlink" | "unlinkat" | "rename" | "renameat" | "renameat2" | "chdir" | "mkdir"
        | "rmdir" | "linkat" | "fchmod" => &["EIO", "ENOMEM", "EPERM"],
        "getdents64" | "ftruncate" | "fsync" | "fstat" | "newfstatat" | "statx" | "lseek"
        | "readlink" => &["EIO", "ENOMEM"],
        "pipe2" | "dup" | "dup2" | "dup3" | "fcntl" | "socket" | "socketpair" | "eventfd2"
        | "timerfd_create" | "signalfd4" | "epoll_create1" | "pidfd_open" => {
            &["EMFILE", "ENOMEM", "EPERM"]
        }
        "clone" | "clone3" | "fork" | "vfork" => &["EAGAIN", "ENOMEM", "EPERM"],
        "mmap" | "mremap" | "mprotect" | "epoll_ctl" | "timerfd_settime" => &["ENOMEM"],
        "kill" | "pidfd_send_signal" | "tgkill" | "setpgid" | "setsid" | "prctl" | "ioctl"
        | "prlimit64" | "close_range" | "rt_sigaction" | "rt_sigprocmask" => &["EPERM"],
        _ => return None,
    })
}
