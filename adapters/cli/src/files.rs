//! The files that `run` writes, and what none of them may be.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use childminder::Stream;
use rustix::fs::{Stat, fstat, stat};

use crate::failure::Failure;
use crate::flight_record::FlightRecord;
use crate::plan::Plan;
use crate::report_file::ReportFile;
use crate::streams::{is_our_input, is_same, stream_to};
use crate::words::reason;

/// The flight record, begun, and where the report goes: before the command is run, so that a mistake costs nothing.
/// One that is refused changes no file.
pub(crate) fn open(plan: &Plan) -> Result<(FlightRecord, ReportFile), Failure> {
    let Some(path) = &plan.record else {
        let report = report(plan.report.as_deref(), None)?;
        return Ok((FlightRecord::default(), report));
    };
    if path == Path::new("-") {
        return Err(Failure::ours(
            "--record - would mix the record into standard output, which is the command's: name a file".to_owned(),
        ));
    }
    let record = RecordFile::open(path)?;
    match report(plan.report.as_deref(), record.stat.as_ref()) {
        Ok(report) => Ok((record.begin(plan)?, report)),
        Err(failure) => {
            record.undo();
            Err(failure)
        }
    }
}

/// The words for a file that cannot be written.
pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::ours(format!(
        "cannot write {}: {}",
        path.display(),
        reason(error)
    ))
}

fn report(path: Option<&Path>, record: Option<&Stat>) -> Result<ReportFile, Failure> {
    let Some(path) = path else {
        return Ok(ReportFile::Nowhere);
    };
    if path == Path::new("-") {
        return Ok(ReportFile::Stream(Stream::Stdout));
    }
    let there = stat(path).ok().filter(|there| !is_null(there));
    if let (Some(there), Some(record)) = (&there, record)
        && is_same(there, record)
    {
        return Err(one_file("--record", "--report", path));
    }
    if let Some(stream) = there.as_ref().and_then(stream_to) {
        return Ok(ReportFile::Stream(stream));
    }
    if there.as_ref().is_some_and(is_our_input) {
        return Err(one_file("--report", "standard input", path));
    }
    ReportFile::open(path).map_err(|error| cannot_write(path, &error))
}

/// The file of a record, as it was.
struct RecordFile<'a> {
    path: &'a Path,
    file: File,
    is_new: bool,
    /// Which file that is; `None` for the null device, which everything may share.
    stat: Option<Stat>,
}

impl<'a> RecordFile<'a> {
    fn open(path: &'a Path) -> Result<Self, Failure> {
        let is_new = fs::metadata(path).is_err();
        let opened = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .and_then(|file| Ok((fstat(&file)?, file)));
        let (stat, file) = opened.map_err(|error| cannot_write(path, &error))?;
        let record = Self {
            path,
            file,
            is_new,
            stat: (!is_null(&stat)).then_some(stat),
        };
        let name = record.stat.as_ref().and_then(|stat| match stream_to(stat) {
            Some(Stream::Stdout) => Some("standard output"),
            Some(Stream::Stderr) => Some("standard error"),
            None => is_our_input(stat).then_some("standard input"),
        });
        match name {
            Some(name) => Err(one_file("--record", name, path)),
            None => Ok(record),
        }
    }

    fn begin(self, plan: &Plan) -> Result<FlightRecord, Failure> {
        let is_regular = self.file.metadata().is_ok_and(|file| file.is_file());
        let emptied = if is_regular {
            self.file.set_len(0)
        } else {
            Ok(())
        };
        emptied
            .and_then(|()| FlightRecord::begin(self.file, &plan.words().join(" "), &plan.config))
            .map_err(|error| cannot_write(self.path, &error))
    }

    /// What is refused leaves nothing behind.
    fn undo(self) {
        if self.is_new {
            // It was not there a moment ago; a link to it was perhaps.
            let _ = fs::canonicalize(self.path).and_then(fs::remove_file);
        }
    }
}

fn one_file(one: &str, other: &str, path: &Path) -> Failure {
    Failure::ours(format!(
        "{one} and {other} are one file, {}: give each a file of its own",
        path.display()
    ))
}

/// Whether this is the null device, where nothing gets into the way of anything.
fn is_null(file: &Stat) -> bool {
    stat("/dev/null").is_ok_and(|null| is_same(&null, file))
}
