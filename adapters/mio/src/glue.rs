//! The order of a turn: what is asked of the kernel, of the owner and of the monitor, and when.

mod perform;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::mem;
use std::time::Duration;

use childminder::{
    Config, Deadline, Event, ExitStatus, FailureId, Instant, MonitorState, NotificationId, Stream,
};

use crate::control::Request;
use crate::kernel::{Kernel, STREAMS};
use crate::{Control, Failure, Handler};

/// A monitor between its owner and the kernel.
#[derive(Debug)]
pub(crate) struct Glue<H: Handler, K> {
    pub(crate) handler: H,
    pub(crate) control: Control<H::Notification>,
    pub(crate) monitor: MonitorState,
    pub(crate) kernel: K,
    exit_seen: bool,
    stdout: Output,
    stderr: Output,
    queued: VecDeque<(NotificationId, H::Notification)>,
    failures: BTreeMap<FailureId, Failure>,
    buffer: Box<[u8]>,
    /// What the registry said first in this turn, which goes on all the same: no event would come
    /// again for what it left undone.
    deregistered: io::Result<()>,
}

impl<H: Handler, K: Kernel> Glue<H, K> {
    /// Starts to mind a child that runs.
    pub(crate) fn new(kernel: K, config: Config, handler: H) -> Self {
        let mut glue = Self {
            handler,
            control: Control::new(),
            monitor: MonitorState::new(config),
            kernel,
            exit_seen: false,
            stdout: Output::default(),
            stderr: Output::default(),
            queued: VecDeque::new(),
            failures: BTreeMap::new(),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            deregistered: Ok(()),
        };
        glue.feed(Event::Started);
        glue.close_if_all_ended();
        glue
    }

    /// As [`MindedChild::turn`](crate::MindedChild::turn).
    pub(crate) fn turn(&mut self, registry: &K::Registry) -> io::Result<()> {
        self.work(registry);
        if self.monitor.outcome().is_some() {
            self.let_go(registry);
        }
        mem::replace(&mut self.deregistered, Ok(()))
    }

    /// As [`MindedChild::poll_timeout`](crate::MindedChild::poll_timeout).
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        Some(self.monitor.poll_timeout()?.since(self.kernel.now()))
    }
}

/// The steps of a turn.
impl<H: Handler, K: Kernel> Glue<H, K> {
    fn work(&mut self, registry: &K::Registry) {
        self.carry_out(registry);
        self.read_within_budget(registry);
        self.look_for_exit(registry);
        self.carry_out(registry);
        self.take_answers();
        self.carry_out(registry);
        self.look_at_the_clock(registry);
        self.carry_out(registry);
    }

    /// What has been asked so far. What the callbacks ask meanwhile waits for the next time, so that
    /// those who ask again whenever they are called starve nobody.
    fn carry_out(&mut self, registry: &K::Registry) {
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
                Request::CloseOutput(stream) => self.close(stream, registry),
            }
        }
    }

    fn read_within_budget(&mut self, registry: &K::Registry) {
        for stream in STREAMS {
            self.read(stream, BUDGET, Held::Respected, registry);
        }
    }

    /// What has been written by now, though the budget ran out. One byte more than that shows an end
    /// that has been reached.
    fn read_what_waits(&mut self, held: Held, registry: &K::Registry) {
        for stream in STREAMS {
            if !self.kernel.is_open(stream) {
                continue;
            }
            match self.kernel.waiting(stream) {
                Ok(bytes) => self.read(stream, bytes.saturating_add(1), held, registry),
                Err(error) => self.control.fail(error),
            }
        }
        self.carry_out(registry);
    }

    /// What the child wrote before it died comes before its death, unless the owner held it.
    fn look_for_exit(&mut self, registry: &K::Registry) {
        if self.exit_seen {
            return;
        }
        let Some(seen) = self.kernel.exit_status().transpose() else {
            return;
        };
        self.read_what_waits(Held::Respected, registry);
        self.exit_seen = true;
        let status = seen.unwrap_or_else(|lost| {
            self.fail(lost.into());
            ExitStatus::Lost
        });
        self.feed(Event::ChildExited(status));
    }

    fn take_answers(&mut self) {
        match self.kernel.mailbox().take() {
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
    fn look_at_the_clock(&mut self, registry: &K::Registry) {
        let mut now = self.kernel.now();
        if self.output_decides(now) {
            self.read_what_waits(Held::Overruled, registry);
            now = self.kernel.now();
        }
        if self.monitor.poll_timeout().is_some_and(|at| at <= now) {
            self.feed_at(now, Event::Tick);
        }
    }

    fn output_decides(&self, now: Instant) -> bool {
        DECIDED_BY_OUTPUT
            .into_iter()
            .filter_map(|deadline| self.monitor.deadline(deadline))
            .any(|at| at <= now)
    }

    /// Stops when it has read `enough`, or at the first read that would block, never at a short one:
    /// on an edge-triggered pipe the end of the file may come with no edge of its own.
    fn read(&mut self, stream: Stream, enough: usize, held: Held, registry: &K::Registry) {
        let mut left = enough;
        while left > 0 {
            let refused = held == Held::Respected && self.output_mut(stream).held;
            if refused || !self.kernel.is_open(stream) {
                return;
            }
            match self.kernel.read(stream, &mut self.buffer) {
                Ok(0) => return self.close(stream, registry),
                Ok(bytes) => {
                    left = left.saturating_sub(bytes);
                    self.feed(Event::Output {
                        stream,
                        bytes: bytes as u64,
                    });
                    self.handler
                        .output(&mut self.control, stream, &self.buffer[..bytes]);
                    self.carry_out(registry);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.output_mut(stream).more = false;
                    return;
                }
                Err(error) => {
                    self.fail(error.into());
                    return self.close(stream, registry);
                }
            }
        }
        self.output_mut(stream).more = true;
    }

    fn close(&mut self, stream: Stream, registry: &K::Registry) {
        if self.monitor.outcome().is_some() || !self.kernel.is_open(stream) {
            return;
        }
        let deregistered = self.kernel.close(stream, registry);
        self.note(deregistered);
        self.handler.output_ended(&mut self.control, stream);
        self.close_if_all_ended();
    }

    fn note(&mut self, deregistered: io::Result<()>) {
        let earlier = mem::replace(&mut self.deregistered, Ok(()));
        self.deregistered = earlier.and(deregistered);
    }

    fn close_if_all_ended(&mut self) {
        if !STREAMS.iter().any(|stream| self.kernel.is_open(*stream)) {
            self.feed(Event::OutputClosed);
        }
    }

    fn has_work(&self) -> bool {
        let unread =
            |stream, output: &Output| output.more && !output.held && self.kernel.is_open(stream);
        !self.control.is_empty()
            || unread(Stream::Stdout, &self.stdout)
            || unread(Stream::Stderr, &self.stderr)
    }

    fn output_mut(&mut self, stream: Stream) -> &mut Output {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }
}

/// One stream of the child's output.
#[derive(Debug, Default)]
struct Output {
    /// The owner does not want it for now.
    held: bool,
    /// There may be more to read, which no edge will announce.
    more: bool,
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

/// When as much of a stream has been read, the rest waits for the next turn.
const BUDGET: usize = 128 * 1024;

/// How much is read at a time: what a pipe holds by default.
const CHUNK: usize = 64 * 1024;
