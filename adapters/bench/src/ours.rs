//! What somebody writes with us.

use std::io;
use std::time::Duration;

use childminder::{Config, Ladder, Outcome, Signal, Stage, Target};
use childminder_driver::Handler;
use childminder_mio::Children;
use childminder_unix::{Command, Stdio};
use rustix::event::{PollFd, PollFlags, poll};

/// Takes no notice of anything.
pub(crate) struct Silent;

impl Handler for Silent {
    type Notification = ();
}

/// A command whose output is watched.
pub(crate) fn piped(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Killed after some silence.
pub(crate) fn idle(timeout: Duration) -> Config {
    Config {
        idle_timeout: Some(timeout),
        ..killed()
    }
}

/// Killed when it must end.
pub(crate) fn killed() -> Config {
    Config {
        ladder: Ladder::from([Stage {
            signal: Signal::KILL,
            target: Target::Group,
            wait: None,
        }]),
        ..Config::default()
    }
}

/// Waits until something is to be done, and does it.
pub(crate) fn step<H: Handler>(children: &mut Children<H>) -> io::Result<()> {
    poll(&mut [PollFd::new(&*children, PollFlags::IN)], None)?;
    children.turn();
    Ok(())
}

/// Minds the children until the next one has ended.
pub(crate) fn next_end<H: Handler>(children: &mut Children<H>) -> io::Result<(Outcome, H)> {
    loop {
        if let Some((_, outcome, handler)) = children.next_finished() {
            return Ok((outcome, handler));
        }
        step(children)?;
    }
}
