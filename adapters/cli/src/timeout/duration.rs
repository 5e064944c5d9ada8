//! Durations as `strtod(3)` and a unit write them.

use std::time::Duration;

use crate::parse::{NANOS_PER_SECOND, duration_in};

/// A number as C writes it (`5`, `.5`, `1e-3`, `0x1p-4`, `inf`), and at most one of `s`, `m`, `h` and `d`; or, as
/// coreutils' does not take it, several decimal numbers with units (`1h30m`). What is not zero is at least a
/// nanosecond; what is too long is `Duration::MAX`.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let magnitude = text.strip_prefix(['+', '-']).unwrap_or(text);
    let duration = match magnitude.get(..2) {
        Some("0x" | "0X") => hexadecimal(&magnitude[2..])?,
        _ if is_infinite(magnitude) => Duration::MAX,
        _ => duration_in(&UNITS, magnitude)?,
    };
    (duration.is_zero() || !text.starts_with('-')).then_some(duration)
}

fn is_infinite(text: &str) -> bool {
    let number = text.strip_suffix(UNIT_NAMES).unwrap_or(text);
    ["inf", "infinity"]
        .iter()
        .any(|name| number.eq_ignore_ascii_case(name))
}

/// What follows `0x`, with its unit.
fn hexadecimal(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix(UNIT_NAMES) {
        // Without an exponent before it, `d` is a digit.
        Some(_) if text.ends_with('d') && !text.contains(['p', 'P']) => (text, 1.0),
        Some(number) => (number, seconds_of(text.as_bytes()[number.len()])),
        None => (text, 1.0),
    };
    let seconds = hex(number)? * unit;
    let digits = number.split(['p', 'P']).next().unwrap_or_default();
    if digits.bytes().all(|byte| byte == b'0' || byte == b'.') {
        return Some(Duration::ZERO);
    }
    let rounded = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    Some(rounded.max(Duration::from_nanos(1)))
}

/// What follows `0x`.
fn hex(text: &str) -> Option<f64> {
    let (digits, exponent) = match text.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent_of(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let places = i32::try_from(fraction.len()).ok()?;
    Some(value * 2_f64.powi(exponent.saturating_sub(places.saturating_mul(4))))
}

fn exponent_of(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let far = if text.starts_with('-') {
        -99_999
    } else {
        99_999
    };
    Some(text.parse().unwrap_or(far))
}

fn seconds_of(unit: u8) -> f64 {
    match unit {
        b'm' => 60.0,
        b'h' => 3600.0,
        b'd' => 86400.0,
        _ => 1.0,
    }
}

const UNIT_NAMES: [char; 4] = ['d', 'h', 'm', 's'];

const UNITS: [(&str, u128); 4] = [
    ("d", 86_400 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
];
