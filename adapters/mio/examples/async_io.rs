//! Minds a command in an async function, on async-io's reactor.
//!
//! `cargo run --example async_io -- sh -c 'echo working; sleep 60'`

use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode, Stdio};
use std::{env, io, time::Duration};

use async_io::{Async, block_on};
use childminder::{Config, Outcome};
use childminder_mio::Children;

fn main() -> io::Result<ExitCode> {
    let mut command = Command::new(env::args().nth(1).unwrap_or("date".into()));
    command.args(env::args().skip(2)).stdout(Stdio::piped());
    let outcome = block_on(mind(&mut command))?;
    Ok(ExitCode::from(u8::from(!outcome.is_success())))
}

async fn mind(command: &mut Command) -> io::Result<Outcome> {
    let config = Config {
        idle_timeout: Some(Duration::from_secs(2)),
        ..Config::default()
    };
    let mut children = Children::new()?;
    children.spawn(command, config, ())?;
    // The reactor owns a copy of the descriptor.
    let set = Async::new(children.as_fd().try_clone_to_owned()?)?;
    loop {
        // Where there is no timer descriptor, `Timer::at(children.deadline())` is waited for as well.
        set.readable().await?;
        children.turn();
        if let Some((_, outcome, ())) = children.next_finished() {
            return Ok(outcome);
        }
    }
}
