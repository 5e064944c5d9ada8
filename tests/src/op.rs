//! The one language in which tests tell a monitor's story.
//!
//! An [`Op`] says what happens in terms that hold in any state: "the next deadline passes", "the
//! latest notification fails". A [`Run`](crate::run::Run) turns it into an event at a time. The same
//! operations serve the property tests, the search and the fuzz targets.

use std::fmt;
use std::time::Duration;

use childminder::{Config, Event, ExitStatus, Signal, Stream, Target};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use crate::bytes::Bytes;
use crate::config::{JUST_TOO_LONG, any_config, any_ladder, config_from, ladder_from};
use crate::source::Source;

/// A configuration and a story: everything that a run depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Case {
    /// What the monitor is made with.
    pub config: Config,
    /// What then happens.
    pub ops: Vec<Op>,
}

impl Case {
    /// The case that these bytes stand for. Every byte string stands for one.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut bytes = Bytes::new(bytes);
        let config = config_from(&mut bytes);
        let mut ops = Vec::new();
        if bytes.byte() % 16 != 15 {
            ops.push(Op::Tell(Event::Started));
        }
        while !bytes.is_empty() {
            ops.push(Op::from_bytes(&mut bytes));
        }
        Self { config, ops }
    }
}

/// Prints as the Rust expression that makes it.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source())
    }
}

/// One thing that happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// The monitor is told this. (Answers to notifications are better told with `Answer`.)
    Tell(Event),
    /// A notification is answered.
    Answer {
        /// Which.
        whose: Whose,
        /// Whether it succeeded.
        ok: bool,
    },
    /// Time passes, or is set back. Nobody tells the monitor: that takes a `Tick`, or any event.
    Wait(Wait),
    /// From here on, so many actions are polled after each event.
    Drain(Drain),
}

impl Op {
    /// The operation that the next bytes stand for.
    pub fn from_bytes(bytes: &mut Bytes<'_>) -> Self {
        match bytes.byte() {
            0..250 => bytes.choose_weighted(MENU),
            _ => Self::Tell(Event::SetLadder(ladder_from(bytes))),
        }
    }
}

/// Which notification is answered, counted from the latest whose `RunNotification` was polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// The latest itself: in flight, or overdue, or answered already.
    Latest,
    /// The one before: stale.
    Earlier,
    /// The one after: queued, started and not polled, discarded, or unknown.
    Next,
    /// One that there never was.
    Unknown,
}

/// How much time passes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wait {
    /// Until a nanosecond before the next deadline. Like the two below: no time, if there is none.
    JustBefore,
    /// Until exactly the next deadline.
    Until,
    /// Until a nanosecond after the next deadline.
    JustAfter,
    /// Until long after the next deadline, and after any other that is not extreme.
    FarPast,
    /// So long.
    For(Duration),
    /// Backwards by so much.
    Back(Duration),
}

/// How many actions are polled after each event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drain {
    /// All of them.
    All,
    /// So many at most.
    AtMost(u8),
    /// None.
    Nothing,
}

/// Prints as the Rust expression that makes it.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source())
    }
}

/// Prints as the Rust expression that makes it.
impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source())
    }
}

/// Any operation.
pub fn any_op() -> impl Strategy<Value = Op> {
    let lists = MENU
        .iter()
        .map(|(weight, list)| (u32::from(*weight), select(*list).boxed()))
        .collect();
    prop_oneof![
        49 => Union::new_weighted(lists),
        1 => any_ladder().prop_map(|ladder| Op::Tell(Event::SetLadder(ladder))),
    ]
}

/// Any story of up to `length` operations; most begin with `Started`, since little can happen before.
pub fn any_ops(length: usize) -> impl Strategy<Value = Vec<Op>> {
    let starts = prop::bool::weighted(15.0 / 16.0);
    let parts = prop_oneof![
        16 => any_op().prop_map(|op| vec![op]),
        1 => select(MOTIFS).prop_map(<[Op]>::to_vec),
    ];
    (starts, prop::collection::vec(parts, 0..length)).prop_map(move |(starts, parts)| {
        let start = starts.then_some(Op::Tell(Event::Started));
        let ops = parts.into_iter().flatten();
        start.into_iter().chain(ops).take(length).collect()
    })
}

/// Any configuration with any story of up to `length` operations.
pub fn any_case(length: usize) -> impl Strategy<Value = Case> {
    (any_config(), any_ops(length)).prop_map(|(config, ops)| Case { config, ops })
}

/// What can happen, in groups with their weights; only a change of the ladder comes apart.
///
/// The end of the child and of its output are rare, since little can happen after both. What does
/// nothing but move time to an extreme is rarer still.
pub const MENU: &[(u8, &[Op])] = &[
    (50, &[TICK]),
    (34, WAITS),
    (20, &[OUTPUT_STDOUT, OUTPUT_STDERR, OUTPUT_NONE]),
    (8, &[Op::Tell(Event::Progress), Op::Tell(Event::Ready)]),
    (20, &[NOTIFY]),
    (27, ANSWERS),
    (8, &[Op::Tell(Event::Fail)]),
    (10, &[TERMINATE, Op::Tell(Event::Escalate)]),
    (8, SET_IDLE_TIMEOUT),
    (14, &[Op::Tell(Event::Suspended), Op::Tell(Event::Resumed)]),
    (8, &[Op::Tell(Event::OutputClosed)]),
    (8, EXITS),
    (14, DRAINS),
    (14, STRAYS),
    (6, PASSED_ON),
    (3, &[KILL]),
    (1, &[Op::Tell(Event::Started)]),
    (2, EXTREME_WAITS),
];

/// What seldom comes together by chance, and matters when it does.
const MOTIFS: &[&[Op]] = &[
    GO_UP_THE_LADDER,
    &[EXIT_WELL, Op::Tell(Event::OutputClosed)],
    &[Op::Tell(Event::OutputClosed), EXIT_WELL],
    &[Op::Drain(Drain::Nothing), TERMINATE, EXIT_WELL],
    &[Op::Drain(Drain::Nothing), NOTIFY, Op::Tell(Event::Fail)],
    &[Op::Drain(Drain::Nothing), NOTIFY, UNTIL, TICK, UNTIL, TICK],
    &[TERMINATE, EXIT_WELL, FAR_PAST, TICK],
    &[EXIT_WELL, UNTIL, TICK, UNTIL, TICK],
    &[
        CLOSED, EXIT_WELL, SEEN, UNTIL, TICK, SEEN, UNTIL, TICK, NONE_SEEN,
    ],
    &[
        KILL, EXIT_WELL, SEEN, UNTIL, TICK, NONE_SEEN, CLOSED, NONE_SEEN,
    ],
    &[
        TERMINATE,
        EXIT_WELL,
        CLOSED,
        SEEN,
        Op::Tell(Event::Escalate),
        UNTIL,
        TICK,
    ],
    &[
        Op::Drain(Drain::Nothing),
        TERMINATE,
        CLOSED,
        EXIT_WELL,
        SEEN,
        Op::Drain(Drain::All),
        TICK,
        SEEN,
    ],
];

const GO_UP_THE_LADDER: &[Op] = &[
    NOTIFY, TERMINATE, UNTIL, TICK, UNTIL, TICK, UNTIL, TICK, UNTIL, TICK, FAR_PAST, TICK,
    EXIT_WELL,
];

/// Strays, seen and unseen.
const STRAYS: &[Op] = &[
    SEEN,
    SEEN,
    NONE_SEEN,
    NONE_SEEN,
    seen(2, 1),
    seen(2, 2),
    Op::Tell(Event::StraysUnseen),
];

const PASSED_ON: &[Op] = &[
    pass_on(Signal::HUP, Target::Leader),
    pass_on(Signal::HUP, Target::Group),
    pass_on(Signal::INT, Target::Group),
    pass_on(HIGH, Target::Leader),
];

/// One that lies beyond a word's bits.
const HIGH: Signal = Signal::new(64).expect("64 is a signal");

const KILL: Op = Op::Tell(Event::Kill);

const CLOSED: Op = Op::Tell(Event::OutputClosed);

const SEEN: Op = seen(1, 0);

const NONE_SEEN: Op = seen(0, 0);

const TICK: Op = Op::Tell(Event::Tick);

const UNTIL: Op = Op::Wait(Wait::Until);

const FAR_PAST: Op = Op::Wait(Wait::FarPast);

const NOTIFY: Op = Op::Tell(Event::Notify);

const TERMINATE: Op = Op::Tell(Event::Terminate);

const EXIT_WELL: Op = Op::Tell(Event::ChildExited(ExitStatus::Code(0)));

const OUTPUT_STDOUT: Op = Op::Tell(Event::Output {
    stream: Stream::Stdout,
    bytes: 1,
});

const OUTPUT_STDERR: Op = Op::Tell(Event::Output {
    stream: Stream::Stderr,
    bytes: u64::MAX,
});

const OUTPUT_NONE: Op = Op::Tell(Event::Output {
    stream: Stream::Stdout,
    bytes: 0,
});

const WAITS: &[Op] = &[
    UNTIL,
    Op::Wait(Wait::JustBefore),
    Op::Wait(Wait::JustAfter),
    Op::Wait(Wait::For(Duration::from_nanos(1))),
    Op::Wait(Wait::For(Duration::from_secs(1))),
    FAR_PAST,
    Op::Wait(Wait::Back(Duration::from_secs(1))),
];

const EXTREME_WAITS: &[Op] = &[
    Op::Wait(Wait::For(Duration::from_nanos(u64::MAX / 2))),
    Op::Wait(Wait::For(Duration::from_nanos(u64::MAX - 10_000_000_000))),
    Op::Wait(Wait::For(Duration::MAX)),
    Op::Wait(Wait::Back(Duration::MAX)),
];

const ANSWERS: &[Op] = &[
    answer(Whose::Latest, true),
    answer(Whose::Latest, true),
    answer(Whose::Latest, true),
    answer(Whose::Latest, true),
    answer(Whose::Latest, false),
    answer(Whose::Latest, false),
    answer(Whose::Next, true),
    answer(Whose::Earlier, false),
    answer(Whose::Unknown, true),
];

const SET_IDLE_TIMEOUT: &[Op] = &[
    set_idle_timeout(Some(Duration::from_secs(1))),
    set_idle_timeout(Some(Duration::from_secs(3))),
    set_idle_timeout(Some(Duration::ZERO)),
    set_idle_timeout(Some(JUST_TOO_LONG)),
    set_idle_timeout(Some(Duration::MAX)),
    set_idle_timeout(None),
];

const EXITS: &[Op] = &[
    EXIT_WELL,
    Op::Tell(Event::ChildExited(ExitStatus::Code(1))),
    Op::Tell(Event::ChildExited(ExitStatus::Signal(Signal::INT))),
    Op::Tell(Event::ChildExited(ExitStatus::Lost)),
];

const DRAINS: &[Op] = &[
    Op::Drain(Drain::All),
    Op::Drain(Drain::All),
    Op::Drain(Drain::All),
    Op::Drain(Drain::AtMost(1)),
    Op::Drain(Drain::AtMost(2)),
    Op::Drain(Drain::Nothing),
];

const fn answer(whose: Whose, ok: bool) -> Op {
    Op::Answer { whose, ok }
}

const fn seen(living: u64, immune: u64) -> Op {
    Op::Tell(Event::StraysSeen { living, immune })
}

const fn pass_on(signal: Signal, target: Target) -> Op {
    Op::Tell(Event::PassOn { signal, target })
}

const fn set_idle_timeout(timeout: Option<Duration>) -> Op {
    Op::Tell(Event::SetIdleTimeout(timeout))
}
