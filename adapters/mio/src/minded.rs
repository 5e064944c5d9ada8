//! One child in the loop.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::process::{ChildStdin, Command};
use std::sync::Arc;
use std::time::Duration;

use childminder::{
    Action, Config, Deadline, Error, Event, ExitStatus, FailureId, Instant, MonitorState,
    NotificationId, NotificationKind, Outcome, Stream,
};
use childminder_unix::{Child, Pipe};
use mio::event::Source;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use crate::answer::Mailbox;
use crate::control::Request;
use crate::{Answer, Control, Discarded, Failure, Handler, Job, Moment};

/// A child, its monitor and its owner, as an event source under one token.
///
/// It deregisters itself at the end. Dropped before, it kills the child's process group; like every
/// source it should then be deregistered first, or a last event may still come under its token.
#[derive(Debug)]
pub struct MindedChild<H: Handler> {
    handler: H,
    control: Control<H::Notification>,
    monitor: MonitorState,
    origin: std::time::Instant,
    child: Child,
    exit_seen: bool,
    stdout: Output,
    stderr: Output,
    mailbox: Arc<Mailbox>,
    queued: VecDeque<(NotificationId, H::Notification)>,
    failures: BTreeMap<FailureId, Failure>,
    buffer: Box<[u8]>,
    registered: bool,
}

impl<H: Handler> MindedChild<H> {
    /// Spawns `command` in a process group of its own and starts to mind it. Of its output, what was
    /// set to [`Stdio::piped`](std::process::Stdio::piped) comes to the handler.
    ///
    /// # Errors
    ///
    /// What [`Child::spawn`] reports: a command that cannot be run, or a system without pidfds.
    pub fn spawn(command: &mut Command, config: Config, handler: H) -> io::Result<Self> {
        let mailbox = Arc::new(Mailbox::new()?);
        let mut child = Child::spawn(command)?;
        let mut minded = Self {
            handler,
            control: Control::new(),
            monitor: MonitorState::new(config),
            origin: std::time::Instant::now(),
            exit_seen: false,
            stdout: Output::of(child.take_stdout()),
            stderr: Output::of(child.take_stderr()),
            child,
            mailbox,
            queued: VecDeque::new(),
            failures: BTreeMap::new(),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            registered: false,
        };
        minded.feed(Event::Started);
        minded.close_if_all_ended();
        Ok(minded)
    }

    /// Does what there is to do. Call it when the token is ready, and when
    /// [`poll_timeout`](Self::poll_timeout) is over; any time else is harmless. `registry` is the one
    /// that the child is registered with.
    ///
    /// # Errors
    ///
    /// Only what `registry` reports. What goes wrong with the child goes to [`Handler::error`].
    pub fn turn(&mut self, registry: &Registry) -> io::Result<()> {
        self.work(registry)?;
        if self.outcome().is_some() {
            self.let_go(registry)?;
        }
        Ok(())
    }

    /// How long the loop may sleep before the next [`turn`](Self::turn); zero while work is left
    /// over, `None` if only the token can bring more.
    pub fn poll_timeout(&self) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        Some(self.monitor.poll_timeout()?.since(self.now()))
    }

    /// The owner's side, for use between turns.
    pub fn control(&mut self) -> &mut Control<H::Notification> {
        &mut self.control
    }

    /// The write end of the child's standard input, if it was piped. Dropping it is the end of that
    /// input; until it is taken, the input stays open. Writes to it block, unless it is made a
    /// [`mio::unix::pipe::Sender`].
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.take_stdin()
    }

    /// The leader's process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<Outcome> {
        self.monitor.outcome()
    }

    /// The state machine, to query.
    pub fn monitor(&self) -> &MonitorState {
        &self.monitor
    }

    /// The owner.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// The owner.
    pub fn handler_mut(&mut self) -> &mut H {
        &mut self.handler
    }

    /// Gives the owner back. A child that has not ended is killed.
    pub fn into_handler(self) -> H {
        self.handler
    }
}

/// The steps of a turn.
impl<H: Handler> MindedChild<H> {
    fn work(&mut self, registry: &Registry) -> io::Result<()> {
        self.carry_out(registry)?;
        self.read_within_budget(registry)?;
        self.look_for_exit(registry)?;
        self.carry_out(registry)?;
        self.take_answers();
        self.carry_out(registry)?;
        self.look_at_the_clock(registry)?;
        self.carry_out(registry)
    }

    /// What has been asked so far. What the callbacks ask meanwhile waits for the next time, so that
    /// those who ask again whenever they are called starve nobody.
    fn carry_out(&mut self, registry: &Registry) -> io::Result<()> {
        for _ in 0..self.control.len() {
            let Some(request) = self.control.next() else {
                break;
            };
            match request {
                Request::Notify(notification) => self.queue(notification),
                Request::Fail(failure) => self.fail(failure),
                Request::Progress => self.feed(Event::Progress),
                Request::Terminate => self.feed(Event::Terminate),
                Request::Escalate => self.feed(Event::Escalate),
                Request::SetIdleTimeout(timeout) => self.feed(Event::SetIdleTimeout(timeout)),
                Request::SetLadder(ladder) => self.feed(Event::SetLadder(ladder)),
                Request::Suspended => self.feed(Event::Suspended),
                Request::Resumed => self.feed(Event::Resumed),
                Request::HoldOutput(stream) => self.output_mut(stream).held = true,
                Request::ReleaseOutput(stream) => {
                    let output = self.output_mut(stream);
                    output.held = false;
                    output.more = true;
                }
                Request::CloseOutput(stream) => self.close(stream, registry)?,
            }
        }
        Ok(())
    }

    fn read_within_budget(&mut self, registry: &Registry) -> io::Result<()> {
        for stream in STREAMS {
            self.read(stream, BUDGET, Held::Respected, registry)?;
        }
        Ok(())
    }

    /// What has been written by now, though the budget ran out. One byte more than that shows an end
    /// that has been reached.
    fn read_what_waits(&mut self, held: Held, registry: &Registry) -> io::Result<()> {
        for stream in STREAMS {
            let waiting = match &self.output_mut(stream).pipe {
                Some(pipe) => pipe.waiting(),
                None => continue,
            };
            match waiting {
                Ok(bytes) => self.read(stream, bytes.saturating_add(1), held, registry)?,
                Err(error) => self.control.fail(error),
            }
        }
        self.carry_out(registry)
    }

    /// What the child wrote before it died comes before its death, unless the owner held it.
    fn look_for_exit(&mut self, registry: &Registry) -> io::Result<()> {
        if self.exit_seen {
            return Ok(());
        }
        match self.child.exit_status() {
            Ok(None) => {}
            Ok(Some(status)) => {
                self.read_what_waits(Held::Respected, registry)?;
                self.exit_seen = true;
                self.feed(Event::ChildExited(status));
            }
            Err(error) => {
                self.exit_seen = true;
                self.fail(error.into());
                self.feed(Event::ChildExited(UNKNOWN));
            }
        }
        Ok(())
    }

    fn take_answers(&mut self) {
        match self.mailbox.take() {
            Ok(answers) => {
                for (id, ok) in answers {
                    self.feed(Event::NotifyDone { id, ok });
                }
            }
            Err(error) => self.control.fail(error),
        }
    }

    /// Before a deadline that output can move, or that gives it up, all that has been written by now
    /// is delivered, held or not.
    fn look_at_the_clock(&mut self, registry: &Registry) -> io::Result<()> {
        let mut now = self.now();
        if self.output_decides(now) {
            self.read_what_waits(Held::Overruled, registry)?;
            now = self.now();
        }
        if self.monitor.poll_timeout().is_some_and(|at| at <= now) {
            self.feed_at(now, Event::Tick);
        }
        Ok(())
    }

    fn output_decides(&self, now: Instant) -> bool {
        DECIDED_BY_OUTPUT
            .into_iter()
            .filter_map(|deadline| self.monitor.deadline(deadline))
            .any(|at| at <= now)
    }

    /// Stops when it has read `enough`, or at the first read that would block, never at a short one:
    /// on an edge-triggered pipe the end of the file may come with no edge of its own.
    fn read(
        &mut self,
        stream: Stream,
        enough: usize,
        held: Held,
        registry: &Registry,
    ) -> io::Result<()> {
        let mut left = enough;
        while left > 0 {
            let output = match stream {
                Stream::Stdout => &mut self.stdout,
                Stream::Stderr => &mut self.stderr,
            };
            let Some(pipe) = &output.pipe else {
                return Ok(());
            };
            if output.held && held == Held::Respected {
                return Ok(());
            }
            match pipe.read(&mut self.buffer) {
                Ok(0) => return self.close(stream, registry),
                Ok(bytes) => {
                    left = left.saturating_sub(bytes);
                    self.feed(Event::Output {
                        stream,
                        bytes: bytes as u64,
                    });
                    self.handler
                        .output(&mut self.control, stream, &self.buffer[..bytes]);
                    self.carry_out(registry)?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    output.more = false;
                    return Ok(());
                }
                Err(error) => {
                    self.fail(error.into());
                    return self.close(stream, registry);
                }
            }
        }
        self.output_mut(stream).more = true;
        Ok(())
    }

    /// Deregisters before it closes: a child that was forked meanwhile may hold a copy of the
    /// descriptor, which would keep it in the selector.
    fn close(&mut self, stream: Stream, registry: &Registry) -> io::Result<()> {
        if self.outcome().is_some() {
            return Ok(());
        }
        let Some(pipe) = self.output_mut(stream).pipe.take() else {
            return Ok(());
        };
        let deregistered = if self.registered {
            registry.deregister(&mut SourceFd(&pipe.as_fd().as_raw_fd()))
        } else {
            Ok(())
        };
        drop(pipe);
        self.handler.output_ended(&mut self.control, stream);
        self.close_if_all_ended();
        deregistered
    }

    fn close_if_all_ended(&mut self) {
        if self.stdout.pipe.is_none() && self.stderr.pipe.is_none() {
            self.feed(Event::OutputClosed);
        }
    }

    fn has_work(&self) -> bool {
        let unread = |output: &Output| output.pipe.is_some() && output.more && !output.held;
        !self.control.is_empty() || unread(&self.stdout) || unread(&self.stderr)
    }

    fn now(&self) -> Instant {
        Instant::ZERO.after(self.origin.elapsed())
    }

    fn output_mut(&mut self, stream: Stream) -> &mut Output {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

/// Between the monitor and the world.
impl<H: Handler> MindedChild<H> {
    fn feed(&mut self, event: Event) {
        self.feed_at(self.now(), event);
    }

    /// The end may come while something is still under way, an answer or a request; after it there is
    /// nothing left to act on, and nothing more to observe.
    fn feed_at(&mut self, now: Instant, event: Event) {
        if self.outcome().is_some() {
            return;
        }
        if self.monitor.handle(now, event).is_ok() {
            self.handler.observe(now, Moment::Event(event));
            self.perform(now);
        }
    }

    fn queue(&mut self, notification: H::Notification) {
        let now = self.now();
        match self.monitor.notify(now) {
            Ok(id) => {
                self.queued.push_back((id, notification));
                self.handler.observe(now, Moment::Notified(id));
                self.perform(now);
            }
            Err(_) => self
                .handler
                .discarded(Discarded::Notification(notification)),
        }
    }

    fn fail(&mut self, failure: Failure) {
        let now = self.now();
        match self.monitor.fail(now) {
            Ok(id) => {
                self.failures.insert(id, failure);
                self.handler.observe(now, Moment::Failed(id));
                self.perform(now);
            }
            Err(_) => self.handler.discarded(Discarded::Failure(failure)),
        }
    }

    fn perform(&mut self, now: Instant) {
        while let Some(action) = self.monitor.poll_action() {
            self.handler.observe(now, Moment::Action(action));
            match action {
                Action::RecordError { error, first } => self.report(error, first),
                Action::SendSignal { signal, target } => {
                    if let Err(error) = self.child.signal(signal, target) {
                        self.control.fail(error);
                    }
                }
                Action::DiscardNotifications { last, .. } => self.discard(last),
                Action::RunNotification { id, kind } => self.run(id, kind),
                Action::ScheduleTimer(_) => {} // the loop asks `poll_timeout`
                Action::Reap => {
                    if let Err(error) = self.child.reap() {
                        self.control.fail(error);
                    }
                }
                Action::Finish(outcome) => self.finish(outcome),
            }
        }
    }

    fn report(&mut self, error: Error, first: bool) {
        let failure = match error {
            Error::External(id) => self.failures.remove(&id),
            _ => None,
        };
        self.handler.error(&mut self.control, error, first, failure);
    }

    fn discard(&mut self, last: NotificationId) {
        while self.queued.front().is_some_and(|(id, _)| *id <= last) {
            if let Some((_, notification)) = self.queued.pop_front() {
                self.handler
                    .discarded(Discarded::Notification(notification));
            }
        }
    }

    fn run(&mut self, id: NotificationId, kind: NotificationKind) {
        let answer = Answer::to(&self.mailbox, id);
        let job = match kind {
            NotificationKind::Heartbeat => Job::Heartbeat,
            NotificationKind::Requested => match self.queued.pop_front() {
                Some((_, notification)) => Job::Requested(notification),
                None => return,
            },
        };
        self.handler.notify(&mut self.control, job, answer);
    }

    fn finish(&mut self, outcome: Outcome) {
        for stream in STREAMS {
            if self.output_mut(stream).pipe.is_some() {
                self.handler.output_ended(&mut self.control, stream);
            }
        }
        self.handler.finished(outcome);
    }

    /// After the end nothing is waited for any more, and what was still asked for comes back.
    fn let_go(&mut self, registry: &Registry) -> io::Result<()> {
        self.carry_out(registry)?;
        let deregistered = self.deregister(registry);
        self.stdout.pipe = None;
        self.stderr.pipe = None;
        deregistered
    }

    fn open_fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let pipes = [&self.stdout.pipe, &self.stderr.pipe];
        [self.child.exit_fd(), self.mailbox.as_fd()]
            .into_iter()
            .chain(pipes.into_iter().flatten().map(AsFd::as_fd))
    }
}

/// All descriptors share one token; a turn asks each of them what it has. After the end there is
/// nothing left to wait for, and nothing to do here.
impl<H: Handler> Source for MindedChild<H> {
    fn register(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        if self.registered {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if self.outcome().is_some() {
            return Ok(());
        }
        for (earlier, fd) in self.open_fds().enumerate() {
            let added =
                registry.register(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE);
            if added.is_err() {
                // All or none. What cannot be taken back either has nobody to go to.
                let _ = deregister_all(registry, self.open_fds().take(earlier));
                return added;
            }
        }
        self.registered = true;
        Ok(())
    }

    fn reregister(&mut self, registry: &Registry, token: Token, _: Interest) -> io::Result<()> {
        if self.outcome().is_some() {
            return Ok(());
        }
        for fd in self.open_fds() {
            registry.reregister(&mut SourceFd(&fd.as_raw_fd()), token, Interest::READABLE)?;
        }
        Ok(())
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        if !self.registered {
            return Ok(());
        }
        self.registered = false;
        deregister_all(registry, self.open_fds())
    }
}

/// As many as can be; the first error.
fn deregister_all<'fd>(
    registry: &Registry,
    fds: impl Iterator<Item = BorrowedFd<'fd>>,
) -> io::Result<()> {
    fds.map(|fd| registry.deregister(&mut SourceFd(&fd.as_raw_fd())))
        .fold(Ok(()), io::Result::and)
}

/// One stream of the child's output.
#[derive(Debug)]
struct Output {
    pipe: Option<Pipe>,
    /// The owner does not want it for now.
    held: bool,
    /// There may be more to read, which no edge will announce.
    more: bool,
}

impl Output {
    fn of(pipe: Option<Pipe>) -> Self {
        Self {
            pipe,
            held: false,
            more: false,
        }
    }
}

/// What a read makes of a stream that the owner holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    Respected,
    Overruled,
}

/// Output puts the first two off; the others may give it up.
const DECIDED_BY_OUTPUT: [Deadline; 4] = [
    Deadline::Idle,
    Deadline::FirstOutput,
    Deadline::Stage,
    Deadline::Drain,
];

const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

/// When as much of a stream has been read, the rest waits for the next turn.
const BUDGET: usize = 128 * 1024;

/// How much is read at a time: what a pipe holds by default.
const CHUNK: usize = 64 * 1024;

/// Somebody else reaped the child: its status is lost. No process can exit with this one.
const UNKNOWN: ExitStatus = ExitStatus::Code(-1);
