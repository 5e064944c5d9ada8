//! `real_loop SECONDS COMMAND [ARGUMENT]...` ends a command whose standard output has been silent for so long:
//! the state machine, a child and `poll(2)`, and nothing else.

use childminder::{Action, Config, Event, Instant, MonitorState, Stream};
use childminder_unix::{Child, Pipe, clock};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::process::{Command, ExitCode, Stdio};
use std::{env, error::Error, io, os::fd::AsFd, time::Duration};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = env::args().skip(1);
    let limit = Duration::try_from_secs_f64(args.next().ok_or("no seconds")?.parse()?)?;
    let mut command = Command::new(args.next().ok_or("no command")?);
    let mut child = Child::spawn(command.args(args).stdout(Stdio::piped()))?;
    let (mut stdout, mut lives, mut buffer) = (child.take_stdout(), true, vec![0; 65_536]);
    let idle_timeout = Some(limit);
    let mut monitor = MonitorState::new(Config {
        idle_timeout,
        ..Config::default()
    });
    monitor.handle(clock::now(), Event::Started)?;
    loop {
        while let Some(action) = monitor.poll_action() {
            match action {
                Action::SendSignal { signal, target } => drop(child.signal(signal, target)?),
                Action::Reap => drop(child.reap()?),
                Action::Finish(outcome) => {
                    println!("{outcome}");
                    return Ok(ExitCode::from(u8::from(!outcome.is_success())));
                }
                told => eprintln!("{told:?}"), // an error, or a timer, in whose place `wait` looks
            }
        }
        wait(
            lives.then_some(&child),
            stdout.as_ref(),
            monitor.poll_timeout(),
        )?;
        // What was written before the exit, or in time for a deadline, is told before it.
        let now = clock::now();
        let exit = if lives { child.exit_status()? } else { None };
        match stdout.as_ref().map(|pipe| pipe.read(&mut buffer)) {
            Some(Ok(0)) => {
                stdout = None;
                monitor.handle(now, Event::OutputClosed)?;
            }
            Some(Ok(length)) => {
                let (stream, bytes) = (Stream::Stdout, length as u64);
                monitor.handle(now, Event::Output { stream, bytes })?;
            }
            Some(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => Err(error)?,
            Some(Err(_)) | None => {}
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

fn wait(child: Option<&Child>, stdout: Option<&Pipe>, until: Option<Instant>) -> io::Result<()> {
    let fds = child
        .map(Child::exit_fd)
        .into_iter()
        .chain(stdout.map(AsFd::as_fd));
    let mut fds: Vec<_> = fds
        .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
        .collect();
    let left = until.and_then(|at| Timespec::try_from(at.since(clock::now())).ok());
    match poll(&mut fds, left.as_ref()) {
        Err(error) if error != rustix::io::Errno::INTR => Err(error.into()),
        _ => Ok(()),
    }
}
