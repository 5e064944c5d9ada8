//! Signals to this process, and where they come from.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use childminder::Signal;
use nix::libc::siginfo_t;
use signal_hook::consts::FORBIDDEN;
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::WithRawSiginfo;

/// Handlers of some signals, beside those of others that use `signal-hook`, and a descriptor that is readable when
/// one of these signals has come. The handlers stay until the end of the process, and so does what they keep from
/// happening by default.
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
    delivery: SignalDelivery<UnixStream, WithRawSiginfo>,
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
    /// Handles these signals from now on.
    ///
    /// # Errors
    ///
    /// - `InvalidInput` for a signal that cannot be handled, such as SIGKILL, or that a fault of this process raises,
    ///   such as SIGSEGV.
    /// - What the system says when there are too many descriptors.
    pub fn of(signals: impl IntoIterator<Item = Signal>) -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        // It stays as long as the handlers do: a write of theirs that nothing could read would be a SIGPIPE, whose
        // handler would write again, for ever.
        mem::forget(read.try_clone()?);
        let none: [i32; 0] = [];
        let delivery = SignalDelivery::with_pipe(read, write, WithRawSiginfo, none)?;
        let arrivals = Self { delivery };
        for signal in signals {
            arrivals.add(signal)?;
        }
        Ok(arrivals)
    }

    /// Handles this signal, too.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub fn add(&self, signal: Signal) -> io::Result<()> {
        if FORBIDDEN.contains(&signal.number()) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.delivery.handle().add_signal(signal.number())
    }

    /// Takes those that have come since the last call, each signal's in their order; a flood of one signal leaves
    /// only the first few. Never blocks.
    pub fn take(&mut self) -> impl Iterator<Item = Arrival> + use<'_> {
        self.delivery.pending().filter_map(|info| {
            Some(Arrival {
                signal: Signal::new(info.si_signo)?,
                origin: origin(&info),
            })
        })
    }
}

/// Readable when a signal has come.
impl AsFd for Arrivals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.delivery.get_read().as_fd()
    }
}

/// So that what reads arrivals can be tested without any.
impl Arrival {
    /// This signal, from there.
    pub fn new(signal: Signal, origin: Origin) -> Self {
        Self { signal, origin }
    }
}

fn origin(info: &siginfo_t) -> Origin {
    if is_from_kernel(info.si_code) {
        return Origin::Kernel;
    }
    // SAFETY: every signal that a process sends has the sender's id where this looks for it; where a timer's has
    // something else, it is a number all the same.
    #[expect(unsafe_code, reason = "a signal's details are a union")]
    let sender = unsafe { info.si_pid() }.cast_unsigned();
    if sender == std::process::id() {
        Origin::Ourselves
    } else {
        Origin::Process(sender)
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
