//! Children for the tests, and ways to wait for what they do.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use childminder_unix::{Child, Pipe};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::waits::{poll_readable, sh, wait_until, wait_until_readable};

/// A child in whose group another process sleeps, and that other one.
///
/// The shell runs `script` once the other sleeps.
pub(crate) fn family(script: &str) -> (Child, Bystander) {
    // The sleeper must not hold our pipe open, or reading to its end would wait for it.
    let script = format!("sleep 1000 >&- & echo $!; {script}");
    let mut child = Child::spawn(&mut sh(&script)).expect("a shell");
    let stdout = child.take_stdout().expect("its output");
    let pid = read_line(&stdout).parse().expect("the sleeper's pid");
    (child, Bystander::of(pid))
}

/// A child that has joined the group of another process, and that other one.
pub(crate) fn deserter() -> (Child, Bystander) {
    // The fork gets a group of its own, which the leader then joins.
    let script = "exec perl -MPOSIX -e '
        defined(my $pid = fork) or die;
        if (!$pid) { POSIX::setpgid(0, 0); sleep 1000; exit }
        until (POSIX::setpgid($pid, $pid)) { }
        setpgrp(0, $pid) or die $!;
        $| = 1; print \"$pid\\n\"; sleep 1000'";
    let mut child = Child::spawn(&mut sh(script)).expect("a child");
    let stdout = child.take_stdout().expect("its output");
    let elsewhere = read_line(&stdout).parse().expect("a pid");
    (child, Bystander::of(elsewhere))
}

/// A process that is not ours to wait for, watched through a pidfd of the test's own, and
/// ended with the test.
pub(crate) struct Bystander {
    id: u32,
    pidfd: OwnedFd,
}

impl Bystander {
    pub(crate) fn of(id: u32) -> Self {
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a process id");
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("a pidfd of a living process");
        Self { id, pidfd }
    }

    /// Whether nothing has been sent that kills it. Since death takes a moment, this stops it: a
    /// process that stops was not about to die.
    pub(crate) fn is_spared(&self) -> bool {
        let _ = pidfd_send_signal(&self.pidfd, Signal::STOP);
        wait_until("it stops or dies", || {
            is_readable(&self.pidfd) || state(self.id) == Some('T')
        });
        !is_readable(&self.pidfd)
    }

    pub(crate) fn wait_until_dead(&self) {
        wait_until_readable(&self.pidfd);
    }

    /// A zombie can be signalled still; a process that was reaped is gone.
    pub(crate) fn is_reaped(&self) -> bool {
        pidfd_send_signal(&self.pidfd, Signal::CONT) == Err(Errno::SRCH)
    }
}

/// No test leaves a process behind, not even one that fails.
impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

pub(crate) fn wait_until_dead(child: &Child) {
    wait_until_readable(child.exit_fd());
}

pub(crate) fn is_readable(fd: impl AsFd) -> bool {
    poll_readable(fd, Duration::ZERO)
}

/// One line, without its end.
pub(crate) fn read_line(pipe: &Pipe) -> String {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        wait_until_readable(pipe);
        assert_eq!(pipe.read(&mut byte).expect("a byte"), 1, "no more lines");
        if byte == *b"\n" {
            return String::from_utf8(line).expect("text");
        }
        line.extend(byte);
    }
}

/// The state letter of `proc_pid_stat(5)`: `Z` is a zombie, `T` is stopped, `None` is no process.
pub(crate) fn state(id: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.chars().next()
}

/// How many this process has open.
pub(crate) fn descriptors() -> usize {
    let descriptors = fs::read_dir("/proc/self/fd");
    descriptors.expect("our descriptors").count()
}
