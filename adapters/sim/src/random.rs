//! Scenarios by chance.
//!
//! Part of what a seed promises: whatever is changed here changes what every seed means.

use std::time::Duration;

use childminder::{Activity, Config, ExitStatus, Ladder, Signal, Stage, Stream, Sweep, Target};
use childminder_driver::{BUDGET, Trigger};

use crate::dice::Dice;
use crate::notification::{Payload, Reply};
use crate::owner::Request;
use crate::pace::{Hints, Pace};
use crate::process::linux;
use crate::scenario::Scenario;
use crate::script::{Reaction, Step};
use crate::time::{MILLISECOND, SECOND};
use crate::weather::{ClockSet, Weather};

impl Scenario {
    /// [`Scenario::random`], in place of what was, and in its memory.
    pub(crate) fn reroll(&mut self, seed: u64) {
        self.seed = seed;
        self.bytes = None;
        self.roll(&mut Dice::new(seed));
    }

    /// [`Scenario::from_bytes`].
    pub(crate) fn choose(&mut self, bytes: &[u8]) {
        let mut dice = Dice::of_bytes(bytes.to_vec());
        self.roll(&mut dice);
        self.bytes = Some(dice.left());
    }

    /// Only the machine, and the loop's pace.
    pub(crate) fn reroll_machine(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        self.seed = seed;
        self.weather = roll_weather(&mut dice);
        self.pace = roll_pace(&mut dice);
    }

    fn roll(&mut self, dice: &mut Dice) {
        self.shutdown = SHUTDOWN;
        self.roll_processes(dice);
        self.config = roll_config(dice);
        self.roll_owner(dice);
        self.weather = roll_weather(dice);
        self.pace = roll_pace(dice);
        self.piped = [!dice.one_in(16), !dice.one_in(8)];
    }

    /// Only the child, and how late this and that is.
    pub(crate) fn reroll_child(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        self.seed = seed;
        self.shutdown = SHUTDOWN;
        self.roll_processes(&mut dice);
    }

    fn roll_processes(&mut self, dice: &mut Dice) {
        self.programs.clear();
        let mut steps = Steps::new();
        // The leader is the first, and its children follow it.
        let children = match dice.few(8) {
            0..5 => 0,
            5..7 => 1,
            _ => 2,
        };
        for child in 1..=children {
            steps.sometimes_sleep(dice, 2);
            steps.push(Step::Forks { program: child });
        }
        roll_life(dice, &mut steps);
        let default = roll_reaction(dice);
        let special = (Signal::INT, roll_reaction(dice));
        let specials = usize::from(dice.one_in(4));
        self.programs
            .add(default, &[special][..specials], steps.all());
        let mut last = children;
        for _ in 0..children {
            let mut steps = Steps::new();
            if dice.one_in(3) {
                steps.push(Step::LeavesGroup);
            }
            if dice.one_in(12) {
                steps.push(Step::BecomesImmune);
            }
            if dice.one_in(12) {
                let times = 1 + u8::from(dice.one_in(2));
                steps.push(Step::ForksWhenKilled { times });
            }
            if dice.one_in(4) {
                last += 1;
                steps.push(Step::Forks { program: last });
            }
            if dice.one_in(4) {
                let stream = roll_stream(dice);
                steps.push(Step::Closes { stream });
            }
            if dice.one_in(8) {
                for stream in Stream::ALL {
                    steps.push(Step::Closes { stream });
                }
                let nanos = dice.below(50 * MILLISECOND);
                steps.push(Step::Sleeps { nanos });
                steps.push(Step::Ends(ExitStatus::Code(0)));
            }
            roll_life(dice, &mut steps);
            let default = roll_reaction(dice);
            self.programs.add(default, &[], steps.all());
        }
        for _ in children..last {
            let mut steps = Steps::new();
            roll_life(dice, &mut steps);
            let default = roll_reaction(dice);
            self.programs.add(default, &[], steps.all());
        }
    }

    fn roll_owner(&mut self, dice: &mut Dice) {
        self.requests.clear();
        self.replies.clear();
        if dice.one_in(2) {
            for _ in 0..=dice.few(4) {
                let at = roll_span(dice, 20);
                let request = roll_request(dice);
                self.requests.push((at, request));
                if request == Request::Suspended && !dice.one_in(4) {
                    let after = roll_span(dice, 20);
                    self.requests.push((at + after, Request::Resumed));
                }
            }
            self.number_requests();
        }
        let tells_nothing =
            self.config.heartbeat_interval.is_none() && !self.config.final_notification;
        if self.requests.is_empty() && tells_nothing {
            return;
        }
        for _ in 0..3 {
            self.replies.push(Reply {
                after: match dice.few(8) {
                    0..4 => Some(Duration::ZERO),
                    4..7 => Some(Duration::from_nanos(roll_span(dice, 10))),
                    _ => None,
                },
                ok: !dice.one_in(8),
            });
        }
    }
}

/// A few steps, without an allocation.
struct Steps {
    steps: [Step; MOST_STEPS],
    count: usize,
}

impl Steps {
    fn new() -> Self {
        Self {
            steps: [Step::Hangs; MOST_STEPS],
            count: 0,
        }
    }

    fn push(&mut self, step: Step) {
        self.steps[self.count] = step;
        self.count += 1;
    }

    fn sometimes_sleep(&mut self, dice: &mut Dice, sides: u16) {
        if dice.one_in(sides) {
            let nanos = roll_span(dice, 10);
            self.push(Step::Sleeps { nanos });
        }
    }

    fn all(&self) -> &[Step] {
        &self.steps[..self.count]
    }
}

fn roll_life(dice: &mut Dice, steps: &mut Steps) {
    for _ in 0..dice.few(3) {
        steps.sometimes_sleep(dice, 2);
        let bytes = 1 + u64::from(dice.few(4096));
        let stream = roll_stream(dice);
        steps.push(Step::Writes { stream, bytes });
    }
    match dice.few(32) {
        0 => steps.push(Step::Stops),
        1..3 => {
            let nanos = roll_span(dice, 60);
            steps.push(Step::SleepsUnkillably { nanos });
        }
        3 => {
            let stream = roll_stream(dice);
            steps.push(Step::Closes { stream });
        }
        4..6 => {
            steps.push(Step::Closes {
                stream: Stream::Stdout,
            });
            steps.push(Step::Closes {
                stream: Stream::Stderr,
            });
        }
        _ => {}
    }
    steps.sometimes_sleep(dice, 2);
    steps.push(match dice.few(16) {
        0..9 => Step::Ends(ExitStatus::Code(0)),
        9 => Step::Ends(ExitStatus::Code(1)),
        10 => Step::Ends(ExitStatus::Signal(Signal::TERM)),
        _ => Step::Hangs,
    });
}

fn roll_reaction(dice: &mut Dice) -> Reaction {
    match dice.few(8) {
        0..4 => Reaction::Dies,
        4 => Reaction::Ignores,
        5 => Reaction::Writes { bytes: 7 },
        _ => Reaction::Exits {
            after: Duration::from_nanos(roll_span(dice, 8)),
            code: i32::from(dice.one_in(2)),
            last_words: u64::from(dice.few(3)) * 100,
        },
    }
}

fn roll_config(dice: &mut Dice) -> Config {
    let mut sometimes = |sides: u16, seconds: u64| {
        dice.one_in(sides)
            .then(|| Duration::from_nanos(roll_span(dice, seconds)))
    };
    let idle_timeout = sometimes(2, 10);
    let first_output_timeout = sometimes(6, 10);
    let run_timeout = sometimes(4, 30);
    let notification_timeout = sometimes(3, 10);
    let heartbeat_interval = sometimes(12, 10).map(|span| span + Duration::from_secs(3));
    let warn_timeout = sometimes(12, 10);
    let final_notification = dice.one_in(4);
    let drain_timeout = match dice.few(8) {
        0 => None,
        1..3 => Some(Duration::from_nanos(roll_span(dice, 10))),
        _ => Some(Duration::from_secs(2)),
    };
    let stray_timeout = match dice.few(8) {
        0..3 => Some(Duration::from_nanos(roll_span(dice, 4))),
        3..5 => Some(Duration::from_secs(2)),
        _ => None,
    };
    let activity = match dice.few(8) {
        0 => Activity::Stdout,
        1 => Activity::Stderr,
        2 => Activity::Explicit,
        _ => Activity::AnyOutput,
    };
    let ladder = if dice.one_in(2) {
        Ladder::default()
    } else {
        roll_ladder(dice)
    };
    Config {
        idle_timeout,
        warn_timeout,
        first_output_timeout,
        run_timeout,
        notification_timeout,
        heartbeat_interval,
        final_notification,
        drain_timeout,
        activity,
        ladder,
        sweep: match dice.few(8) {
            0 => Sweep::Never,
            1..3 => Sweep::Always,
            _ => Sweep::Terminated,
        },
        stray_timeout,
    }
}

fn roll_ladder(dice: &mut Dice) -> Ladder {
    let mut stages = [Stage {
        signal: Signal::KILL,
        target: Target::Group,
        wait: None,
    }; Ladder::MAX_STAGES];
    let signals = [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::TERM,
        Signal::KILL,
    ];
    for stage in &mut stages {
        stage.signal = dice.pick(signals);
        if dice.one_in(3) {
            stage.target = Target::Leader;
        }
        stage.wait = Some(Duration::from_nanos(roll_span(dice, 8)));
    }
    let count = usize::from(dice.few(5));
    if count > 0 {
        stages[count - 1].signal = Signal::KILL;
        if dice.one_in(2) {
            stages[count - 1].wait = None;
        }
    }
    Ladder::new(&stages[..count]).expect("four stages at most")
}

fn roll_request(dice: &mut Dice) -> Request {
    match dice.few(20) {
        0..6 => Request::Notify(Payload(0)),
        6 => dice.pick([Request::Progress, Request::Ready]),
        7 => Request::Fail,
        8..10 => Request::Terminate,
        10 => Request::Escalate,
        11 => Request::SetIdleTimeout(None),
        12 => Request::SetIdleTimeout(Some(Duration::from_nanos(roll_span(dice, 10)))),
        13 => Request::SetLadder(roll_ladder(dice)),
        14..16 => Request::Suspended,
        _ if dice.one_in(4) => Request::Kill,
        _ => Request::PassOn(
            dice.pick([Signal::HUP, linux::USR1, Signal::TERM, linux::STOP]),
            dice.pick([Target::Leader, Target::Group]),
        ),
    }
}

/// What a handler asks for in a callback.
pub(crate) fn roll_wish(dice: &mut Dice) -> Wish {
    let stream = roll_stream(dice);
    match dice.few(16) {
        0..3 => Wish::Hold(stream),
        3..6 => Wish::Release(stream),
        6 => Wish::Close(stream),
        7 => Wish::Request(Request::Resumed),
        _ => Wish::Request(roll_request(dice)),
    }
}

/// Something that a handler asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wish {
    Request(Request),
    Hold(Stream),
    Release(Stream),
    Close(Stream),
}

fn roll_pace(dice: &mut Dice) -> Pace {
    Pace {
        hints: dice.pick([Hints::Precise, Hints::Precise, Hints::All]),
        budget: dice.pick([100, 300, 1000, BUDGET, BUDGET, BUDGET]),
        extra_turns: dice.one_in(8),
    }
}

fn roll_weather(dice: &mut Dice) -> Weather {
    let mut weather = Weather::FINE;
    weather.timer_first = dice.one_in(2);
    weather.trigger = dice.pick([Trigger::Level, Trigger::Edge]);
    if dice.one_in(2) {
        return weather;
    }
    let mut most = |sides: u16, seconds: u64| {
        if dice.one_in(sides) {
            Duration::from_nanos(roll_span(dice, seconds))
        } else {
            Duration::ZERO
        }
    };
    weather.latency = most(3, 2);
    weather.oversleep = most(3, 4);
    if dice.one_in(4) {
        weather.call = Duration::from_nanos(1 + dice.below(1_000));
    }
    weather.spurious = dice.pick([0, 0, 1, 3]);
    weather.short_reads = dice.one_in(3);
    if dice.one_in(8) {
        weather.refusals = dice.pick([1, 2, 3]);
    }
    if dice.one_in(16) {
        weather.failing_read = dice.pick([1, 2, 4]);
    }
    if dice.one_in(4) {
        weather.interrupts = dice.pick([1, 2, 4]);
    }
    if dice.one_in(16) {
        weather.failing_waiting = dice.pick([1, 2, 4]);
    }
    weather.failing_reap = dice.one_in(16);
    weather.lost_exit = dice.one_in(16);
    weather.unseen_strays = dice.one_in(8);
    if dice.one_in(8) {
        weather.clock_set = Some(ClockSet {
            at: Duration::from_nanos(roll_span(dice, 20)),
            by: Duration::from_nanos(roll_span(dice, 30)),
            forward: dice.one_in(2),
        });
    }
    weather
}

fn roll_stream(dice: &mut Dice) -> Stream {
    if dice.one_in(3) {
        Stream::Stderr
    } else {
        Stream::Stdout
    }
}

/// Up to so many seconds: on a coarse grid most of the time, so that what has nothing to do with each
/// other happens at the same moment.
fn roll_span(dice: &mut Dice, seconds: u64) -> u64 {
    match dice.few(8) {
        0 => dice.below(MILLISECOND),
        1 => dice.below(seconds * SECOND),
        _ => 250 * MILLISECOND * dice.below(4 * seconds + 1),
    }
}

/// More than any random process has.
const MOST_STEPS: usize = 20;

/// Later than anything else that a random scenario has in store.
const SHUTDOWN: u64 = 240 * SECOND;
