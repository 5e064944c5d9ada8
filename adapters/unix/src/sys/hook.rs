//! What a child does between its fork and its exec. Only what no option of `Command` can do is done here,
//! since a hook makes the standard library fork, where it otherwise spawns without copying our memory's
//! page tables.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::sys::signal::SigSet;
use rustix::process::{getpid, getppid, getsid, setsid};

use super::disposition::reset_to_default;
use super::ignored::Ignored;
use super::only_here::die_with_parent;
use crate::spawn_options::{Place, SpawnOptions};

/// Makes `command` start as `options` say.
pub(crate) fn prepare(command: &mut Command, options: &SpawnOptions) -> io::Result<()> {
    let place = options.place.try_clone()?;
    if place.begins_a_group() {
        command.process_group(0);
    }
    let cgroup = options
        .cgroup
        .as_ref()
        .map(OwnedFd::try_clone)
        .transpose()?;
    let dies_with = options.kill_on_parent_death.then(getpid);
    let reset = Ignored::by_us().to_reset();
    let in_place = matches!(place, Place::Group | Place::Inherit);
    let plain = in_place && cgroup.is_none() && dies_with.is_none();
    let nothing_blocked = SigSet::thread_get_mask()? == SigSet::empty();
    if plain && nothing_blocked && reset.clone().next().is_none() {
        return Ok(());
    }
    let work = move || {
        match &place {
            Place::Session => begin_session()?,
            #[cfg(feature = "terminal")]
            Place::Terminal => {
                begin_session()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
            }
            _ => {}
        }
        // What may fail comes before what would have to be undone.
        if let Some(cgroup) = &cgroup {
            rustix::io::write(cgroup, b"0")?;
        }
        #[cfg(feature = "terminal")]
        if let Place::Foreground(terminal) = &place {
            take_foreground(terminal)?;
        }
        for signal in reset.clone() {
            reset_to_default(signal);
        }
        if let Some(parent) = dies_with {
            die_with_parent()?;
            // It may have died before the kernel was asked; then nothing reads this error. (From a new
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
#[cfg(feature = "terminal")]
fn take_foreground(terminal: &OwnedFd) -> io::Result<()> {
    let mut blocked = SigSet::empty();
    blocked.add(nix::sys::signal::Signal::SIGTTOU);
    blocked.thread_block()?;
    let taken = rustix::termios::tcsetpgrp(terminal, getpid());
    blocked.thread_unblock()?;
    Ok(taken?)
}
