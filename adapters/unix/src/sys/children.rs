//! Children that were not spawned here.

use std::io;
use std::mem;

use nix::libc;
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, waitid};

use super::Look;
use crate::status::Delivery;

/// Reaps none: `waitid(2)` with `WNOWAIT`.
pub(crate) fn look_at_children() -> io::Result<Look> {
    match retry_on_intr(who_is_dead) {
        Ok(0) => Ok(Look::NoneDead),
        Ok(pid) => Ok(Look::Dead(pid.unsigned_abs())),
        Err(Errno::CHILD) => Ok(Look::Childless),
        Err(error) => Err(error.into()),
    }
}

/// Reaps this child if it is dead; whether it was.
pub(crate) fn reap_child(pid: u32) -> io::Result<bool> {
    match look(pid, WaitIdOptions::empty()) {
        Ok(status) => Ok(status.is_some()),
        Err(Errno::CHILD) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Sends SIGKILL to a child that is alive. No other process can have its number, since only we could reap it.
pub(crate) fn kill_child(pid: u32) -> io::Result<Delivery> {
    if !matches!(look(pid, WaitIdOptions::NOWAIT), Ok(None)) {
        return Ok(Delivery::Gone);
    }
    kill_process(number(pid)?, Signal::KILL)?;
    Ok(Delivery::Sent)
}

/// Whether any child of ours lives, dead ones beside it or not.
pub(crate) fn has_living_child() -> io::Result<bool> {
    is_there_a_living(&WaitId::All)
}

/// Whether this child of ours lives.
pub(crate) fn lives(pid: u32) -> io::Result<bool> {
    is_there_a_living(&WaitId::Pid(number(pid)?))
}

/// A wait for stops and continuations, and not for exits, counts only the living as children (`ECHILD`); also one of
/// which only the main thread has ended.
fn is_there_a_living(child: &WaitId<'_>) -> io::Result<bool> {
    let options = WaitIdOptions::STOPPED
        | WaitIdOptions::CONTINUED
        | WaitIdOptions::NOHANG
        | WaitIdOptions::NOWAIT;
    match retry_on_intr(|| waitid(child.clone(), options)) {
        Ok(_) => Ok(true),
        Err(Errno::CHILD) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The process id of a dead child of ours; 0 if none is dead.
fn who_is_dead() -> Result<i32, Errno> {
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: all zeroes is a value of this struct of numbers, which outlives the call that may write to it; of
    // an event of a child's, and of zeroes, the process id is what this field of its union holds.
    #[expect(
        unsafe_code,
        reason = "rustix does not tell which child it was, and nix knows no real-time signals"
    )]
    let (result, pid) = unsafe {
        let mut child: libc::siginfo_t = mem::zeroed();
        let result = libc::waitid(libc::P_ALL, 0, &raw mut child, options);
        (result, child.si_pid())
    };
    match result {
        0 => Ok(pid),
        _ => Err(Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::INVAL)),
    }
}

fn look(pid: u32, options: WaitIdOptions) -> Result<Option<WaitIdStatus>, Errno> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | options;
    let pid = number(pid)?;
    retry_on_intr(|| waitid(WaitId::Pid(pid), options))
}

fn number(pid: u32) -> Result<Pid, Errno> {
    Pid::from_raw(pid.cast_signed()).ok_or(Errno::CHILD)
}
