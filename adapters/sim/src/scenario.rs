//! All that a run is made of.

use std::io;
use std::time::Duration;

use childminder::{Config, Stream};

use crate::dice::Dice;
use crate::notification::{Payload, Reply};
use crate::owner::Request;
use crate::pace::Pace;
use crate::script::{Programs, Script};
use crate::time::nanos;
use crate::weather::Weather;

/// One run, before it is run: the child, the config, the owner, the machine. Two runs of one
/// scenario under one supervisor are the same to the last bit.
///
/// ```
/// use childminder::{Config, Stream};
/// use childminder_sim::{Request, Scenario, Script, live};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let child = Script::new().writes_every(second, 100, 5).exits(0);
/// let scenario = Scenario::new(&child)
///     .with_config(Config { idle_timeout: Some(3 * second), ..Config::default() })
///     .at(2 * second, Request::Terminate);
///
/// let report = live(&scenario, ())?.report;
/// assert!(report.outcome.terminated);
/// assert_eq!(report.took, 2 * second);
/// # Ok::<(), childminder_sim::NotLived<()>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scenario {
    pub(crate) seed: u64,
    pub(crate) config: Config,
    pub(crate) programs: Programs,
    /// Sorted by time.
    pub(crate) requests: Vec<(u64, Request)>,
    /// Of the jobs, in the order of their start; the last goes for all that follow.
    pub(crate) replies: Vec<Reply>,
    /// Which streams are captured.
    pub(crate) piped: [bool; 2],
    pub(crate) spawn_error: Option<io::ErrorKind>,
    pub(crate) pace: Pace,
    pub(crate) weather: Weather,
    pub(crate) shutdown: u64,
    /// What is to make the choices of the run, if it is not the seed.
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Scenario {
    /// This child, [`Config::default`], an owner that wants nothing, and a machine that is prompt.
    pub fn new(child: &Script) -> Self {
        let mut programs = Programs::default();
        programs.add_script(child);
        Self {
            programs,
            ..Self::empty()
        }
    }

    /// Whatever the seed says: child, config, owner, loop and machine.
    pub fn random(seed: u64) -> Self {
        let mut scenario = Self::empty();
        scenario.reroll(seed);
        scenario
    }

    /// As [`random`](Self::random), but each choice is made by some of these bytes, also those that are made
    /// in the run: for a fuzzer. Where there are none left, nothing unusual happens.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut scenario = Self::empty();
        scenario.choose(bytes);
        scenario
    }

    /// A random child, and all else as in [`new`](Self::new): for a supervisor that knows no
    /// requests and no notifications, and is to be held to a config of its own.
    pub fn calm(seed: u64, config: Config) -> Self {
        let mut scenario = Self::empty();
        scenario.reroll_child(seed);
        scenario.with_config(config)
    }

    pub(crate) fn empty() -> Self {
        Self {
            seed: 0,
            config: Config::default(),
            programs: Programs::default(),
            requests: Vec::new(),
            replies: Vec::new(),
            piped: [true; 2],
            spawn_error: None,
            pace: Pace::EVEN,
            weather: Weather::FINE,
            shutdown: nanos(Duration::from_secs(3600)),
            bytes: None,
        }
    }

    /// What the supervisor is to do, and what it is held to.
    #[must_use]
    pub fn with_config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// What the machine is like.
    #[must_use]
    pub fn with_weather(mut self, weather: Weather) -> Self {
        self.weather = weather;
        self
    }

    /// How the loop of [`Driven`](crate::Driven) goes about it.
    #[must_use]
    pub fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// This stream is not captured: it goes where the supervisor does not see it.
    #[must_use]
    pub fn without(mut self, stream: Stream) -> Self {
        self.piped[stream as usize] = false;
        self
    }

    /// The child cannot be started: [`live`](crate::live) says so. Other entrances start it all the same.
    #[must_use]
    pub fn cannot_start(mut self, error: io::ErrorKind) -> Self {
        self.spawn_error = Some(error);
        self
    }

    /// The same on any machine, under any pace: both, and all chance that is left, come out of this seed.
    #[must_use]
    pub fn in_any_weather(mut self, seed: u64) -> Self {
        self.reroll_machine(seed);
        self
    }

    /// What chance is left in a run (how late is late?) comes out of this seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The owner asks for this, so long after the start. The number of a notification is set here:
    /// they count 1, 2, 3, … in the order of their asking.
    #[must_use]
    pub fn at(mut self, after: Duration, request: Request) -> Self {
        self.requests.push((nanos(after), request));
        self.number_requests();
        self
    }

    /// How the jobs go, in the order of their start; the last reply goes for all that follow.
    /// Without any, all are answered at once, and well.
    #[must_use]
    pub fn answering(mut self, replies: &[Reply]) -> Self {
        self.replies = replies.to_vec();
        self
    }

    /// When the machine is shut down, an hour after the start unless said otherwise: whatever lives
    /// is killed, whatever hangs is answered. After that, every supervisor must come to its end.
    #[must_use]
    pub fn shut_down_after(mut self, span: Duration) -> Self {
        self.shutdown = nanos(span);
        self
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What the supervisor is to do.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Chance for one part of a run: each has its own number. A part that is steered by bytes takes those
    /// that the scenario left, the machine from their beginning and others from their end.
    pub(crate) fn dice(&self, part: u64) -> Dice {
        match &self.bytes {
            None => Dice::new(self.seed ^ part),
            Some(bytes) if part == Self::MACHINE => Dice::of_bytes(bytes.clone()),
            Some(bytes) => Dice::of_bytes(bytes.iter().rev().copied().collect()),
        }
    }

    pub(crate) fn number_requests(&mut self) {
        self.requests.sort_by_key(|(at, _)| *at);
        let mut notifications = 0;
        for (_, request) in &mut self.requests {
            if let Request::Notify(payload) = request {
                notifications += 1;
                *payload = Payload(notifications);
            }
        }
    }

    pub(crate) const MACHINE: u64 = 0x57ea_7e11;
    pub(crate) const HANDLER: u64 = 0x0b5e_55ed;

    pub(crate) fn reply(&self, job: usize) -> Reply {
        let last = self.replies.len().saturating_sub(1);
        let reply = self.replies.get(job.min(last));
        reply.copied().unwrap_or(Reply::AT_ONCE)
    }
}
