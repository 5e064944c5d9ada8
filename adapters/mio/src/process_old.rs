//! The real kernel.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::process::ChildStdin;
use std::sync::Arc;

use childminder::{ExitStatus, Instant, Signal, Stream, Target};
use childminder_unix::{Child, Pipe};
use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use crate::answer::Mailbox;
use crate::kernel::Kernel;

/// A child process with all that its owner's loop waits for.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    stdout: Option<Pipe>,
    stderr: Option<Pipe>,
    mailbox: Arc<Mailbox>,
    origin: std::time::Instant,
    registered: bool,
}

impl Process {
    pub(crate) fn new(mut child: Child) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::new()?);
        Ok(Self {
            stdout: child.take_stdout(),
            stderr: child.take_stderr(),
            child,
            mailbox,
            origin: std::time::Instant::now(),
            registered: false,
        })
    }

    pub(crate) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.take_stdin()
    }

    pub(crate) fn child(&self) -> &Child {
        &self.child
    }

    fn pipe(&self, stream: Stream) -> io::Result<&Pipe> {
        let pipe = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        pipe.as_ref().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn open_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let pipes = [&self.stdout, &self.stderr];
        [self.child.exit_fd(), self.mailbox.as_fd()]
            .into_iter()
            .chain(pipes.into_iter().flatten().map(AsFd::as_fd))
    }
}

impl Kernel for Process {
    type Registry = Registry;

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        self.pipe(stream)?.read(buffer)
    }

    /// Deregisters before it closes: a child that was forked meanwhile may hold a copy of the
    /// descriptor, which would keep it in the selector.
    fn close(&mut self, stream: Stream, registry: &Registry) -> io::Result<()> {
        let pipe = match stream {
            Stream::Stdout => self.stdout.take(),
            Stream::Stderr => self.stderr.take(),
        };
        match pipe {
            Some(pipe) if self.registered => {
                registry.deregister(&mut SourceFd(&pipe.as_fd().as_raw_fd()))
            }
            _ => Ok(()),
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        self.child.reap()?;
        Ok(())
    }

    fn let_go(&mut self, registry: &Registry) -> io::Result<()> {
        let deregistered = self.deregister(registry);
        self.stdout = None;
        self.stderr = None;
        deregistered
    }

    fn signal(&self, signal: Signal, target: Target) -> io::Result<()> {
        self.child.signal(signal, target)?;
        Ok(())
    }

    fn waiting(&self, stream: Stream) -> io::Result<usize> {
        self.pipe(stream)?.waiting()
    }

    fn is_open(&self, stream: Stream) -> bool {
        self.pipe(stream).is_ok()
    }

    fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        self.child.exit_status()
    }

    fn now(&self) -> Instant {
        Instant::ZERO.after(self.origin.elapsed())
    }

    fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

/// All descriptors share one token.
impl Source for Process {
    fn register(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        if self.registered {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        for (earlier, fd) in self.open_fds().enumerate() {
            let added =
                registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE);
            if added.is_err() {
                // All or none. What cannot be taken back either has nobody to go to.
                let _ = deregister_all(registry, self.open_fds().take(earlier));
                return added;
            }
        }
        self.registered = true;
        Ok(())
    }

    fn reregister(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        for fd in self.open_fds() {
            registry.reregister(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        }
        Ok(())
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        if !self.registered {
            return Ok(());
        }
        self.registered = false;
        deregister_all(registry, self.open_fds())
    }
}

/// As many as can be; the first error.
fn deregister_all<'fd>(
    registry: &Registry,
    fds: impl Iterator<Item = BorrowedFd<'fd>>,
) -> io::Result<()> {
    fds.map(|fd| registry.deregister(&mut SourceFd(&fd.as_raw_fd())))
        .fold(Ok(()), io::Result::and)
}
