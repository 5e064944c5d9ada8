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

/// A name as it can stand in a line: control characters are escaped.
pub(crate) fn printable(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    for char in name.chars() {
        if char.is_control() {
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
    let mebibytes = usage.peak_memory.div_ceil(1024 * 1024);
    let (user, system) = (seconds(usage.user), seconds(usage.system));
    format!("used {user} user, {system} system, {mebibytes} MiB")
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

/// An amount of memory or output, to two digits or more.
pub(crate) fn amount(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let Some(power) = (1..=units.len())
        .rev()
        .find(|power| bytes >> (10 * power) > 0)
    else {
        return format!("{bytes} B");
    };
    let tenths = (u128::from(bytes) * 10) >> (10 * power);
    let unit = units[power - 1];
    match (tenths / 10, tenths % 10) {
        (whole @ ..10, tenths) => format!("{whole}.{tenths} {unit}"),
        (whole, _) => format!("{whole} {unit}"),
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

/// In the two greatest of its units.
pub(crate) fn brief(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..60 => format!("{seconds}.{:02}s", span.subsec_millis() / 10),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// A few more than any way to run a command takes, the three standard streams included.
const DESCRIPTORS: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_two_digits_or_more() {
        for (bytes, words) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10 * 1024 - 1, "9.9 KiB"),
            (10 * 1024, "10 KiB"),
            ((1 << 20) - 1, "1023 KiB"),
            (5 << 29, "2.5 GiB"),
            (u64::MAX, "15 EiB"),
        ] {
            assert_eq!(amount(bytes), words);
        }
    }

    #[test]
    fn a_brief_span_has_two_units() {
        for (millis, words) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1.00s"),
            (59_999, "59.99s"),
            (60_000, "1m00s"),
            (3_599_999, "59m59s"),
            (3_600_000, "1h00m"),
            (86_399_999, "23h59m"),
            (86_400_000, "1d00h"),
        ] {
            assert_eq!(brief(Duration::from_millis(millis)), words);
        }
    }
}
