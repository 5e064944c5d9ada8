//! Begins a child, so that no stop signal hangs the spawn or gets lost.
//!
//! A signal that stops a process and reaches the child after it is made, but before its exec, would stop it there,
//! and the parent waits for the exec. So the parent blocks every signal meanwhile, and with it the child, which
//! lets [`stops`] record those that stop, just before it unblocks them. The exec sets them back to their
//! defaults, and the parent sends what was recorded to the program that runs then.
//!
//! There are two ways, and [`start`] is what both do: `cloned` on Linux, and `forked`, for a command of the standard
//! library's and where there is no such clone.

#[cfg(target_os = "linux")]
mod cloned;
#[cfg(target_os = "linux")]
mod executable;
mod forked;
mod start;
pub(super) mod stops;
#[cfg(target_os = "linux")]
mod streams;
#[cfg(target_os = "linux")]
mod vfork;

use std::io;
use std::os::fd::OwnedFd;
use std::process::ChildStdin;

use childminder::{Signal, Target};
use nix::sys::signal::SigSet;

use self::stops::Stops;
use super::only_here::swap_mask;
use super::process::{Process, Watcher};
use crate::command::Command;
use crate::spawn_options::SpawnOptions;

/// A child that has begun, and our ends of its pipes.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) process: Process,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<OwnedFd>,
    pub(crate) stderr: Option<OwnedFd>,
}

/// By the best way that there is.
pub(crate) fn spawn(command: &Command, options: &SpawnOptions) -> io::Result<Spawned> {
    let watcher = Watcher::new(options.watch)?;
    let _blocked = Blocked::all()?;
    #[cfg(target_os = "linux")]
    let watcher = match cloned::spawn(command, options, watcher)? {
        Ok(spawned) => return Ok(spawned),
        Err(watcher) => watcher,
    };
    forked::spawn(&mut command.to_std()?, options, watcher)
}

/// By way of the standard library.
pub(crate) fn spawn_std(
    command: &mut std::process::Command,
    options: &SpawnOptions,
) -> io::Result<Spawned> {
    let watcher = Watcher::new(options.watch)?;
    let _blocked = Blocked::all()?;
    forked::spawn(command, options, watcher)
}

/// Sends the stops to the child, which runs its program now.
fn send(stops: Stops, process: &Process) -> io::Result<()> {
    for stop in stops.iter().filter_map(Signal::new) {
        process.send(stop, Target::Leader)?;
    }
    Ok(())
}

/// Every signal is blocked in this thread until this is dropped: when the child has been sent its stops, since in
/// our own group the same ones have come to us.
struct Blocked {
    before: SigSet,
}

impl Blocked {
    fn all() -> io::Result<Self> {
        let before = swap_mask(Some(&SigSet::all()))?;
        Ok(Self { before })
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        // The kernel took this mask before.
        let _ = self.before.thread_set_mask();
    }
}
