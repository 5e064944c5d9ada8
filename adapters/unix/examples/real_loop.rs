//! Minds a command with nothing but `poll(2)`: `real_loop SECONDS COMMAND [ARGUMENT]...` ends the command when
//! it has written nothing for so long.

use std::env;
use std::error::Error;
use std::io::{self, ErrorKind::WouldBlock};
use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use childminder::{Action, Config, Event, Instant, MonitorState, Stream};
use childminder_unix::{Child, Pipe, clock};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let limit = Duration::try_from_secs_f64(args.next().ok_or("no seconds")?.parse()?)?;
    let mut command = Command::new(args.next().ok_or("no command")?);
    command.args(args).stdout(Stdio::piped());
    let mut child = Child::spawn(command.stderr(Stdio::piped()))?;
    let stdout = child.take_stdout().map(|pipe| (Stream::Stdout, pipe));
    let stderr = child.take_stderr().map(|pipe| (Stream::Stderr, pipe));
    let mut open: Vec<(Stream, Pipe)> = stdout.into_iter().chain(stderr).collect();
    let (mut lives, mut buffer) = (true, vec![0; 65_536]);

    let mut monitor = MonitorState::new(Config {
        idle_timeout: Some(limit),
        ..Config::default()
    });
    monitor.handle(clock::now(), Event::Started)?;
    loop {
        while let Some(action) = monitor.poll_action() {
            match action {
                Action::RecordError { error, .. } => eprintln!("{error}"),
                Action::SendSignal { signal, target } => drop(child.signal(signal, target)?),
                Action::Reap => drop(child.reap()?),
                Action::Finish(outcome) => {
                    println!("{outcome:?}");
                    return Ok(ExitCode::from(u8::from(!outcome.is_success())));
                }
                // Instead, this loop asks for the timeout before it waits.
                Action::ScheduleTimer(_) => {}
                Action::RunNotification { .. } | Action::DiscardNotifications { .. } => {
                    unreachable!("none was asked for")
                }
            }
        }

        wait(lives.then_some(&child), &open, monitor.poll_timeout())?;
        // Output is told before an exit that came after it, and before a deadline that is due. So the clock and
        // the child are looked at first, the pipes last. One read takes all that a pipe holds.
        let now = clock::now();
        let exit = if lives { child.exit_status()? } else { None };
        for index in (0..open.len()).rev() {
            let (stream, pipe) = &open[index];
            match pipe.read(&mut buffer) {
                Ok(0) => {
                    open.remove(index);
                    if open.is_empty() {
                        monitor.handle(now, Event::OutputClosed)?;
                    }
                }
                Ok(bytes) => {
                    let (stream, bytes) = (*stream, bytes as u64);
                    monitor.handle(now, Event::Output { stream, bytes })?;
                }
                Err(error) if error.kind() == WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(status) = exit {
            lives = false;
            monitor.handle(now, Event::ChildExited(status))?;
        }
        if monitor.poll_timeout().is_some_and(|at| at <= now) {
            monitor.handle(now, Event::Tick)?;
        }
    }
}

/// Until there is output, or the child is dead, or this moment has come; or for less.
fn wait(child: Option<&Child>, pipes: &[(Stream, Pipe)], until: Option<Instant>) -> io::Result<()> {
    let pipes = pipes.iter().map(|(_, pipe)| pipe.as_fd());
    let fds = pipes.chain(child.map(Child::exit_fd));
    let mut fds: Vec<_> = fds
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    let left = until.map(|at| at.since(clock::now()));
    let left = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut fds, left.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
