//! How we put things to people.

use std::io::{self, Write as _};
use std::time::Duration;

use childminder::Stream;
use childminder_unix::Usage;

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

/// With two decimals.
pub(crate) fn seconds(span: Duration) -> String {
    format!("{:.2}s", span.as_secs_f64())
}
