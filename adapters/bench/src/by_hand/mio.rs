//! Over plain mio.

use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::unix::pipe::Receiver;
use mio::{Events, Interest, Poll, Token};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::kill_group;

pub(crate) struct Loop {
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
}

pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What it had to be silent for.
    pub(crate) deadline: Instant,
}

const STDOUT: Token = Token(0);
const STDERR: Token = Token(1);
const EXIT: Token = Token(2);

impl Loop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(8),
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Runs a command to its end, or until it has been silent for as long as it may.
    pub(crate) fn mind(&mut self, command: &mut Command, idle: Duration) -> io::Result<Ended> {
        let mut child = command
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        let mut pipes = [
            child.stdout.take().map(Receiver::from),
            child.stderr.take().map(Receiver::from),
        ];
        let registry = self.poll.registry();
        for (pipe, token) in pipes.iter_mut().flatten().zip([STDOUT, STDERR]) {
            pipe.set_nonblocking(true)?;
            registry.register(pipe, token, Interest::READABLE)?;
        }
        let exit = pidfd.as_fd().as_raw_fd();
        registry.register(&mut SourceFd(&exit), EXIT, Interest::READABLE)?;
        self.run(&mut child, &mut pipes, idle)
    }

    fn run(
        &mut self,
        child: &mut Child,
        pipes: &mut [Option<Receiver>; 2],
        idle: Duration,
    ) -> io::Result<Ended> {
        let mut deadline = Instant::now() + idle;
        let mut status = None;
        let mut killed = false;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = (!killed).then_some(left);
            if let Err(error) = self.poll.poll(&mut self.events, left)
                && error.kind() != ErrorKind::Interrupted
            {
                return Err(error);
            }
            for event in &self.events {
                let Token(place) = event.token();
                if event.token() == EXIT {
                    status = child.try_wait()?;
                    continue;
                }
                let read = drain(&mut pipes[place], &mut self.buffer)?;
                if read > 0 {
                    deadline = Instant::now() + idle;
                }
            }
            match status {
                Some(status) if pipes.iter().all(Option::is_none) => {
                    return Ok(Ended { status, deadline });
                }
                None if !killed && Instant::now() >= deadline => {
                    kill_group(child.id())?;
                    killed = true;
                }
                _ => {}
            }
        }
    }
}

/// Reads what there is, and closes the pipe at its end.
fn drain(pipe: &mut Option<Receiver>, buffer: &mut [u8]) -> io::Result<usize> {
    let mut bytes = 0;
    while let Some(open) = pipe {
        match open.read(buffer) {
            Ok(0) => *pipe = None,
            Ok(read) => bytes += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}
