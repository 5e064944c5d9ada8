//! The real kernel.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

use childminder::{ExitStatus, Signal, Stream, Target};
use childminder_driver::{Kernel, Sighting, Trigger};
use childminder_unix::{Child, Pipe, Selector, Strays};

use crate::family::Family;

/// A child process, and what of it a selector watches.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) child: Child,
    watched: [bool; 3],
}

/// What can be waited for. The last two bits of a selector's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Stdout,
    Stderr,
    Exit,
}

impl Source {
    pub(crate) const ALL: [Self; 3] = [Self::Stdout, Self::Stderr, Self::Exit];

    pub(crate) fn of(stream: Stream) -> Self {
        match stream {
            Stream::Stdout => Self::Stdout,
            Stream::Stderr => Self::Stderr,
        }
    }
}

impl Process {
    pub(crate) fn new(child: Child) -> Self {
        Self {
            child,
            watched: [false; 3],
        }
    }

    pub(crate) fn is_open(&self, stream: Stream) -> bool {
        self.pipe(stream).is_some()
    }

    /// Has the selector watch this, or watch it no more.
    pub(crate) fn watch(
        &mut self,
        selector: &Selector,
        source: Source,
        wanted: bool,
        key: u64,
    ) -> io::Result<()> {
        if wanted == self.watched[source as usize] {
            return Ok(());
        }
        if !wanted {
            self.forget(selector, source);
            return Ok(());
        }
        if let Some(fd) = self.fd(source) {
            selector.add(fd, key)?;
            self.watched[source as usize] = true;
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self, selector: &Selector, source: Source) {
        if !std::mem::take(&mut self.watched[source as usize]) {
            return;
        }
        if let Some(fd) = self.fd(source) {
            // It is watched, so the selector knows it; an error would leave an event too many.
            let _ = selector.remove(fd);
        }
    }

    fn fd(&self, source: Source) -> Option<BorrowedFd<'_>> {
        match source {
            Source::Stdout => Some(self.child.stdout()?.as_fd()),
            Source::Stderr => Some(self.child.stderr()?.as_fd()),
            Source::Exit => Some(self.child.exit_fd()),
        }
    }

    fn pipe(&self, stream: Stream) -> Option<&Pipe> {
        match stream {
            Stream::Stdout => self.child.stdout(),
            Stream::Stderr => self.child.stderr(),
        }
    }
}

/// A process and what it shares with others of its set, for the length of a turn.
pub(crate) struct Seat<'a> {
    pub(crate) process: &'a mut Process,
    /// None if they are not wanted.
    pub(crate) strays: Option<&'a mut Strays>,
    pub(crate) selector: &'a Selector,
    pub(crate) family: &'a mut Family,
}

impl Seat<'_> {
    fn pipe(&self, stream: Stream) -> io::Result<&Pipe> {
        self.process
            .pipe(stream)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Kernel for Seat<'_> {
    fn is_open(&self, stream: Stream) -> bool {
        self.process.is_open(stream)
    }

    fn trigger(&self) -> Trigger {
        Trigger::Level
    }

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        self.pipe(stream)?.read(buffer)
    }

    fn waiting(&mut self, stream: Stream) -> io::Result<usize> {
        self.pipe(stream)?.waiting()
    }

    fn close(&mut self, stream: Stream) {
        self.process.forget(self.selector, Source::of(stream));
        let child = &mut self.process.child;
        drop(match stream {
            Stream::Stdout => child.take_stdout(),
            Stream::Stderr => child.take_stderr(),
        });
    }

    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.process.child.exit_status();
        if !matches!(status, Ok(None)) {
            self.family.died();
        }
        status
    }

    fn signal(&mut self, signal: Signal, target: Target) -> io::Result<()> {
        self.process.child.signal(signal, target)?;
        if let Some(strays) = &mut self.strays {
            strays.signalled(signal, target);
        }
        Ok(())
    }

    fn pass_on(&mut self, signal: Signal, target: Target) -> io::Result<()> {
        self.process.child.pass_on(signal, target)?;
        Ok(())
    }

    fn find_strays(&mut self) -> Option<Sighting> {
        let strays = self.strays.as_mut()?;
        let unreaped = self.family.unreaped();
        let orphans = self.family.orphans.as_mut();
        let count = strays.find(&self.process.child, orphans, &unreaped)?;
        Some(Sighting {
            living: count.living,
            immune: count.immune,
        })
    }

    fn kill_strays(&mut self) {
        if let Some(strays) = &mut self.strays {
            strays.kill(&self.process.child, self.family.orphans.as_ref());
        }
    }

    fn reap(&mut self) -> io::Result<()> {
        self.process.child.reap()?;
        self.family.remove(self.process.child.id());
        Ok(())
    }
}
