//! Passes on what a command writes to our own standard output, and holds the command when our reader is slow.
//!
//! `cargo run --example relay -- seq 1000000 | less`

use std::process::{Command, ExitCode, Stdio};
use std::{env, io};

use childminder::{Config, Stream};
use childminder_driver::{Control, Handler};
use childminder_mio::Children;
use childminder_unix::{Flow, Hurry, Patience, Relay, RelayEvent};
use rustix::event::{PollFd, PollFlags, poll};

/// Has a relay from the spawn on.
#[derive(Default)]
struct PassOn(Option<Relay>);

impl Handler for PassOn {
    type Notification = ();

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        let relay = self.0.as_ref().expect("there is one before the first turn");
        if relay.write(bytes) == Flow::Hold {
            control.hold_output(stream);
        }
    }
}

fn main() -> io::Result<ExitCode> {
    let mut command = Command::new(env::args().nth(1).unwrap_or("date".into()));
    command.args(env::args().skip(2)).stdout(Stdio::piped());
    let mut children = Children::new()?;
    let child = children.spawn(&mut command, Config::default(), PassOn::default())?;

    // What the relay tells wakes the loop.
    let remote = children.remote();
    let relay = Relay::new(io::stdout(), move |event| match event {
        RelayEvent::Room => remote.release_output(child, Stream::Stdout),
        RelayEvent::Failed(error) => {
            // A reader that leaves is no failure. The command finds its pipe closed.
            if error.kind() != io::ErrorKind::BrokenPipe {
                remote.fail(child, error);
            }
            remote.close_output(child, Stream::Stdout);
        }
        _ => {}
    })?;
    children.handler_mut(child).expect("in the set").0 = Some(relay);

    loop {
        let mut fds = [PollFd::new(&children, PollFlags::IN)];
        // Where there is no timer descriptor, `children.deadline()` says how long this may take.
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        children.turn();
        if let Some((_, outcome, PassOn(relay))) = children.next_finished() {
            let relay = relay.expect("there is one");
            // The reader may take its time.
            Relay::flush(&[&relay], Patience::ENDLESS, |_| {
                relay.wait_briefly();
                Ok::<_, io::Error>(Hurry::No)
            })?;
            return Ok(ExitCode::from(u8::from(!outcome.is_success())));
        }
    }
}
