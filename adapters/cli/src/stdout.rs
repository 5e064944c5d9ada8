//! Our standard output, where what we have to show goes: to a terminal, a file or another program.

use std::io::{self, Write};

use rustix::termios::{isatty, tcgetwinsize};

use crate::failure::Failure;

/// Writes this text, without its colours where they are not wanted: anywhere but on a terminal, and where `NO_COLOR` or
/// `TERM=dumb` says so. A reader that has left is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    written(anstream::stdout().lock().write_all(text.as_bytes()))
}

/// What came of writing there.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::ours(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// The width of the terminal that shows it, if one does.
pub(crate) fn columns() -> Option<usize> {
    let stdout = rustix::stdio::stdout();
    let size = tcgetwinsize(stdout).ok().filter(|_| isatty(stdout))?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}
