//! `childminder replay`.

use std::io::{self, BufRead};
use std::path::PathBuf;

use childminder_record::{Finding, Replay, Summary};

use crate::display;
use crate::failure::Failure;
use crate::input;
use crate::status::OURS;
use crate::words::complain;

/// Replays the records, and prints the first differences and the count. A file that is no record
/// does not keep the others from being replayed.
///
/// A record that ends early is replayed as far as it goes, and that is said on standard error. It is no difference,
/// so it does not change the status.
pub(crate) fn replay(files: &[PathBuf]) -> Result<u8, Failure> {
    let mut player = Player {
        out: io::stdout().lock(),
        summary: Summary::default(),
        cut_short: 0,
        is_unreadable: false,
    };
    for file in files {
        match input::open(file) {
            Ok((name, input)) => player.replay(&name, input)?,
            Err(why) => player.cannot_read(&why),
        }
    }
    player.end()
}

struct Player<W> {
    out: W,
    summary: Summary,
    /// How many runs were cut short.
    cut_short: u64,
    is_unreadable: bool,
}

impl<W: io::Write> Player<W> {
    fn replay(&mut self, file: &str, input: impl BufRead) -> Result<(), Failure> {
        let mut replay = Replay::new(input);
        let before = self.summary.differences;
        while let Some(found) = replay.next() {
            match found {
                Ok(Finding::Difference(difference)) => {
                    if before + replay.summary().differences <= MOST_SHOWN {
                        self.say(&format!("{file}: {difference}"))?;
                    }
                }
                Ok(Finding::CutShort(cut)) => {
                    self.cut_short += 1;
                    if self.cut_short <= MOST_SHOWN {
                        complain(&format!("{file}: {cut}"));
                    }
                }
                Err(error) => self.cannot_read(&format!("{file}: {error}")),
            }
        }
        self.summary += replay.summary();
        Ok(())
    }

    fn cannot_read(&mut self, message: &str) {
        complain(message);
        self.is_unreadable = true;
    }

    fn end(mut self) -> Result<u8, Failure> {
        if let Some(more @ 1..) = self.cut_short.checked_sub(MOST_SHOWN) {
            complain(&format!("{more} more records of runs are cut short"));
        }
        self.say(&self.summary.to_string())?;
        Ok(if self.is_unreadable {
            OURS
        } else {
            u8::from(self.summary.differences > 0)
        })
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        display::written(writeln!(self.out, "{text}"))
    }
}

/// How many differences are shown, and how many records that are cut short; the count is of all.
const MOST_SHOWN: u64 = 10;
