//! Children that nobody here spawned.

use std::io;

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::Look;
use crate::child::Delivery;

/// Leaves everybody as they are: `waitid(2)` with `WNOWAIT`.
pub(crate) fn look_at_children() -> io::Result<Look> {
    match peek(None) {
        Ok(WaitStatus::StillAlive) => Ok(Look::NoneDead),
        Ok(status) => Ok(status
            .pid()
            .map_or(Look::Unclear, |pid| Look::Dead(pid.as_raw().unsigned_abs()))),
        Err(Errno::ECHILD) => Ok(Look::Childless),
        Err(Errno::EINVAL) => Ok(Look::Unclear),
        Err(error) => Err(error.into()),
    }
}

/// Reaps this child if it is dead; whether it was.
pub(crate) fn reap_child(pid: u32) -> io::Result<bool> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
    match wait(Some(pid), flags) {
        Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => Ok(false),
        // With EINVAL it is reaped as well: only its signal is not known to nix.
        Ok(_) | Err(Errno::EINVAL) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Sends SIGKILL to a child that is alive. No other process can have its number: only we could reap it.
pub(crate) fn kill_child(pid: u32) -> io::Result<Delivery> {
    if peek(Some(pid)) != Ok(WaitStatus::StillAlive) {
        return Ok(Delivery::Gone);
    }
    nix::sys::signal::kill(number(pid), nix::sys::signal::Signal::SIGKILL)?;
    Ok(Delivery::Sent)
}

/// One child, or all.
fn peek(pid: Option<u32>) -> nix::Result<WaitStatus> {
    wait(
        pid,
        WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT,
    )
}

/// None of these block, but a sandbox may interrupt any call.
fn wait(pid: Option<u32>, flags: WaitPidFlag) -> nix::Result<WaitStatus> {
    loop {
        let id = pid.map_or(Id::All, |pid| Id::Pid(number(pid)));
        match waitid(id, flags) {
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

fn number(pid: u32) -> Pid {
    Pid::from_raw(pid.cast_signed())
}
