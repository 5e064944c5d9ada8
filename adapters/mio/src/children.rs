//! Many children behind one descriptor.

mod turn;

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::process::ChildStdin;
use std::sync::Arc;
use std::time::Duration;

use childminder::{Config, Deadline, Instant, MonitorState, Outcome, Stream};
use childminder_driver::{ChildId, Control, Handler, Remote, Request, Shared, Vouching};
use childminder_unix::{
    Child, NotifySocket, Relay, Selector, Spawnable, Strays, Timer, Wakeup, clock,
};

use crate::alarms::Alarms;
use crate::family::Family;
use crate::key::{TIMER, WAKEUP, vouch_key_of};
use crate::node::{Common, Node};
use crate::nodes::Nodes;
use crate::process::Process;
use crate::queue::Queue;
use crate::spawn_error::SpawnError;
use crate::voucher::Voucher;
use crate::way::{Sight, Way};

/// A set of minded children, each with a handler, behind one descriptor.
///
/// The descriptor ([`AsFd`]) is readable when [`turn`](Self::turn) has something to do, deadlines included.
/// So the set fits into any loop: it is a [`mio::event::Source`], and it can be waited for by `poll(2)`,
/// epoll, kqueue, tokio, calloop or async-io. A turn costs what has happened, not how many children there
/// are.
///
/// Dropping the set ends every child that is in it, with its process group, and tells the handlers of that
/// SIGKILL ([`Handler::observe`]). The crate's front page has an example.
///
/// # Strays
///
/// What a child starts may leave its process group and outlive it, as a daemon does. Where the config has a
/// [`stray_timeout`](Config::stray_timeout), such strays are found, killed at the end of a run that is swept, and
/// told of in the [outcome](Outcome::strays) and by [`strays`](Self::strays). For this the set makes this process
/// adopt orphans below it ([`Orphans`](childminder_unix::Orphans)), from the first such child on; where that is
/// not possible, a note of the child's strays says why, and the outcome says that they are unknown.
///
/// Then **every child of this process that is not in the set counts as an orphan**, unless it was there before:
/// it is reaped, and may be killed as a stray. So a program that starts processes in other ways, or has two sets,
/// cannot have this.
///
/// A child that [`spawn`](Self::spawn) starts has a mark in its environment
/// ([`Strays::VARIABLE`]), which tells its orphans from those of its sisters. An orphan without a mark, or whose
/// mark cannot be read, is left alone as long as there are sisters that have not been reaped.
pub struct Children<H: Handler> {
    nodes: Nodes<H>,
    next_id: ChildId,
    shared: Shared<H::Notification>,
    selector: Selector,
    family: Family,
    wakeup: Arc<Wakeup>,
    /// None where the system has no timer that is a descriptor.
    timer: Option<Timer>,
    /// When the timer fires, if it is set; never later than the earliest alarm.
    armed: Option<Instant>,
    /// When to look at a child's deadlines, the earliest first; at most one for each child. A deadline that
    /// moves away leaves its alarm behind, which then comes too early and is replaced.
    alarms: Alarms,
    /// The children that have something to do in the next turn.
    queue: Queue,
    finished: VecDeque<ChildId>,
    undelivered: VecDeque<(ChildId, Request<H::Notification>)>,
    /// For the selector's answers.
    keys: Vec<u64>,
}

impl<H: Handler> Children<H> {
    /// An empty set: a selector, a timer and a wake-up, three descriptors in all.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors.
    pub fn new() -> io::Result<Self> {
        let selector = Selector::new()?;
        let wakeup = Arc::new(Wakeup::new()?);
        selector.add(&*wakeup, WAKEUP)?;
        let timer = match Timer::new() {
            Ok(timer) => Some(timer),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => None,
            Err(error) => return Err(error),
        };
        if let Some(timer) = &timer {
            selector.add(timer, TIMER)?;
        }
        let waken = Arc::clone(&wakeup);
        Ok(Self {
            nodes: Nodes::new(),
            next_id: ChildId::FIRST,
            // The kernel does not refuse to wake; if it did, the next turn would find what there is.
            shared: Shared::new(move || drop(waken.wake())),
            selector,
            family: Family::default(),
            wakeup,
            timer,
            armed: None,
            alarms: Alarms::default(),
            queue: Queue::default(),
            finished: VecDeque::new(),
            undelivered: VecDeque::new(),
            keys: Vec::new(),
        })
    }

    /// Spawns `command` in a process group of its own and starts to mind it. Of its output, what was
    /// set to [`Stdio::piped`](std::process::Stdio::piped) comes to the handler.
    ///
    /// # Errors
    ///
    /// Each gives the handler back. Nothing is left running.
    ///
    /// - What [`Child::spawn`] reports: a command that cannot be run, or a system without pidfds.
    /// - As [`mind`](Self::mind).
    pub fn spawn(
        &mut self,
        command: &mut impl Spawnable,
        config: Config,
        handler: H,
    ) -> Result<ChildId, SpawnError<H>> {
        if config.stray_timeout.is_none() {
            return match Child::spawn(command) {
                Ok(child) => self.mind(child, config, handler),
                Err(error) => Err(SpawnError { error, handler }),
            };
        }
        let mut strays = Strays::new();
        self.adopt_for(&mut strays);
        match strays.spawn_marked(command, |command| Child::spawn(command)) {
            Ok(child) => self.mind_with_strays(child, strays, config, handler),
            Err(error) => Err(SpawnError { error, handler }),
        }
    }

    /// The same for a command that vouches for itself by systemd's protocol, as many services can (`sd_notify(3)`): it
    /// finds a [socket](NotifySocket) of its own in its environment, and how often it has to say something.
    ///
    /// [`Vouching`] says what becomes of what it says, and [`Handler::vouched`] is told. With
    /// [`Activity::Explicit`](childminder::Activity::Explicit) nothing else puts the idle deadline off.
    ///
    /// ```
    /// use childminder::{Activity, Config};
    /// use childminder_driver::{Control, Handler, Vouch};
    /// use childminder_mio::{Children, childminder_unix::Command};
    /// use std::time::Duration;
    ///
    /// #[derive(Default)]
    /// struct Service(Vec<Vouch>);
    ///
    /// impl Handler for Service {
    ///     type Notification = ();
    ///
    ///     fn vouched(&mut self, _: &mut Control<()>, vouch: &Vouch) {
    ///         self.0.push(vouch.clone());
    ///     }
    /// }
    ///
    /// let mut command = Command::new("perl");
    /// command.args(["-MIO::Socket::UNIX", "-e", r#"
    ///     my $address = $ENV{NOTIFY_SOCKET} =~ s/^@/\0/r;
    ///     IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $address)->send("WATCHDOG=1");
    /// "#]);
    /// let config = Config {
    ///     idle_timeout: Some(Duration::from_secs(60)),
    ///     activity: Activity::Explicit,
    ///     ..Config::default()
    /// };
    /// let mut children = Children::new()?;
    /// children.spawn_vouching(&mut command, config, Service::default())?;
    /// # let mut poll = mio::Poll::new()?;
    /// # poll.registry().register(&mut children, mio::Token(0), mio::Interest::READABLE)?;
    /// let (_, outcome, service) = loop {
    ///     // … wait until `children.as_fd()` is readable …
    ///     # let _ = poll.poll(&mut mio::Events::with_capacity(1), None);
    ///     children.turn();
    ///     if let Some(ended) = children.next_finished() {
    ///         break ended;
    ///     }
    /// };
    /// assert!(outcome.is_success());
    /// assert_eq!(service.0, [Vouch::Alive]);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn), and as [`NotifySocket::new`].
    pub fn spawn_vouching(
        &mut self,
        command: &mut impl Spawnable,
        config: Config,
        handler: H,
    ) -> Result<ChildId, SpawnError<H>> {
        let socket = match NotifySocket::new() {
            Ok(socket) => socket,
            Err(error) => return Err(SpawnError { error, handler }),
        };
        let idle_timeout = config.idle_timeout;
        let id = socket.with(command, idle_timeout, |command| {
            self.spawn(command, config, handler)
        })?;
        if let Err(error) = self.hear(id, socket, idle_timeout)
            && let Some(mut control) = self.control(id)
        {
            control.fail(error);
        }
        Ok(id)
    }

    /// From now on, the child is heard by this socket, which it was given when it was spawned with this idle timeout; the
    /// socket is closed at its end. A child that is not in the set is not heard.
    ///
    /// # Errors
    ///
    /// What the system says when there is too little memory.
    pub fn hear(
        &mut self,
        child: ChildId,
        socket: NotifySocket,
        idle_timeout: Option<Duration>,
    ) -> io::Result<()> {
        let Some(node) = self.nodes.get_mut(child) else {
            return Ok(());
        };
        let voucher = Voucher::new(socket, Vouching::new(idle_timeout));
        voucher.watch(&self.selector, vouch_key_of(child))?;
        node.hear(voucher);
        Ok(())
    }

    /// Starts to mind a child that was just started, in whatever way. What is left of its output is taken.
    ///
    /// Its strays bear no mark, so they are left alone as long as it has sisters. To find those that it leaves
    /// before it is minded, call [`adopt_orphans`](Self::adopt_orphans) before it is spawned.
    ///
    /// # Errors
    ///
    /// Each gives the handler back. The child has been killed then.
    ///
    /// - `InvalidInput` if the config has a deadline that only output can put off, and no pipe would bring
    ///   such output: it would be a limit on the whole life of the child, in silence.
    /// - What the system says when there are too many descriptors, or too little memory.
    pub fn mind(
        &mut self,
        child: Child,
        config: Config,
        handler: H,
    ) -> Result<ChildId, SpawnError<H>> {
        let strays = config.stray_timeout.map(|_| Strays::new());
        self.begin(child, strays, config, handler)
    }

    /// The same for a child that has a cgroup of its own: its `strays` were made by [`Strays::in_cgroup`], and the
    /// child was spawned by [`Strays::spawn`].
    ///
    /// # Errors
    ///
    /// As [`mind`](Self::mind).
    pub fn mind_with_strays(
        &mut self,
        child: Child,
        strays: Strays,
        config: Config,
        handler: H,
    ) -> Result<ChildId, SpawnError<H>> {
        self.begin(child, Some(strays), config, handler)
    }

    /// Makes this process adopt orphans below it from now on, as the first child with a
    /// [`stray_timeout`](Config::stray_timeout) does. Children that this process has already, and that are not in
    /// the set, are left alone. Once is enough.
    ///
    /// # Errors
    ///
    /// As [`Orphans::adopt`](childminder_unix::Orphans::adopt).
    pub fn adopt_orphans(&mut self) -> io::Result<()> {
        self.meet_family();
        self.family.adopt()
    }

    /// The same, without a look whether they can be seen: the first look for strays will tell.
    ///
    /// # Errors
    ///
    /// As [`Orphans::adopt_unchecked`](childminder_unix::Orphans::adopt_unchecked).
    pub fn adopt_orphans_unchecked(&mut self) -> io::Result<()> {
        self.family.adopt_unchecked()
    }

    /// Reaps the orphans that have died, if they were adopted; returns how many. Each turn in which a child dies does
    /// so, and each look for strays; a program that is told of SIGCHLD may call it then, so that no zombie waits for
    /// that.
    ///
    /// # Errors
    ///
    /// What the system says when it has no descriptor left for `/proc`.
    pub fn reap_orphans(&mut self) -> io::Result<usize> {
        self.family.reap_orphans()
    }

    /// The next child that has ended, how, and its handler. The child leaves the set.
    pub fn next_finished(&mut self) -> Option<(ChildId, Outcome, H)> {
        let id = self.finished.pop_front()?;
        let outcome = self.outcome(id)?;
        Some((id, outcome, self.take_out(id)?))
    }

    /// A request for a child that is not in the set any more, or left it before the request was carried out,
    /// so that nothing is lost in silence, such as the payload of a notification. They wait here until they
    /// are taken.
    pub fn next_undelivered(&mut self) -> Option<(ChildId, Request<H::Notification>)> {
        self.undelivered.pop_front()
    }

    /// Ends a child for certain, at once and not only in the next turn: SIGKILL to its process group, in place of what
    /// is left of its ladder. It stays in the set until it has ended. For an owner that goes away.
    pub fn kill(&mut self, child: ChildId) {
        let Some(node) = self.nodes.get_mut(child) else {
            return;
        };
        self.shared.begin();
        let common = Common {
            selector: &self.selector,
            family: &mut self.family,
            shared: &mut self.shared,
        };
        node.kill(clock::now(), common);
        self.settle(child);
        self.hand_on_requests();
        self.end_turn();
    }

    /// Takes a child out of the set, and gives its handler back. A child that has not ended is killed, with
    /// its process group, which the handler is told of ([`Handler::observe`]).
    pub fn remove(&mut self, child: ChildId) -> Option<H> {
        self.kill(child);
        self.finished.retain(|finished| *finished != child);
        self.take_out(child)
    }

    /// Asks for things on behalf of this child; the next turn carries them out. `None` if it is not in the
    /// set.
    pub fn control(&mut self, child: ChildId) -> Option<Control<'_, H::Notification>> {
        self.nodes.get(child)?;
        if !self.shared.has_requests() {
            self.wake();
        }
        Some(self.shared.control(child))
    }

    /// A handle for other threads: what is asked for through it wakes the loop.
    pub fn remote(&self) -> Remote<H::Notification> {
        self.shared.remote()
    }

    /// When the next [`turn`](Self::turn) must come though the descriptor is not readable. It may be early,
    /// if output has put a deadline off; the turn corrects that. `None` if only the descriptor can bring
    /// more.
    ///
    /// Where there is a timer descriptor, as on Linux, a loop may forget this: the set's descriptor becomes
    /// readable then.
    pub fn deadline(&self) -> Option<std::time::Instant> {
        if self.has_work() {
            return Some(std::time::Instant::now());
        }
        Some(clock::to_std(self.alarms.first()?))
    }

    /// How long until this deadline of the child's, if it is armed and nothing is suspended: zero if it is
    /// due.
    pub fn time_left(&self, child: ChildId, deadline: Deadline) -> Option<Duration> {
        let at = self.monitor(child)?.deadline(deadline)?;
        Some(at.since(clock::now()))
    }

    /// The write end of the child's standard input, if it was piped and the handler has no [input](Handler::input) for
    /// it. Dropping it is the end of that input; until it is taken, the input stays open. Writes to it block, unless
    /// it is made non-blocking.
    pub fn take_stdin(&mut self, child: ChildId) -> Option<ChildStdin> {
        self.nodes.get_mut(child)?.process.child.take_stdin()
    }

    /// From now on, this stream goes on to where `relay` writes, inside the kernel and unseen: the handler is told how much
    /// it was ([`Handler::forwarded`]). What cannot go this way comes to [`Handler::output`] as ever, to be written to the
    /// same relay; so it does always where the target is no pipe, and on other systems than Linux.
    ///
    /// While the target has no room, the child's pipe is not read, unless a deadline of the child's or its exit makes it
    /// due. `None` if the child is not in the set.
    pub fn forward(&mut self, child: ChildId, stream: Stream, relay: Arc<Relay>) -> Option<()> {
        self.set_way(child, stream, Way::new(relay, Sight::Unseen))
    }

    /// The same, but the handler gets to see the bytes: they are copied for it.
    pub fn forward_seen(
        &mut self,
        child: ChildId,
        stream: Stream,
        relay: Arc<Relay>,
    ) -> Option<()> {
        self.set_way(child, stream, Way::new(relay, Sight::Seen))
    }

    fn set_way(&mut self, child: ChildId, stream: Stream, way: Way) -> Option<()> {
        let node = self.nodes.get_mut(child)?;
        node.process.forward(&self.selector, stream, way);
        Some(())
    }

    /// The handler of this child.
    pub fn handler(&self, child: ChildId) -> Option<&H> {
        Some(&self.nodes.get(child)?.handler)
    }

    /// The handler of this child.
    pub fn handler_mut(&mut self, child: ChildId) -> Option<&mut H> {
        Some(&mut self.nodes.get_mut(child)?.handler)
    }

    /// The process, to look at.
    pub fn child(&self, child: ChildId) -> Option<&Child> {
        Some(&self.nodes.get(child)?.process.child)
    }

    /// The strays of this child, to read their names; none if they are not wanted. What is there is as the latest
    /// look has shown it, and complete once the child has ended.
    pub fn strays(&self, child: ChildId) -> Option<&Strays> {
        self.nodes.get(child)?.strays()
    }

    /// How many orphans have been reaped so far, of whatever child.
    pub fn orphans_reaped(&self) -> usize {
        let orphans = self.family.orphans.as_ref();
        orphans.map_or(0, childminder_unix::Orphans::reaped)
    }

    /// Whether this stream of the child's was piped and has not ended.
    pub fn is_open(&self, child: ChildId, stream: Stream) -> bool {
        let node = self.nodes.get(child);
        node.is_some_and(|node| node.process.is_open(stream))
    }

    /// The state machine of this child, to query.
    pub fn monitor(&self, child: ChildId) -> Option<&MonitorState> {
        Some(self.nodes.get(child)?.driver.monitor())
    }

    /// How this child ended, once it has. It stays in the set until
    /// [`next_finished`](Self::next_finished) or [`remove`](Self::remove) takes it out.
    pub fn outcome(&self, child: ChildId) -> Option<Outcome> {
        self.nodes.get(child)?.driver.outcome()
    }

    /// The children in the set, in the order of starting, those included that have ended and were not
    /// taken out.
    pub fn ids(&self) -> impl Iterator<Item = ChildId> + '_ {
        self.nodes.iter().map(|node| node.driver.id())
    }

    /// How many children are in the set.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no child is in the set.
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 0
    }

    fn begin(
        &mut self,
        child: Child,
        mut strays: Option<Strays>,
        config: Config,
        handler: H,
    ) -> Result<ChildId, SpawnError<H>> {
        let process = Process::new(child);
        if let Err(error) = can_be_heard(&config, &process) {
            return Err(SpawnError { error, handler });
        }
        let process_id = process.child.id();
        if strays.is_some() {
            self.meet_family();
        }
        self.family.add(process_id);
        if let Some(strays) = &mut strays {
            self.adopt_for(strays);
        }
        let id = self.next_id;
        let mut node = Node::new(id, process, strays, config, handler);
        if let Err(error) = node.watch(&self.selector) {
            node.unwatch(&self.selector);
            self.family.remove(process_id);
            let handler = node.handler;
            return Err(SpawnError { error, handler });
        }
        self.next_id = id.next();
        self.shared.begin();
        let common = Common {
            selector: &self.selector,
            family: &mut self.family,
            shared: &mut self.shared,
        };
        node.start(clock::now(), common);
        self.nodes.push(node);
        self.settle(id);
        self.hand_on_requests();
        self.end_turn();
        Ok(id)
    }

    fn adopt_for(&mut self, strays: &mut Strays) {
        if let Err(error) = self.adopt_orphans() {
            strays.note(error.to_string());
        }
    }

    fn meet_family(&mut self) {
        let children = self.nodes.iter().map(|node| &node.process.child);
        let unreaped = children.filter(|child| !child.is_reaped());
        self.family.meet(|| unreaped.map(Child::id));
    }

    fn take_out(&mut self, id: ChildId) -> Option<H> {
        let mut node = self.nodes.remove(id)?;
        self.family.remove(node.process.child.id());
        node.unwatch(&self.selector);
        if node.alarm != Instant::FAR_FUTURE {
            self.forget_alarm();
        }
        let Node {
            driver, handler, ..
        } = node;
        let undone = driver.into_requests().map(|request| (id, request));
        self.undelivered.extend(undone);
        Some(handler)
    }
}

/// A deadline that output puts off needs output that comes.
fn can_be_heard(config: &Config, process: &Process) -> io::Result<()> {
    let mut open = Stream::ALL
        .into_iter()
        .filter(|stream| process.is_open(*stream));
    let refused = |name: &str, remedy: &str| {
        let why = format!("{name} counts output, and none would come: {remedy}");
        Err(io::Error::new(io::ErrorKind::InvalidInput, why))
    };
    let activity = config.activity;
    let mut counting = open.clone().filter(|stream| activity.counts(*stream));
    let by_output = Stream::ALL
        .into_iter()
        .any(|stream| activity.counts(stream));
    let silences = [
        ("idle_timeout", config.idle_timeout),
        ("warn_timeout", config.warn_timeout),
    ];
    if let Some((name, _)) = silences.into_iter().find(|(_, limit)| limit.is_some())
        && by_output
        && counting.next().is_none()
    {
        return refused(
            name,
            "pipe the stream that is activity, or set the activity to Explicit and vouch for progress",
        );
    }
    if config.first_output_timeout.is_some() && open.next().is_none() {
        return refused(
            "first_output_timeout",
            "pipe standard output or standard error",
        );
    }
    Ok(())
}

impl<H: Handler> AsFd for Children<H> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.selector.as_fd()
    }
}

impl<H: Handler> AsRawFd for Children<H> {
    fn as_raw_fd(&self) -> RawFd {
        self.selector.as_fd().as_raw_fd()
    }
}

/// All are killed before the first is dropped, so that most are dead when their turn to be reaped comes.
impl<H: Handler> Drop for Children<H> {
    fn drop(&mut self) {
        // A handler that has panicked is not called again; dropping the children kills them without it.
        if std::thread::panicking() {
            return;
        }
        let now = clock::now();
        for node in self.nodes.iter_mut() {
            let common = Common {
                selector: &self.selector,
                family: &mut self.family,
                shared: &mut self.shared,
            };
            node.kill(now, common);
        }
    }
}

impl<H: Handler> fmt::Debug for Children<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children")
            .field("ids", &self.ids().collect::<Vec<_>>())
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}
