//! How a loop goes about its work.

/// The freedoms that a correct loop has. A core that is right is right under all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    /// What it looks at first.
    pub order: Order,
    /// When it asks the core for actions.
    pub polls: Polls,
    /// How many times it reads one stream in one turn, unless a deadline is due.
    pub reads_per_turn: u8,
    /// How it knows when to wake.
    pub timer: Timer,
    /// Whether it sends a `Tick` in every turn, due or not.
    pub ticks_always: bool,
}

/// What a loop looks at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Output, exit, answers, requests: what the child wrote before its death comes before it.
    OutputFirst,
    /// Exit, then output.
    ExitFirst,
    /// Requests, answers, output, exit.
    OwnerFirst,
}

/// When a loop asks the core for actions, and performs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polls {
    /// Whenever it has told it something.
    AfterEachEvent,
    /// When it has told it all that has happened, and once more after a `Tick`.
    OncePerTurn,
    /// Whenever it has told it something, but not for more than so many actions in one turn. What is
    /// left over waits for the next, and other events may come in between.
    Lazily(u8),
}

impl Polls {
    /// Whether actions may be left over from one turn to the next.
    pub const fn is_lazy(self) -> bool {
        matches!(self, Self::Lazily(_))
    }
}

/// How a loop knows when to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// It asks `poll_timeout`.
    Asked,
    /// It does what `ScheduleTimer` says.
    Told,
}

impl Habits {
    /// Everything at once, output first.
    pub const TIDY: Self = Self {
        order: Order::OutputFirst,
        polls: Polls::AfterEachEvent,
        reads_per_turn: 16,
        timer: Timer::Asked,
        ticks_always: false,
    };
}

impl Default for Habits {
    fn default() -> Self {
        Self::TIDY
    }
}
