//! All that a run is made of.

use std::time::Duration;

use childminder::Config;

use crate::habits::Habits;
use crate::notification::{Payload, Reply};
use crate::owner::Request;
use crate::script::{Programs, Script};
use crate::time::nanos;
use crate::weather::Weather;

/// One run, before it is run: the child, the config, the owner, the machine. Two runs of one
/// scenario under one supervisor are the same to the last bit.
///
/// ```
/// use childminder::{Config, Stream};
/// use childminder_sim::{Minder, Request, Scenario, Script, run};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let child = Script::new().writes_every(second, 100, 5).exits(0);
/// let scenario = Scenario::new(&child)
///     .with_config(Config { idle_timeout: Some(3 * second), ..Config::default() })
///     .at(2 * second, Request::Terminate);
///
/// let report = run(&scenario, Minder::new(&scenario))?;
/// assert!(report.outcome.terminated);
/// assert_eq!(report.took, 2 * second);
/// # Ok::<(), childminder_sim::Violation>(())
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
    pub(crate) habits: Habits,
    pub(crate) weather: Weather,
    pub(crate) shutdown: u64,
}

impl Scenario {
    /// This child, [`Config::default`], an owner who wants nothing, and a machine that is prompt.
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
            habits: Habits::TIDY,
            weather: Weather::FINE,
            shutdown: nanos(Duration::from_secs(3600)),
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

    /// How [`Minder`](crate::Minder) goes about it.
    #[must_use]
    pub fn with_habits(mut self, habits: Habits) -> Self {
        self.habits = habits;
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

    /// How [`Minder`](crate::Minder) goes about it.
    pub fn habits(&self) -> Habits {
        self.habits
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

    pub(crate) fn reply(&self, job: usize) -> Reply {
        let last = self.replies.len().saturating_sub(1);
        let reply = self.replies.get(job.min(last));
        reply.copied().unwrap_or(Reply::AT_ONCE)
    }
}
