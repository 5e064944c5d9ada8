//! The files that `run` writes: the flight record and the report.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use childminder::Stream;
use childminder_record::Recorder;

use crate::console::Console;
use crate::failure::Failure;
use crate::owner::FlightRecord;
use crate::plan::Plan;
use crate::streams;

/// The flight record that is asked for, begun.
pub(crate) fn flight_record(plan: &Plan) -> Result<FlightRecord, Failure> {
    let Some(path) = &plan.record else {
        return Ok(FlightRecord::default());
    };
    let recorder = Recorder::new(create(path)?, &plan.words().join(" "), &plan.config);
    match recorder {
        Ok(recorder) => Ok(FlightRecord::new(recorder)),
        Err(error) => Err(cannot_write(path, &error)),
    }
}

/// Where the report goes; opened before the command is run, so that a mistake costs nothing.
pub(crate) enum ReportFile {
    Nowhere,
    /// Behind what the command writes there.
    Stream(Stream),
    File(File),
}

impl ReportFile {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        match path {
            None => Ok(Self::Nowhere),
            Some(path) if path == Path::new("-") => Ok(Self::Stream(Stream::Stdout)),
            Some(path) => match streams::stream_of(path) {
                Some(stream) => Ok(Self::Stream(stream)),
                None => create(path).map(Self::File),
            },
        }
    }

    pub(crate) fn write(&self, json: &str, console: &mut Console) -> io::Result<()> {
        let Self::Stream(stream) = self else {
            return self.write_at_once(json);
        };
        console.write_report(*stream, json);
        Ok(())
    }

    /// Without a console.
    pub(crate) fn write_at_once(&self, json: &str) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Stream(Stream::Stdout) => io::stdout().write_all(json.as_bytes()),
            Self::Stream(Stream::Stderr) => io::stderr().write_all(json.as_bytes()),
            Self::File(file) => (&*file).write_all(json.as_bytes()),
        }
    }

    /// The words for a report that could not be written.
    pub(crate) fn cannot_write(error: &io::Error) -> String {
        format!("cannot write the report: {error}")
    }
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::ours(format!("cannot write {}: {error}", path.display()))
}
