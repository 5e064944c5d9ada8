//! Runs scenarios.

use std::time::Duration;

use childminder::Instant;
use childminder_driver::Ready;

use crate::agenda::Agenda;
use crate::coverage::Coverage;
use crate::dice::Dice;
use crate::machine::Machine;
use crate::oracle::Oracle;
use crate::process::Pipe;
use crate::report::{Report, Tally};
use crate::rule::Rule;
use crate::scenario::Scenario;
use crate::supervisor::Supervisor;
use crate::time::Clock;
use crate::trace::Log;
use crate::violation::Violation;

/// Runs `scenario` under `supervisor`, to its end.
///
/// # Errors
///
/// The first [`Rule`] that the supervisor breaks, and everything that happened until then.
pub fn run(scenario: &Scenario, mut supervisor: impl Supervisor) -> Result<Report, Violation> {
    Simulator::new().run(scenario, &mut supervisor)
}

/// Runs one [random scenario](Scenario::random) for each seed, each under a supervisor of its own.
///
/// # Errors
///
/// The violation of the first seed that shows one.
pub fn search<S: Supervisor>(
    seeds: impl IntoIterator<Item = u64>,
    mut supervise: impl FnMut(&Scenario) -> S,
) -> Result<Tally, Violation> {
    let mut simulator = Simulator::new();
    let mut tally = Tally::default();
    for seed in seeds {
        tally.add(&simulator.run_random(seed, &mut supervise)?);
    }
    Ok(tally)
}

/// [`search`], among scenarios of your own making: most often [`Scenario::calm`] ones.
///
/// # Errors
///
/// As [`search`].
pub fn search_in<S: Supervisor>(
    scenarios: impl IntoIterator<Item = Scenario>,
    mut supervise: impl FnMut(&Scenario) -> S,
) -> Result<Tally, Violation> {
    let mut simulator = Simulator::new();
    let mut tally = Tally::default();
    for scenario in scenarios {
        let mut supervisor = supervise(&scenario);
        tally.add(&simulator.run(&scenario, &mut supervisor)?);
    }
    Ok(tally)
}

/// [`search`], for tests.
///
/// # Panics
///
/// With the violation, as people can read it.
#[track_caller]
pub fn assert_holds<S: Supervisor>(
    seeds: impl IntoIterator<Item = u64>,
    supervise: impl FnMut(&Scenario) -> S,
) -> Tally {
    match search(seeds, supervise) {
        Ok(tally) => tally,
        Err(violation) => panic!("{violation}"),
    }
}

/// What runs scenarios one after the other, without an allocation for most: to run millions.
#[derive(Debug)]
pub struct Simulator {
    machine: Machine,
}

impl Simulator {
    /// One that has not run anything yet.
    pub fn new() -> Self {
        Self {
            machine: Machine {
                scenario: Scenario::empty(),
                latency: 0,
                oversleep: 0,
                call_time: 0,
                clock: Clock::default(),
                dice: Dice::new(0),
                agenda: Agenda::default(),
                processes: Vec::new(),
                pipes: [Pipe::default(), Pipe::default()],
                reaped: false,
                reused: false,
                shut_down: false,
                asked: 0,
                taken: 0,
                jobs: 0,
                answers: Vec::new(),
                reads: 0,
                interrupted: false,
                stolen: false,
                saw_exit: false,
                exit_edge: false,
                listens_for_exit: true,
                told: Ready::NONE,
                news_at: None,
                wake: None,
                overslept: 0,
                oracle: Oracle::default(),
                log: Log::default(),
                coverage: Coverage::default(),
                outcome: None,
                ended_at: 0,
                breach: None,
            },
        }
    }

    /// Runs `scenario` under `supervisor`, and keeps the trace.
    ///
    /// # Errors
    ///
    /// As [`run`](fn@run).
    pub fn run(
        &mut self,
        scenario: &Scenario,
        supervisor: &mut impl Supervisor,
    ) -> Result<Report, Violation> {
        self.machine.scenario.clone_from(scenario);
        let ran = self.go(supervisor, true);
        self.told(ran)
    }

    /// Runs this seed's [random scenario](Scenario::random), and keeps no trace, unless there is a
    /// violation: then it is run again to get one.
    ///
    /// # Errors
    ///
    /// As [`run`](fn@run).
    pub fn run_random<S: Supervisor>(
        &mut self,
        seed: u64,
        mut supervise: impl FnMut(&Scenario) -> S,
    ) -> Result<Report, Violation> {
        self.machine.scenario.reroll(seed);
        let mut supervisor = supervise(&self.machine.scenario);
        if let Ok(turns) = self.go(&mut supervisor, false) {
            return self.told(Ok(turns));
        }
        let mut supervisor = supervise(&self.machine.scenario);
        let ran = self.go(&mut supervisor, true);
        self.told(ran)
    }

    /// As [`run_random`](Self::run_random), but with a supervisor that is there already, and that `restart`
    /// makes as good as new for each scenario: to save its memory, a million times a second.
    ///
    /// # Errors
    ///
    /// As [`run`](fn@run).
    pub fn rerun_random<S: Supervisor>(
        &mut self,
        seed: u64,
        supervisor: &mut S,
        mut restart: impl FnMut(&mut S, &Scenario),
    ) -> Result<Report, Violation> {
        self.machine.scenario.reroll(seed);
        restart(supervisor, &self.machine.scenario);
        if let Ok(turns) = self.go(supervisor, false) {
            return self.told(Ok(turns));
        }
        restart(supervisor, &self.machine.scenario);
        let ran = self.go(supervisor, true);
        self.told(ran)
    }

    /// How many turns it took, or the rule that was broken and in which turn.
    fn go<S: Supervisor>(&mut self, supervisor: &mut S, keep: bool) -> Result<u32, (Rule, u32)> {
        let machine = &mut self.machine;
        machine.boot(keep);
        for turn in 1..=MOST_TURNS {
            if !machine.pass_until_turn() {
                return Err((Rule::Stalls, turn));
            }
            machine.begin_turn();
            supervisor.turn(machine);
            machine.end_turn(supervisor);
            let over = machine.outcome.is_some() && machine.breach.is_none();
            if over && supervisor.lingers() && machine.is_haunted() {
                machine.haunt();
                machine.begin_turn();
                supervisor.turn(machine);
            }
            if let Some(rule) = machine.breach {
                return Err((rule, turn));
            }
            if machine.outcome.is_some() {
                return Ok(turn);
            }
        }
        Err((Rule::Spins, MOST_TURNS))
    }

    fn told(&mut self, ran: Result<u32, (Rule, u32)>) -> Result<Report, Violation> {
        let machine = &mut self.machine;
        let trace = std::mem::take(&mut machine.log.trace);
        let broken = |(rule, turn)| Violation {
            rule,
            seed: machine.scenario.seed,
            at: Instant(machine.clock.time),
            turn,
            config: Box::new(machine.scenario.config),
            trace: trace.clone(),
        };
        let turns = ran.map_err(broken)?;
        let Some(outcome) = machine.outcome else {
            return Err(broken((Rule::Stalls, turns)));
        };
        Ok(Report {
            outcome,
            took: Duration::from_nanos(machine.ended_at),
            turns,
            digest: machine.log.digest.value(),
            coverage: machine.coverage,
            trace,
        })
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

/// Many more than any run needs that comes to its end.
const MOST_TURNS: u32 = 5_000;
