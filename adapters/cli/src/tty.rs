//! `--tty`: the child's own terminal, and what we type there.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::process::Command;
use std::sync::Arc;

use childminder_driver::Handler;
use childminder_unix::{Child, ControllingTerminal, Pty, SpawnOptions};
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token, Waker};
use rustix::io::Errno;
use signal_hook::consts::{SIGCONT, SIGWINCH};
use signal_hook_mio::v1_0::Signals;

use crate::input::{Input, Typed};
use crate::minded::Minded;

/// A terminal between the child and our streams.
pub(crate) struct Tty {
    pty: Pty,
    /// Ours, whose size it has.
    outer: Option<ControllingTerminal>,
    signals: Signals,
    /// The child's end, while it lives: it may close it, and open it again.
    held: Option<OwnedFd>,
    /// From the start of the child on.
    input: Option<Input>,
    /// What is typed and does not fit yet.
    left: Vec<u8>,
    last: Option<u8>,
    waker: Arc<Waker>,
}

impl Tty {
    /// `waker` and `token` bring what is to be [attended](Self::attend).
    pub(crate) fn new(
        outer: Option<ControllingTerminal>,
        registry: &Registry,
        token: Token,
        waker: Arc<Waker>,
    ) -> io::Result<Self> {
        // The modes of a terminal that is somebody else's are theirs, such as a shell's that edits its line.
        let ours = outer.as_ref().filter(|outer| outer.is_ours());
        let pty = Pty::like(ours.map(|outer| outer.as_fd()))?;
        let master = pty.as_fd().as_raw_fd();
        registry.register(&mut SourceFd(&master), token, Interest::WRITABLE)?;
        let mut signals = Signals::new([SIGWINCH, SIGCONT])?;
        registry.register(&mut signals, token, Interest::READABLE)?;
        let tty = Self {
            pty,
            outer,
            signals,
            held: None,
            input: None,
            left: Vec::new(),
            last: None,
            waker,
        };
        tty.resize();
        Ok(tty)
    }

    pub(crate) fn start(&mut self, command: Command, start: SpawnOptions) -> io::Result<Child> {
        let child = self.pty.start(command, start)?;
        self.held = Some(self.pty.open()?);
        self.input = Some(Input::new(Arc::clone(&self.waker))?);
        Ok(child)
    }

    /// Sees to what has come: another size, and input. Any time is harmless.
    pub(crate) fn attend<H: Handler>(&mut self, child: &mut Minded<H>) {
        if self.signals.pending().count() > 0 {
            self.resize();
            self.look_again();
        }
        if let Err(error) = self.type_on() {
            child
                .control()
                .fail(format!("cannot pass on standard input: {error}"));
        }
    }

    /// Our input may be ours to read again.
    pub(crate) fn look_again(&self) {
        if let Some(input) = &self.input {
            input.look_again();
        }
    }

    /// The child is dead.
    pub(crate) fn let_go(&mut self) {
        self.held = None;
    }

    /// A terminal that is gone has no size, and needs none.
    pub(crate) fn resize(&self) {
        if let Some(outer) = &self.outer {
            let _ = self.pty.resize_like(outer.as_fd());
        }
    }

    /// As far as there is input and room for it, but not for ever.
    fn type_on(&mut self) -> io::Result<()> {
        let Some(input) = &mut self.input else {
            return Ok(());
        };
        for _ in 0..AT_A_TIME {
            if self.left.is_empty() {
                self.left = match input.take() {
                    Typed::Nothing => return Ok(()),
                    Typed::Bytes(bytes) => bytes,
                    Typed::End => self.pty.end_of_input(self.last)?,
                    Typed::Failed(error) => return Err(error),
                };
            }
            match self.pty.write(&self.left) {
                Ok(written) => {
                    self.last = self.left[..written].last().copied().or(self.last);
                    self.left.drain(..written);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // Nobody is there to read it.
                Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                    self.left.clear();
                }
                Err(error) => return Err(error),
            }
        }
        self.waker.wake()
    }
}

/// Chunks of input in one turn.
const AT_A_TIME: usize = 16;
