//! When the task is to look though nothing is readable.

pub(super) use here::Alarm;

/// The set has a timer that is a descriptor.
#[cfg(target_os = "linux")]
mod here {
    use std::task::{Context, Poll};

    use crate::set::Set;

    pub(in crate::task) struct Alarm;

    impl Alarm {
        pub(in crate::task) fn new() -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "elsewhere it is used")]
        pub(in crate::task) fn poll(&mut self, _: &mut Context<'_>, _: &Set) -> Poll<()> {
            Poll::Pending
        }
    }
}

/// The runtime's timer must be enabled.
#[cfg(not(target_os = "linux"))]
mod here {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::time::{Instant, Sleep, sleep_until};

    use crate::set::Set;

    pub(in crate::task) struct Alarm(Pin<Box<Sleep>>);

    impl Alarm {
        pub(in crate::task) fn new() -> Self {
            Self(Box::pin(sleep_until(Instant::now())))
        }

        pub(in crate::task) fn poll(&mut self, context: &mut Context<'_>, set: &Set) -> Poll<()> {
            let Some(deadline) = set.deadline() else {
                return Poll::Pending;
            };
            // The runtime rounds up, and an overdue deadline moves with the clock: it would never come.
            if deadline <= std::time::Instant::now() {
                return Poll::Ready(());
            }
            self.0.as_mut().reset(deadline.into());
            self.0.as_mut().poll(context)
        }
    }
}
