//! The flight record of a run, written without ever waiting for its reader.

use std::fs::File;
use std::io;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use childminder::{Config, Instant, Moment};
use childminder_record::{Header, Recorded, Recorder};
use childminder_unix::{Flow, Relay};

use crate::beginning::Beginning;
use crate::words::seconds;

/// The flight record, if there is to be one.
#[derive(Debug, Default)]
pub(crate) struct FlightRecord {
    recorder: Option<Recorder<Sink>>,
    sink: Option<Sink>,
    start: Option<Instant>,
    unread_since: Option<Duration>,
}

/// A record that is complete, but perhaps not yet written.
pub(crate) struct Completed {
    sink: Sink,
    recorded: io::Result<Recorded>,
    /// When it stopped because it was not read, counted from the start.
    unread_since: Option<Duration>,
}

/// What there is to say of a record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RecordTrouble {
    /// It is as long as a record may be, and stopped before the run did.
    Limited(String),
    /// It could not be written.
    Failed(String),
}

impl FlightRecord {
    /// Begins it in this file, which is written to at once as long as there is no relay.
    pub(crate) fn begin(file: File, name: &str, config: &Config) -> io::Result<Self> {
        Self::limited(file, name, config, LONGEST)
    }

    fn limited(file: File, name: &str, config: &Config, bytes: u64) -> io::Result<Self> {
        let sink = Sink::new(file);
        let Beginning { host, time } = Beginning::new();
        let header = Header::new(name, config).on_host(&host).started_at(time);
        let recorder = Recorder::with_header(sink.clone(), header)?;
        Ok(Self {
            recorder: Some(recorder.limited(bytes)),
            sink: Some(sink),
            start: None,
            unread_since: None,
        })
    }

    /// From now on it is written by a relay, which is made by `relay`. That is given what to do with a failure.
    pub(crate) fn relay(
        &self,
        relay: impl FnOnce(&File, OnFailure) -> io::Result<Relay>,
    ) -> io::Result<()> {
        let Some(Sink(shared)) = &self.sink else {
            return Ok(());
        };
        let failure = Arc::clone(&shared.failure);
        let on_failure = move |error| *lock(&failure) = Some(error);
        let relay = relay(&shared.file, Box::new(on_failure))?;
        // There is none yet.
        let _ = shared.relay.set(relay);
        Ok(())
    }

    pub(crate) fn take(&mut self, at: Instant, moment: Moment) {
        let (Some(recorder), Some(sink)) = (&mut self.recorder, &self.sink) else {
            return;
        };
        if let Err(error) = recorder.moment(at, moment) {
            sink.failed(error);
        }
        let start = *self.start.get_or_insert(at);
        if self.unread_since.is_none() && sink.unwritten() > MOST_UNWRITTEN {
            self.unread_since = Some(at.since(start));
            if let Err(error) = recorder.stop() {
                sink.failed(error);
            }
        }
    }

    /// Completes it.
    pub(crate) fn finish(&mut self) -> Option<Completed> {
        let recorder = self.recorder.take()?;
        Some(Completed {
            recorded: recorder.finish(),
            sink: self.sink.take()?,
            unread_since: self.unread_since,
        })
    }
}

impl Completed {
    /// By what it is being written.
    pub(crate) fn relay(&self) -> Option<&Relay> {
        self.sink.0.relay.get()
    }

    /// What came of it, once the relay is done or has given up, which lost this.
    pub(crate) fn trouble(self, given_up: Option<io::Error>) -> Option<RecordTrouble> {
        let failure = self.sink.take_failure().or(given_up);
        let (recorded, failure) = match self.recorded {
            Ok(recorded) => (recorded, failure),
            Err(error) => (Recorded::Whole, failure.or(Some(error))),
        };
        let failed = match (self.unread_since, failure) {
            (Some(at), _) => Some(format!(
                "the flight record stopped at {}: its last {} MiB were not read",
                seconds(at),
                MOST_UNWRITTEN / MEBIBYTE
            )),
            (None, Some(error)) => Some(format!("cannot write the flight record: {error}")),
            (None, None) => None,
        };
        match (failed, recorded) {
            (Some(why), _) => Some(RecordTrouble::Failed(why)),
            (None, Recorded::Whole) => None,
            (None, Recorded::Stopped) => Some(RecordTrouble::Limited(format!(
                "the flight record stopped before the end of the run, at {} MiB",
                LONGEST / MEBIBYTE as u64
            ))),
        }
    }
}

/// What a relay does when it fails.
pub(crate) type OnFailure = Box<dyn FnOnce(io::Error) + Send>;

/// Where the record is written. Clones are the same.
#[derive(Clone, Debug)]
struct Sink(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: File,
    relay: OnceLock<Relay>,
    /// Whether the relay asked for a pause after the latest line.
    is_held: AtomicBool,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Sink {
    fn new(file: File) -> Self {
        Self(Arc::new(Shared {
            file,
            relay: OnceLock::new(),
            is_held: AtomicBool::new(false),
            failure: Arc::default(),
        }))
    }

    /// How many bytes wait to be written.
    fn unwritten(&self) -> usize {
        match self.0.relay.get() {
            Some(relay) if self.0.is_held.load(Ordering::Relaxed) => relay.unread().0,
            _ => 0,
        }
    }

    fn failed(&self, error: io::Error) {
        lock(&self.0.failure).get_or_insert(error);
    }

    fn take_failure(&self) -> Option<io::Error> {
        mem::take(&mut *lock(&self.0.failure))
    }
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(relay) = self.0.relay.get() else {
            return (&self.0.file).write(bytes);
        };
        let is_held = relay.write(bytes) == Flow::Hold;
        self.0.is_held.store(is_held, Ordering::Relaxed);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock(failure: &Mutex<Option<io::Error>>) -> std::sync::MutexGuard<'_, Option<io::Error>> {
    failure.lock().unwrap_or_else(PoisonError::into_inner)
}

const MEBIBYTE: usize = 1024 * 1024;

/// The longest record that is written, in bytes.
const LONGEST: u64 = 64 * MEBIBYTE as u64;

/// When more than this waits for its reader, in bytes, the record stops: it must not fill the memory.
const MOST_UNWRITTEN: usize = 16 * MEBIBYTE;

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, pipe};

    use childminder::{Event, Stream};
    use childminder_record::{Finding, Replay};
    use childminder_unix::RelayEvent;

    use super::*;

    /// Takes this many outputs, which cannot be merged.
    fn chatter(record: &mut FlightRecord, outputs: usize) {
        record.take(Instant(1_000), Moment::Event(Event::Started));
        for number in 0..outputs {
            let stream = Stream::ALL[number % 2];
            let event = Event::Output { stream, bytes: 1 };
            let at = Instant(1_000 + 1_000_000 * number as u64);
            record.take(at, Moment::Event(event));
        }
    }

    fn relayed(record: &FlightRecord) {
        let made = record.relay(|file, on_failure| {
            let mut on_failure = Some(on_failure);
            Relay::new(file, move |event| {
                if let (RelayEvent::Failed(error), Some(on_failure)) = (event, on_failure.take()) {
                    on_failure(error);
                }
            })
        });
        made.expect("a relay");
    }

    #[test]
    fn a_record_stops_at_its_limit() {
        let mut file = tempfile::tempfile().expect("a file");
        let begun = FlightRecord::limited(
            file.try_clone().expect("a file"),
            "long",
            &Config::default(),
            10_000,
        );
        let mut record = begun.expect("room for it");
        chatter(&mut record, 1_000);
        let completed = record.finish().expect("a record");
        let trouble = completed.trouble(None).expect("it is limited");
        let RecordTrouble::Limited(note) = trouble else {
            panic!("{trouble:?}");
        };
        assert_eq!(
            note,
            "the flight record stopped before the end of the run, at 64 MiB"
        );

        file.rewind().expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        assert!((9_000..=10_000).contains(&text.len()));
        let found: Vec<_> = Replay::new(text.as_bytes()).collect();
        assert!(matches!(found[..], [Ok(Finding::CutShort(_))]), "{found:?}");
    }

    /// The record that its reader finds at last says that it was stopped.
    #[test]
    fn a_record_that_is_not_read_stops() {
        let (mut reader, writer) = pipe().expect("a pipe");
        let file = File::from(std::os::fd::OwnedFd::from(writer));
        let begun = FlightRecord::begin(file, "unread", &Config::default());
        let mut record = begun.expect("room for it");
        relayed(&record);
        let mut outputs = 10_000;
        while record.unread_since.is_none() {
            chatter(&mut record, outputs);
            outputs += 1;
        }
        let held = record.sink.as_ref().expect("a sink").unwritten();
        assert!((MOST_UNWRITTEN..MOST_UNWRITTEN + 1000).contains(&held));
        chatter(&mut record, 10);
        assert_eq!(record.sink.as_ref().expect("a sink").unwritten(), held);

        let read = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).expect("text");
            text
        });
        let completed = record.finish().expect("a record");
        let trouble = completed.trouble(None).expect("it has stopped");
        let RecordTrouble::Failed(why) = trouble else {
            panic!("{trouble:?}");
        };
        assert!(why.starts_with("the flight record stopped at "), "{why}");
        assert!(why.ends_with("s: its last 16 MiB were not read"), "{why}");
        let text = read.join().expect("no panic");
        assert!(text.ends_with("\"stopped\":true}\n"));
    }
}
