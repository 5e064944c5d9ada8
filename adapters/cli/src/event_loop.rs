//! The loop of `run` and of `timeout`: one child, and what is waited for on its behalf.

mod member;
mod shared_arrivals;

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use childminder::{Config, MonitorState, Outcome, Signal, Stream};
use childminder_driver::{Answer, ChildId, Control, Failure, Handler};
use childminder_mio::Children;
use childminder_terminal::Minded;
use childminder_unix::{
    Arrival, Arrivals, Child, Hurry, NotifySocket, Patience, Relay, RelayEvent, SpawnOptions,
    Strays, signals,
};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::SIGCHLD;

use self::member::Member;
pub(crate) use self::shared_arrivals::SharedArrivals;
use crate::notifier::Notifier;
use crate::outlets::{Outlets, wake};
use crate::signals::TSTP;
use crate::words;

/// A set of one child, which stays in it until the end of the process, and of what is run to tell of it.
pub(crate) struct EventLoop<H: Handler<Notification = ()>> {
    inbox: Inbox,
    set: Children<Member<H>>,
    /// What is run to tell of the child, until it has ended.
    notifier: Option<ChildId>,
    deaths: Deaths,
    /// For the relays. It is kept here, too, so that no relay drops the last share: an event that has not been
    /// seen yet would go with it.
    waker: Arc<Waker>,
    /// When the time for the whole run is over, our readers' included. The time that we were stopped does not count.
    ends_at: Option<Instant>,
    stopped_at: Option<Instant>,
    /// Whether a reader has been given up.
    has_given_up: bool,
}

/// How the loop learns of orphans that have died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deaths {
    /// By SIGCHLD to us.
    Heard,
    /// Something else takes SIGCHLD, and wakes the loop: any wake-up may mean one.
    Suspected,
}

/// When to look whether `/proc` shows what the child leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proc {
    /// At once, so that it can be told.
    Checked,
    /// Once something may be left.
    WhenNeeded,
}

/// What the loop asks of a handler, besides minding the child.
pub(crate) trait Owner: Handler<Notification = ()> {
    /// A turn is over. This is how long the monitor has seen no activity.
    fn turned(&mut self, silence: Duration) {
        let _ = silence;
    }

    /// Our terminal is in raw mode now, or is not any more.
    fn terminal_is_raw(&mut self, is_raw: bool) {
        let _ = is_raw;
    }

    /// We are about to be stopped, and what we have written is to be seen before that.
    fn about_to_stop(&self) {
        self.outlets().flush_briefly();
    }

    /// This was given up, for good, of what was written to a stream of ours.
    fn lost(&mut self, stream: Stream, loss: Failure);

    /// Where the child's output goes, as far as it comes by way of us, and our own words.
    fn outlets(&self) -> &Outlets;

    /// Whether it needs to see what comes by this stream.
    fn looks_at(&self, stream: Stream) -> bool {
        let _ = stream;
        false
    }
}

/// What is done before each turn, besides minding the child.
pub(crate) trait Attendant<H: Owner> {
    /// Handles what has come, and takes what is its own out of the signals that have; any time is harmless.
    fn attend(&mut self, child: &mut EventLoop<H>, arrivals: &mut Vec<Arrival>) -> io::Result<()>;

    /// When to attend again, though nothing comes.
    fn next_look(&self) -> Option<Duration>;
}

/// What is made of the signals that we are sent.
pub(crate) trait Listener<H: Owner> {
    /// These have come together, perhaps none.
    fn hear(&mut self, child: &mut EventLoop<H>, arrivals: &[Arrival]);

    /// The child is over. The signal among these, if there is one, that ends our wait for readers.
    fn hear_at_the_end(&mut self, arrivals: &[Arrival]) -> Option<Signal>;

    /// When to hear again, though nothing comes.
    fn next_look(&self) -> Option<Instant> {
        None
    }

    /// All that has come is seen to.
    fn before_waiting(&mut self, child: &mut EventLoop<H>) {
        let _ = child;
    }
}

impl<H: Owner> EventLoop<H> {
    /// A loop that hears of these signals to us; no other is blocked from now on. What has waited for us is heard now, and
    /// not before.
    pub(crate) fn new(signals: impl IntoIterator<Item = Signal>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry();
        let waker = Arc::new(Waker::new(registry, RELAY)?);
        // Else the kernel would keep the exit status to itself.
        signals::restore_default(CHLD);
        let arrivals = Arrivals::of(signals)?;
        arrivals.unblock_others()?;
        let mut source = SourceFd(&arrivals.as_fd().as_raw_fd());
        registry.register(&mut source, SIGNALS, Interest::READABLE)?;
        let arrivals = SharedArrivals::new(arrivals);
        let mut set = Children::new()?;
        registry.register(&mut set, CHILD, Interest::READABLE)?;
        let inbox = Inbox {
            poll,
            events: Events::with_capacity(16),
            arrivals,
        };
        Ok(Self {
            inbox,
            set,
            notifier: None,
            deaths: Deaths::Heard,
            waker,
            ends_at: None,
            stopped_at: None,
            has_given_up: false,
        })
    }

    /// Hears of these signals, too.
    pub(crate) fn listen_to(&mut self, signals: &[Signal]) -> io::Result<()> {
        self.inbox.arrivals.add(signals.iter().copied())
    }

    /// The signals that we are sent.
    pub(crate) fn arrivals(&self) -> SharedArrivals {
        self.inbox.arrivals.clone()
    }

    /// The ways to our standard output and standard error.
    pub(crate) fn outlets(&self) -> Outlets {
        Outlets::new(self.set.remote(), Arc::clone(&self.waker))
    }

    /// A relay to a file of ours, which never holds up the loop. `on_failure` is told of what it cannot write.
    pub(crate) fn relay_to(
        &self,
        file: &File,
        on_failure: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Relay> {
        let waker = Arc::clone(&self.waker);
        let mut on_failure = Some(on_failure);
        Relay::new(file, move |event| match event {
            RelayEvent::Failed(failure) => {
                if let Some(on_failure) = on_failure.take() {
                    on_failure(failure);
                }
            }
            _ => wake(&waker),
        })
    }

    /// Has the loop wake up when this is readable.
    pub(crate) fn watch(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let mut source = SourceFd(&fd.as_raw_fd());
        self.inbox
            .poll
            .registry()
            .register(&mut source, TERMINAL, Interest::READABLE)
    }

    /// Orphans are ours from now on, so that what the child leaves behind can be found.
    pub(crate) fn adopt_orphans(&mut self, deaths: Deaths, proc: Proc) -> io::Result<()> {
        if deaths == Deaths::Heard {
            self.listen_to(&[CHLD])?;
        }
        self.deaths = deaths;
        match proc {
            Proc::Checked => self.set.adopt_orphans(),
            Proc::WhenNeeded => self.set.adopt_orphans_unchecked(),
        }
    }

    /// Begins to mind the one child.
    pub(crate) fn mind(
        &mut self,
        child: Child,
        strays: Option<Strays>,
        config: Config,
        handler: H,
    ) -> io::Result<()> {
        let limit = config.run_timeout;
        let member = Member::Command(handler);
        let minded = match strays {
            Some(strays) => self.set.mind_with_strays(child, strays, config, member),
            None => self.set.mind(child, config, member),
        };
        minded.map_err(|refused| refused.error)?;
        self.ends_at = limit.and_then(|limit| Instant::now().checked_add(limit));
        self.forward_output();
        Ok(())
    }

    /// Hears what the child says of itself by this socket.
    pub(crate) fn hear(
        &mut self,
        socket: NotifySocket,
        idle_timeout: Option<Duration>,
    ) -> io::Result<()> {
        self.set.hear(ChildId::FIRST, socket, idle_timeout)
    }

    /// What comes by way of us goes on inside the kernel, as far as it can.
    fn forward_output(&mut self) {
        for stream in Stream::ALL {
            let handler = self.handler();
            if !self.set.is_open(ChildId::FIRST, stream) {
                continue;
            }
            // What cannot be opened now is opened when the first byte comes, or not at all.
            let Ok(relay) = handler.outlets().open(stream).map(Arc::clone) else {
                continue;
            };
            let way = if handler.looks_at(stream) {
                Children::forward_seen
            } else {
                Children::forward
            };
            way(&mut self.set, ChildId::FIRST, stream, relay).expect(IN_THE_SET);
        }
    }

    /// Until the child's end.
    pub(crate) fn run(
        &mut self,
        attendant: &mut impl Attendant<H>,
        listener: &mut impl Listener<H>,
    ) -> io::Result<Outcome> {
        loop {
            self.dismiss_notifier();
            listener.before_waiting(self);
            let looks = [self.set.deadline(), listener.next_look()];
            let next = looks.into_iter().flatten().min();
            let timeout = [next.map(left_until), attendant.next_look()];
            self.inbox.wait(timeout)?;
            let mut arrivals = self.inbox.take_arrivals();
            let before = arrivals.len();
            arrivals.retain(|arrival| arrival.signal != CHLD);
            let has_dead = arrivals.len() < before || self.deaths == Deaths::Suspected;
            attendant.attend(self, &mut arrivals)?;
            listener.hear(self, &arrivals);
            self.turn();
            if has_dead {
                // After the turn, in which a child that hides other dead ones is reaped. The next look for strays meets
                // the same error, and notes it.
                let _ = self.set.reap_orphans();
            }
            if let Some(outcome) = self.outcome() {
                // What came with the end is no impatience with what follows it.
                let mut seen = self.inbox.arrivals.take_seen();
                seen.retain(|arrival| arrival.signal != CHLD);
                listener.hear(self, &seen);
                return Ok(outcome);
            }
        }
    }

    /// Waits until our readers have read all that was written for them. After a run that was ended, they are given up when
    /// they read nothing for [`READER_PATIENCE`]; otherwise they may take their time, but where there is a limit to the
    /// run, only until that. A signal gives them up at once, if `listener` says so, and is returned. What is left
    /// is lost then, which the handler is told.
    pub(crate) fn flush(
        &mut self,
        outcome: &Outcome,
        listener: &mut impl Listener<H>,
    ) -> io::Result<Option<Signal>> {
        let patience = self.patience(outcome);
        let handler = command_of(&self.set);
        let (streams, relays): (Vec<_>, Vec<_>) = handler.outlets().relays().unzip();
        if relays.is_empty() {
            return Ok(None);
        }
        let (request, given_up) = self.inbox.wait_for(&relays, patience, listener)?;
        self.has_given_up |= request.is_some() || given_up.iter().any(Option::is_some);
        self.turn();
        for (stream, failure) in streams.into_iter().zip(given_up) {
            if let Some(loss) = failure.and_then(|failure| words::loss(stream, &failure)) {
                self.handler_mut().lost(stream, loss.into());
            }
        }
        self.turn();
        Ok(request)
    }

    /// The same for a relay to a file of ours. Returns also what was given up.
    pub(crate) fn flush_to_file(
        &mut self,
        relay: &Relay,
        outcome: &Outcome,
        listener: &mut impl Listener<H>,
    ) -> io::Result<(Option<Signal>, Option<io::Error>)> {
        let patience = self.patience(outcome);
        let (request, mut given_up) = self.inbox.wait_for(&[relay], patience, listener)?;
        let given_up = given_up.pop().flatten();
        self.has_given_up |= request.is_some() || given_up.is_some();
        Ok((request, given_up))
    }

    fn patience(&self, outcome: &Outcome) -> Patience {
        if self.has_given_up {
            Patience::with_idle(LAST_WORDS_PATIENCE)
        } else if outcome.terminated {
            Patience::with_idle(READER_PATIENCE)
        } else {
            Patience {
                free: self.ends_at.map(left_until),
                idle: READER_PATIENCE,
            }
        }
    }

    pub(crate) fn handler(&self) -> &H {
        command_of(&self.set)
    }

    pub(crate) fn handler_mut(&mut self) -> &mut H {
        match self.set.handler_mut(ChildId::FIRST) {
            Some(Member::Command(command)) => command,
            _ => unreachable!("{IN_THE_SET}"),
        }
    }

    /// Whether what was run to tell of the child has ended.
    pub(crate) fn may_notify(&self) -> bool {
        self.notifier.is_none()
    }

    /// Has a shell run this line to tell of the child, with `news` on its standard input. How it goes is the answer.
    pub(crate) fn notify(&mut self, line: &OsStr, news: String, answer: Answer) {
        let mut command = Notifier::command(line);
        let mut notifier = Notifier::new(news, answer);
        let mut strays = Strays::new();
        let options = SpawnOptions {
            kill_on_parent_death: SpawnOptions::CAN_KILL_ON_PARENT_DEATH,
            ..SpawnOptions::default()
        };
        let spawned =
            strays.spawn_marked(&mut command, |command| Child::spawn_with(command, &options));
        let child = match spawned {
            Ok(child) => child,
            Err(error) => return notifier.cannot_run(&error),
        };
        let (config, member) = (Notifier::config(), Member::Notifier(Box::new(notifier)));
        match self.set.mind_with_strays(child, strays, config, member) {
            Ok(id) => self.notifier = Some(id),
            Err(refused) => {
                if let Member::Notifier(mut notifier) = refused.handler {
                    notifier.cannot_run(&refused.error);
                }
            }
        }
    }

    /// It has taken too long, and the next one may wait for its end.
    pub(crate) fn kill_notifier(&mut self) {
        if let Some(id) = self.notifier {
            self.set.kill(id);
        }
    }

    /// It is not waited for any more.
    pub(crate) fn end_notifier(&mut self) {
        if let Some(mut control) = self.notifier.and_then(|id| self.set.control(id)) {
            control.terminate();
        }
    }

    fn dismiss_notifier(&mut self) {
        let has_ended = |id: &mut ChildId| self.set.outcome(*id).is_some();
        if let Some(id) = self.notifier.take_if(has_ended) {
            self.set.remove(id);
        }
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
}

impl<H: Owner> Minded for EventLoop<H> {
    type Notification = ();

    fn control(&mut self) -> Control<'_, ()> {
        self.set.control(ChildId::FIRST).expect(IN_THE_SET)
    }

    fn turn(&mut self) {
        self.set.turn();
        match (self.monitor().is_suspended(), self.stopped_at) {
            (true, None) => self.stopped_at = Some(Instant::now()),
            (false, Some(since)) => {
                self.stopped_at = None;
                self.ends_at = self.ends_at.and_then(|at| at.checked_add(since.elapsed()));
            }
            _ => {}
        }
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

fn command_of<H: Owner>(set: &Children<Member<H>>) -> &H {
    match set.handler(ChildId::FIRST) {
        Some(Member::Command(command)) => command,
        _ => unreachable!("{IN_THE_SET}"),
    }
}

/// What wakes us, and the signals that we are sent.
struct Inbox {
    poll: Poll,
    events: Events,
    arrivals: SharedArrivals,
}

impl Inbox {
    /// Waits for the readers of these relays. Returns the signal that has ended the wait, if one has, and what was given
    /// up of each.
    fn wait_for<H: Owner>(
        &mut self,
        relays: &[&Relay],
        patience: Patience,
        listener: &mut impl Listener<H>,
    ) -> io::Result<(Option<Signal>, Vec<Option<io::Error>>)> {
        let mut request = None;
        let given_up = Relay::flush(relays, patience, |timeout| {
            self.wait([timeout, listener.next_look().map(left_until)])?;
            let mut came = self.take_arrivals();
            // That of the child may come after its exit was seen.
            came.retain(|arrival| arrival.signal != CHLD);
            if came.iter().any(|arrival| arrival.signal == TSTP) {
                signals::stop()?;
            }
            request = listener.hear_at_the_end(&came);
            io::Result::Ok(if request.is_some() {
                Hurry::Yes
            } else {
                Hurry::No
            })
        })?;
        Ok((request, given_up))
    }

    /// The signals that the latest wait has told of.
    fn take_arrivals(&mut self) -> Vec<Arrival> {
        let mut events = self.events.iter();
        let have_come = events.any(|event| event.token() == SIGNALS);
        if !have_come && !self.arrivals.have_been_seen() {
            return Vec::new();
        }
        self.arrivals.take()
    }

    /// Waits for an event, or for the shortest of these. A stop of ours interrupts that; the SIGCONT that has ended it is an
    /// event.
    fn wait(&mut self, timeouts: [Option<Duration>; 2]) -> io::Result<()> {
        let at_once = self.arrivals.have_been_seen().then_some(Duration::ZERO);
        let timeout = timeouts.into_iter().chain([at_once]).flatten().min();
        for timeout in [timeout, Some(Duration::ZERO)] {
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
        Ok(())
    }
}

fn left_until(at: Instant) -> Duration {
    at.saturating_duration_since(Instant::now())
}

const IN_THE_SET: &str = "the child stays in the set";

const CHILD: Token = Token(0);
const SIGNALS: Token = Token(1);
const RELAY: Token = Token(2);
const TERMINAL: Token = Token(3);

const CHLD: Signal = Signal::new(SIGCHLD).expect("a signal");

/// How long nothing may be read of what a command wrote whose time is over, before the rest is given up.
pub(crate) const READER_PATIENCE: Duration = Duration::from_millis(2500);

/// How long our own words may then wait for a reader, each time: no reader holds us up for more than three seconds.
const LAST_WORDS_PATIENCE: Duration = Duration::from_millis(250);
