//! Many monitors that tell one endpoint of their tasks.
//!
//! [`childminder_sim::live`] lives one life at a time. Here the requests of one task make another wait, so all lives share
//! a clock: each is the driver that ships, over a kernel that only pretends, and what comes next in any of them comes next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::time::Duration;

use childminder::{Config, ExitStatus, Instant, Outcome, Signal, Stream, Target};
use childminder_driver::{
    Answer, BUDGET, ChildId, Control, Driver, Handler, Job, Kernel, Ready, Shared, Trigger, Turn,
};

/// The tasks, and the service that is told of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    /// How many tasks there are.
    pub(crate) tasks: u32,
    /// Their starts are spread evenly over this time.
    pub(crate) spread: Duration,
    /// `--heartbeat`.
    pub(crate) interval: Duration,
    /// `--notify-timeout`.
    pub(crate) timeout: Duration,
    /// How long each command runs if nothing ends it.
    pub(crate) life: Duration,
    /// When the client gives up by itself, and calls that a success, as it does any failure: `curl -m 10 … || true`.
    pub(crate) gives_up: Option<Duration>,
    /// The service that is told.
    pub(crate) endpoint: Endpoint,
    /// The bytes of a request with a heartbeat.
    pub(crate) beat_bytes: u64,
    /// The bytes of a request with the end.
    pub(crate) end_bytes: u64,
}

/// A service that is told: it takes one request after the other, whether or not its task still waits for the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint {
    /// How many requests it can answer in a second.
    pub(crate) per_second: u32,
    /// How long an answer takes when there is nothing else to do.
    pub(crate) latency: Duration,
    /// When it does not work.
    pub(crate) outage: Option<Outage>,
}

/// A time in which an endpoint does not work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    /// Counted from the first start.
    pub(crate) from: Duration,
    /// How long it lasts.
    pub(crate) lasts: Duration,
    /// What becomes of a request.
    pub(crate) kind: Down,
}

/// How an endpoint does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// It answers when it works again.
    Silent,
    /// Each request fails at once.
    Refusing,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Story {
    /// How many requests were made.
    pub(crate) requests: u64,
    /// All of their bytes.
    pub(crate) bytes: u64,
    /// The most requests in one second of the clock.
    pub(crate) peak_requests: u64,
    /// The most bytes in one second of the clock.
    pub(crate) peak_bytes: u64,
    /// How many beats were left out, because the one before was still under way.
    pub(crate) skipped: u64,
    /// How many commands were ended because a beat failed or took too long.
    pub(crate) ended: u64,
    /// How many runs failed because their end could not be told, though the command had succeeded.
    pub(crate) untold: u64,
    /// How long after its command the last monitor ended.
    pub(crate) longest_end: Duration,
    /// When the last monitor ended.
    pub(crate) took: Duration,
}

impl Story {
    /// In a second, from the first start to the last end.
    pub(crate) fn mean_requests(&self) -> u64 {
        self.requests / self.took.as_secs().max(1)
    }
}

impl Fleet {
    /// Lives through it.
    pub(crate) fn live(self) -> Story {
        let mut world = World::new(self);
        while let Some(Reverse((at, _, coming))) = world.agenda.pop() {
            world.now = at;
            world.happen(coming);
        }
        world.story()
    }

    fn config(&self) -> Config {
        Config {
            heartbeat_interval: Some(self.interval),
            final_notification: true,
            notification_timeout: Some(self.timeout),
            ..Config::default()
        }
    }
}

/// What comes next; the numbers are of a task and of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Coming {
    Start(usize),
    Wake(usize),
    Exit(usize),
    Answer(usize),
}

struct World {
    fleet: Fleet,
    now: Instant,
    /// What is to come, in order; what comes at one time, in the order in which it was planned.
    agenda: BinaryHeap<Reverse<(Instant, u64, Coming)>>,
    planned: u64,
    tasks: Vec<Task>,
    shared: Shared<()>,
    /// Of all requests, the task, the answer that is still to be given, and whether it is a good one.
    requests: Vec<(usize, Option<Answer>, bool)>,
    /// When the endpoint has done all that it was asked for.
    free_at: Instant,
    /// Requests and bytes, by seconds.
    seconds: Vec<(u64, u64)>,
}

struct Task {
    driver: Driver<()>,
    teller: Teller,
    command: Command,
    start: Instant,
    wakes_at: Option<Instant>,
    beats: u64,
    ended_at: Option<Instant>,
}

impl World {
    fn new(fleet: Fleet) -> Self {
        let ids = (1..).filter_map(ChildId::new);
        let tasks = (0..fleet.tasks)
            .zip(ids)
            .map(|(number, id)| Task {
                driver: Driver::new(id, fleet.config()),
                teller: Teller::default(),
                command: Command::default(),
                start: Instant::ZERO.after(fleet.spread * number / fleet.tasks),
                wakes_at: None,
                beats: 0,
                ended_at: None,
            })
            .collect();
        let mut world = Self {
            fleet,
            now: Instant::ZERO,
            agenda: BinaryHeap::new(),
            planned: 0,
            tasks,
            shared: Shared::new(|| {}),
            requests: Vec::new(),
            free_at: Instant::ZERO,
            seconds: Vec::new(),
        };
        for number in 0..world.tasks.len() {
            let start = world.tasks[number].start;
            world.plan(start, Coming::Start(number));
            world.plan(start.after(fleet.life), Coming::Exit(number));
        }
        world
    }

    fn plan(&mut self, at: Instant, coming: Coming) {
        self.planned += 1;
        self.agenda
            .push(Reverse((at.max(self.now), self.planned, coming)));
    }

    fn happen(&mut self, coming: Coming) {
        match coming {
            Coming::Start(task) => self.turn(task, Step::Start),
            Coming::Wake(task) => self.turn(task, Step::Turn(Ready::NONE)),
            Coming::Exit(task) => {
                let exit = (ExitStatus::Code(0), self.now);
                self.tasks[task].command.exit.get_or_insert(exit);
                self.turn(task, Step::Turn(Ready::EXIT));
            }
            Coming::Answer(request) => {
                let (task, answer, ok) = &mut self.requests[request];
                let (task, ok) = (*task, *ok);
                if let Some(answer) = answer.take() {
                    answer.give(if ok { Ok(()) } else { Err("refused".into()) });
                }
                self.turn(task, Step::Turn(Ready::NONE));
            }
        }
    }

    /// A turn of this task's driver, and what comes of it.
    fn turn(&mut self, number: usize, step: Step) {
        let task = &mut self.tasks[number];
        task.command.now = self.now;
        self.shared.begin();
        while let Some((_, mail)) = self.shared.next_mail() {
            task.driver.deliver(mail);
        }
        let mut turn = Turn {
            now: self.now,
            budget: BUDGET,
            kernel: &mut task.command,
            handler: &mut task.teller,
            shared: &mut self.shared,
        };
        match step {
            Step::Start => task.driver.start(&mut turn),
            Step::Turn(ready) => task.driver.turn(&mut turn, ready),
        }
        self.shared.end();
        if task.driver.outcome().is_some() {
            task.ended_at.get_or_insert(self.now);
        }
        let was_signalled = std::mem::take(&mut task.command.was_signalled);
        let wakes_at = task.driver.wake_at();
        let is_planned = wakes_at == task.wakes_at && wakes_at > Some(self.now);
        task.wakes_at = wakes_at;
        for (kind, answer) in std::mem::take(&mut task.teller.due) {
            self.request(number, kind, answer);
        }
        if was_signalled {
            self.plan(self.now, Coming::Exit(number));
        }
        if let Some(at) = wakes_at.filter(|_| !is_planned) {
            self.plan(at, Coming::Wake(number));
        }
    }

    /// The client asks the endpoint.
    fn request(&mut self, task: usize, kind: Kind, answer: Answer) {
        let bytes = match kind {
            Kind::Beat => {
                self.tasks[task].beats += 1;
                self.fleet.beat_bytes
            }
            Kind::End => self.fleet.end_bytes,
        };
        let second = usize::try_from(self.now.0 / 1_000_000_000).expect("a few");
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, (0, 0));
        }
        self.seconds[second].0 += 1;
        self.seconds[second].1 += bytes;
        let (mut at, mut ok) = self.answered();
        if let Some(patience) = self.fleet.gives_up {
            (at, ok) = (at.min(self.now.after(patience)), true);
        }
        self.plan(at, Coming::Answer(self.requests.len()));
        self.requests.push((task, Some(answer), ok));
    }

    /// When the endpoint answers a request that comes now, and whether it is a success.
    fn answered(&mut self) -> (Instant, bool) {
        let Endpoint {
            per_second,
            latency,
            outage,
        } = self.fleet.endpoint;
        let mut begins = self.now.max(self.free_at);
        if let Some(Outage { from, lasts, kind }) = outage {
            let from = Instant::ZERO.after(from);
            let to = from.after(lasts);
            match kind {
                Down::Refusing if (from..to).contains(&self.now) => {
                    return (self.now.after(latency), false);
                }
                Down::Silent if (from..to).contains(&begins) => begins = to,
                _ => {}
            }
        }
        self.free_at = begins.after(Duration::from_secs(1) / per_second);
        (self.free_at.after(latency), true)
    }

    fn story(&self) -> Story {
        let mut story = Story {
            requests: self.seconds.iter().map(|(requests, _)| requests).sum(),
            bytes: self.seconds.iter().map(|(_, bytes)| bytes).sum(),
            peak_requests: self
                .seconds
                .iter()
                .map(|(requests, _)| *requests)
                .max()
                .unwrap_or(0),
            peak_bytes: self
                .seconds
                .iter()
                .map(|(_, bytes)| *bytes)
                .max()
                .unwrap_or(0),
            ..Story::default()
        };
        for task in &self.tasks {
            let outcome = task.driver.outcome().expect("every run ends");
            let (_, exited_at) = task.command.exit.expect("every command ends");
            let ended_at = task.ended_at.expect("every run ends");
            let Outcome {
                error, terminated, ..
            } = outcome;
            story.ended += u64::from(terminated);
            story.untold += u64::from(error.is_some() && !terminated);
            let lived = exited_at.since(task.start).as_nanos();
            let due = (lived - 1) / self.fleet.interval.as_nanos() + 1;
            story.skipped += u64::try_from(due)
                .expect("a few")
                .saturating_sub(task.beats);
            story.longest_end = story.longest_end.max(ended_at.since(exited_at));
            story.took = story.took.max(ended_at.since(Instant::ZERO));
        }
        story
    }
}

#[derive(Clone, Copy)]
enum Step {
    Start,
    Turn(Ready),
}

#[derive(Clone, Copy)]
enum Kind {
    Beat,
    End,
}

/// What runs the command of `--notify`.
#[derive(Default)]
struct Teller {
    due: Vec<(Kind, Answer)>,
}

impl Handler for Teller {
    type Notification = ();

    fn notify(&mut self, _: &mut Control<()>, job: Job<()>, answer: Answer) {
        let kind = match job {
            Job::Final(_) => Kind::End,
            _ => Kind::Beat,
        };
        self.due.push((kind, answer));
    }
}

/// A command that writes nothing, and dies of any signal at once.
#[derive(Default)]
struct Command {
    now: Instant,
    /// How it ended, and when.
    exit: Option<(ExitStatus, Instant)>,
    was_signalled: bool,
}

impl Kernel for Command {
    fn is_open(&self, _: Stream) -> bool {
        false
    }

    fn trigger(&self) -> Trigger {
        Trigger::Level
    }

    fn read(&mut self, _: Stream, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn waiting(&mut self, _: Stream) -> io::Result<usize> {
        Ok(0)
    }

    fn close(&mut self, _: Stream) {}

    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        Ok(self.exit.map(|(status, _)| status))
    }

    fn signal(&mut self, signal: Signal, _: Target) -> io::Result<()> {
        self.exit
            .get_or_insert((ExitStatus::Signal(signal), self.now));
        self.was_signalled = true;
        Ok(())
    }

    fn pass_on(&mut self, _: Signal, _: Target) -> io::Result<()> {
        Ok(())
    }

    fn reap(&mut self) -> io::Result<()> {
        Ok(())
    }
}
