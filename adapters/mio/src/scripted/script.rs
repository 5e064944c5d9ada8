//! Bytes as a stream of choices.

use std::collections::VecDeque;
use std::time::Duration;

use childminder::{Activity, Config, Event, ExitStatus, Ladder, Signal, Stage, Stream, Target};

use super::owner::{Asked, Reply};
use super::world::{Answered, Happening, Reading};

/// What happens next; past the end of the bytes, nothing unusual.
#[derive(Debug)]
pub(super) struct Script(VecDeque<u8>);

/// What the loop does next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Poll,
    TurnTooMany,
    Sleep,
    Something,
    Ask,
}

impl Script {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().copied().collect())
    }

    pub(super) fn config(&mut self) -> Config {
        Config {
            idle_timeout: self.span(),
            first_output_timeout: self.span(),
            run_timeout: self.span(),
            notification_timeout: self.span(),
            heartbeat_interval: self.span(),
            drain_timeout: self.span(),
            activity: self.choose(&[
                Activity::AnyOutput,
                Activity::Stdout,
                Activity::Stderr,
                Activity::Explicit,
            ]),
            ladder: self.ladder(),
            sweep: self.choose(&[true, false]),
        }
    }

    /// Which streams there are.
    pub(super) fn piped(&mut self) -> [bool; 2] {
        self.choose(&[[true, true], [true, false], [false, true], [false, false]])
    }

    pub(super) fn step(&mut self) -> Step {
        self.choose(&[
            Step::Poll,
            Step::Sleep,
            Step::Something,
            Step::Ask,
            Step::TurnTooMany,
        ])
    }

    /// What happens while somebody does something else: mostly nothing.
    pub(super) fn happening(&mut self) -> Option<Happening> {
        let stream = |number: u8| [Stream::Stdout, Stream::Stderr][usize::from(number % 2)];
        let byte = self.byte();
        Some(match byte {
            0..140 => return None,
            140..170 => Happening::Wrote {
                stream: stream(byte),
                bytes: self.choose(SIZES),
            },
            170..182 => Happening::Closed(stream(byte)),
            182..196 => Happening::Died {
                status: self.choose(STATUSES),
                closing: self.choose(&[[true, true], [true, false], [false, true], [false; 2]]),
            },
            196..200 => Happening::Vanished,
            200..224 => Happening::Passed(self.choose(SPANS)),
            224..240 => Happening::Answered(Answered {
                which: self.byte(),
                ok: byte >= 228,
            }),
            240..248 => Happening::Flooded(stream(byte)),
            248..=255 => Happening::Ebbed(stream(byte)),
        })
    }

    pub(super) fn reading(&mut self) -> Reading {
        match self.byte() {
            0..180 => Reading::Full,
            180..230 => Reading::Short(self.choose(&[1, 2, 100, 5000])),
            _ => Reading::Failed,
        }
    }

    /// Whether a call of the kernel's fails that has no business to.
    pub(super) fn fails(&mut self) -> bool {
        self.byte() >= 240
    }

    pub(super) fn reply(&mut self) -> Reply {
        match self.byte() {
            0..100 => Reply::Now { ok: true },
            100..120 => Reply::Now { ok: false },
            120..140 => Reply::Never,
            _ => Reply::Later,
        }
    }

    /// What a callback asks for: mostly nothing.
    pub(super) fn afterthought(&mut self) -> Option<Asked> {
        (self.byte() >= 180).then(|| self.asked())
    }

    pub(super) fn asked(&mut self) -> Asked {
        let stream = self.choose(&[Stream::Stdout, Stream::Stderr]);
        match self.byte() % 16 {
            0..3 => Asked::Notify(0),
            3 => Asked::Fail(0),
            4 => Asked::Told(Event::Terminate),
            5 => Asked::Told(Event::Escalate),
            6 => Asked::Told(Event::Suspended),
            7 => Asked::Told(Event::Resumed),
            8 => Asked::Told(Event::SetIdleTimeout(self.span())),
            9 => Asked::Told(Event::SetLadder(self.ladder())),
            10 => Asked::Told(Event::Progress),
            11 => Asked::Close(stream),
            12..14 => Asked::Hold(stream),
            _ => Asked::Release(stream),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    fn ladder(&mut self) -> Ladder {
        let stages: Vec<Stage> = (0..self.byte() % 4)
            .map(|_| Stage {
                signal: self.choose(&[Signal::INT, Signal::TERM, Signal::KILL]),
                target: self.choose(&[Target::Group, Target::Leader]),
                wait: self.span(),
            })
            .collect();
        Ladder::new(&stages).expect("three stages at most")
    }

    fn span(&mut self) -> Option<Duration> {
        match self.byte() {
            0..120 => None,
            _ => Some(self.choose(SPANS)),
        }
    }

    fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    fn byte(&mut self) -> u8 {
        self.0.pop_front().unwrap_or(0)
    }
}

const SPANS: &[Duration] = &[
    Duration::from_nanos(1),
    Duration::from_nanos(5),
    Duration::from_nanos(20),
    Duration::from_micros(1),
    Duration::ZERO,
];

/// Some fill a read, a turn's budget, and the pipe.
const SIZES: &[u64] = &[1, 100, 5_000, 65_536, 131_072, 1_000_000];

const STATUSES: &[ExitStatus] = &[
    ExitStatus::Code(0),
    ExitStatus::Code(3),
    ExitStatus::Signal(Signal::INT),
];
