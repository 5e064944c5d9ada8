//! Exhaustive search: every ordering of events, from a small configuration, to the end.
//!
//! Breadth first over nodes: a monitor with its times rebased to now, a [`Watch`] that holds it to
//! the rules, and how much the world may still do. Since time is counted from now, the space closes
//! without a horizon: what stays finite are durations of a few nanoseconds, and the number of
//! notifications and outside failures.

use std::fmt;
use std::time::Duration;

use childminder::{
    Config, Event, ExitStatus, MonitorState, NotificationId, Signal, Stream, Target,
};
use indexmap::IndexSet;

use crate::op::{Drain, Op, Wait, Whose};
use crate::rules::disturb;
use crate::run::MOST_ACTIONS;
use crate::small::another_ladder;
use crate::watch::Watch;

/// What a search of one configuration found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    /// Distinct states.
    pub states: usize,
    /// Accepted steps from one state to another.
    pub transitions: u64,
    /// The most actions that were decided and not yet polled.
    pub fullest: usize,
    /// Whether every reachable state was visited.
    pub closed: bool,
}

/// A rule that was broken, and the shortest way there.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The configuration.
    pub config: Config,
    /// What happened.
    pub steps: Vec<Op>,
    /// What was wrong with it.
    pub violation: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.violation)?;
        writeln!(f, "with {:?}", self.config)?;
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:4}. {step:?}", index + 1)?;
        }
        Ok(())
    }
}

/// How a search drains the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draining {
    /// Always at once.
    Eager,
    /// At once, one action at a time, or not at all, changing at any moment.
    Any,
}

/// Visits every state that `config` can reach, or the first `most` of them.
///
/// # Errors
///
/// The shortest [`Counterexample`], if a rule is broken anywhere.
pub fn search(
    config: Config,
    draining: Draining,
    most: usize,
) -> Result<Found, Box<Counterexample>> {
    search_seeing(config, draining, most, |_, _| {})
}

/// The same, and `see` is shown each step: the monitor before and after it.
///
/// # Errors
///
/// As for [`search`].
pub fn search_seeing(
    config: Config,
    draining: Draining,
    most: usize,
    mut see: impl FnMut(&MonitorState, &MonitorState),
) -> Result<Found, Box<Counterexample>> {
    let mut states: IndexSet<Node, foldhash::fast::RandomState> = IndexSet::default();
    let mut parents: Vec<(u32, u8)> = vec![(0, 0)];
    let mut found = Found::default();
    states.insert(Node::new(config));

    let mut ops = ops();
    ops.retain(|op| draining == Draining::Any || !matches!(op, Op::Drain(_)));
    let mut next = 0;
    while next < states.len() {
        for (number, op) in (0..).zip(&ops) {
            let node = &states[next];
            let step = node.step(&config, *op, &mut found.fullest);
            match step {
                Ok(None) => {}
                Ok(Some(after)) => {
                    found.transitions += 1;
                    see(&node.monitor, &after.monitor);
                    if states.len() < most && states.insert(after) {
                        parents.push((u32::try_from(next).unwrap_or(u32::MAX), number));
                    }
                }
                Err(violation) => {
                    let mut steps = way_to(next, &parents, &ops);
                    steps.push(*op);
                    return Err(Box::new(Counterexample {
                        config,
                        steps,
                        violation,
                    }));
                }
            }
        }
        if let Err(violation) = states[next].ends(&config) {
            return Err(Box::new(Counterexample {
                config,
                steps: way_to(next, &parents, &ops),
                violation,
            }));
        }
        next += 1;
    }
    found.states = states.len();
    found.closed = states.len() < most;
    Ok(found)
}

fn way_to(mut index: usize, parents: &[(u32, u8)], ops: &[Op]) -> Vec<Op> {
    let mut steps = Vec::new();
    while index > 0 {
        let (parent, op) = parents[index];
        steps.push(ops[usize::from(op)]);
        index = parent as usize;
    }
    steps.reverse();
    steps
}

/// Everything that can happen next.
pub fn ops() -> Vec<Op> {
    let output = |stream| Op::Tell(Event::Output { stream, bytes: 1 });
    let answer = |whose, ok| Op::Answer { whose, ok };
    let seen = |living, immune| Op::Tell(Event::StraysSeen { living, immune });
    let pass_on = |target| {
        Op::Tell(Event::PassOn {
            signal: Signal::QUIT,
            target,
        })
    };
    let exit = |status| Op::Tell(Event::ChildExited(status));
    vec![
        Op::Tell(Event::Started),
        Op::Tell(Event::Tick),
        Op::Wait(Wait::For(UNIT)),
        output(Stream::Stdout),
        output(Stream::Stderr),
        Op::Tell(Event::Output {
            stream: Stream::Stdout,
            bytes: 0,
        }),
        Op::Tell(Event::Progress),
        Op::Tell(Event::Ready),
        Op::Tell(Event::Notify),
        answer(Whose::Latest, true),
        answer(Whose::Latest, false),
        answer(Whose::Unknown, true),
        Op::Tell(Event::Fail),
        Op::Tell(Event::Terminate),
        Op::Tell(Event::Escalate),
        Op::Tell(Event::SetIdleTimeout(None)),
        Op::Tell(Event::SetIdleTimeout(Some(UNIT))),
        Op::Tell(Event::SetLadder(another_ladder())),
        Op::Tell(Event::OutputClosed),
        exit(ExitStatus::Code(0)),
        exit(ExitStatus::Signal(Signal::INT)),
        Op::Tell(Event::Suspended),
        Op::Tell(Event::Resumed),
        Op::Tell(Event::Kill),
        pass_on(Target::Leader),
        pass_on(Target::Group),
        seen(0, 0),
        seen(2, 1),
        seen(2, 2),
        Op::Tell(Event::StraysUnseen),
        Op::Drain(Drain::All),
        Op::Drain(Drain::AtMost(1)),
        Op::Drain(Drain::Nothing),
    ]
}

/// A state of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Node {
    monitor: MonitorState,
    watch: Watch,
    drain: Drain,
    notifies: u8,
    fails: u8,
    suspended_waits: u8,
}

impl Node {
    fn new(config: Config) -> Self {
        let now = MonitorState::REBASED_NOW;
        Self {
            monitor: MonitorState::new(config).rebased(now),
            watch: Watch::new(&config),
            drain: Drain::All,
            notifies: NOTIFIES,
            fails: 2,
            suspended_waits: 2,
        }
    }

    /// The state after `op`; `None` if the world does not do that here, or the monitor refused it.
    fn step(&self, config: &Config, op: Op, fullest: &mut usize) -> Result<Option<Self>, String> {
        let mut node = self.clone();
        let event = match op {
            Op::Wait(_) => return Ok(self.may_wait().then(|| node.waited())),
            Op::Drain(drain) => {
                node.drain = drain;
                return Ok(Some(node));
            }
            Op::Tell(event) => event,
            Op::Answer { whose, ok } => {
                let id = match whose {
                    Whose::Unknown => NotificationId::new(u64::MAX),
                    _ => self.watch.latest(),
                };
                let Some(id) = id else { return Ok(None) };
                Event::NotifyDone { id, ok }
            }
        };
        match event {
            Event::Notify if node.notifies == 0 => return Ok(None),
            Event::Fail if node.fails == 0 => return Ok(None),
            // Whoever began without a ladder may think better of it; that will do.
            Event::SetLadder(_) if config.ladder.stages().count() > 0 => return Ok(None),
            Event::Notify => node.notifies -= 1,
            Event::Fail => node.fails -= 1,
            _ => {}
        }
        if !node.tell(config, event, fullest)? {
            return Ok(None);
        }
        Ok(Some(node))
    }

    /// Whether the event was accepted.
    fn tell(&mut self, config: &Config, event: Event, fullest: &mut usize) -> Result<bool, String> {
        let now = MonitorState::REBASED_NOW;
        let before = self.monitor.clone();
        if self.monitor.handle(now, event).is_err() {
            return if self.monitor == before {
                Ok(false)
            } else {
                Err(format!("rule 15: a refused {event:?} changed the state"))
            };
        }
        by_name(before.clone(), event, &self.monitor)?;
        by_the_long_way(before.clone(), event, &self.monitor)?;
        *fullest = (*fullest).max(pending(&self.monitor)?);
        self.watch.told(config, &before, event)?;
        let most = match self.drain {
            Drain::All => MOST_ACTIONS,
            Drain::AtMost(most) => usize::from(most),
            Drain::Nothing => 0,
        };
        let mut polled = 0;
        let mut drained = false;
        while polled < most && !drained {
            match self.monitor.poll_action() {
                Some(action) => self.watch.polled(config, &self.monitor, event, action)?,
                None => drained = true,
            }
            polled += 1;
        }
        self.watch
            .settled(config, &before, &self.monitor, event, drained)?;
        self.rebase();
        Ok(true)
    }

    fn rebase(&mut self) {
        self.monitor = self.monitor.rebased(MonitorState::REBASED_NOW);
        if self.monitor.first_error().is_none() {
            self.watch.recount();
        }
    }

    /// Waiting matters while a deadline lies ahead, and a little beyond it, for a late `Tick`.
    fn may_wait(&self) -> bool {
        if self.watch.is_suspended() {
            return self.suspended_waits > 0;
        }
        self.monitor
            .poll_timeout()
            .is_some_and(|at| at >= MonitorState::REBASED_NOW)
    }

    fn waited(mut self) -> Self {
        let unit = MonitorState::REBASED_NOW.after(UNIT);
        let far = MonitorState::REBASED_NOW.after(FAR);
        let later = self.monitor.poll_timeout().filter(|at| *at > far);
        let later = later.unwrap_or(unit);
        if self.watch.is_suspended() {
            self.suspended_waits -= 1;
        } else {
            self.watch.pass(later.since(MonitorState::REBASED_NOW));
        }
        self.monitor = self.monitor.rebased(later);
        self
    }

    /// Two ways to the end: with the world's help always, and by time alone where the configuration
    /// has an end for everything that is pending.
    fn ends(&self, config: &Config) -> Result<(), String> {
        let mut helped = self.clone();
        helped.drain = Drain::All;
        helped.help(config)?;
        if helped.monitor.outcome().is_none() {
            return Err("rule 1: `Finish` cannot be reached any more".to_owned());
        }
        let quiet = self.notifies == NOTIFIES
            && config.heartbeat_interval.is_none()
            && !config.final_notification;
        if self.watch.time_alone_ends_it(config, &self.monitor, quiet) {
            let mut alone = self.clone();
            alone.drain = Drain::All;
            alone.sleep(config)?;
            if alone.monitor.outcome().is_none() {
                return Err("rule 14: time alone should end this, and does not".to_owned());
            }
        }
        Ok(())
    }

    fn help(&mut self, config: &Config) -> Result<(), String> {
        let ignored = &mut 0;
        for event in [
            Event::Started,
            Event::Resumed,
            Event::OutputClosed,
            Event::ChildExited(ExitStatus::Code(0)),
            Event::StraysUnseen,
        ] {
            self.tell(config, event, ignored)?;
        }
        for _ in 0..MOST_ANSWERS {
            let Some(id) = self.watch.latest() else { break };
            if self.monitor.outcome().is_some() {
                break;
            }
            self.tell(config, Event::NotifyDone { id, ok: true }, ignored)?;
        }
        Ok(())
    }

    fn sleep(&mut self, config: &Config) -> Result<(), String> {
        for _ in 0..MOST_SLEEPS {
            let Some(at) = self.monitor.poll_timeout() else {
                break;
            };
            let now = at.max(MonitorState::REBASED_NOW);
            self.watch.pass(now.since(MonitorState::REBASED_NOW));
            self.monitor = self.monitor.rebased(now);
            self.tell(config, Event::Tick, &mut 0)?;
        }
        Ok(())
    }
}

/// How many actions are decided and not yet polled.
fn pending(monitor: &MonitorState) -> Result<usize, String> {
    let mut monitor = monitor.clone();
    for count in 0..MOST_ACTIONS {
        if monitor.poll_action().is_none() {
            return Ok(count);
        }
    }
    Err("rule 14: polling never ends".to_owned())
}

/// The calls that are named after an event do what telling of it does.
fn by_name(mut monitor: MonitorState, event: Event, handled: &MonitorState) -> Result<(), String> {
    let now = MonitorState::REBASED_NOW;
    let result = match event {
        Event::Notify => monitor.notify(now).map(|_| ()),
        Event::Fail => monitor.fail(now).map(|_| ()),
        _ => return Ok(()),
    };
    if result.is_ok() && monitor == *handled {
        Ok(())
    } else {
        Err(format!("rule 16: {event:?} depends on how it is told"))
    }
}

/// Output does the same where it can take no short way.
fn by_the_long_way(
    mut monitor: MonitorState,
    event: Event,
    handled: &MonitorState,
) -> Result<(), String> {
    if !matches!(event, Event::Output { .. }) {
        return Ok(());
    }
    let now = MonitorState::REBASED_NOW;
    disturb(&mut monitor, now);
    let result = monitor.handle(now, event);
    if result.is_ok() && monitor == *handled && pending(&monitor) == pending(handled) {
        Ok(())
    } else {
        Err(format!("rule 16: {event:?} depends on what came before it"))
    }
}

/// The unit of time: durations are a few of it.
pub const UNIT: Duration = Duration::from_nanos(1);

/// Where the next deadline is farther away, time passes until then at once.
const FAR: Duration = Duration::from_nanos(100);

/// How many notifications the owner asks for.
const NOTIFIES: u8 = 2;

/// More notifications than a node can have.
const MOST_ANSWERS: usize = 8;

/// More deadlines than can follow each other.
const MOST_SLEEPS: usize = 40;
