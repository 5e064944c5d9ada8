//! Signals and exit statuses, by number, without an operating system.

use core::fmt;
use core::num::NonZeroU8;

/// A signal's number, 1 to 127: what `waitpid(2)` can report.
///
/// The constants are the signals whose numbers POSIX fixes; the others differ between systems and
/// are made with [`Signal::new`] by the layer that knows the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(NonZeroU8);

impl Signal {
    /// The terminal hung up.
    pub const HUP: Self = Self::new(1).expect("1 is a signal");
    /// Interrupt: what Ctrl-C sends.
    pub const INT: Self = Self::new(2).expect("2 is a signal");
    /// Quit: what Ctrl-\ sends.
    pub const QUIT: Self = Self::new(3).expect("3 is a signal");
    /// Kill: cannot be caught.
    pub const KILL: Self = Self::new(9).expect("9 is a signal");
    /// Terminate: the polite request.
    pub const TERM: Self = Self::new(15).expect("15 is a signal");

    /// The signal of this number, or `None` outside 1 to 127.
    pub const fn new(number: i32) -> Option<Self> {
        if number < 0 || number > 127 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked just above"
        )]
        match NonZeroU8::new(number as u8) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number, as `kill(2)` takes it.
    pub const fn number(self) -> i32 {
        self.0.get() as i32
    }
}

/// Some signals, each at most once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct SignalSet {
    /// One bit for each of the numbers 0 to 63, and for 64 to 127.
    low: u64,
    high: u64,
}

impl SignalSet {
    pub(crate) fn insert(&mut self, signal: Signal) {
        let bit = 1 << (signal.0.get() % 64);
        if signal.0.get() < 64 {
            self.low |= bit;
        } else {
            self.high |= bit;
        }
    }

    /// Takes the one with the lowest number.
    pub(crate) fn pop(&mut self) -> Option<Signal> {
        let (bits, base) = if self.low > 0 {
            (&mut self.low, 0)
        } else {
            (&mut self.high, 64)
        };
        let lowest = bits.trailing_zeros();
        *bits &= bits.wrapping_sub(1);
        Signal::new(base + lowest.cast_signed()).filter(|_| lowest < 64)
    }
}

impl TryFrom<i32> for Signal {
    type Error = NoSuchSignal;

    fn try_from(number: i32) -> Result<Self, NoSuchSignal> {
        Self::new(number).ok_or(NoSuchSignal { number })
    }
}

/// `SIGINT` where POSIX fixes the number, `signal 34` elsewhere.
impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.number() {
            1 => "SIGHUP",
            2 => "SIGINT",
            3 => "SIGQUIT",
            6 => "SIGABRT",
            9 => "SIGKILL",
            14 => "SIGALRM",
            15 => "SIGTERM",
            number => return write!(f, "signal {number}"),
        };
        f.write_str(name)
    }
}

/// A number that is no signal's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchSignal {
    /// The number.
    pub number: i32,
}

impl fmt::Display for NoSuchSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a signal's number is 1 to 127, not {}", self.number)
    }
}

impl core::error::Error for NoSuchSignal {}

/// How the leader ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
    /// It ended, but how is not known: another part of the program reaped it.
    Lost,
}

impl ExitStatus {
    /// Whether this is success: code 0, and nothing else. A lost status is not.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "killed by {signal}"),
            Self::Lost => {
                f.write_str("exit status lost: another part of the program reaped the child")
            }
        }
    }
}
