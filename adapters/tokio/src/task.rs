//! The task that turns the set.

mod alarm;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

use crate::set::Set;
use alarm::Alarm;

/// One for all children of a minder. With it, by its end or the runtime's, go the children.
pub(crate) struct Task {
    fd: AsyncFd<OwnedFd>,
    alarm: Alarm,
    owners: mpsc::Receiver<Infallible>,
    set: Closing,
}

struct Closing(Arc<Set>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Task {
    pub(crate) fn new(set: Arc<Set>, owners: mpsc::Receiver<Infallible>) -> io::Result<Self> {
        let fd = set.fd()?;
        #[allow(
            deprecated,
            reason = "what replaces it is unsafe, for descriptors that other code can close"
        )]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Self {
            fd,
            alarm: Alarm::new(),
            owners,
            set: Closing(set),
        })
    }

    /// Until the last owner is gone, and what it dropped has been reaped.
    pub(crate) async fn run(mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let owned = self.owners.poll_recv(context).is_pending();
        if !owned && self.set.0.is_empty() {
            return Poll::Ready(());
        }
        if ready!(self.poll_work(context)).is_err() {
            // The runtime is being dropped.
            return Poll::Ready(());
        }
        self.set.0.turn();
        // Other tasks have their turn before the next look: a flood must not starve the runtime.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_work(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(ready) = self.fd.poll_read_ready(context) {
            // Before the turn: what comes during it announces itself again.
            return Poll::Ready(ready.map(|mut ready| ready.clear_ready()));
        }
        self.alarm.poll(context, &self.set.0).map(Ok)
    }
}
