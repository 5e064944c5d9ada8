//! Minds a child process, as a pure state machine.
//!
//! [`MonitorState`] notices that a child has stopped making progress, has it interrupted and then
//! killed, runs notifications one at a time and in order, and reports exactly one [`Outcome`]. It
//! touches no clock, no process and no file: you tell it what happens, it tells you what to do. So it
//! fits into any event loop, and every ordering of events can be tested.
//!
//! # The run loop
//!
//! ```
//! use childminder::{Action, Config, Error, Event, ExitStatus, Instant, MonitorState, Signal, Stream};
//! use std::time::Duration;
//!
//! let config = Config { idle_timeout: Some(Duration::from_secs(60)), ..Config::default() };
//! let mut monitor = MonitorState::new(config);
//!
//! // A child that writes once and then nothing more, and dies of the first signal.
//! let mut now = Instant::ZERO;
//! let mut events = vec![Event::Output { stream: Stream::Stdout, bytes: 8 }, Event::Started];
//!
//! let outcome = 'run: loop {
//!     // What happened: an event from the outside, or else time passes until the next deadline.
//!     let event = events.pop().unwrap_or_else(|| {
//!         now = monitor.poll_timeout().expect("a silent child has a deadline");
//!         Event::Tick
//!     });
//!     monitor.handle(now, event)?;
//!
//!     // What to do about it.
//!     while let Some(action) = monitor.poll_action() {
//!         match action {
//!             Action::RecordError { error, .. } => eprintln!("{error}"),
//!             Action::SendSignal { signal, .. } => {
//!                 events.push(Event::ChildExited(ExitStatus::Signal(signal)));
//!                 events.push(Event::OutputClosed);
//!             }
//!             Action::RunNotification { .. } | Action::DiscardNotifications { .. } => {}
//!             Action::ScheduleTimer(_) => {} // this loop asks `poll_timeout` instead
//!             Action::Reap => {}             // waitpid
//!             Action::Finish(outcome) => break 'run outcome,
//!         }
//!     }
//! };
//!
//! assert_eq!(outcome.error, Some(Error::IdleTimeout));
//! assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::INT)));
//! assert_eq!(now, Instant::ZERO.after(Duration::from_secs(60)));
//! # Ok::<(), childminder::Misuse>(())
//! ```
//!
//! # What it promises
//!
//! - `Finish` comes once, last, and after the exit, the end of the output and the last notification.
//! - The first error wins; every other is recorded too.
//! - No signal is asked for after `Reap`, and none to the leader after its exit.
//! - No event panics: one that makes no sense is a [`Misuse`] and changes nothing.
//! - Bounded work and bounded memory: at most 384 bytes, no allocation, no queue.
//!
//! # What it leaves to others
//!
//! Spawning, signalling, reading and reaping (`childminder-unix`), waiting for all of that in an event
//! loop (`childminder-mio`), restarting, and judging what a child's output means.
#![no_std]
#![forbid(unsafe_code)]

mod action;
mod clock;
mod config;
mod event;
mod monitor;
mod signal;
mod time;
mod timers;
mod verdict;

pub use action::{Action, Error, FailureId, NotificationId, NotificationKind, Outcome};
pub use config::{Activity, Config, Ladder, Stage, Target, TooManyStages};
pub use event::{Event, Misuse, Stream};
pub use monitor::MonitorState;
pub use signal::{ExitStatus, NoSuchSignal, Signal};
pub use time::Instant;
pub use timers::Deadline;
