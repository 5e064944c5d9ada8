//! What the glue sees of the world.

use std::cell::RefMut;
use std::io;
use std::sync::Arc;

use childminder::{ExitStatus, Instant, Signal, Stream, Target};

use super::oracle::bytes_at;
use super::world::{Life, Reading};
use super::{Shared, Stage};
use crate::answer::Mailbox;
use crate::kernel::{Kernel, STREAMS};

/// A kernel that goes by the script. While it is asked something, more may happen.
#[derive(Debug)]
pub(super) struct Scripted {
    stage: Shared,
    mailbox: Arc<Mailbox>,
}

impl Scripted {
    pub(super) fn new(stage: &Shared) -> Self {
        Self {
            stage: Shared::clone(stage),
            mailbox: Arc::new(Mailbox::new().expect("an eventfd")),
        }
    }

    fn asked(&self) -> RefMut<'_, Stage> {
        let mut stage = self.stage.borrow_mut();
        stage.something_may_happen();
        stage
    }
}

impl Kernel for Scripted {
    type Registry = ();

    fn read(&mut self, stream: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stage = self.asked();
        let Stage {
            script,
            world,
            oracle,
        } = &mut *stage;
        oracle.demand(world.pipe(stream).open, "what is closed is not read");
        let most = match script.reading() {
            Reading::Full => buffer.len(),
            Reading::Short(most) => most,
            Reading::Failed => {
                world.pipe_mut(stream).failed = true;
                return Err(oracle.new_failure());
            }
        };
        let from = world.pipe(stream).read;
        let bytes = world
            .pipe_mut(stream)
            .take(most)
            .ok_or(io::ErrorKind::WouldBlock)?;
        buffer[..bytes].copy_from_slice(bytes_at(stream, from, bytes));
        world.reads_of_turn += bytes;
        oracle.demand(world.reads_of_turn < MOST_READ, "a turn comes to an end");
        Ok(bytes)
    }

    fn close(&mut self, stream: Stream, (): &()) -> io::Result<()> {
        let mut stage = self.asked();
        let Stage {
            script,
            world,
            oracle,
        } = &mut *stage;
        oracle.demand(world.pipe(stream).open, "a stream is closed once");
        world.pipe_mut(stream).open = false;
        if script.fails() || world.deregistering_fails {
            return Err(oracle.not_deregistered());
        }
        Ok(())
    }

    fn reap(&mut self) -> io::Result<()> {
        let mut stage = self.asked();
        let Stage {
            script,
            world,
            oracle,
        } = &mut *stage;
        oracle.demand(world.life != Life::Alive, "only the dead are reaped");
        oracle.reaped();
        world.reaped = true;
        if world.life == Life::Vanished || script.fails() {
            return Err(oracle.new_failure());
        }
        Ok(())
    }

    fn let_go(&mut self, (): &()) -> io::Result<()> {
        let mut stage = self.asked();
        let Stage {
            script,
            world,
            oracle,
        } = &mut *stage;
        oracle.demand(oracle.is_finished(), "nothing is let go before the end");
        for stream in STREAMS {
            world.pipe_mut(stream).open = false;
        }
        if script.fails() {
            return Err(oracle.not_deregistered());
        }
        Ok(())
    }

    fn signal(&self, signal: Signal, target: Target) -> io::Result<()> {
        let mut stage = self.asked();
        let Stage {
            script,
            world,
            oracle,
        } = &mut *stage;
        oracle.demand(!world.reaped, "nobody is signalled after the reap");
        oracle.signalled(signal, target);
        if script.fails() {
            return Err(oracle.new_failure());
        }
        Ok(())
    }

    fn waiting(&self, stream: Stream) -> io::Result<usize> {
        let mut stage = self.asked();
        let Stage {
            script,
            world,
            oracle,
        } = &mut *stage;
        oracle.demand(world.pipe(stream).open, "what is closed is not asked for");
        if script.fails() {
            world.blind = true;
            return Err(oracle.new_failure());
        }
        Ok(usize::try_from(world.pipe(stream).waiting()).unwrap_or(usize::MAX))
    }

    fn is_open(&self, stream: Stream) -> bool {
        self.stage.borrow().world.pipe(stream).open
    }

    fn exit_status(&self) -> io::Result<Option<ExitStatus>> {
        let mut stage = self.asked();
        match stage.world.life {
            Life::Alive => Ok(None),
            Life::Dead(status) => Ok(Some(status)),
            Life::Vanished => Err(stage.oracle.new_failure()),
        }
    }

    fn now(&self) -> Instant {
        self.stage.borrow().world.now
    }

    fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }
}

/// Far more than a turn's budgets and two full pipes.
const MOST_READ: usize = 4 << 20;
