//! Reading, line by line and run by run.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

use crate::decode;
use crate::encode::VERSION;
use crate::fields::{Misshapen, Wrong, write_fault};
use crate::json::Json;
use crate::run::{Run, Step};

/// Reads the runs of a record, one at a time: a record may be longer than memory, a run may not.
///
/// A run comes when the next header has been read. Of runs that overlap, which have numbers, each
/// comes when it has finished; those that never did come at the end, in the order of their numbers.
///
/// It is strict: what is not of the format is an error, after which nothing more is read.
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
    input: R,
    bytes: Vec<u8>,
    line: u64,
    /// The runs whose header has been read, and not yet all their steps, by their number. At most one
    /// has none.
    open: BTreeMap<Option<u64>, Run>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NothingRead,
    Reading,
    /// All lines have been read, but runs may be left to give.
    AtEnd,
    Over,
}

impl<R: BufRead> Reader<R> {
    /// Reads from `input`.
    pub fn new(input: R) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            line: 0,
            open: BTreeMap::new(),
            state: State::NothingRead,
        }
    }

    /// The next run that is complete.
    fn run(&mut self) -> Result<Option<Run>, Fault> {
        while self.state != State::AtEnd {
            let Some(json) = self.json()? else { break };
            let complete = match part(&json, self.line)? {
                Part::Header(run) => {
                    self.state = State::Reading;
                    self.open.insert(run.number, run)
                }
                Part::Step(number, step) => self.add(number, step)?,
            };
            if complete.is_some() {
                return Ok(complete);
            }
        }
        if self.state == State::NothingRead {
            self.line = self.line.max(1);
            return Err(Fault::Empty);
        }
        self.state = State::AtEnd;
        Ok(self.open.pop_first().map(|(_, run)| run))
    }

    /// Puts the step to its run; gives the run if that is complete now.
    fn add(&mut self, number: Option<u64>, step: Step) -> Result<Option<Run>, Fault> {
        let run = self.open.get_mut(&number).ok_or(match number {
            Some(number) => Fault::StepOfNoRun { number },
            None => Fault::StepBeforeHeader,
        })?;
        run.steps.push(step);
        if number.is_some() && run.has_finished() {
            return Ok(self.open.remove(&number));
        }
        Ok(None)
    }

    /// The next line that is not blank.
    fn json(&mut self) -> Result<Option<Json>, Fault> {
        loop {
            self.bytes.clear();
            self.line += 1;
            if self.input.read_until(b'\n', &mut self.bytes)? == 0 {
                self.line -= 1;
                return Ok(None);
            }
            let text = str::from_utf8(&self.bytes).map_err(|error| Fault::NotUtf8 {
                column: error.valid_up_to() + 1,
            })?;
            if !text.trim_ascii().is_empty() {
                return serde_json::from_str(text).map(Some).map_err(not_json);
            }
        }
    }
}

/// The runs. The first error is the last item.
impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Run, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Over {
            return None;
        }
        self.run()
            .map_err(|fault| {
                self.state = State::Over;
                let line = self.line;
                ReadError { line, fault }
            })
            .transpose()
    }
}

enum Part {
    Header(Run),
    Step(Option<u64>, Step),
}

fn part(json: &Json, line: u64) -> Result<Part, Fault> {
    let Some(version) = decode::version(json)? else {
        let (number, step) = decode::step(json, line)?;
        return Ok(Part::Step(number, step));
    };
    if *version != Json::from(VERSION) {
        return Err(Fault::Version {
            found: version.to_string(),
        });
    }
    Ok(Part::Header(decode::header(json, line)?))
}

/// A record could not be read.
#[derive(Debug)]
pub struct ReadError {
    /// The line at fault, counted from 1.
    pub line: u64,
    /// What was wrong with it.
    pub fault: Fault,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.fault)
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Io(error) => Some(error),
            _ => None,
        }
    }
}

/// What is wrong with a line.
#[derive(Debug)]
pub enum Fault {
    /// It could not be read.
    Io(io::Error),
    /// It is not UTF-8.
    NotUtf8 {
        /// The first byte that is not, counted from 1.
        column: usize,
    },
    /// It is not JSON.
    NotJson {
        /// Where, in bytes counted from 1.
        column: usize,
        /// Why.
        reason: String,
    },
    /// There is no record: no line but blank ones.
    Empty,
    /// It is a step, and no header came before it.
    StepBeforeHeader,
    /// It is a step of a numbered run that has no header, or has finished.
    StepOfNoRun {
        /// The number.
        number: u64,
    },
    /// It is the header of another version of the format.
    Version {
        /// What the header says.
        found: String,
    },
    /// It is JSON, but not of the format.
    Form {
        /// Where in the line, such as `config.ladder[1].signal`; empty is the line as a whole.
        path: String,
        /// What is wrong there.
        wrong: Wrong,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "cannot be read: {error}"),
            Self::NotUtf8 { column } => write!(
                f,
                "not UTF-8 from byte {column} on; a record is JSON lines in UTF-8"
            ),
            Self::NotJson { column, reason } => write!(
                f,
                "not JSON at byte {column}: {reason}; a line must be one whole JSON object"
            ),
            Self::Empty => f.write_str("the record is empty; it must begin with a header"),
            Self::StepBeforeHeader => f.write_str(
                "a step before any header; a run must begin with its header, which has `flight_record`",
            ),
            Self::StepOfNoRun { number } => write!(
                f,
                "a step of run {number}, which is not open; a run begins with its header and ends with `finish`"
            ),
            Self::Version { found } => write!(
                f,
                "version {found} of the flight record; only version {VERSION} can be read"
            ),
            Self::Form { path, wrong } => write_fault(f, path, wrong),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Misshapen> for Fault {
    fn from(Misshapen { path, wrong }: Misshapen) -> Self {
        Self::Form { path, wrong }
    }
}

/// No `From`: it would make `serde_json` a part of our API.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn not_json(error: serde_json::Error) -> Fault {
    let sentence = error.to_string();
    let reason = match sentence.split_once(" at line ") {
        _ if error.is_eof() => "the line ends too early",
        Some((reason, _)) => reason,
        None => &sentence,
    };
    Fault::NotJson {
        column: error.column(),
        reason: reason.to_owned(),
    }
}
