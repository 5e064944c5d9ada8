//! One child of a set.

use std::io;

use childminder::{Config, Instant, Stream};
use childminder_driver::{ChildId, Driver, Handler, Ready, Shared, Turn};
use childminder_unix::{Selector, Strays};

use crate::family::Family;
use crate::key::{input_key_of, key_of, room_key_of};
use crate::process::{Process, Seat, Source};
use crate::voucher::Voucher;

/// A child, what drives it, and what is waited for on its behalf. An idle one should stay below half a
/// kilobyte.
pub(crate) struct Node<H: Handler> {
    pub(crate) driver: Driver<H::Notification>,
    pub(crate) process: Process,
    pub(crate) handler: H,
    /// None where there is nothing of it, as with most children.
    extras: Option<Box<Extras>>,
    /// When the set will look at the deadlines, and end a rest; the far future is never.
    pub(crate) alarm: Instant,
    /// What the selector said since the last turn.
    pub(crate) ready: Ready,
    pub(crate) queued: bool,
    pub(crate) ended: bool,
}

/// What a child may have besides.
#[derive(Debug, Default)]
struct Extras {
    /// None if they are not wanted.
    strays: Option<Strays>,
    /// None if it is not heard.
    voucher: Option<Voucher>,
}

impl<H: Handler> Node<H> {
    pub(crate) fn new(
        id: ChildId,
        process: Process,
        strays: Option<Strays>,
        config: Config,
        handler: H,
    ) -> Self {
        Self {
            extras: strays.map(|strays| {
                Box::new(Extras {
                    strays: Some(strays),
                    voucher: None,
                })
            }),
            driver: Driver::new(id, config),
            process,
            handler,
            alarm: Instant::FAR_FUTURE,
            ready: Ready::NONE,
            queued: false,
            ended: false,
        }
    }

    pub(crate) fn start(&mut self, now: Instant, common: Common<'_, H>) {
        let (driver, mut seat, handler, shared) = self.seated(common);
        driver.start(&mut Turn {
            now,
            budget: 0,
            kernel: &mut seat,
            handler,
            shared,
        });
    }

    pub(crate) fn turn(&mut self, now: Instant, budget: &mut usize, common: Common<'_, H>) {
        let ready = std::mem::take(&mut self.ready) | self.waited(now);
        // Always: what it has said by now comes before a deadline that fires, and before its exit.
        if let Some(extras) = &mut self.extras
            && let Some(voucher) = &mut extras.voucher
        {
            let control = &mut common.shared.control(self.driver.id());
            let strays = extras.strays.as_ref();
            voucher.hear(&self.process.child, strays, control, &mut self.handler);
        }
        let (driver, mut seat, handler, shared) = self.seated(common);
        let mut turn = Turn {
            now,
            budget: *budget,
            kernel: &mut seat,
            handler,
            shared,
        };
        driver.turn(&mut turn, ready);
        *budget = turn.budget;
        let brought = seat.brought;
        self.process.was_read(now, brought);
        self.process.wait_for_room(now);
    }

    /// The streams which have rested, or waited for room, until now.
    fn waited(&mut self, now: Instant) -> Ready {
        let mut ready = Ready::NONE;
        for stream in Stream::ALL {
            let has_rested = self.process.is_rested(stream, now);
            if has_rested | self.process.has_waited(stream, now) {
                ready |= Ready::output(stream);
            }
        }
        ready
    }

    /// Until when this stream is left alone, unless room comes on its way. It is read then.
    fn waits_until(&self, stream: Stream) -> Option<Instant> {
        if !self.driver.wants(stream) {
            return None;
        }
        let rest = self.process.rests_until(stream);
        rest.max(self.process.waits_until(stream))
    }

    /// When there is something to do though nothing happens.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let waits = Stream::ALL.map(|stream| self.waits_until(stream));
        let times = waits.into_iter().chain([self.driver.wake_at()]);
        times.flatten().min()
    }

    /// Ends the child for certain, and tells the handler that it is so.
    pub(crate) fn kill(&mut self, now: Instant, common: Common<'_, H>) {
        let (driver, mut seat, handler, shared) = self.seated(common);
        driver.kill(&mut Turn {
            now,
            budget: 0,
            kernel: &mut seat,
            handler,
            shared,
        });
    }

    /// The child is over: its strays are looked for one last time.
    pub(crate) fn end_strays(&mut self, family: &mut Family) {
        if let Some(strays) = strays_of(&mut self.extras) {
            let unreaped = family.unreaped();
            strays.end(&self.process.child, family.orphans.as_mut(), &unreaped);
        }
    }

    fn seated<'a>(
        &'a mut self,
        common: Common<'a, H>,
    ) -> (
        &'a mut Driver<H::Notification>,
        Seat<'a>,
        &'a mut H,
        &'a mut Shared<H::Notification>,
    ) {
        let Common {
            selector,
            family,
            shared,
        } = common;
        let seat = Seat {
            process: &mut self.process,
            strays: strays_of(&mut self.extras),
            selector,
            family,
            brought: [None; 2],
        };
        (&mut self.driver, seat, &mut self.handler, shared)
    }

    /// Has the selector watch what the driver waits for, and nothing else: a level-triggered selector would
    /// announce a held stream for ever.
    pub(crate) fn watch(&mut self, selector: &Selector) -> io::Result<()> {
        let id = self.driver.id();
        for stream in Stream::ALL {
            let is_left_alone =
                self.process.is_blocked(stream) || self.waits_until(stream).is_some();
            let wanted = self.driver.wants(stream) && !is_left_alone;
            let source = Source::of(stream);
            self.process
                .watch(selector, source, wanted, key_of(id, source))?;
            self.process
                .watch_way(selector, stream, room_key_of(id, stream))?;
        }
        self.process.watch_input(selector, input_key_of(id))?;
        let wanted = self.driver.wants_exit();
        self.process
            .watch(selector, Source::Exit, wanted, key_of(id, Source::Exit))
    }

    pub(crate) fn unwatch(&mut self, selector: &Selector) {
        for source in Source::ALL {
            self.process.forget(selector, source);
        }
        for stream in Stream::ALL {
            self.process.end_way(selector, stream);
        }
        self.process.end_input(selector);
        let extras = self.extras.as_mut();
        if let Some(voucher) = extras.and_then(|extras| extras.voucher.take()) {
            voucher.unwatch(selector);
        }
    }

    pub(crate) fn strays(&self) -> Option<&Strays> {
        self.extras.as_ref()?.strays.as_ref()
    }

    pub(crate) fn hear(&mut self, voucher: Voucher) {
        self.extras.get_or_insert_default().voucher = Some(voucher);
    }
}

fn strays_of(extras: &mut Option<Box<Extras>>) -> Option<&mut Strays> {
    extras.as_mut()?.strays.as_mut()
}

/// What all children of a set share.
pub(crate) struct Common<'a, H: Handler> {
    pub(crate) selector: &'a Selector,
    pub(crate) family: &'a mut Family,
    pub(crate) shared: &'a mut Shared<H::Notification>,
}
