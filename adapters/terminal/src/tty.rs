//! The child's own terminal, and what is typed there.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use childminder_driver::Control;
use childminder_unix::{Child, Command, Selector, SpawnOptions, Wakeup};
use signal_hook::consts::{SIGCONT, SIGWINCH};

use crate::input::Input;
use crate::notices::Notices;
use crate::pty::Pty;
use crate::terminal::Terminal;

/// A terminal between the child and our standard streams: the child's output comes to its handler as standard output,
/// and what comes from our standard input is typed at it. It has the size of our own terminal, if we have one.
///
/// For keys to arrive as they are typed, our own terminal must be raw: see [`Uses::Apart`](crate::Uses::Apart).
#[derive(Debug)]
pub struct Tty {
    pty: Arc<Pty>,
    /// Our terminal, whose size it has.
    outer: Option<Terminal>,
    notices: Notices,
    /// Woken when the input cannot be passed on.
    failed: Arc<Wakeup>,
    /// Readable when one of these two is.
    selector: Selector,
    /// The child's end, kept open while the child lives: it may close its own, and open it again.
    slave: Option<OwnedFd>,
    /// From the spawn of the child on.
    input: Option<Input>,
}

impl Tty {
    /// A terminal with the size of `outer`, and with its modes if that is in the foreground. SIGWINCH and SIGCONT are
    /// handled: what blocks them calls [`resize`](Self::resize) and [`retry_input`](Self::retry_input) when they come.
    ///
    /// # Errors
    ///
    /// What the system says when it has no more terminals, or too many descriptors.
    pub fn new(outer: Option<Terminal>) -> io::Result<Self> {
        // In the background, the modes are those of another program, such as a shell that edits its line.
        let ours = outer.as_ref().filter(|outer| outer.is_ours());
        let pty = Pty::like(ours.map(|outer| outer.as_fd()))?;
        let notices = Notices::of(&[SIGWINCH, SIGCONT])?;
        let failed = Arc::new(Wakeup::new()?);
        let selector = Selector::new()?;
        selector.add(&notices, 0)?;
        selector.add(&*failed, 0)?;
        let tty = Self {
            pty: Arc::new(pty),
            outer,
            notices,
            failed,
            selector,
            slave: None,
            input: None,
        };
        tty.resize();
        Ok(tty)
    }

    /// Spawns `command` at this terminal, as [`Pty::spawn`] does, and begins to type there what comes from our standard
    /// input, in a thread.
    ///
    /// # Errors
    ///
    /// Like [`Child::spawn`], and what the system says when there are too many threads.
    pub fn spawn(&mut self, command: Command, options: SpawnOptions) -> io::Result<Child> {
        let child = self.pty.spawn(command, options)?;
        self.slave = Some(self.pty.open_slave()?);
        self.input = Some(Input::new(Arc::clone(&self.pty), Arc::clone(&self.failed))?);
        Ok(child)
    }

    /// Handles what has come: another size of our terminal, our return to the foreground, and input that could not be
    /// passed on, which is a [failure](Control::fail) of the child. Call it when the descriptor is readable; at any other
    /// time it does no harm.
    pub fn attend<N>(&mut self, control: &mut Control<'_, N>) {
        if self.notices.take().count() > 0 {
            self.resize();
            self.retry_input();
        }
        // There is nothing to clear that could fail.
        let _ = self.failed.clear();
        if let Some(error) = self.input.as_ref().and_then(Input::take_failure) {
            control.fail(format!("cannot pass on standard input: {error}"));
        }
    }

    /// Call this when the child is dead, so that its output can end.
    pub fn close_slave(&mut self) {
        self.slave = None;
    }

    /// Reads our standard input again, which is left alone while we are in the background of our terminal. SIGCONT
    /// does it too.
    pub fn retry_input(&self) {
        if let Some(input) = &self.input {
            input.retry();
        }
    }

    /// Gives it the size of our terminal. One that has hung up has no size, and then nothing changes.
    pub fn resize(&self) {
        if let Some(outer) = &self.outer {
            let _ = self.pty.resize_like(outer.as_fd());
        }
    }
}

/// Readable when [`attend`](Tty::attend) has something to do.
impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.selector.as_fd()
    }
}
