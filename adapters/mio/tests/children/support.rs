//! An owner that writes everything down, a loop that runs until something is so, and bystanders.

use std::fs::File;
use std::io::{self, ErrorKind, PipeReader, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use childminder::{
    Action, Config, Error, Event, ExitStatus, Ladder, Moment, MonitorState, Outcome, Signal, Stage,
    Stream, Target,
};
use childminder_driver::{Answer, ChildId, Control, Discarded, Failure, Handler, Job, Request};
use childminder_mio::Children;
use mio::{Events, Interest, Poll, Token};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Far more than a loaded machine needs for a whole test.
pub(crate) const GUARD: Duration = Duration::from_secs(30);

pub(crate) const SET: Token = Token(7);

/// A shell that runs `script`, with everything piped.
pub(crate) fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// An end of the output that is missed is waited for for ever. Not SIGINT: whoever runs the tests in
/// the background of a shell has it ignored.
pub(crate) fn patient() -> Config {
    Config {
        drain_timeout: None,
        ladder: ladder(Signal::TERM, millis(5_000)),
        ..Config::default()
    }
}

/// Send `first` to the group, and SIGKILL after `wait`.
pub(crate) fn ladder(first: Signal, wait: Duration) -> Ladder {
    let stage = |signal, wait| Stage {
        signal,
        target: Target::Group,
        wait,
    };
    Ladder::from([stage(first, Some(wait)), stage(Signal::KILL, None)])
}

/// Sleeps until there are events, or the timeout is over, or a signal comes.
pub(crate) fn sleep(poll: &mut Poll, events: &mut Events, timeout: Duration) {
    if let Err(error) = poll.poll(events, Some(timeout)) {
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
    }
}

/// Sleeps until there are events.
pub(crate) fn wait(poll: &mut Poll, events: &mut Events) {
    let begun = Instant::now();
    while begun.elapsed() < GUARD {
        sleep(poll, events, GUARD);
        if !events.is_empty() {
            return;
        }
    }
    panic!("nothing comes");
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// One child in a set of its own, in a loop of its own.
pub(crate) struct Run {
    pub(crate) poll: Poll,
    pub(crate) events: Events,
    pub(crate) children: Children<Owner>,
    pub(crate) id: ChildId,
    begun: Instant,
}

impl Run {
    pub(crate) fn of(script: &str, config: Config, owner: Owner) -> Self {
        Self::of_command(&mut sh(script), config, owner)
    }

    pub(crate) fn of_command(command: &mut Command, config: Config, owner: Owner) -> Self {
        let poll = Poll::new().expect("a poll");
        let mut children = Children::new().expect("a set");
        poll.registry()
            .register(&mut children, SET, Interest::READABLE)
            .expect("registered");
        let id = children.spawn(command, config, owner).expect("a child");
        Self {
            poll,
            events: Events::with_capacity(8),
            children,
            id,
            begun: Instant::now(),
        }
    }

    /// One more child beside the first.
    pub(crate) fn add(&mut self, script: &str, config: Config, owner: Owner) -> ChildId {
        let child = self.children.spawn(&mut sh(script), config, owner);
        child.expect("a child")
    }

    /// Sleeps until there is something to do, and does it.
    pub(crate) fn step(&mut self) {
        let left = GUARD.saturating_sub(self.begun.elapsed());
        let until_deadline = |at: Instant| at.saturating_duration_since(Instant::now());
        let timeout = self.children.deadline().map_or(left, until_deadline);
        sleep(&mut self.poll, &mut self.events, timeout.min(left));
        let monitor = self.children.monitor(self.id);
        assert!(self.begun.elapsed() < GUARD, "nothing comes: {monitor:?}");
        self.turn();
    }

    pub(crate) fn turn(&mut self) {
        self.children.turn();
    }

    pub(crate) fn until(&mut self, condition: impl Fn(&Owner) -> bool) {
        while !condition(self.owner()) {
            assert_eq!(self.outcome(), None, "it ended before");
            self.step();
        }
    }

    /// The child stays in the set.
    pub(crate) fn finish(&mut self) -> &Owner {
        self.finish_child(self.id)
    }

    pub(crate) fn finish_child(&mut self, id: ChildId) -> &Owner {
        while self.children.outcome(id).is_none() {
            self.step();
        }
        let owner = self.children.handler(id).expect("in the set");
        assert_eq!(owner.outcomes.len(), 1, "finished once");
        owner
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.children.outcome(self.id)
    }

    pub(crate) fn monitor(&self) -> &MonitorState {
        self.children.monitor(self.id).expect("in the set")
    }

    pub(crate) fn owner(&self) -> &Owner {
        self.children.handler(self.id).expect("in the set")
    }

    pub(crate) fn control(&mut self) -> Control<'_, Payload> {
        self.children.control(self.id).expect("in the set")
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        let stdin = self.children.take_stdin(self.id);
        stdin.expect("standard input is piped")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.children.child(self.id).expect("in the set").id()
    }

    /// Whether a turn has something to do, whatever the kernel and the clock say. Then the descriptor says so,
    /// too: to `poll(2)`, and to mio, which waits for edges.
    pub(crate) fn has_work(&mut self) -> bool {
        let due = |at| at <= Instant::now();
        let has_work = self.children.deadline().is_some_and(due);
        if has_work {
            assert!(is_readable(&self.children, Duration::ZERO));
            sleep(&mut self.poll, &mut self.events, Duration::ZERO);
            assert!(!self.events.is_empty(), "an edge was missed");
        }
        has_work
    }

    /// The process whose id the child writes as its first line.
    pub(crate) fn bystander(&mut self) -> Bystander {
        self.until(|owner| owner.stdout.contains(&b'\n'));
        Bystander::of(self.owner().text().trim().parse().expect("a process id"))
    }

    /// Sixteen times the room in the pipe that a living child has as its standard output.
    pub(crate) fn widen_stdout(&self) {
        let path = format!("/proc/{}/fd/1", self.pid());
        let pipe = File::options().write(true).open(path).expect("the pipe");
        rustix::pipe::fcntl_setpipe_size(&pipe, 1 << 20).expect("room");
    }

    /// The payloads that came back because their child is gone.
    pub(crate) fn undelivered(&mut self) -> Vec<(ChildId, Payload)> {
        let payload = |(child, request)| match request {
            Request::Notify(payload) => Some((child, payload)),
            _ => None,
        };
        std::iter::from_fn(|| self.children.next_undelivered())
            .filter_map(payload)
            .collect()
    }
}

/// More than is read in one turn, and less than fits into a widened pipe.
pub(crate) const BURST: usize = 600_000;

/// Tells when the burst has been written.
pub(crate) struct Burst(PipeReader);

impl Burst {
    /// A child that will write a burst when it is asked to.
    pub(crate) fn of_a_child() -> (Run, Self) {
        Self::of_a_child_of(Owner::new())
    }

    /// The same, for this owner.
    pub(crate) fn of_a_child_of(owner: Owner) -> (Run, Self) {
        let (reader, writer) = io::pipe().expect("a pipe");
        let script = format!("read go; head -c {BURST} /dev/zero; echo >&2; read go");
        let run = Run::of_command(sh(&script).stderr(writer), patient(), owner);
        run.widen_stdout();
        (run, Self(reader))
    }

    /// From now on, the child waits for its standard input to end.
    pub(crate) fn write(&mut self, run: &mut Run) -> ChildStdin {
        let mut stdin = run.stdin();
        stdin.write_all(b"go\n").expect("written");
        self.0.read_exact(&mut [0]).expect("a sign");
        stdin
    }
}

pub(crate) type Payload = &'static str;

type OnOutput = Box<dyn FnMut(&mut Control<Payload>, Stream, &[u8])>;
type OnEnded = Box<dyn FnMut(&mut Control<Payload>, Stream)>;
type OnNotify = Box<dyn FnMut(&mut Control<Payload>, Job<Payload>, Answer)>;
type OnError = Box<dyn FnMut(&mut Control<Payload>, Error)>;
type OnExited = Box<dyn FnMut(&mut Control<Payload>, ExitStatus)>;

/// Writes everything down, and reacts as it was told to.
pub(crate) struct Owner {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) ended: Vec<Stream>,
    pub(crate) jobs: Vec<Job<Payload>>,
    /// Each with whether it was the first.
    pub(crate) errors: Vec<(Error, bool)>,
    pub(crate) failures: Vec<String>,
    pub(crate) discarded: Vec<Discarded<Payload>>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) moments: Vec<(childminder::Instant, Moment)>,
    on_output: OnOutput,
    on_ended: OnEnded,
    on_notify: OnNotify,
    on_error: OnError,
    on_exited: OnExited,
}

impl Owner {
    pub(crate) fn new() -> Self {
        Self {
            stdout: Vec::new(),
            stderr: Vec::new(),
            ended: Vec::new(),
            jobs: Vec::new(),
            errors: Vec::new(),
            failures: Vec::new(),
            discarded: Vec::new(),
            outcomes: Vec::new(),
            moments: Vec::new(),
            on_output: Box::new(|_, _, _| {}),
            on_ended: Box::new(|_, _| {}),
            on_notify: Box::new(|_, _, answer| answer.succeed()),
            on_error: Box::new(|_, _| {}),
            on_exited: Box::new(|_, _| {}),
        }
    }

    pub(crate) fn on_output(
        mut self,
        react: impl FnMut(&mut Control<Payload>, Stream, &[u8]) + 'static,
    ) -> Self {
        self.on_output = Box::new(react);
        self
    }

    pub(crate) fn on_ended(
        mut self,
        react: impl FnMut(&mut Control<Payload>, Stream) + 'static,
    ) -> Self {
        self.on_ended = Box::new(react);
        self
    }

    pub(crate) fn on_notify(
        mut self,
        react: impl FnMut(&mut Control<Payload>, Job<Payload>, Answer) + 'static,
    ) -> Self {
        self.on_notify = Box::new(react);
        self
    }

    pub(crate) fn on_error(
        mut self,
        react: impl FnMut(&mut Control<Payload>, Error) + 'static,
    ) -> Self {
        self.on_error = Box::new(react);
        self
    }

    pub(crate) fn on_exited(
        mut self,
        react: impl FnMut(&mut Control<Payload>, ExitStatus) + 'static,
    ) -> Self {
        self.on_exited = Box::new(react);
        self
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcomes[0]
    }

    /// What came on standard output.
    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.stdout).expect("text")
    }

    pub(crate) fn signals(&self) -> Vec<Signal> {
        let signal = |(_, moment): &_| match moment {
            Moment::Action(Action::SendSignal { signal, .. }) => Some(*signal),
            _ => None,
        };
        self.moments.iter().filter_map(signal).collect()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        let event = |(_, moment): &_| match moment {
            Moment::Event(event) => Some(*event),
            _ => None,
        };
        self.moments.iter().filter_map(event).collect()
    }
}

impl Handler for Owner {
    type Notification = Payload;

    fn output(&mut self, control: &mut Control<Payload>, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.extend(bytes),
            Stream::Stderr => self.stderr.extend(bytes),
        }
        (self.on_output)(control, stream, bytes);
    }

    fn output_ended(&mut self, control: &mut Control<Payload>, stream: Stream) {
        self.ended.push(stream);
        (self.on_ended)(control, stream);
    }

    fn exited(&mut self, control: &mut Control<Payload>, status: ExitStatus) {
        (self.on_exited)(control, status);
    }

    fn notify(&mut self, control: &mut Control<Payload>, job: Job<Payload>, answer: Answer) {
        self.jobs.push(job);
        (self.on_notify)(control, job, answer);
    }

    fn error(
        &mut self,
        control: &mut Control<Payload>,
        error: Error,
        first: bool,
        failure: Option<Failure>,
    ) {
        self.errors.push((error, first));
        self.failures
            .extend(failure.map(|failure| failure.to_string()));
        (self.on_error)(control, error);
    }

    fn discarded(&mut self, what: Discarded<Payload>) {
        self.discarded.push(what);
    }

    fn finished(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    fn observe(&mut self, at: childminder::Instant, moment: Moment) {
        assert_eq!(self.outcomes, [], "nothing is observed after the end");
        self.moments.push((at, moment));
    }
}

/// A process that is not ours to wait for.
pub(crate) struct Bystander {
    pub(crate) pid: u32,
    pidfd: OwnedFd,
}

impl Bystander {
    pub(crate) fn of(pid: u32) -> Self {
        let number = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let number = number.expect("a process id");
        let pidfd = pidfd_open(number, PidfdFlags::empty()).expect("a living process");
        Self { pid, pidfd }
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.is_dead_within(Duration::ZERO)
    }

    pub(crate) fn kill(&self) {
        rustix::process::pidfd_send_signal(&self.pidfd, rustix::process::Signal::KILL)
            .expect("sent");
        self.wait_until_dead();
    }

    pub(crate) fn wait_until_dead(&self) {
        assert!(self.is_dead_within(GUARD), "alive after {GUARD:?}");
    }

    fn is_dead_within(&self, limit: Duration) -> bool {
        is_readable(&self.pidfd, limit)
    }
}

/// Whether `poll(2)` calls this readable within `limit`.
pub(crate) fn is_readable(fd: &impl AsFd, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).expect("a short time");
    let mut fds = [PollFd::new(fd, PollFlags::IN)];
    let ready = poll(&mut fds, Some(&limit)).map_err(io::Error::from);
    ready.expect("it can be waited for") > 0
}
