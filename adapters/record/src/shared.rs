//! One record that runs share while they go on side by side.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use childminder::Config;

use crate::header::Header;
use crate::recorder::Recorder;

/// A record of runs that overlap: each line says of which run it is.
///
/// Clones are the same record. Every run has a [`Recorder`] of its own, which may be in a thread of
/// its own; each line is written whole while no other is. The runs are numbered from 1, so two
/// processes cannot share a file in this way.
///
/// A run is over with the step that has its `finish`: what its monitor is told after that changes
/// nothing any more, and is not recorded.
///
/// ```
/// use childminder::{Config, Event, Instant};
/// use childminder_record::{Reader, SharedRecord};
///
/// let mut file = Vec::new();
/// let record = SharedRecord::new(&mut file);
/// let config = Config::default();
/// let mut one = record.begin("one", &config)?;
/// let mut other = record.begin("other", &config)?;
/// one.event(Instant::ZERO, Event::Started)?;
/// other.event(Instant::ZERO, Event::Started)?;
/// one.event(Instant(5), Event::OutputClosed)?;
/// other.finish()?;
/// one.finish()?;
/// drop(record);
///
/// let runs: Vec<_> = Reader::new(file.as_slice()).collect::<Result<_, _>>()?;
/// let steps: Vec<_> = runs.iter().map(|run| (run.name.as_str(), run.steps.len())).collect();
/// assert_eq!(steps, [("one", 2), ("other", 1)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SharedRecord<W>(Arc<Shared<W>>);

impl<W: Write> SharedRecord<W> {
    /// A record that is written to `out`. What stands there already stays, but no run in it may have
    /// a number and be unfinished.
    pub fn new(out: W) -> Self {
        Self(Arc::new(Shared {
            out: Mutex::new(out),
            begun: AtomicU64::new(0),
        }))
    }

    /// Begins another run: writes its header.
    ///
    /// # Errors
    ///
    /// Those of `out`; and where a thread has panicked while it wrote.
    pub fn begin(&self, name: &str, config: &Config) -> io::Result<Recorder<SharedOut<W>>> {
        self.begin_with_header(Header::new(name, config))
    }

    /// Begins another run, of which more is to be said than its name and its config.
    ///
    /// # Errors
    ///
    /// As for [`begin`](Self::begin).
    pub fn begin_with_header(&self, header: Header<'_>) -> io::Result<Recorder<SharedOut<W>>> {
        let number = self.0.begun.fetch_add(1, Ordering::Relaxed) + 1;
        Recorder::numbered(SharedOut(Arc::clone(&self.0)), header, number)
    }
}

impl<W> Clone for SharedRecord<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Where the recorders of a [`SharedRecord`] write: whole lines, one at a time.
#[derive(Debug)]
pub struct SharedOut<W>(Arc<Shared<W>>);

impl<W: Write> SharedOut<W> {
    fn lock(&self) -> io::Result<MutexGuard<'_, W>> {
        self.0.out.lock().map_err(|_| {
            io::Error::other("a thread has panicked while it wrote to the shared record")
        })
    }
}

impl<W: Write> Write for SharedOut<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock()?.write(bytes)
    }

    /// A line is not to be torn apart by another, however many writes it takes.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        self.lock()?.write_all(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock()?.flush()
    }
}

#[derive(Debug)]
struct Shared<W> {
    out: Mutex<W>,
    begun: AtomicU64,
}
