//! The one child that this command minds.

use std::io;
use std::time::{Duration, Instant};

use childminder::{Config, MonitorState, Outcome};
use childminder_driver::{ChildId, Control, Handler};
use childminder_mio::Children;
use childminder_unix::Child;

/// A set of one child. It stays in the set until the end of the process.
pub(crate) struct Minded<H: Handler> {
    set: Children<H>,
    id: ChildId,
}

impl<H: Handler> Minded<H> {
    pub(crate) fn new(child: Child, config: Config, handler: H) -> io::Result<Self> {
        let mut set = Children::new()?;
        let id = set.mind(child, config, handler)?;
        Ok(Self { set, id })
    }

    /// What to wait for.
    pub(crate) fn source(&mut self) -> &mut Children<H> {
        &mut self.set
    }

    pub(crate) fn turn(&mut self) {
        self.set.turn();
    }

    pub(crate) fn control(&mut self) -> Control<'_, H::Notification> {
        self.set.control(self.id).expect(IN_THE_SET)
    }

    pub(crate) fn handler_mut(&mut self) -> &mut H {
        self.set.handler_mut(self.id).expect(IN_THE_SET)
    }

    /// How long the loop may sleep before the next turn.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        let deadline = self.set.deadline()?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn handler(&self) -> &H {
        self.set.handler(self.id).expect(IN_THE_SET)
    }

    pub(crate) fn child(&self) -> &Child {
        self.set.child(self.id).expect(IN_THE_SET)
    }

    pub(crate) fn monitor(&self) -> &MonitorState {
        self.set.monitor(self.id).expect(IN_THE_SET)
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.set.outcome(self.id)
    }
}

const IN_THE_SET: &str = "nobody takes the child out of the set";
