//! A child that is waited for.

use std::io::{self, ErrorKind};
use std::time::Instant;

use childminder::{Config, Outcome};
use childminder_driver::Handler;
use childminder_unix::Spawnable;
use mio::{Events, Interest, Poll, Token};

use crate::{Children, SpawnError};

/// Runs `command` and minds it to its end, in a loop of its own that blocks the calling thread. For a
/// program without a loop; see [`Children`] for one that has one, or more than one child.
///
/// ```
/// use childminder::{Config, Error, Stream};
/// use childminder_driver::{Control, Handler};
/// use childminder_mio::run_to_end;
/// use std::process::{Command, Stdio};
/// use std::time::Duration;
///
/// #[derive(Default)]
/// struct Lines(usize);
///
/// impl Handler for Lines {
///     type Notification = ();
///
///     fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
///         self.0 += bytes.iter().filter(|byte| **byte == b'\n').count();
///     }
/// }
///
/// let mut command = Command::new("sh");
/// command.args(["-c", "echo one; echo two; sleep 60"]).stdout(Stdio::piped());
/// let config = Config { idle_timeout: Some(Duration::from_millis(200)), ..Config::default() };
/// let (outcome, lines) = run_to_end(&mut command, config, Lines::default())?;
/// assert_eq!(outcome.error, Some(Error::IdleTimeout));
/// assert_eq!(lines.0, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// Standard input that was piped is at its end at once.
///
/// # Errors
///
/// As [`Children::spawn`], and what the system says when there are too many descriptors. How the child ends
/// is no error here: the outcome tells of it.
pub fn run_to_end<H: Handler>(
    command: &mut impl Spawnable,
    config: Config,
    handler: H,
) -> Result<(Outcome, H), SpawnError<H>> {
    let (mut poll, mut children) = match set_in_a_loop() {
        Ok(both) => both,
        Err(error) => return Err(SpawnError { error, handler }),
    };
    let id = children.spawn(command, config, handler)?;
    // Nothing else can end it, and the child may wait for that.
    drop(children.take_stdin(id));
    let mut events = Events::with_capacity(1);
    loop {
        if let Some((_, outcome, handler)) = children.next_finished() {
            return Ok((outcome, handler));
        }
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        let timeout = children.deadline().map(until);
        if let Err(error) = poll.poll(&mut events, timeout)
            && error.kind() != ErrorKind::Interrupted
            && let Some(handler) = children.remove(id)
        {
            return Err(SpawnError { error, handler });
        }
        children.turn();
    }
}

fn set_in_a_loop<H: Handler>() -> io::Result<(Poll, Children<H>)> {
    let poll = Poll::new()?;
    let mut children = Children::new()?;
    poll.registry()
        .register(&mut children, Token(0), Interest::READABLE)?;
    Ok((poll, children))
}
