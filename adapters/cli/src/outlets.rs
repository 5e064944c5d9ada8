//! The ways to our standard output and standard error.

use std::cell::OnceCell;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use childminder::Stream;
use childminder_driver::{ChildId, Remote, Request};
use childminder_unix::{Flow, Hurry, Relay, RelayEvent};
use mio::Waker;

use crate::words;

/// Writes to our standard streams without holding up the loop, by a relay for each, made when the first byte goes there.
/// Where the command writes to them by itself and we say nothing, there is none.
#[derive(Debug)]
pub(crate) struct Outlets {
    stdout: OnceCell<Relay>,
    stderr: OnceCell<Relay>,
    remote: Remote<()>,
    waker: Arc<Waker>,
}

/// Wakes the loop. It sleeps on if this fails, so it is tried again.
pub(crate) fn wake(waker: &Waker) {
    let _ = waker.wake().or_else(|_| waker.wake());
}

/// What could not be written, as no reader read it.
pub(crate) type GivenUp = Vec<(Stream, io::Error)>;

impl Outlets {
    /// The relays tell the child of `remote` what becomes of its output, and wake its loop.
    pub(crate) fn new(remote: Remote<()>, waker: Arc<Waker>) -> Self {
        Self {
            stdout: OnceCell::new(),
            stderr: OnceCell::new(),
            remote,
            waker,
        }
    }

    /// Takes these bytes, always.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) -> Flow {
        if let Ok(relay) = self.open(stream) {
            return relay.write(bytes);
        }
        // There are too many threads. Something that is said late is better than something that is not said, and
        // there is nothing to do where even that fails.
        let _ = match stream {
            Stream::Stdout => io::stdout().write_all(bytes),
            Stream::Stderr => io::stderr().write_all(bytes),
        };
        Flow::Continue
    }

    /// Makes the relay of this stream, if there is none. What it cannot write is a failure of the run, and the stream
    /// is not read any more; a reader that has left closes the child's pipe too, as if there were nothing between them.
    pub(crate) fn open(&self, stream: Stream) -> io::Result<&Relay> {
        let cell = self.cell(stream);
        if let Some(relay) = cell.get() {
            return Ok(relay);
        }
        let (remote, waker) = (self.remote.clone(), Arc::clone(&self.waker));
        let tell = move |event| match event {
            RelayEvent::Room => remote.ask(ChildId::FIRST, Request::ReleaseOutput(stream)),
            RelayEvent::Failed(failure) => {
                if let Some(loss) = words::loss(stream, &failure) {
                    remote.fail(ChildId::FIRST, loss);
                }
                remote.ask(ChildId::FIRST, Request::CloseOutput(stream));
            }
            _ => wake(&waker),
        };
        let relay = match stream {
            Stream::Stdout => Relay::new(io::stdout(), tell)?,
            Stream::Stderr => Relay::new(io::stderr(), tell)?,
        };
        Ok(cell.get_or_init(|| relay))
    }

    /// Waits until all is written, as [`Relay::flush`] does, and returns what was given up.
    pub(crate) fn flush(
        &self,
        patience: Duration,
        wait: impl FnMut(Option<Duration>) -> io::Result<Hurry>,
    ) -> io::Result<GivenUp> {
        self.flush_relays(Some(patience), wait)
    }

    /// Waits until all is written, however long that takes, but no longer than this. Returns nothing if the time was
    /// over before.
    pub(crate) fn flush_within(
        &self,
        limit: Option<Duration>,
        mut wait: impl FnMut(Option<Duration>) -> io::Result<Hurry>,
    ) -> io::Result<Option<GivenUp>> {
        let mut left = limit;
        let flushed = self.flush_relays(None, |_| {
            if left == Some(Duration::ZERO) {
                return Err(Stop::TimeIsOver);
            }
            let timeout = left.map(|left| left.min(LONGEST_WAIT));
            let begun = Instant::now();
            let hurry = wait(timeout)?;
            // A longer wait means that this process was stopped, which does not count.
            let waited = begun.elapsed().min(LONGEST_WAIT);
            left = left.map(|left| left.saturating_sub(waited));
            Ok(hurry)
        });
        match flushed {
            Ok(given_up) => Ok(Some(given_up)),
            Err(Stop::TimeIsOver) => Ok(None),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    /// Waits half a second at most for all to be written.
    pub(crate) fn flush_briefly(&self) {
        for (_, relay) in self.relays() {
            relay.wait_briefly();
        }
    }

    fn flush_relays<E>(
        &self,
        patience: Option<Duration>,
        wait: impl FnMut(Option<Duration>) -> Result<Hurry, E>,
    ) -> Result<GivenUp, E> {
        let relays: Vec<_> = self.relays().collect();
        let given_up = match relays[..] {
            [(_, one), (_, other)] => Relay::flush([one, other], patience, wait)?.into(),
            [(_, one)] => Relay::flush([one], patience, wait)?.into(),
            _ => Vec::new(),
        };
        let streams = relays.iter().map(|(stream, _)| *stream);
        let given_up = streams.zip(given_up);
        Ok(given_up
            .filter_map(|(stream, failure)| Some((stream, failure?)))
            .collect())
    }

    /// Those that are made.
    fn relays(&self) -> impl Iterator<Item = (Stream, &Relay)> {
        Stream::ALL
            .into_iter()
            .filter_map(|stream| Some((stream, self.cell(stream).get()?)))
    }

    fn cell(&self, stream: Stream) -> &OnceCell<Relay> {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }
}

/// Why a wait ends before all is written.
enum Stop {
    TimeIsOver,
    Failed(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// How long a wait within a limit is at most, so that it shows when this process was stopped meanwhile.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
