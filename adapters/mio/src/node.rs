//! One child of a set.

use std::io;

use childminder::{Config, Instant, Stream};
use childminder_driver::{ChildId, Driver, Handler, Ready, Shared, Turn};
use childminder_unix::Selector;

use crate::key::key_of;
use crate::process::{Process, Seat, Source};

/// A child, what drives it, and what is waited for on its behalf. An idle one should stay below half a
/// kilobyte.
pub(crate) struct Node<H: Handler> {
    pub(crate) driver: Driver<H::Notification>,
    pub(crate) process: Process,
    pub(crate) handler: H,
    /// When the set will look at the deadlines; the far future is never.
    pub(crate) alarm: Instant,
    /// What the selector said since the last turn.
    pub(crate) ready: Ready,
    pub(crate) queued: bool,
    pub(crate) ended: bool,
}

impl<H: Handler> Node<H> {
    pub(crate) fn new(id: ChildId, process: Process, config: Config, handler: H) -> Self {
        Self {
            driver: Driver::new(id, config),
            process,
            handler,
            alarm: Instant::FAR_FUTURE,
            ready: Ready::NONE,
            queued: false,
            ended: false,
        }
    }

    pub(crate) fn start(
        &mut self,
        now: Instant,
        selector: &Selector,
        shared: &mut Shared<H::Notification>,
    ) {
        let mut seat = Seat {
            process: &mut self.process,
            selector,
        };
        self.driver.start(&mut Turn {
            now,
            budget: 0,
            kernel: &mut seat,
            handler: &mut self.handler,
            shared,
        });
    }

    pub(crate) fn turn(
        &mut self,
        now: Instant,
        budget: &mut usize,
        selector: &Selector,
        shared: &mut Shared<H::Notification>,
    ) {
        let ready = std::mem::take(&mut self.ready);
        let mut seat = Seat {
            process: &mut self.process,
            selector,
        };
        let mut turn = Turn {
            now,
            budget: *budget,
            kernel: &mut seat,
            handler: &mut self.handler,
            shared,
        };
        self.driver.turn(&mut turn, ready);
        *budget = turn.budget;
    }

    /// Has the selector watch what the driver waits for, and nothing else: a level-triggered selector would
    /// announce a held stream for ever.
    pub(crate) fn watch(&mut self, selector: &Selector) -> io::Result<()> {
        let id = self.driver.id();
        for stream in Stream::ALL {
            let wanted = self.driver.wants(stream);
            let source = Source::of(stream);
            self.process
                .watch(selector, source, wanted, key_of(id, source))?;
        }
        let wanted = self.driver.wants_exit();
        self.process
            .watch(selector, Source::Exit, wanted, key_of(id, Source::Exit))
    }

    pub(crate) fn unwatch(&mut self, selector: &Selector) {
        for source in Source::ALL {
            self.process.forget(selector, source);
        }
    }
}
