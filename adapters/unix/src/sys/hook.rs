//! What a child does between its fork and its exec. Only what no option of `Command` can do is done here,
//! since a hook makes the standard library fork, where it otherwise spawns without copying our memory's
//! page tables.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use rustix::process::{getpid, getppid, getsid, setsid};

use super::ignored::Ignored;
use super::only_here::die_with_parent;
use crate::start::{Place, Start};

/// Makes `command` start as `start` says.
pub(crate) fn prepare(command: &mut Command, start: &Start) -> io::Result<()> {
    match &start.place {
        Place::Group | Place::Foreground(_) => {
            command.process_group(0);
        }
        Place::Session | Place::Terminal | Place::Ours => {}
    }
    let foreground = match &start.place {
        Place::Foreground(terminal) => Some(terminal.try_clone()?),
        _ => None,
    };
    let session = matches!(start.place, Place::Session | Place::Terminal);
    let terminal = matches!(start.place, Place::Terminal);
    let cgroup = start.cgroup.as_ref().map(OwnedFd::try_clone).transpose()?;
    let dies_with = start.dies_with_us.then(getpid);
    let reset = Ignored::by_us().to_reset();
    let plain = foreground.is_none() && !session && cgroup.is_none() && dies_with.is_none();
    let nothing_blocked = SigSet::thread_get_mask()? == SigSet::empty();
    if plain && nothing_blocked && reset.clone().next().is_none() {
        return Ok(());
    }
    let work = move || {
        if session {
            begin_session()?;
        }
        if terminal {
            rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
        }
        // What may fail comes before what would have to be undone.
        if let Some(cgroup) = &cgroup {
            rustix::io::write(cgroup, b"0")?;
        }
        if let Some(terminal) = &foreground {
            take_foreground(terminal)?;
        }
        for signal in reset.clone() {
            reset_to_default(signal);
        }
        if let Some(parent) = dies_with {
            die_with_parent()?;
            // It may have died before the kernel was asked; then nobody is told of this error. (From a new
            // PID namespace, no parent is in sight.)
            if getppid().is_some_and(|now| now != parent) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(SigSet::empty().thread_set_mask()?)
    };
    // SAFETY: a forked child of a program with threads may only do what is async-signal-safe. `work` makes
    // system calls on values that it owns. It neither allocates nor locks: its errors are numbers.
    #[expect(unsafe_code, reason = "no safe wrapper of `pre_exec` can exist")]
    unsafe {
        command.pre_exec(work);
    }
    Ok(())
}

/// A command that is spawned twice has this hook twice.
fn begin_session() -> io::Result<()> {
    match setsid() {
        Err(_) if getsid(None) == Ok(getpid()) => Ok(()),
        result => Ok(result.map(drop)?),
    }
}

/// From the background, that takes a SIGTTOU that is blocked.
fn take_foreground(terminal: &OwnedFd) -> io::Result<()> {
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGTTOU);
    blocked.thread_block()?;
    let taken = rustix::termios::tcsetpgrp(terminal, getpid());
    blocked.thread_unblock()?;
    Ok(taken?)
}

fn reset_to_default(signal: i32) {
    // SAFETY: SIG_DFL is no handler, so there is nothing to be async-signal-safe; a number that the C
    // library keeps for itself is refused, and then it is its business.
    #[expect(
        unsafe_code,
        reason = "every wrapper of `signal` takes handlers as well"
    )]
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
    }
}
