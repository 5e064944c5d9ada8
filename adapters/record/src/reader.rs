//! Reading whole runs.

use std::collections::BTreeMap;
use std::io::BufRead;

use crate::fault::{Fault, LONGEST_LINE, ReadError};
use crate::lines::{Line, Lines};
use crate::run::Run;

/// Reads the runs of a record, one at a time: a record may be longer than memory, a run may not. To
/// replay a record, [`Replay`](crate::Replay) needs neither in memory.
///
/// A run comes when the next header has been read. Of runs that overlap, which have numbers, each
/// comes when it has finished; those that never did come at the end, in the order of their numbers.
///
/// It is strict: what is not of the format is an error, after which nothing more is read. But a record
/// may end early, in the middle of its last line even: its runs are as long as what is there, and
/// [`Run::is_cut_short`] tells.
///
/// ```
/// use childminder_record::Reader;
///
/// let record = "{\"flight_record\":1,\"name\":\"example\",\"config\":{}}\n{\"at_ns\":-1}\n";
/// let error = Reader::new(record.as_bytes()).next().expect("a run").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "line 2: `at_ns` is -1; it must be a time in whole nanoseconds",
/// );
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    /// The runs whose header has been read, and not yet all their steps, by their number. At most one
    /// has none.
    open: BTreeMap<Option<u64>, Run>,
}

impl<R> Reader<R> {
    /// The longest line that is read, without its end, in bytes: 1 MiB.
    pub const LONGEST_LINE: u64 = LONGEST_LINE;
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input`.
    pub fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input),
            open: BTreeMap::new(),
        }
    }

    /// The next run that is complete.
    fn run(&mut self) -> Result<Option<Run>, Fault> {
        while let Some(line) = self.lines.next()? {
            let complete = match line {
                Line::Header(run) => self.open.insert(run.number, *run),
                Line::Step(number, step) => {
                    let run = self.open.get_mut(&number).ok_or(no_run(number))?;
                    run.steps
                        .last()
                        .map_or(Ok(()), |before| step.follows(before.at))?;
                    let is_over = number.is_some() && step.finishes();
                    run.steps.push(step);
                    is_over.then(|| self.open.remove(&number)).flatten()
                }
                Line::Stopped(number, at) => {
                    let mut run = self.open.remove(&number).ok_or(no_run(number))?;
                    run.stopped_at = Some(at);
                    Some(run)
                }
                Line::Torn => None,
            };
            if complete.is_some() {
                return Ok(complete);
            }
        }
        Ok(self.open.pop_first().map(|(_, run)| run))
    }
}

/// The runs. The first error is the last item.
impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Run, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let run = self.run().map_err(|fault| {
            self.open.clear();
            self.lines.error(fault)
        });
        run.transpose()
    }
}

/// A line of a run that is not open.
pub(crate) fn no_run(number: Option<u64>) -> Fault {
    match number {
        Some(number) => Fault::StepOfNoRun { number },
        None => Fault::StepBeforeHeader,
    }
}
