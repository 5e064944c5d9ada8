//! A child made by the standard library: a fork, since it is given a hook.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::{Arc, Weak};

use rustix::process::Pid;

use super::start::{Handlers, Start};
use super::stops::{RecordPipe, record_in_pipe};
use super::{Spawned, send};
use crate::spawn_options::SpawnOptions;
use crate::sys::process::{Process, Watcher};

/// With every signal blocked.
pub(super) fn spawn(
    command: &mut Command,
    options: &SpawnOptions,
    watcher: Watcher,
) -> io::Result<Spawned> {
    let work = Arc::new((Start::new(options)?, RecordPipe::new()?));
    add_hook(command, Arc::downgrade(&work));
    let mut child = command.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // From here on, dropping the process ends it: an error below leaves nothing behind.
    let has_group = options.place.leaves_our_group();
    let process = Process::new(Pid::from_child(&child), None, watcher, has_group)?;
    if let Some((_, pipe)) = Arc::into_inner(work) {
        send(pipe.read(), &process)?;
    }
    Ok(Spawned {
        process,
        stdin,
        stdout: stdout.map(OwnedFd::from),
        stderr: stderr.map(OwnedFd::from),
    })
}

/// The hook stays with the command, but its work does not: it does nothing when the command is spawned again.
fn add_hook(command: &mut Command, work: Weak<(Start, RecordPipe)>) {
    let hook = move || {
        let Some(work) = work.upgrade() else {
            return Ok(());
        };
        let (start, pipe) = &*work;
        pipe.select();
        start.enter(Handlers::Copied, record_in_pipe)?;
        Ok(start.finish()?)
    };
    // SAFETY: a forked child of a program with threads may only do what is async-signal-safe. `hook` makes system
    // calls on what the parent keeps until the child has begun, so it frees nothing either. It neither allocates
    // nor locks: its errors are numbers.
    #[expect(unsafe_code, reason = "no safe wrapper of `pre_exec` can exist")]
    unsafe {
        command.pre_exec(hook);
    }
}
