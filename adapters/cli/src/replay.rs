//! `childminder replay`.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use childminder_record::{Reader, Summary};

use crate::{OURS, Trouble, report};

/// Replays the records, and prints the first differences and the count.
pub(crate) fn replay(files: &[PathBuf]) -> Result<u8, Trouble> {
    let mut out = io::stdout().lock();
    let mut summary = Summary::default();
    let mut shown = 0;
    let mut status = 0;
    for file in files {
        let input = File::open(file).map_err(|error| cannot_read(file, &error))?;
        for run in Reader::new(BufReader::new(input)) {
            match run {
                Ok(run) => {
                    if let Some(difference) = summary.replay(&run)
                        && shown < MOST_SHOWN
                    {
                        shown += 1;
                        say(&mut out, &format!("{}: {difference}", file.display()))?;
                    }
                }
                Err(error) => {
                    report::complain(&format!("{}:{error}", file.display()));
                    status = OURS;
                    break;
                }
            }
        }
    }
    say(&mut out, &summary.to_string())?;
    Ok(if status == 0 {
        u8::from(summary.differences > 0)
    } else {
        status
    })
}

fn say(out: &mut impl io::Write, text: &str) -> Result<(), Trouble> {
    match writeln!(out, "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Trouble::ours(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

fn cannot_read(file: &Path, error: &io::Error) -> Trouble {
    Trouble::ours(format!("cannot read {}: {error}", file.display()))
}

/// How many differences are shown; the count is of all.
const MOST_SHOWN: usize = 10;
