//! What somebody would write without us: a child in a group of its own, whose output puts an idle deadline off, and
//! which is killed at that deadline.

pub(crate) mod mio;
pub(crate) mod tokio;

use std::io;

use rustix::process::{Pid, Signal, kill_process_group};

/// Ends the group of a child that was not reaped.
pub(crate) fn kill_group(leader: u32) -> io::Result<()> {
    let leader = i32::try_from(leader).ok().and_then(Pid::from_raw);
    let leader = leader.ok_or_else(|| io::Error::other("no process"))?;
    Ok(kill_process_group(leader, Signal::KILL)?)
}
