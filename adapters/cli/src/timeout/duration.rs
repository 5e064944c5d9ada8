//! Durations as `strtod(3)` and a unit write them.

use std::time::Duration;

/// A number as C writes it (`5`, `.5`, `1e-3`, `0x1p-4`, `inf`), and at most one of `s`, `m`, `h` and `d`.
/// What is not zero is at least a nanosecond; what is too long is `Duration::MAX`.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r']);
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        // The `d` of a hexadecimal number is a digit, unless an exponent came before it.
        Some(_) if is_hex(text) && text.ends_with('d') && !text.contains(['p', 'P']) => (text, 1.0),
        Some(number) => (number, seconds_of(text.as_bytes()[number.len()])),
        None => (text, 1.0),
    };
    let negative = number.starts_with('-');
    let magnitude = number.strip_prefix(['+', '-']).unwrap_or(number);
    let value = if is_hex(magnitude) {
        hex(&magnitude[2..])?
    } else {
        decimal(magnitude)?
    };
    let is_zero = !has_digit_but_zero(magnitude);
    if negative && !is_zero {
        return None;
    }
    if is_zero {
        return Some(Duration::ZERO);
    }
    let seconds = value * unit;
    let rounded = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    Some(rounded.max(Duration::from_nanos(1)))
}

fn is_hex(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    text.starts_with("0x") || text.starts_with("0X")
}

/// Whether the number is not nought, however small.
fn has_digit_but_zero(magnitude: &str) -> bool {
    let (digits, exponent) = if is_hex(magnitude) {
        (&magnitude[2..], ['p', 'P'])
    } else {
        (magnitude, ['e', 'E'])
    };
    let digits = digits.split(exponent).next().unwrap_or_default();
    digits.starts_with(['i', 'I']) || digits.bytes().any(|byte| byte != b'0' && byte != b'.')
}

fn decimal(text: &str) -> Option<f64> {
    let starts = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | 'i' | 'I'));
    starts.then(|| text.parse().ok()).flatten()
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
