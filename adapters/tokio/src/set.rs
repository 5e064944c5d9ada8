//! The children, behind a lock.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use childminder::Stream;
use childminder_driver::ChildId;
use childminder_mio::Children;
use tokio::runtime;
use tokio::sync::mpsc;

use crate::notification::Errand;
use crate::relay::Relay;

/// All children of a minder. The task turns them; spawning and dropping a child lock them too, on any thread.
///
/// No code of the user's runs while the lock is held, neither a notification nor a destructor of what it
/// owns, because that may spawn and drop children itself. It is left for later as an [`Errand`].
pub(crate) struct Set {
    /// None when the task is gone.
    locked: Mutex<Option<Locked>>,
    errands: Sender<Errand>,
    runtime: runtime::Handle,
}

/// A share in a set: of a minder, or of a child's handle.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) set: Arc<Set>,
    /// Dropped last, it lets the task end.
    _share: mpsc::Sender<Infallible>,
}

impl Owner {
    /// The first, and what tells that the last is gone.
    pub(crate) fn new(set: Arc<Set>) -> (Self, mpsc::Receiver<Infallible>) {
        let (share, shares) = mpsc::channel(1);
        let owner = Self { set, _share: share };
        (owner, shares)
    }
}

impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}

struct Locked {
    children: Children<Relay>,
    errands: Receiver<Errand>,
}

impl Set {
    pub(crate) fn new(runtime: runtime::Handle) -> io::Result<Self> {
        let (sender, receiver) = channel();
        Ok(Self {
            locked: Mutex::new(Some(Locked {
                children: Children::new()?,
                errands: receiver,
            })),
            errands: sender,
            runtime,
        })
    }

    /// Locks the children for `work`, and then runs the errands that it has left.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Children<Relay>) -> T) -> io::Result<T> {
        let mut guard = self.lock();
        let Some(locked) = guard.as_mut() else {
            drop(guard);
            return Err(io::Error::other("the runtime of the minder is gone"));
        };
        let result = work(&mut locked.children);
        let errands: Vec<Errand> = locked.errands.try_iter().collect();
        drop(guard);
        for errand in errands {
            match errand {
                Errand::Run(notification, answer, cancelled) => {
                    let errands = self.errands.clone();
                    self.runtime
                        .spawn(notification.run(answer, cancelled, errands));
                }
                Errand::Discard(notification) => drop(notification),
                Errand::Forget(reason) => drop(reason),
            }
        }
        Ok(result)
    }

    /// Does what there is to do.
    pub(crate) fn turn(&self) {
        let leavings = self.with(|children| {
            children.turn();
            let mut finished = Vec::new();
            while let Some((_, _, relay)) = children.next_finished() {
                finished.push(relay);
            }
            let mut undelivered = Vec::new();
            while let Some((_, request)) = children.next_undelivered() {
                undelivered.push(request);
            }
            (finished, undelivered)
        });
        drop(leavings);
    }

    /// Kills the child with its group at once, whatever stage its ladder has reached, and cancels its
    /// notifications. The task reaps it.
    pub(crate) fn end(&self, id: ChildId) {
        // Without a task, all children have been killed.
        let _ = self.with(|children| {
            children.kill(id);
            if let Some(relay) = children.handler_mut(id) {
                relay.disown();
            }
            if let Some(mut control) = children.control(id) {
                control.fail("its handle was dropped");
                for stream in Stream::ALL {
                    control.close_output(stream);
                }
            }
        });
    }

    /// Kills all children. No other will be minded.
    pub(crate) fn close(&self) {
        let locked = self.lock().take();
        drop(locked);
    }

    pub(crate) fn is_empty(&self) -> bool {
        let locked = self.lock();
        locked.as_ref().is_none_or(|it| it.children.is_empty())
    }

    pub(crate) fn errands(&self) -> Sender<Errand> {
        self.errands.clone()
    }

    pub(crate) fn runtime(&self) -> &runtime::Handle {
        &self.runtime
    }

    /// A duplicate of the children's descriptor, to be waited for without the lock.
    pub(crate) fn fd(&self) -> io::Result<OwnedFd> {
        self.with(|children| children.as_fd().try_clone_to_owned())?
    }

    /// When the next turn must come, though the descriptor is not readable.
    #[cfg_attr(
        target_os = "linux",
        expect(dead_code, reason = "a timer is a descriptor")
    )]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.lock().as_ref()?.children.deadline()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Locked>> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
