//! How we put things to people.

use std::io::{self, Write as _};
use std::time::Duration;

use childminder::Stream;
use childminder_unix::Usage;
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// Says a line on standard error. With that gone there is nobody left to tell.
pub(crate) fn complain(message: &str) {
    let _ = io::stderr().write_all(line(message).as_bytes());
}

/// The line that says this.
pub(crate) fn line(message: &str) -> String {
    format!("childminder: {message}\n")
}

/// A name as it can stand in a line: control characters are escaped, and those that change the direction of writing.
pub(crate) fn printable(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for char in name.chars() {
        if char.is_control() || DIRECTIONS.contains(&char) {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    shown
}

/// What an error says; and, where we may open too few files, how many it takes.
pub(crate) fn reason(error: &io::Error) -> String {
    if Errno::from_io_error(error) != Some(Errno::MFILE) {
        return error.to_string();
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    format!(
        "too many open files: childminder needs about {DESCRIPTORS} descriptors (`ulimit -n` is {limit})"
    )
}

/// What is lost by this failure of one of our streams. A reader that has left has lost nothing.
pub(crate) fn loss(stream: Stream, failure: &io::Error) -> Option<String> {
    let name = match stream {
        Stream::Stdout => "standard output",
        Stream::Stderr => "standard error",
    };
    (failure.kind() != io::ErrorKind::BrokenPipe)
        .then(|| format!("cannot write to {name}: {failure}"))
}

/// What the command used.
pub(crate) fn used(usage: &Usage) -> String {
    let (user, system) = (seconds(usage.user), seconds(usage.system));
    let memory = memory(usage.peak_memory);
    format!("used {user} user, {system} system, {memory}")
}

/// So many bytes of memory.
pub(crate) fn memory(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1024 * 1024))
}

/// As `--memory` takes it.
pub(crate) fn size(bytes: u64) -> String {
    let units = [
        (1 << 40, "T"),
        (1 << 30, "G"),
        (1 << 20, "M"),
        (1 << 10, "K"),
    ];
    let whole = units.iter().find(|(unit, _)| bytes.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes} bytes"),
    }
}

/// Whether a program wrote this for people to read, perhaps in colour.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    let is_control = |byte: &u8| byte.is_ascii_control() && !b"\t\x07\x08\x1b".contains(byte);
    let unreadable: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    // A few are of another encoding, or of a character that was cut.
    !bytes.iter().any(is_control) && unreadable * 4 <= bytes.len()
}

/// With two decimals.
pub(crate) fn seconds(span: Duration) -> String {
    format!("{:.2}s", span.as_secs_f64())
}

/// As many nanoseconds as there are, or as can be told.
pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A length of time, to three digits: `7ns`, `12.3ms`, `1m05s`, `2d03h`.
pub(crate) fn span(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    let two = |count: u64, unit: &str, rest: u64, rest_unit: &str| match rest {
        0 => format!("{count}{unit}"),
        _ => format!("{count}{unit}{rest:02}{rest_unit}"),
    };
    match seconds {
        0 if nanos == 0 => "0s".to_owned(),
        0 if nanos < 1_000 => format!("{nanos}ns"),
        0 if nanos < 1_000_000 => digits(nanos, 1_000, "µs"),
        0 => digits(nanos, 1_000_000, "ms"),
        1..60 => digits(nanos, 1_000_000_000, "s"),
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds / 60 % 60, "m"),
        _ => two(seconds / 86_400, "d", seconds / 3_600 % 24, "h"),
    }
}

/// A number of bytes, to three digits.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => digits(count, 1_000, " kB"),
        1_000_000..1_000_000_000 => digits(count, 1_000_000, " MB"),
        _ => digits(count, 1_000_000_000, " GB"),
    }
}

fn digits(count: u64, unit: u64, name: &str) -> String {
    let whole = count / unit;
    let thousandths = u128::from(count % unit) * 1_000 / u128::from(unit);
    let decimals = format!("{thousandths:03}");
    let places = match whole {
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    let decimals = decimals[..places].trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{whole}{point}{decimals}{name}")
}

/// What makes the text behind it run the other way.
const DIRECTIONS: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// A few more than any way to run a command takes, the three standard streams included.
const DESCRIPTORS: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_three_digits_or_two_units() {
        for (nanos, words) in [
            (0, "0s"),
            (7, "7ns"),
            (12_345, "12.3µs"),
            (999_999_999, "999ms"),
            (1_000_000_000, "1s"),
            (1_234_000_000, "1.23s"),
            (59_999_999_999, "59.9s"),
            (60_000_000_000, "1m"),
            (3_599_999_999_999, "59m59s"),
            (3_660_000_000_000, "1h01m"),
            (u64::MAX, "213503d23h"),
        ] {
            assert_eq!(span(nanos), words);
        }
    }

    #[test]
    fn bytes_have_three_digits() {
        for (count, words) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 kB"),
            (12_345, "12.3 kB"),
            (5_240_000, "5.24 MB"),
            (123_456_789_000, "123 GB"),
        ] {
            assert_eq!(bytes(count), words);
        }
    }
}
