//! One child in the loop.

use std::fmt;
use std::io;
use std::process::{ChildStdin, Command};
use std::time::Duration;

use childminder::{Config, MonitorState, Outcome};
use childminder_unix::Child;
use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::glue::Glue;
use crate::process_old::Process;
use crate::{Control, Handler};

/// A child, its monitor and its owner, as an event source under one token.
///
/// It deregisters itself at the end. Dropped before, it kills the child's process group; like every
/// source it should then be deregistered first, or a last event may still come under its token.
pub struct MindedChild<H: Handler> {
    glue: Glue<H, Process>,
}

impl<H: Handler> MindedChild<H> {
    /// Spawns `command` in a process group of its own and starts to mind it. Of its output, what was
    /// set to [`Stdio::piped`](std::process::Stdio::piped) comes to the handler.
    ///
    /// # Errors
    ///
    /// What [`Child::spawn`] reports: a command that cannot be run, or a system without pidfds.
    pub fn spawn(command: &mut Command, config: Config, handler: H) -> io::Result<Self> {
        Self::mind(Child::spawn(command)?, config, handler)
    }

    /// Starts to mind a child that was just started, in whatever way. What is left of its pipes is
    /// taken.
    ///
    /// # Errors
    ///
    /// What `eventfd(2)` says when there are too many descriptors. The child has been killed then.
    pub fn mind(child: Child, config: Config, handler: H) -> io::Result<Self> {
        let process = Process::new(child)?;
        Ok(Self {
            glue: Glue::new(process, config, handler),
        })
    }

    /// Does what there is to do. Call it when the token is ready, and when
    /// [`poll_timeout`](Self::poll_timeout) is over; any time else is harmless. `registry` is the one
    /// that the child is registered with.
    ///
    /// # Errors
    ///
    /// Only what `registry` reports, the first of it; the turn is done all the same. What goes wrong
    /// with the child goes to [`Handler::error`].
    pub fn turn(&mut self, registry: &Registry) -> io::Result<()> {
        self.glue.turn(registry)
    }

    /// How long the loop may sleep before the next [`turn`](Self::turn); zero while work is left
    /// over, `None` if only the token can bring more.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.glue.poll_timeout()
    }

    /// The owner's side, for use between turns.
    pub fn control(&mut self) -> &mut Control<H::Notification> {
        &mut self.glue.control
    }

    /// The write end of the child's standard input, if it was piped. Dropping it is the end of that
    /// input; until it is taken, the input stays open. Writes to it block, unless it is made a
    /// [`mio::unix::pipe::Sender`].
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.glue.kernel.take_stdin()
    }

    /// The leader's process id.
    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// The process, to look at.
    pub fn child(&self) -> &Child {
        self.glue.kernel.child()
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.glue.monitor.outcome()
    }

    /// The state machine, to query.
    pub fn monitor(&self) -> &MonitorState {
        &self.glue.monitor
    }

    /// The owner.
    pub fn handler(&self) -> &H {
        &self.glue.handler
    }

    /// The owner.
    pub fn handler_mut(&mut self) -> &mut H {
        &mut self.glue.handler
    }

    /// Gives the owner back. A child that has not ended is killed.
    pub fn into_handler(self) -> H {
        self.glue.handler
    }
}

impl<H> fmt::Debug for MindedChild<H>
where
    H: Handler + fmt::Debug,
    H::Notification: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MindedChild").field(&self.glue).finish()
    }
}

/// All descriptors share one token; a turn asks each of them what it has. After the end there is
/// nothing left to wait for, and nothing to do here.
impl<H: Handler> Source for MindedChild<H> {
    fn register(&mut self, registry: &Registry, token: Token, wanted: Interest) -> io::Result<()> {
        if self.outcome().is_some() {
            return Ok(());
        }
        self.glue.kernel.register(registry, token, wanted)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        wanted: Interest,
    ) -> io::Result<()> {
        if self.outcome().is_some() {
            return Ok(());
        }
        self.glue.kernel.reregister(registry, token, wanted)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.glue.kernel.deregister(registry)
    }
}
