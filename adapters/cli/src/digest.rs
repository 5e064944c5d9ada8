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

use std::io::{self, BufWriter};

use self::tally::Tally;
use crate::args::ReportArgs;
use crate::display;
use crate::failure::Failure;
use crate::status::OURS;
use crate::words::{complain, printable};

/// Reads the reports and prints the digest. What is no report is said, and does not keep the others from being read.
pub(crate) fn digest(args: &ReportArgs) -> Result<u8, Failure> {
    let mut tally = Tally::default();
    let mut unreadable: usize = 0;
    let files = input::read(&args.files, |found| match found {
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
    if args.json {
        let out = BufWriter::new(io::stdout().lock());
        display::written(json::write(&digest, out))?;
    } else {
        let columns = display::columns(io::stdout());
        display::print(&text::text(&digest, columns))?;
    }
    Ok(if unreadable > 0 {
        OURS
    } else {
        u8::from(digest.failed() > 0)
    })
}

/// How much that is no report is named; all of it is counted.
const MOST_COMPLAINTS: usize = 10;
