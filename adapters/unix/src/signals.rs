//! Signals by name, as this system numbers them.

use std::error::Error;
use std::fmt;
use std::io;
use std::str::FromStr as _;

use childminder::Signal;
use nix::sys::signal::{Signal as Named, raise};

use crate::sys;

/// The signal that is meant by a name, with or without `SIG`, in upper or lower case, or by a number:
/// `TERM`, `SIGTERM`, `term`, `15`, `RTMIN+3`, `RTMAX-1`. The names are those of `signal(7)`.
///
/// ```
/// use childminder::Signal;
/// use childminder_unix::signals;
///
/// assert_eq!(signals::parse("SIGINT")?, Signal::INT);
/// assert_eq!(signals::parse("int")?, Signal::INT);
/// assert_eq!(signals::parse("2")?, Signal::INT);
/// # Ok::<(), signals::UnknownSignal>(())
/// ```
///
/// # Errors
///
/// [`UnknownSignal`] for anything else.
pub fn parse(text: &str) -> Result<Signal, UnknownSignal> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    number(text)
        .filter(|number| *number <= highest())
        .or_else(|| named(name))
        .or_else(|| named_realtime(name))
        .and_then(Signal::new)
        .ok_or_else(|| UnknownSignal {
            given: text.to_owned(),
        })
}

/// The signal's name: `SIGINT`, `SIGRTMIN+3`; or its number, if the system has no name for it.
/// [`parse`] takes it back, if it is a signal of this system.
///
/// ```
/// use childminder::Signal;
/// use childminder_unix::signals;
///
/// assert_eq!(signals::name(Signal::TERM), "SIGTERM");
/// ```
pub fn name(signal: Signal) -> String {
    let number = signal.number();
    if let Ok(named) = Named::try_from(number) {
        return named.as_str().to_owned();
    }
    match sys::realtime_signals() {
        Some(range) if *range.start() == number => "SIGRTMIN".to_owned(),
        Some(range) if range.contains(&number) => format!("SIGRTMIN+{}", number - range.start()),
        _ => number.to_string(),
    }
}

/// The real-time signals of this system, from `RTMIN` to `RTMAX`; none where it has none.
pub fn realtime() -> impl Iterator<Item = Signal> {
    let numbers = sys::realtime_signals().into_iter().flatten();
    numbers.filter_map(Signal::new)
}

/// Whether this process ignores `signal`, mostly because its parent did, as `nohup(1)` does with SIGHUP.
pub fn is_ignored(signal: Signal) -> bool {
    sys::is_ignored(signal.number())
}

/// Has `signal` do to this process what it does by default, whatever our parent has left us. A process that ignores
/// SIGCHLD, for instance, loses the exit statuses of its children.
pub fn restore_default(signal: Signal) {
    sys::restore_default(signal.number());
}

/// Ends this process with `signal`, as a child of ours has ended, so that our parent sees the same; but
/// without a core (`core(5)`) beside the child's. Returns if the signal does not end processes.
pub fn die_of(signal: Signal) {
    // A core too many is no reason to live on.
    let _ = sys::leave_no_core();
    sys::raise_by_default(signal.number());
}

/// Stops this process with SIGSTOP, and returns when SIGCONT has continued it. Process 1 of a PID namespace cannot be
/// stopped from inside: there this returns at once.
///
/// # Errors
///
/// None that are known.
pub fn stop() -> io::Result<()> {
    // It stops this thread, and with it the process, before `raise` returns.
    Ok(raise(Named::SIGSTOP)?)
}

/// What was given is not a signal of this system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSignal {
    /// What was given.
    pub given: String,
}

impl fmt::Display for UnknownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let realtime = match sys::realtime_signals() {
            Some(range) => format!(", RTMIN to RTMIN+{}", range.end() - range.start()),
            None => String::new(),
        };
        write!(
            f,
            "no such signal: {:?} (give a name such as TERM or SIGTERM{realtime}, or a number from 1 to {})",
            self.given,
            highest(),
        )
    }
}

impl Error for UnknownSignal {}

/// The number that the whole text is, without a sign.
fn number(text: &str) -> Option<i32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// The number of an ordinary signal, by its name in upper case without `SIG`.
fn named(name: &str) -> Option<i32> {
    let usual = match name {
        "CLD" => "CHLD",
        "IOT" => "ABRT",
        "POLL" => "IO",
        other => other,
    };
    let named = Named::from_str(&format!("SIG{usual}")).ok()?;
    Some(named as i32)
}

/// The number of a real-time signal, counted from either end.
fn named_realtime(name: &str) -> Option<i32> {
    let range = sys::realtime_signals()?;
    let signal = match name.split_at_checked(5)? {
        ("RTMIN", rest) => range.start().checked_add(distance(rest, '+')?)?,
        ("RTMAX", rest) => range.end().checked_sub(distance(rest, '-')?)?,
        _ => return None,
    };
    range.contains(&signal).then_some(signal)
}

/// How far from its end of the range: nothing, or the sign and a number.
fn distance(text: &str, sign: char) -> Option<i32> {
    if text.is_empty() {
        return Some(0);
    }
    number(text.strip_prefix(sign)?)
}

/// The highest number of a signal on this system.
fn highest() -> i32 {
    match sys::realtime_signals() {
        Some(range) => *range.end(),
        None => Named::iterator()
            .map(|named| named as i32)
            .max()
            .unwrap_or(0),
    }
}
