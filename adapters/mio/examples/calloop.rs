//! Minds a command in a calloop.
//!
//! `cargo run --example calloop -- sh -c 'echo working; sleep 60'`

use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode, Stdio};
use std::{env, error::Error, time::Duration};

use calloop::{EventLoop, Interest, Mode, PostAction, generic::Generic};
use childminder::Config;
use childminder_mio::Children;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut command = Command::new(env::args().nth(1).unwrap_or("date".into()));
    command.args(env::args().skip(2)).stdout(Stdio::piped());
    let config = Config {
        idle_timeout: Some(Duration::from_secs(2)),
        ..Config::default()
    };
    let mut children = Children::new()?;
    children.spawn(&mut command, config, ())?;

    // The loop owns a copy of the descriptor, and its callbacks are given the set.
    let fd = children.as_fd().try_clone_to_owned()?;
    let source = Generic::new(fd, Interest::READ, Mode::Level);
    let mut event_loop = EventLoop::<Children<()>>::try_new()?;
    event_loop
        .handle()
        .insert_source(source, |_, _, children| {
            children.turn();
            Ok(PostAction::Continue)
        })?;
    loop {
        // Where there is no timer descriptor, `children.deadline()` says how long this may take.
        event_loop.dispatch(None, &mut children)?;
        if let Some((_, outcome, ())) = children.next_finished() {
            return Ok(ExitCode::from(u8::from(!outcome.is_success())));
        }
    }
}
