//! The loop of `run` and of `timeout`: one child, and what is waited for on its behalf.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use childminder::{Config, MonitorState, Outcome, Signal, Stream};
use childminder_driver::{ChildId, Control, Handler, Request};
use childminder_mio::Children;
use childminder_terminal::Minded;
use childminder_unix::{Child, Relay, RelayEvent, Strays};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use signal_hook::consts::SIGCHLD;
use signal_hook_mio::v1_0::Signals;

use crate::terminal::Terminal;
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

impl<H: Handler> EventLoop<H> {
    /// A loop that hears of these signals to us, and of SIGCHLD.
    pub(crate) fn new(signals: impl IntoIterator<Item = i32>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), RELAY)?);
        let mut signals = Signals::new(signals.into_iter().chain([SIGCHLD]))?;
        let registry = poll.registry();
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
    /// more; a reader that left closes the child's pipe too, as if there were nothing between them.
    pub(crate) fn relay(&self, stream: Stream) -> io::Result<Relay> {
        let (remote, waker) = (self.set.remote(), Arc::clone(&self.waker));
        let pass = move |event: RelayEvent<'_>| match event {
            RelayEvent::Room => remote.ask(CHILD_ID, Request::ReleaseOutput(stream)),
            RelayEvent::Failed(error) => {
                if let Some(loss) = words::loss(stream, error) {
                    remote.fail(CHILD_ID, loss);
                }
                remote.ask(CHILD_ID, Request::CloseOutput(stream));
            }
            // The kernel does not refuse to wake an eventfd; if it did, the loop would look at its next turn.
            RelayEvent::Written => drop(waker.wake()),
        };
        match stream {
            Stream::Stdout => Relay::new(io::stdout(), pass),
            Stream::Stderr => Relay::new(io::stderr(), pass),
        }
    }

    /// Begins to mind this child.
    pub(crate) fn add(
        &mut self,
        child: Child,
        strays: Option<Strays>,
        config: Config,
        handler: H,
    ) -> io::Result<()> {
        let id = self.set.mind_with_strays(child, strays, config, handler)?;
        debug_assert_eq!(id, CHILD_ID);
        Ok(())
    }

    /// Until the child's end. `on_signal` is called for each signal that we were sent.
    pub(crate) fn run(
        &mut self,
        terminal: &mut Terminal,
        mut on_signal: impl FnMut(&mut Self, Signal),
    ) -> io::Result<Outcome>
    where
        H: AtTerminal,
    {
        loop {
            let deadline = self.set.deadline();
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let timeout = [left, terminal.next_look()];
            self.wait(timeout.into_iter().flatten().min())?;
            for number in self.signals.pending().collect::<Vec<_>>() {
                match Signal::new(number) {
                    Some(_) if number == SIGCHLD => self.set.reap_orphans(),
                    Some(signal) => on_signal(self, signal),
                    None => {}
                }
            }
            terminal.attend(self)?;
            self.turn();
            if let Some(outcome) = self.outcome() {
                return Ok(outcome);
            }
        }
    }

    /// Waits until all is written that relays have taken. Gives up when nothing has been read for as long as
    /// `patience`, or when a signal comes that asks us to end, which is returned; what is left is lost then, and
    /// is a failure that the handler is told of.
    pub(crate) fn flush(
        &mut self,
        relays: impl Fn(&H) -> [&Relay; 2],
        patience: Option<Duration>,
        ends_us: impl Fn(&H, Signal) -> bool,
    ) -> io::Result<Option<Signal>> {
        let mut request = None;
        let mut flush = childminder_unix::Flush::new(patience);
        while let Some(timeout) = flush.next(relays(self.handler())) {
            self.wait(timeout)?;
            let pending: Vec<_> = self.signals.pending().filter_map(Signal::new).collect();
            request = pending
                .into_iter()
                .find(|signal| signal.number() != SIGCHLD && ends_us(self.handler(), *signal));
            if request.is_some() {
                relays(self.handler()).map(Relay::give_up);
                break;
            }
        }
        self.turn();
        Ok(request)
    }

    pub(crate) fn registry(&self) -> &Registry {
        self.poll.registry()
    }

    pub(crate) fn handler(&self) -> &H {
        self.set.handler(CHILD_ID).expect(IN_THE_SET)
    }

    pub(crate) fn handler_mut(&mut self) -> &mut H {
        self.set.handler_mut(CHILD_ID).expect(IN_THE_SET)
    }

    pub(crate) fn control(&mut self) -> Control<'_, H::Notification> {
        self.set.control(CHILD_ID).expect(IN_THE_SET)
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.set.outcome(CHILD_ID)
    }

    pub(crate) fn strays(&self) -> Option<&Strays> {
        self.set.strays(CHILD_ID)
    }
}
