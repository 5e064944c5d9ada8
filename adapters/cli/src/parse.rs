//! Durations, ladders and limits, as people write them.

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use childminder::{Ladder, Signal, Stage, Target};
use childminder_unix::signals::{self, UnknownSignal};

/// A duration: `90`, `1.5`, `1e3`, `500ms`, `30s`, `10m`, `2h`, `1h30m`; a number without a unit is in seconds, and
/// stands alone; of several parts, each has a smaller unit than the one before. What is finer than a nanosecond
/// counts as one, what is longer than `Duration::MAX` as that.
///
/// ```
/// use childminder_cli::parse::duration;
/// use std::time::Duration;
///
/// assert_eq!(duration("1.5")?, Duration::from_millis(1500));
/// assert_eq!(duration("500ms")?, Duration::from_millis(500));
/// assert_eq!(duration("1h30m")?, Duration::from_secs(5400));
/// # Ok::<(), childminder_cli::parse::BadDuration>(())
/// ```
///
/// # Errors
///
/// [`BadDuration`] for anything else.
pub fn duration(text: &str) -> Result<Duration, BadDuration> {
    duration_in(&UNITS, text).ok_or_else(|| BadDuration {
        given: text.to_owned(),
    })
}

/// A duration in these units: their names and nanoseconds, the longest first.
pub(crate) fn duration_in(units: &[(&str, u128)], text: &str) -> Option<Duration> {
    let (number, rest) = split_number(text);
    if rest.is_empty() {
        return Some(from_nanos(times(number, NANOS_PER_SECOND)?));
    }
    let (mut units, mut text, mut sum) = (units, text, 0_u128);
    while !text.is_empty() {
        let (number, rest) = split_number(text);
        let end = rest.find(|c: char| !c.is_ascii_alphabetic());
        let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let at = units.iter().position(|(unit, _)| *unit == name)?;
        sum = sum.saturating_add(times(number, units[at].1)?);
        (units, text) = (&units[at + 1..], rest);
    }
    Some(from_nanos(sum))
}

/// A ladder: stages of `SIGNAL:WAIT` with commas between, such as `INT:5s,TERM:5s,KILL`. Only the last
/// may go without a wait, and is then waited for as long as it takes; but KILL for ten seconds, since a process
/// that outlives that will not go. Every stage is sent to the process group.
///
/// ```
/// use childminder_cli::parse::ladder;
///
/// assert_eq!(ladder("INT:5s,TERM:5s,KILL")?.stages().count(), 3);
/// # Ok::<(), childminder_cli::parse::BadLadder>(())
/// ```
///
/// # Errors
///
/// [`BadLadder`], naming the stage.
pub fn ladder(text: &str) -> Result<Ladder, BadLadder> {
    let parts: Vec<&str> = text.split(',').collect();
    let mut stages = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let (name, wait) = match part.split_once(':') {
            Some((name, wait)) => (name, Some(duration(wait)?)),
            None => (*part, None),
        };
        let is_last = index + 1 == parts.len();
        if wait.is_none() && !is_last {
            return Err(BadLadder::NoWait {
                stage: (*part).to_owned(),
            });
        }
        let signal = signals::parse(name)?;
        stages.push(Stage {
            signal,
            target: Target::Group,
            wait: wait.or((signal == Signal::KILL).then_some(TO_BE_KILLED)),
        });
    }
    Ladder::new(&stages).map_err(|too_many| BadLadder::TooLong {
        given: too_many.given,
    })
}

/// A whole number of something.
pub(crate) fn count<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is no count: write a whole number, such as 10"))
}

/// An amount of memory in bytes: a number, and K, M, G or T for powers of 1024. It is rounded up.
///
/// ```
/// use childminder_cli::parse::size;
///
/// assert_eq!(size("1.5G"), Ok(1536 * 1024 * 1024));
/// ```
///
/// # Errors
///
/// A sentence for anything else, nothing and what no `u64` can hold included.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split_number(text);
    let unit = SIZES.iter().find(|(name, _)| *name == unit);
    unit.and_then(|(_, unit)| times(number, *unit))
        .and_then(|bytes| u64::try_from(bytes).ok())
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| format!("`{text}` is no size: write bytes, or a unit, such as 512M or 1.5G"))
}

/// A number of processors, a part of one included: at least 0.01, of which the kernel can tell no less.
///
/// # Errors
///
/// A sentence for anything else.
pub fn processors(text: &str) -> Result<f64, String> {
    let (number, rest) = split_number(text);
    let value: Option<f64> = number.parse().ok();
    value
        .filter(|value| rest.is_empty() && (0.01..=1e6).contains(value))
        .ok_or_else(|| {
            format!("`{text}` is no number of processors: write 2, or 0.5, at least 0.01")
        })
}

/// Exit statuses with commas between: `143`, `3,143`.
///
/// # Errors
///
/// A sentence that names what is none.
pub fn statuses(text: &str) -> Result<Statuses, String> {
    let status = |part: &str| {
        part.parse().map_err(|_| {
            format!("`{part}` is no exit status: write numbers up to 255, such as 3,143")
        })
    };
    text.split(',')
        .map(status)
        .collect::<Result<_, _>>()
        .map(Statuses)
}

/// Some exit statuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(Vec<u8>);

impl Statuses {
    /// Whether this is one of them.
    pub fn contains(&self, status: u8) -> bool {
        self.0.contains(&status)
    }
}

/// The ladder that `--signal` and `--grace` stand for: the signal, the grace, SIGKILL.
pub fn short_ladder(signal: Signal, grace: Duration) -> Ladder {
    let kill = Stage {
        signal: Signal::KILL,
        target: Target::Group,
        wait: Some(TO_BE_KILLED),
    };
    let polite = Stage {
        signal,
        wait: Some(grace),
        ..kill
    };
    if signal == Signal::KILL {
        Ladder::from([kill])
    } else {
        Ladder::from([polite, kill])
    }
}

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDuration {
    /// The text.
    pub given: String,
}

impl fmt::Display for BadDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no duration: write a number and a unit, such as 90, 1.5, 500ms, 30s, 10m or 1h30m",
            self.given
        )
    }
}

impl Error for BadDuration {}

/// A text that is no ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadLadder {
    /// A stage names no signal.
    Signal(UnknownSignal),
    /// A stage's wait is no duration.
    Wait(BadDuration),
    /// A stage that is not the last has no wait.
    NoWait {
        /// The stage.
        stage: String,
    },
    /// There are too many stages.
    TooLong {
        /// How many there are.
        given: usize,
    },
}

impl fmt::Display for BadLadder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal(error) => error.fmt(f),
            Self::Wait(error) => error.fmt(f),
            Self::NoWait { stage } => write!(
                f,
                "stage `{stage}` needs a wait before the next one, such as {stage}:5s"
            ),
            Self::TooLong { given } => write!(
                f,
                "{given} stages are too many: a ladder has at most {}",
                Ladder::MAX_STAGES
            ),
        }
    }
}

impl Error for BadLadder {}

impl From<UnknownSignal> for BadLadder {
    fn from(error: UnknownSignal) -> Self {
        Self::Signal(error)
    }
}

impl From<BadDuration> for BadLadder {
    fn from(error: BadDuration) -> Self {
        Self::Wait(error)
    }
}

/// The number at the beginning, with its exponent, and the rest.
fn split_number(text: &str) -> (&str, &str) {
    let is_digit = |c: char| c.is_ascii_digit();
    let rest = text.trim_start_matches(|c| is_digit(c) || c == '.');
    let exponent = rest.strip_prefix(['e', 'E']);
    let exponent = exponent.map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
    let rest = match exponent {
        Some(exponent) if exponent.starts_with(is_digit) => exponent.trim_start_matches(is_digit),
        _ => rest,
    };
    text.split_at(text.len() - rest.len())
}

/// A decimal number of units, rounded up to a whole one of what they are multiples of.
fn times(number: &str, unit: u128) -> Option<u128> {
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0 || fraction.contains('.') {
        return None;
    }
    let (whole, fraction) = if let Some(left) = exponent.strip_prefix('-') {
        let padded = format!("{}{whole}", "0".repeat(places(left)));
        let (whole, below) = padded.split_at(whole.len());
        (whole.to_owned(), format!("{below}{fraction}"))
    } else {
        let places = places(exponent.trim_start_matches('+'));
        let padded = format!("{fraction}{}", "0".repeat(places));
        let (above, fraction) = padded.split_at(places);
        (format!("{whole}{above}"), fraction.to_owned())
    };
    let known = whole_number(&whole).saturating_mul(unit);
    Some(known.saturating_add(part_of(unit, &fraction)))
}

/// How far an exponent moves the point; no further than matters.
fn places(exponent: &str) -> usize {
    exponent.parse().unwrap_or(FARTHEST).min(FARTHEST)
}

fn whole_number(digits: &str) -> u128 {
    digits.bytes().fold(0_u128, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u128::from(digit - b'0'))
    })
}

/// `0.fraction` of a unit, rounded up: from the last digit to the first, where to round up each
/// tenth is to round up the whole.
fn part_of(unit: u128, fraction: &str) -> u128 {
    fraction.bytes().rev().fold(0, |below, digit| {
        (unit * u128::from(digit - b'0') + below).div_ceil(10)
    })
}

fn from_nanos(nanos: u128) -> Duration {
    match u64::try_from(nanos / NANOS_PER_SECOND) {
        Ok(seconds) => Duration::new(seconds, (nanos % NANOS_PER_SECOND) as u32),
        Err(_) => Duration::MAX,
    }
}

/// How long it may take to die of SIGKILL.
const TO_BE_KILLED: Duration = Duration::from_secs(10);

pub(crate) const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// An exponent beyond makes nothing, or too much, of any number that fits in an argument.
const FARTHEST: usize = 200_000;

const UNITS: [(&str, u128); 7] = [
    ("d", 86_400 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const SIZES: [(&str, u128); 5] = [
    ("", 1),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("T", 1 << 40),
];
