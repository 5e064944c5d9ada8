//! The child itself.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::process::ChildStdin;

use childminder::{ExitStatus, Signal, Target};
use nix::libc;

use crate::command::{Kind, Spawnable};
use crate::pipe::Pipe;
use crate::spawn_options::{SpawnOptions, Watch};
use crate::status::{Delivery, JobChange, Usage};
use crate::sys;

/// A process that was spawned here, its process group, and our ends of its pipes.
///
/// A child is alive, then dead, then reaped. While it is dead and not yet reaped it is a zombie: its
/// exit status can be read again and again, and its process id, which is also its group's id, cannot
/// be given to another process. That is what makes it safe to signal what is left of its group.
///
/// # Dropping
///
/// Dropping a child that was not reaped sends SIGKILL to its group and to itself, and reaps it. The
/// drop does not wait: a child that is not dead at once is left to a detached thread, which ends with
/// the child. Dropping a reaped child sends nothing, even if members of its group are left.
///
/// # Size
///
/// A child that is watched through a pidfd takes one descriptor and one for each pipe, at most 56 bytes, and
/// nothing on the heap until it is reaped.
#[derive(Debug)]
pub struct Child {
    process: sys::Process,
    stdin: Option<ChildStdin>,
    stdout: Option<Pipe>,
    stderr: Option<Pipe>,
}

impl Child {
    /// Spawns `command` as the leader of a process group of its own.
    ///
    /// Standard input, output and error are what the caller set on the command. Its signals are as
    /// [`SpawnOptions`] says, where there are other ways to begin as well.
    ///
    /// The command's group is set here, in place of any other.
    ///
    /// A signal that stops the child while it is spawned (SIGTSTP, as Ctrl-Z sends it, SIGTTIN, SIGTTOU) neither
    /// hangs the spawn nor gets lost: the child stops once its program runs. This thread gets no signal meanwhile.
    ///
    /// # Errors
    ///
    /// - What `execve(2)` says, when the program cannot be run: `NotFound`, `PermissionDenied`, …
    /// - `Unsupported` where there is no `pidfd_open(2)` (Linux 5.3) or `waitid(2)` does not take a
    ///   pidfd (Linux 5.4), or where a sandbox denies them. Nothing has been spawned then.
    /// - A sentence about SIGCHLD when this process ignores it, mostly because its parent did: the
    ///   kernel would then reap the child itself and lose its exit status. Nothing has been spawned
    ///   then.
    /// - What `fork(2)`, `pipe(2)` and `pidfd_open(2)` say when there are too many processes
    ///   or descriptors. No child is left running then.
    pub fn spawn(command: &mut impl Spawnable) -> io::Result<Self> {
        Self::spawn_with(command, &SpawnOptions::default())
    }

    /// Spawns `command` as `options` say; otherwise like [`spawn`](Self::spawn).
    ///
    /// # Errors
    ///
    /// Like [`spawn`](Self::spawn), and what the system says of a place that cannot be had.
    pub fn spawn_with(command: &mut impl Spawnable, options: &SpawnOptions) -> io::Result<Self> {
        Self::of(match command.kind() {
            Kind::Ours(command) => sys::spawn(command, options),
            Kind::Std(command) => sys::spawn_std(command, options),
        }?)
    }

    fn of(spawned: sys::Spawned) -> io::Result<Self> {
        // Dropping the process ends it: an error leaves nothing behind.
        let sys::Spawned {
            process,
            stdin,
            stdout,
            stderr,
        } = spawned;
        Ok(Self {
            process,
            stdin,
            stdout: stdout.map(Pipe::new).transpose()?,
            stderr: stderr.map(Pipe::new).transpose()?,
        })
    }

    /// Takes the write end of the child's standard input, if the command piped it. Dropping it
    /// is the end of that input.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// Takes the read end of the child's standard output, if the command piped it.
    pub fn take_stdout(&mut self) -> Option<Pipe> {
        self.stdout.take()
    }

    /// Takes the read end of the child's standard error, if the command piped it.
    pub fn take_stderr(&mut self) -> Option<Pipe> {
        self.stderr.take()
    }

    /// Our read end of the child's standard output, if the command piped it and it was not taken.
    pub fn stdout(&self) -> Option<&Pipe> {
        self.stdout.as_ref()
    }

    /// Our read end of the child's standard error, if the command piped it and it was not taken.
    pub fn stderr(&self) -> Option<&Pipe> {
        self.stderr.as_ref()
    }

    /// Takes `stdout` for our read end of the child's standard output, in place of the one that was there: our
    /// end of the pseudoterminal at which the child was spawned ([`Place::Terminal`](crate::Place::Terminal)). It is made non-blocking.
    ///
    /// Takes the feature `terminal`.
    ///
    /// # Errors
    ///
    /// What `ioctl(2)` says when `stdout` cannot be made non-blocking.
    #[cfg(feature = "terminal")]
    pub fn set_stdout(&mut self, stdout: std::os::fd::OwnedFd) -> io::Result<()> {
        self.stdout = Some(Pipe::new(stdout)?);
        Ok(())
    }

    /// Removes the dead child from the process table, as `waitid(2)` does, and returns how it ended.
    ///
    /// Blocks if the child is not dead yet. Reaping a second time returns the same status.
    ///
    /// # Errors
    ///
    /// As [`exit_status`](Self::exit_status).
    pub fn reap(&mut self) -> io::Result<ExitStatus> {
        self.process.reap()
    }

    /// What the child used, and those of its descendants that it waited for: known from the reap on.
    pub fn usage(&self) -> Option<Usage> {
        self.process.usage()
    }

    /// Whether a core was left of it when a signal ended it (`core(5)`): known from the reap on, false
    /// until then.
    pub fn dumped_core(&self) -> bool {
        self.process.dumped_core()
    }

    /// The process id, and the id of the process group. After the reap, both may be another process's.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it has been reaped here.
    pub fn is_reaped(&self) -> bool {
        self.process.is_reaped()
    }

    /// A descriptor that becomes readable when the child dies: its `pidfd_open(2)` descriptor, readable
    /// from then on. With [`Watch::Sigchld`](crate::Watch::Sigchld) it becomes readable when any child
    /// dies, stops or goes on, and [`exit_status`](Self::exit_status) makes it unreadable again while this one lives.
    ///
    /// `AsFd` and `AsRawFd` of the child give this descriptor, so that a reactor such as tokio's `AsyncFd` can
    /// own the child.
    pub fn exit_fd(&self) -> BorrowedFd<'_> {
        self.process.exit_fd()
    }

    /// How the child ended, or `None` while it lives. Never blocks and never reaps: `waitid(2)` with
    /// `WNOHANG` and `WNOWAIT`. After the reap, what it said.
    ///
    /// # Errors
    ///
    /// [`Lost`](crate::Lost) when the child is no longer there to be waited for: something else has waited for
    /// it, or SIGCHLD has come to be ignored.
    pub fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        self.process.exit_status()
    }

    /// What job control has done to the child since this was last asked: the latest stop or
    /// continuation, or `None`. Never blocks (`waitid(2)` with `WSTOPPED` and `WCONTINUED`). Only
    /// SIGCHLD announces these, no descriptor of ours.
    ///
    /// # Errors
    ///
    /// As [`exit_status`](Self::exit_status).
    pub fn take_job_change(&self) -> io::Result<Option<JobChange>> {
        self.process.take_job_change()
    }

    /// Sends `signal` to the child, with `pidfd_send_signal(2)`, or to its process group, with `kill(2)`, and
    /// to a child that has left its group, too.
    ///
    /// A stopped process does not see a signal until it is continued, so SIGCONT follows, to the
    /// same target, unless the signal is about stopping and continuing itself or is SIGKILL.
    ///
    /// # Errors
    ///
    /// - `PermissionDenied`, as `kill(2)` has it, when the target runs as another user by now.
    /// - `Unsupported` for a number that is no signal here, or one that the C library keeps for itself.
    /// - `InvalidInput` when this process has joined the child's group, for a signal to the group.
    pub fn signal(&self, signal: Signal, target: Target) -> io::Result<Delivery> {
        let delivery = self.pass_on(signal, target)?;
        if delivery == Delivery::Sent && waits_while_stopped(signal) {
            // To a target that is not stopped, or dead by now, this does nothing.
            self.process.send(CONT, target)?;
        }
        Ok(delivery)
    }

    /// Sends `signal` as it is: like [`signal`](Self::signal), but no SIGCONT follows. A child that is stopped
    /// finds it when it is continued.
    ///
    /// # Errors
    ///
    /// As [`signal`](Self::signal).
    pub fn pass_on(&self, signal: Signal, target: Target) -> io::Result<Delivery> {
        self.process.send(signal, target)
    }
}

impl Watch {
    /// A pidfd where one can be had, the handler where not, for which Linux takes the feature `sigchld`.
    pub fn detect() -> Self {
        if sys::pidfds_work() {
            Self::Pidfd
        } else {
            Self::Sigchld
        }
    }
}

impl SpawnOptions {
    /// Whether this system can end a child with the thread that spawned it.
    pub const CAN_KILL_ON_PARENT_DEATH: bool = sys::CAN_KILL_ON_PARENT_DEATH;
}

/// Its [exit descriptor](Child::exit_fd).
impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.exit_fd()
    }
}

/// Its [exit descriptor](Child::exit_fd).
impl AsRawFd for Child {
    fn as_raw_fd(&self) -> RawFd {
        self.exit_fd().as_raw_fd()
    }
}

/// Whether a stopped process leaves this signal pending until it is continued, and should not.
fn waits_while_stopped(signal: Signal) -> bool {
    !matches!(
        signal.number(),
        libc::SIGKILL
            | libc::SIGSTOP
            | libc::SIGTSTP
            | libc::SIGTTIN
            | libc::SIGTTOU
            | libc::SIGCONT
    )
}

const CONT: Signal = Signal::new(libc::SIGCONT).expect("SIGCONT is a signal");

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_children_are_small() {
        assert!(size_of::<Child>() <= 56, "{} bytes", size_of::<Child>());
    }
}
