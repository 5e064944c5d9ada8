//! `childminder report`: many reports as one digest.
//!
//! The first to fail is the one that failed first of those that failed by themselves, by their hosts' clocks as they are.
//! A command that childminder was asked to end is no cause but a consequence: when one task of many fails, its launcher
//! ends the others so.

mod facts;
mod input;
mod json;
mod missing;
mod tally;
mod text;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use rustix::termios::{isatty, tcgetwinsize};

use self::tally::Tally;
use crate::failure::Failure;
use crate::status::OURS;
use crate::words::{complain, printable};

/// For whom the digest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Person,
    Program,
}

/// Reads the reports and prints the digest. What is no report is said, and does not keep the others from being read.
pub(crate) fn digest(files: &[PathBuf], reader: Reader) -> Result<u8, Failure> {
    let mut tally = Tally::default();
    let mut unreadable: usize = 0;
    let files = input::read(files, |found| match found {
        Ok((name, report)) => tally.add(name, report),
        Err(why) => {
            unreadable += 1;
            if unreadable <= MOST_COMPLAINTS {
                complain(&printable(&why));
            }
        }
    });
    if let Some(more @ 1..) = unreadable.checked_sub(MOST_COMPLAINTS) {
        complain(&format!("{more} more are no reports"));
    }
    let digest = tally.digest(missing::missing(&files), unreadable);
    let written = match reader {
        Reader::Program => json::write(&digest, BufWriter::new(io::stdout().lock())),
        Reader::Person => {
            // It takes the colours out where they do not belong.
            let mut stdout = anstream::stdout().lock();
            stdout.write_all(text::text(&digest, columns()).as_bytes())
        }
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::ours(format!(
            "cannot write to standard output: {error}"
        ))),
        _ if unreadable > 0 => Ok(OURS),
        _ => Ok(u8::from(digest.failed() > 0)),
    }
}

/// The width of the terminal that shows it, if one does.
fn columns() -> Option<usize> {
    let stdout = rustix::stdio::stdout();
    let size = tcgetwinsize(stdout).ok().filter(|_| isatty(stdout))?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// How much that is no report is named; all of it is counted.
const MOST_COMPLAINTS: usize = 10;
