//! `childminder replay`.

use std::fs::File;
use std::io::{self, BufReader};
use std::iter::once;
use std::path::{Path, PathBuf};

use childminder_record::{Reader, Run, Summary};

use crate::failure::Failure;
use crate::status::OURS;
use crate::words::complain;

/// Replays the records, and prints the first differences and the count. A file that is no record
/// does not keep the others from being replayed.
pub(crate) fn replay(files: &[PathBuf]) -> Result<u8, Failure> {
    let mut out = io::stdout().lock();
    let mut summary = Summary::default();
    let mut unreadable = false;
    for file in files {
        for run in runs(file) {
            match run {
                Ok(run) => {
                    if let Some(difference) = summary.replay(&run)
                        && summary.differences <= MOST_SHOWN
                    {
                        say(&mut out, &format!("{}: {difference}", file.display()))?;
                    }
                }
                Err(message) => {
                    complain(&message);
                    unreadable = true;
                }
            }
        }
    }
    say(&mut out, &summary.to_string())?;
    Ok(if unreadable {
        OURS
    } else {
        u8::from(summary.differences > 0)
    })
}

/// The runs in this file; a sentence about it, at last, if it is no record.
fn runs(file: &Path) -> Box<dyn Iterator<Item = Result<Run, String>> + '_> {
    let shown = file.display();
    match File::open(file) {
        Ok(input) => Box::new(
            Reader::new(BufReader::new(input))
                .map(move |run| run.map_err(|error| format!("{shown}: {error}"))),
        ),
        Err(error) => Box::new(once(Err(format!("cannot read {shown}: {error}")))),
    }
}

fn say(out: &mut impl io::Write, text: &str) -> Result<(), Failure> {
    match writeln!(out, "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::ours(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// How many differences are shown; the count is of all.
const MOST_SHOWN: u64 = 10;
