//! How what we show is shown: how wide, and in colour or not.

use std::io::{self, Write};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::failure::Failure;

/// Writes this text to our standard output, without its colours where they are not wanted: anywhere but on a terminal, and where `NO_COLOR` or
/// `TERM=dumb` says so. A reader that has left is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    written(anstream::stdout().lock().write_all(text.as_bytes()))
}

/// What came of writing to our standard output.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::ours(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// The width of this terminal, if it is one and says so.
pub(crate) fn columns(stream: impl AsFd) -> Option<usize> {
    let size = tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// As much of the beginning as there is room for.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut fitting = fitting(text.chars(), width);
    fitting.push(ELLIPSIS);
    fitting
}

/// As much of the end as there is room for.
pub(crate) fn cut_beginning(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut fitting = fitting(text.chars().rev(), width);
    fitting.push(ELLIPSIS);
    fitting.chars().rev().collect()
}

/// With spaces behind it, as wide as that.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.width());
    text.to_owned() + &" ".repeat(missing)
}

/// As many of these as leave room for one more.
fn fitting(chars: impl Iterator<Item = char>, width: usize) -> String {
    let mut left = width.saturating_sub(1);
    chars
        .take_while(|char| {
            let needed = char.width().unwrap_or(0);
            let fits = needed <= left;
            left = left.saturating_sub(needed);
            fits
        })
        .collect()
}

const ELLIPSIS: char = '…';
