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

/// What makes the text behind it run the other way.
const DIRECTIONS: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// A few more than any way to run a command takes, the three standard streams included.
const DESCRIPTORS: u32 = 32;
