//! Minds a command with plain `poll(2)`, beside standard input, whose first line ends the command.
//!
//! `cargo run --example poll -- sh -c 'echo working; sleep 60'`

use std::process::{Command, ExitCode, Stdio};
use std::{env, io, time::Duration};

use childminder::Config;
use childminder_mio::Children;
use rustix::event::{PollFd, PollFlags, poll};

fn main() -> io::Result<ExitCode> {
    let mut command = Command::new(env::args().nth(1).unwrap_or("date".into()));
    command.args(env::args().skip(2)).stdout(Stdio::piped());
    let config = Config {
        idle_timeout: Some(Duration::from_secs(2)),
        ..Config::default()
    };
    let mut children = Children::new()?;
    let child = children.spawn(command.stdin(Stdio::null()), config, ())?;
    let (stdin, mut listens) = (io::stdin(), true);
    loop {
        let mut fds = vec![PollFd::new(&children, PollFlags::IN)];
        if listens {
            fds.push(PollFd::new(&stdin, PollFlags::IN));
        }
        // Where there is no timer descriptor, `children.deadline()` says how long this may take.
        rustix::io::retry_on_intr(|| poll(&mut fds, None))?;
        if fds.get(1).is_some_and(|stdin| !stdin.revents().is_empty()) {
            listens = false;
            if stdin.read_line(&mut String::new())? > 0 {
                children.control(child).expect("in the set").terminate();
            }
        }
        children.turn();
        if let Some((_, outcome, ())) = children.next_finished() {
            return Ok(ExitCode::from(u8::from(!outcome.is_success())));
        }
    }
}
