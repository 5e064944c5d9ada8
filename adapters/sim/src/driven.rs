//! The driver that ships, under the simulator.

mod judge;
mod live;
mod random;
mod seat;
mod witness;
mod words;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use childminder::{Instant, MonitorState, Stream};
use childminder_driver::{ChildId, Driver, Handler, Ready, Request, Shared, Turn};

use crate::coverage::Seen;
use crate::dice::Dice;
use crate::machine::{Machine, Source};
use crate::notification::Payload;
use crate::pace::{Hints, Pace};
use crate::scenario::Scenario;
use crate::supervisor::Supervisor;

use self::judge::{Judge, Tagged};
use self::seat::Seat;
use self::witness::{Desk, Witness};

pub use live::{Lived, NotLived, live};
pub use random::RandomHandler;

/// The [`Driver`] that ships, with a [`Handler`], as a [`Supervisor`].
///
/// The machine is the driver's kernel. Beside the oracle that judges every supervisor stands one that knows
/// what a driver promises to its handler and to its monitor, and compares each of its steps with that.
///
/// The notifications that the scenario's owner asks for are made `From<`[`Payload`]`>`. When the handler
/// answers one, the scenario's [`Reply`](crate::Reply) says how long the answer is under way, and whether it
/// arrives as a failure.
#[derive(Debug)]
pub struct Driven<H: Handler> {
    handler: H,
    driver: Driver<Tagged<H::Notification>>,
    shared: Shared<Tagged<H::Notification>>,
    woken: Arc<AtomicBool>,
    desk: Desk<H::Notification>,
    judge: Judge,
    pace: Pace,
    /// The chances of output to be forwarded, if it is.
    forwarding: Option<Dice>,
    started: bool,
    /// Whether the shutdown of the machine also gives back what the handler keeps for itself.
    lets_go: bool,
}

impl<H> Driven<H>
where
    H: Handler,
    H::Notification: From<Payload>,
{
    /// For this scenario's child.
    pub fn new(scenario: &Scenario, handler: H) -> Self {
        let woken = Arc::new(AtomicBool::new(false));
        let bell = Arc::clone(&woken);
        Self {
            handler,
            driver: Driver::new(ChildId::FIRST, scenario.config),
            shared: Shared::new(move || bell.store(true, Ordering::Relaxed)),
            woken,
            desk: Desk::default(),
            judge: Judge::new(scenario.config),
            pace: scenario.pace,
            forwarding: None,
            started: false,
            lets_go: false,
        }
    }

    /// The same on a machine that now and then forwards output by itself, seen or unseen, and now and then has no room
    /// where it goes ([`Kernel::forward`](childminder_driver::Kernel::forward)), as this seed has it.
    #[must_use]
    pub fn forwarding(mut self, seed: u64) -> Self {
        self.forwarding = Some(Dice::new(seed));
        self
    }

    /// As [`new`](Self::new), in the memory of the one before: to run millions. Returns the handler of the
    /// one before.
    pub fn restart(&mut self, scenario: &Scenario, handler: H) -> H {
        while self.shared.next_request().is_some() {}
        self.driver = Driver::new(ChildId::FIRST, scenario.config);
        self.desk.clear(); // which answers what was still held
        self.shared.begin();
        while self.shared.next_mail().is_some() {}
        self.shared.end();
        self.woken.store(false, Ordering::Relaxed);
        self.judge.begin(scenario.config);
        self.pace = scenario.pace;
        self.forwarding = None;
        self.started = false;
        std::mem::replace(&mut self.handler, handler)
    }

    /// The handler, as it has become.
    pub fn into_handler(self) -> H {
        self.handler
    }

    /// The state machine, to query.
    pub fn monitor(&self) -> &MonitorState {
        self.driver.monitor()
    }
}

impl Driven<RandomHandler> {
    /// With a handler that asks for anything in any callback, as the scenario's seed has it.
    pub fn random(scenario: &Scenario) -> Self {
        let mut driven = Self::new(scenario, RandomHandler::new(scenario));
        driven.lets_go = true;
        driven
    }
}

impl<H> Supervisor for Driven<H>
where
    H: Handler,
    H::Notification: From<Payload>,
{
    fn turn(&mut self, machine: &mut Machine) {
        self.take_what_came(machine);
        let told = match self.pace.hints {
            Hints::Precise => machine.told,
            Hints::All => Ready::ALL,
        };
        self.drive(machine, told);
        if self.pace.extra_turns {
            self.drive(machine, Ready::NONE);
        }
        if self.lets_go && machine.shut_down {
            self.let_go(machine);
        }
        self.shared.end();
        self.judge.sleeps(machine, &self.driver, self.wake_at());
    }

    fn wake_at(&self) -> Option<Instant> {
        if self.woken.load(Ordering::Relaxed) {
            return Some(Instant::ZERO);
        }
        self.driver.wake_at()
    }

    fn waits_for(&self, source: Source) -> bool {
        match source {
            Source::Output(stream) => self.driver.wants(stream),
            Source::Exit => self.driver.wants_exit(),
            Source::Answers | Source::Requests => true,
        }
    }

    fn lingers(&self) -> bool {
        true
    }
}

impl<H> Driven<H>
where
    H: Handler,
    H::Notification: From<Payload>,
{
    /// What the owner asks for, and the answers that have arrived.
    fn take_what_came(&mut self, machine: &mut Machine) {
        self.woken.store(false, Ordering::Relaxed);
        while let Some(request) = machine.hear_request() {
            let request = self.judge.owner_asks(request);
            self.driver.ask(request);
        }
        while let Some(answer) = machine.hear_answer() {
            self.desk.arrives(&mut self.judge, answer);
        }
    }

    fn drive(&mut self, machine: &mut Machine, told: Ready) {
        self.shared.begin();
        while let Some((_, mail)) = self.shared.next_mail() {
            self.driver.deliver(mail);
        }
        self.judge.turn_begins(machine);
        let now = machine.now();
        let stage = RefCell::new(Stage {
            machine,
            judge: &mut self.judge,
        });
        let mut turn = Turn {
            now,
            budget: self.pace.budget,
            kernel: &mut Seat {
                stage: &stage,
                forwarding: self.forwarding.as_mut(),
            },
            handler: &mut Witness {
                stage: &stage,
                handler: &mut self.handler,
                desk: &mut self.desk,
            },
            shared: &mut self.shared,
        };
        if !std::mem::replace(&mut self.started, true) {
            self.driver.start(&mut turn);
        }
        self.driver.turn(&mut turn, told);
        let spent = turn.budget == 0;
        while self.shared.next_request().is_some() {} // there is no other child
        let Stage { machine, judge } = stage.into_inner();
        machine.coverage.add_if(spent, Seen::SmallBudget);
        judge.turn_ends(machine);
    }

    fn let_go(&mut self, machine: &mut Machine) {
        for stream in Stream::ALL {
            if self.judge.is_held(stream) {
                let release = Request::ReleaseOutput(stream);
                if let Some(request) = self.judge.asks(machine, release) {
                    self.driver.ask(request);
                }
            }
        }
        if self.driver.monitor().is_suspended()
            && let Some(request) = self.judge.asks(machine, Request::Resumed)
        {
            self.driver.ask(request);
        }
        self.desk.let_go(machine, &mut self.judge);
    }
}

/// What the driver's kernel and its handler have in common.
#[derive(Debug)]
struct Stage<'a> {
    machine: &'a mut Machine,
    judge: &'a mut Judge,
}
