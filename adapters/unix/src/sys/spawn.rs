//! Begins a child, so that no stop signal hangs the spawn or gets lost.
//!
//! A signal that stops a process and reaches the child after it is made, but before its exec, would stop it there,
//! and the parent waits for the exec. So the parent blocks every signal meanwhile, and with it the child, which
//! lets [`stops`] record those that stop, just before it unblocks them. The exec sets them back to their
//! defaults, and the parent sends what was recorded to the program that runs then.

mod forked;
mod start;
pub(super) mod stops;

use std::io;
use std::os::fd::OwnedFd;
use std::process::ChildStdin;

use nix::sys::signal::{SigSet, SigmaskHow};

use super::process::{Process, Watcher};
use crate::spawn_options::SpawnOptions;

/// A child that has begun, and our ends of its pipes.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) process: Process,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: Option<OwnedFd>,
}

/// By way of the standard library.
pub(crate) fn spawn_std(
    command: &mut std::process::Command,
    options: &SpawnOptions,
) -> io::Result<Spawned> {
    let watcher = Watcher::new(options.watch)?;
    // Until the child has been sent its stops: in our own group, the same ones have come to us.
    let _blocked = Blocked::all()?;
    forked::spawn(command, options, watcher)
}

/// Every signal is blocked in this thread until this is dropped.
struct Blocked {
    before: SigSet,
}

impl Blocked {
    fn all() -> io::Result<Self> {
        let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
        Ok(Self { before })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // The kernel took this mask before.
        let _ = self.before.thread_set_mask();
    }
}
