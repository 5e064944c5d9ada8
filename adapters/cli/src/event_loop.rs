//! The loop of `run` and of `timeout`: one child, and what is waited for on its behalf.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use childminder::{Config, MonitorState, Outcome, Signal, Stream};
use childminder_driver::{ChildId, Control, Failure, Handler, Request};
use childminder_mio::{Children, SpawnError};
use childminder_terminal::Minded;
use childminder_unix::{Child, Hurry, Relay, RelayEvent, Strays};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::SIGCHLD;
use signal_hook_mio::v1_0::Signals;

use crate::words;

/// A set of one child, which stays in it until the end of the process.
pub(crate) struct EventLoop<H: Handler> {
    poll: Poll,
    events: Events,
    signals: Signals,
    set: Children<H>,
    /// For the relays. It is kept here, too, so that no relay drops the last share: an event that has not been
    /// seen yet would go with it.
    waker: Arc<Waker>,
}

/// What the loop asks of a handler, besides minding the child.
pub(crate) trait Owner: Handler {
    /// A turn is over. This is how long the monitor has seen no activity.
    fn turned(&mut self, silence: Duration) {
        let _ = silence;
    }

    /// Our terminal is in raw mode now, or is not any more.
    fn terminal_is_raw(&mut self, is_raw: bool) {
        let _ = is_raw;
    }

    /// Waits a moment for all that was said to be written: we are about to stop.
    fn flush_briefly(&self) {}

    /// This was given up, for good.
    fn lost(&mut self, loss: Failure);

    /// Where the child's output and our own words go, as far as they are relayed.
    fn relays(&self) -> Option<[&Relay; 2]>;
}

/// What is done before each turn, besides minding the child.
pub(crate) trait Attendant<H: Owner> {
    /// Handles what has come; any time is harmless.
    fn attend(&mut self, child: &mut EventLoop<H>) -> io::Result<()>;

    /// When to attend again, though nothing comes.
    fn next_look(&self) -> Option<Duration>;
}

impl<H: Owner> EventLoop<H> {
    /// A loop that hears of these signals to us, and of SIGCHLD.
    pub(crate) fn new(signals: impl IntoIterator<Item = Signal>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let waker = Arc::new(Waker::new(registry, RELAY)?);
        let numbers = signals.into_iter().map(Signal::number);
        let mut signals = Signals::new(numbers.chain([SIGCHLD]))?;
        registry.register(&mut signals, SIGNALS, Interest::READABLE)?;
        let mut set = Children::new()?;
        registry.register(&mut set, CHILD, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(16),
            signals,
            set,
            waker,
        })
    }

    /// A relay to this stream of ours. What it cannot write is a failure of the run, and the stream is not read any
    /// more; a reader that has left closes the child's pipe too, as if there were nothing between them.
    pub(crate) fn relay(&self, stream: Stream) -> io::Result<Relay> {
        let (remote, waker) = (self.set.remote(), Arc::clone(&self.waker));
        let tell = move |event| match event {
            RelayEvent::Room => remote.ask(ChildId::FIRST, Request::ReleaseOutput(stream)),
            RelayEvent::Failed(failure) => {
                if let Some(loss) = words::loss(stream, &failure) {
                    remote.fail(ChildId::FIRST, loss);
                }
                remote.ask(ChildId::FIRST, Request::CloseOutput(stream));
            }
            // The kernel does not refuse to wake an eventfd; if it did, the loop would look at its next turn.
            _ => drop(waker.wake()),
        };
        match stream {
            Stream::Stdout => Relay::new(io::stdout(), tell),
            Stream::Stderr => Relay::new(io::stderr(), tell),
        }
    }

    /// Has the loop wake up when this is readable.
    pub(crate) fn watch(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let mut source = SourceFd(&fd.as_raw_fd());
        self.poll
            .registry()
            .register(&mut source, TERMINAL, Interest::READABLE)
    }

    /// Orphans are ours from now on, so that what the child leaves behind can be found.
    pub(crate) fn adopt_orphans(&mut self) -> io::Result<()> {
        self.set.adopt_orphans()
    }

    /// Begins to mind the one child.
    pub(crate) fn mind(
        &mut self,
        child: Child,
        strays: Option<Strays>,
        config: Config,
        handler: H,
    ) -> Result<(), SpawnError<H>> {
        match strays {
            Some(strays) => self.set.mind_with_strays(child, strays, config, handler)?,
            None => self.set.mind(child, config, handler)?,
        };
        Ok(())
    }

    /// Until the child's end. `on_signal` takes each signal that we are sent.
    pub(crate) fn run(
        &mut self,
        attendant: &mut impl Attendant<H>,
        mut on_signal: impl FnMut(&mut Self, Signal),
    ) -> io::Result<Outcome> {
        loop {
            let deadline = self.set.deadline();
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let timeout = [left, attendant.next_look()];
            self.wait(timeout.into_iter().flatten().min())?;
            let mut has_dead = false;
            for signal in pending(&mut self.signals) {
                if signal.number() == SIGCHLD {
                    has_dead = true;
                } else {
                    on_signal(self, signal);
                }
            }
            attendant.attend(self)?;
            self.turn();
            if has_dead {
                // After the turn, in which a child that hides other dead ones is reaped. The next look for strays meets
                // the same error, and notes it.
                let _ = self.set.reap_orphans();
            }
            if let Some(outcome) = self.outcome() {
                return Ok(outcome);
            }
        }
    }

    /// Waits until all is written that the relays took. Gives up when nothing has been read for as long as
    /// `patience`, or when a signal comes for which `ends_us` holds, and returns that signal. What is left is lost
    /// then, which the handler is told.
    pub(crate) fn flush(
        &mut self,
        patience: Option<Duration>,
        ends_us: impl Fn(&H, Signal) -> bool,
    ) -> io::Result<Option<Signal>> {
        let Self {
            poll,
            events,
            signals,
            set,
            ..
        } = self;
        let mut request = None;
        let handler = set.handler(ChildId::FIRST).expect(IN_THE_SET);
        let Some(relays) = handler.relays() else {
            return Ok(None);
        };
        let given_up = Relay::flush(relays, patience, |timeout| {
            wait(poll, events, timeout)?;
            request = pending(signals)
                .into_iter()
                .find(|signal| ends_us(handler, *signal));
            io::Result::Ok(if request.is_some() {
                Hurry::Yes
            } else {
                Hurry::No
            })
        })?;
        self.turn();
        for (stream, failure) in Stream::ALL.into_iter().zip(given_up) {
            if let Some(loss) = failure.and_then(|failure| words::loss(stream, &failure)) {
                self.handler_mut().lost(loss.into());
            }
        }
        self.turn();
        Ok(request)
    }

    pub(crate) fn handler(&self) -> &H {
        self.set.handler(ChildId::FIRST).expect(IN_THE_SET)
    }

    pub(crate) fn handler_mut(&mut self) -> &mut H {
        self.set.handler_mut(ChildId::FIRST).expect(IN_THE_SET)
    }

    pub(crate) fn strays(&self) -> Option<&Strays> {
        self.set.strays(ChildId::FIRST)
    }

    pub(crate) fn orphans_reaped(&self) -> usize {
        self.set.orphans_reaped()
    }

    fn outcome(&self) -> Option<Outcome> {
        self.set.outcome(ChildId::FIRST)
    }

    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        wait(&mut self.poll, &mut self.events, timeout)
    }
}

impl<H: Owner> Minded for EventLoop<H> {
    type Notification = H::Notification;

    fn control(&mut self) -> Control<'_, H::Notification> {
        self.set.control(ChildId::FIRST).expect(IN_THE_SET)
    }

    fn turn(&mut self) {
        self.set.turn();
        let silence = self.monitor().silence();
        self.handler_mut().turned(silence);
    }

    fn child(&self) -> &Child {
        self.set.child(ChildId::FIRST).expect(IN_THE_SET)
    }

    fn monitor(&self) -> &MonitorState {
        self.set.monitor(ChildId::FIRST).expect(IN_THE_SET)
    }
}

/// Waits for an event, or for this long. An interruption is as good as an event.
fn wait(poll: &mut Poll, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
    match poll.poll(events, timeout) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// SIGHUP comes last, so that a SIGTERM that came with it decides.
fn pending(signals: &mut Signals) -> Vec<Signal> {
    let mut pending: Vec<_> = signals.pending().filter_map(Signal::new).collect();
    pending.sort_by_key(|signal| *signal == Signal::HUP);
    pending
}

const IN_THE_SET: &str = "the child stays in the set";

const CHILD: Token = Token(0);
const SIGNALS: Token = Token(1);
const RELAY: Token = Token(2);
const TERMINAL: Token = Token(3);

/// How long nothing may be read of what a command wrote that was ended, before the rest is given up.
pub(crate) const READER_PATIENCE: Duration = Duration::from_secs(3);
