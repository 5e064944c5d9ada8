//! A record's lines, one at a time.

use std::io::{BufRead, Read as _};

use childminder::Instant;

use crate::decode;
use crate::encode::VERSION;
use crate::fault::{Fault, LONGEST_LINE, ReadError};
use crate::json::Json;
use crate::run::{Run, Step};

/// Reads the lines of a record. No more than one is held in memory.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    bytes: Vec<u8>,
    number: u64,
    has_read_header: bool,
    /// Nothing more is read: after the end, a torn line or an error.
    is_over: bool,
}

/// What a line says.
pub(crate) enum Line {
    /// A run begins; it has no steps yet.
    Header(Box<Run>),
    /// A step of the run of this number, or of the run that has none.
    Step(Option<u64>, Step),
    /// The record of the run of this number, or of the run that has none, was stopped at this time.
    Stopped(Option<u64>, Instant),
    /// The record ends in the middle of this line.
    Torn,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            bytes: Vec::new(),
            number: 0,
            has_read_header: false,
            is_over: false,
        }
    }

    /// The next line that is not blank; `None` at the end, and after an error.
    pub(crate) fn next(&mut self) -> Result<Option<Line>, Fault> {
        if self.is_over {
            return Ok(None);
        }
        let line = self.parsed();
        self.is_over = !matches!(&line, Ok(Some(line)) if !matches!(line, Line::Torn));
        line
    }

    fn parsed(&mut self) -> Result<Option<Line>, Fault> {
        let Some(text) = self.text()? else {
            return if self.has_read_header {
                Ok(None)
            } else {
                self.number = self.number.max(1);
                Err(Fault::Empty)
            };
        };
        let is_last = !text.ends_with('\n');
        let json = match serde_json::from_str(text.trim_end_matches('\n')) {
            Ok(json) => json,
            Err(error) if error.is_eof() && is_last && self.has_read_header => {
                return Ok(Some(Line::Torn));
            }
            Err(error) => return Err(not_json(&error)),
        };
        let line = line(&json, self.number)?;
        self.has_read_header |= matches!(line, Line::Header(_));
        Ok(Some(line))
    }

    /// The number of the latest line, counted from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// This fault of the latest line, after which nothing more is read.
    pub(crate) fn error(&mut self, fault: Fault) -> ReadError {
        self.is_over = true;
        ReadError {
            line: self.number,
            fault,
        }
    }

    /// The next line that is not blank, as text. A character that the end of the record has cut is left out.
    fn text(&mut self) -> Result<Option<&str>, Fault> {
        loop {
            self.bytes.clear();
            let mut limited = (&mut self.input).take(LONGEST_LINE + 1);
            let length = limited.read_until(b'\n', &mut self.bytes);
            self.number += 1;
            let length = length?;
            if length == 0 {
                self.number -= 1;
                return Ok(None);
            }
            if length as u64 > LONGEST_LINE && !self.bytes.ends_with(b"\n") {
                return Err(Fault::TooLong);
            }
            if !self.bytes.trim_ascii().is_empty() {
                break;
            }
        }
        match str::from_utf8(&self.bytes) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.error_len().is_none() && self.has_read_header => {
                let whole = &self.bytes[..error.valid_up_to()];
                Ok(Some(str::from_utf8(whole).unwrap_or_default()))
            }
            Err(error) => Err(Fault::NotUtf8 {
                column: error.valid_up_to() + 1,
            }),
        }
    }
}

fn line(json: &Json, number: u64) -> Result<Line, Fault> {
    if let Some(version) = decode::version(json)? {
        if *version != Json::from(VERSION) {
            return Err(Fault::Version {
                found: version.to_string(),
            });
        }
        let run = decode::header(json, number)?;
        return Ok(Line::Header(Box::new(run)));
    }
    if decode::is_stop(json)? {
        let (run, at) = decode::stop(json)?;
        return Ok(Line::Stopped(run, at));
    }
    let (run, step) = decode::step(json, number)?;
    Ok(Line::Step(run, step))
}

/// No `From`: it would make `serde_json` a part of our API.
fn not_json(error: &serde_json::Error) -> Fault {
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
