//! The ways to our standard output and standard error.

use std::cell::OnceCell;
use std::io::{self, Write as _};
use std::sync::Arc;

use childminder::Stream;
use childminder_driver::{ChildId, Remote, Request};
use childminder_unix::{Flow, Relay, RelayEvent};
use mio::Waker;

use crate::words;

/// Writes to our standard streams without holding up the loop, by a relay for each, made when the first byte goes there.
/// Where the command writes to them by itself and we say nothing, there is none.
#[derive(Debug)]
pub(crate) struct Outlets {
    /// Whether all goes by the relay of standard error, in the order in which it is written.
    is_one: bool,
    stdout: OnceCell<Arc<Relay>>,
    stderr: OnceCell<Arc<Relay>>,
    remote: Remote<()>,
    waker: Arc<Waker>,
}

/// Wakes the loop. It sleeps on if this fails, so it is tried again.
pub(crate) fn wake(waker: &Waker) {
    let _ = waker.wake().or_else(|_| waker.wake());
}

impl Outlets {
    /// The relays tell the child of `remote` what becomes of its output, and wake its loop.
    pub(crate) fn new(remote: Remote<()>, waker: Arc<Waker>) -> Self {
        Self {
            is_one: false,
            stdout: OnceCell::new(),
            stderr: OnceCell::new(),
            remote,
            waker,
        }
    }

    /// From now on all goes by one relay: both streams go to one place, and what is written there has an order. Call this
    /// before there is one.
    pub(crate) fn unite(&mut self) {
        self.is_one = true;
    }

    /// Takes these bytes, always.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) -> Flow {
        if let Ok(relay) = self.open(stream) {
            return relay.write(bytes);
        }
        // There are too many descriptors. Something that is said late is better than something that is not said, and
        // there is nothing to do where even that fails.
        let _ = match stream {
            Stream::Stdout => io::stdout().write_all(bytes),
            Stream::Stderr => io::stderr().write_all(bytes),
        };
        Flow::Continue
    }

    /// Makes the relay of this stream, if there is none. What it cannot write is a failure of the run, and the stream
    /// is not read any more; a reader that has left closes the child's pipe too, as if there were nothing between them.
    pub(crate) fn open(&self, stream: Stream) -> io::Result<&Arc<Relay>> {
        let cell = self.cell(stream);
        if let Some(relay) = cell.get() {
            return Ok(relay);
        }
        let (remote, waker) = (self.remote.clone(), Arc::clone(&self.waker));
        let stream = self.way_of(stream);
        let streams = Stream::ALL
            .into_iter()
            .filter(|other| self.way_of(*other) == stream);
        let streams: Vec<_> = streams.collect();
        let ask = move |remote: &Remote<()>, request: fn(Stream) -> Request<()>| {
            for stream in &streams {
                remote.ask(ChildId::FIRST, request(*stream));
            }
        };
        let tell = move |event| match event {
            RelayEvent::Room => ask(&remote, Request::ReleaseOutput),
            RelayEvent::Failed(failure) => {
                if let Some(loss) = words::loss(stream, &failure) {
                    remote.fail(ChildId::FIRST, loss);
                }
                ask(&remote, Request::CloseOutput);
            }
            _ => wake(&waker),
        };
        let relay = match stream {
            Stream::Stdout => Relay::new(io::stdout(), tell)?,
            Stream::Stderr => Relay::new(io::stderr(), tell)?,
        };
        Ok(cell.get_or_init(|| Arc::new(relay)))
    }

    /// Waits half a second at most for all to be written.
    pub(crate) fn flush_briefly(&self) {
        for (_, relay) in self.relays() {
            relay.wait_briefly();
        }
    }

    /// Those that are made.
    pub(crate) fn relays(&self) -> impl Iterator<Item = (Stream, &Relay)> {
        let ways = Stream::ALL
            .into_iter()
            .filter(|stream| self.way_of(*stream) == *stream);
        ways.filter_map(|stream| Some((stream, &**self.cell(stream).get()?)))
    }

    fn cell(&self, stream: Stream) -> &OnceCell<Arc<Relay>> {
        match self.way_of(stream) {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    /// The stream that what is written to this one goes by.
    fn way_of(&self, stream: Stream) -> Stream {
        if self.is_one { Stream::Stderr } else { stream }
    }
}
