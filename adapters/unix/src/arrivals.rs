//! Signals to this process, and where they come from.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use childminder::Signal;
use nix::libc::{SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGSTOP};

use crate::sys::{Came, SignalQueue};

/// Some signals, which come here in place of what they do by default, and a descriptor that is readable when one of
/// them has come.
///
/// On Linux they are blocked (`signalfd(2)`) in the thread that makes this, and in those that it starts from then on: make
/// it before there are other threads, which would be sent them. They stay blocked to the end of the process, and handlers
/// of them do not run. A child that is spawned by this crate begins as its [`SpawnOptions`](crate::SpawnOptions) say; one
/// that the standard library spawns inherits what is blocked. Elsewhere they are handled, by `signal-hook`.
///
/// ```
/// use childminder::Signal;
/// use childminder_unix::{Arrivals, Origin};
/// use std::process::{Command, id};
///
/// let mut arrivals = Arrivals::of([Signal::HUP])?;
/// let mut kill = Command::new("kill").args(["-HUP", &id().to_string()]).spawn()?;
/// kill.wait()?;
/// // … wait until `arrivals.as_fd()` is readable …
/// let came: Vec<_> = arrivals.take().collect();
/// assert_eq!(came[0].signal, Signal::HUP);
/// assert_eq!(came[0].origin, Origin::Process(kill.id()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Arrivals {
    queue: SignalQueue,
}

/// A signal that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Arrival {
    /// Which one.
    pub signal: Signal,
    /// From where.
    pub origin: Origin,
}

/// Where a signal comes from (`si_code` in `sigaction(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The kernel: a key at the terminal, a hangup, a timer.
    Kernel,
    /// A process, by its id. It is 0 if the process is out of sight, in another PID namespace.
    Process(u32),
    /// This process itself: `raise(3)`, or a write that is told by a signal that it has failed (SIGPIPE, SIGXFSZ).
    Ourselves,
}

impl Arrivals {
    /// Takes these signals from now on.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` for a signal that cannot be handled, such as SIGKILL, or that a fault of this process raises,
    ///   such as SIGSEGV.
    /// - What the system says when there are too many descriptors.
    pub fn of(signals: impl IntoIterator<Item = Signal>) -> io::Result<Self> {
        let queue = SignalQueue::new(&numbers(signals)?)?;
        Ok(Self { queue })
    }

    /// Takes these signals, too.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn add(&mut self, signals: impl IntoIterator<Item = Signal>) -> io::Result<()> {
        self.queue.add(&numbers(signals)?)
    }

    /// Blocks no other signal in this thread, and in those that it starts from now on: our parent may have left us some
    /// blocked (`sigprocmask(2)`). One of ours that has waited for that is not lost.
    ///
    /// # Errors
    ///
    /// None that are known.
    pub fn unblock_others(&self) -> io::Result<()> {
        self.queue.unblock_others()
    }

    /// Takes those that have come since the last call. Those of one number that come together may count as one; of a
    /// real-time signal's, each counts. Never blocks.
    pub fn take(&mut self) -> impl Iterator<Item = Arrival> + use<'_> {
        self.queue.take().filter_map(|came| {
            Some(Arrival {
                signal: Signal::new(came.signal)?,
                origin: origin(came),
            })
        })
    }
}

/// Readable when a signal has come.
impl AsFd for Arrivals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

/// So that what reads arrivals can be tested without any.
impl Arrival {
    /// This signal, from there.
    pub fn new(signal: Signal, origin: Origin) -> Self {
        Self { signal, origin }
    }
}

fn numbers(signals: impl IntoIterator<Item = Signal>) -> io::Result<Vec<i32>> {
    let allowed = |signal: Signal| {
        let number = signal.number();
        let is_refused = FORBIDDEN.contains(&number);
        (!is_refused)
            .then_some(number)
            .ok_or(io::ErrorKind::InvalidInput.into())
    };
    signals.into_iter().map(allowed).collect()
}

fn origin(came: Came) -> Origin {
    if is_from_kernel(came.code) {
        Origin::Kernel
    } else if came.sender == std::process::id() {
        Origin::Ourselves
    } else {
        Origin::Process(came.sender)
    }
}

/// On Linux, codes above zero are the kernel's. Elsewhere those of processes are the few above 65536.
fn is_from_kernel(code: i32) -> bool {
    if cfg!(target_os = "linux") {
        code > 0
    } else {
        !matches!(code, 0x10001 | 0x10002 | 0x10007)
    }
}

/// What cannot be handled, what the kernel raises for a fault of this process, and what the C libraries of Linux keep for
/// themselves.
const FORBIDDEN: [i32; 7] = [SIGKILL, SIGSTOP, SIGILL, SIGFPE, SIGSEGV, 32, 33];
