//! Minds a child process, as a pure state machine.
//!
//! [`MonitorState`] notices that a child has stopped making progress, has it interrupted and then
//! killed, runs notifications one at a time and in order, and reports exactly one [`Outcome`]. It
//! touches no clock, no process and no file: you tell it what happens, it tells you what to do. So it
//! fits into any event loop, and every ordering of events can be tested.
//!
//! The [guide] has a chapter for each task, at a shell and in a program.
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
//!             Action::Warn | Action::LookForStrays | Action::KillStrays => {} // not asked for in this config
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
//! # The caller's duties
//!
//! The monitor decides; it can only be as right as what it is told. `childminder-driver` does all of
//! the following. To see it done with the core and `childminder-unix` alone, read
//! `adapters/unix/examples/real_loop.rs`.
//!
//! - Poll the actions after every event, and perform all of them, in order.
//! - Wake up by [`poll_timeout`](MonitorState::poll_timeout), and then send a `Tick`. Too early does no
//!   harm.
//! - Before a `Tick` that is due, read everything that is readable and report it as `Output`: what
//!   the child wrote in time still counts as activity.
//! - Report `OutputClosed` right after `Started` if nothing of the child's output is piped. Otherwise
//!   the run counts as leaked when the drain is over, and with `drain_timeout: None` it never ends.
//! - Look for the exit without reaping (`waitid` with `WNOWAIT`), report `ChildExited`, and reap only
//!   at `Reap`: until then the pid is the child's, and so can be signalled.
//! - Where the exit status cannot be had, because another part of the program reaped the child,
//!   report `ChildExited(ExitStatus::Lost)`: without a `ChildExited` the run does not end. There is
//!   nothing to do at `Reap` then.
//! - Where the system refuses a signal, report `Fail`. A target that is already dead is no refusal.
//! - Keep a notification's payload before [`notify`](MonitorState::notify) is called, or at least
//!   before the actions are polled: the very next one may be to run it.
//! - Answer each `RunNotification` with a `NotifyDone` of the same ticket, also when it fails. Until
//!   then no other is run, and the run does not end before `notification_timeout`.
//! - Where `stray_timeout` is set, answer each `LookForStrays` with `StraysSeen` or `StraysUnseen`. Until
//!   then, or until the strays' deadline, neither `Reap` nor `Finish` comes.
//! - Take a pipe out of the event loop's selector before closing it: its number may be another
//!   file's a moment later.
//!
//! # What it promises
//!
//! - `Finish` comes once, last, and after the exit, the end of the output and the last notification.
//! - The first error wins; every other is recorded too.
//! - No signal is asked for after `Reap`, and none to the leader after its exit.
//! - A signal that is passed on is sent once, as it is, to a target that can still take it, and moves
//!   nothing else.
//! - Strays are looked for when the child is over, killed only in a swept run and only after a look that
//!   showed some, and the outcome says what became of them.
//! - Every deadline waits while suspended.
//! - No event panics: one that makes no sense is a [`Misuse`] and changes nothing.
//! - Bounded work and bounded memory: at most 344 bytes, no allocation, no queue.
//!
//! # What it leaves to others
//!
//! Spawning, signalling, reading and reaping (`childminder-unix`), the order of all that in one turn
//! (`childminder-driver`), waiting for it in an event loop (`childminder-mio`), restarting, and judging
//! what a child's output means.
//!
//! # Ancestry
//!
//! The events are those of Launchpad's Twisted class `ProcessMonitorProtocolWithTimeout`, by other
//! names. [`Config::launchpad`] behaves like it to the letter.
//!
//! | event | method there |
//! | --- | --- |
//! | `Started` | `connectionMade` |
//! | `Output` | `outReceived` |
//! | `Progress` | `resetTimeout` |
//! | `Tick` | what `callLater` calls |
//! | `Notify` | `runNotification` |
//! | `NotifyDone` | the callback of the notification's Deferred |
//! | `Fail` | `unexpectedError` |
//! | `Terminate` | `terminateProcess` |
//! | `SetIdleTimeout` | `setTimeout` |
//! | `OutputClosed` and `ChildExited` | the two parts of `processEnded` |
//!
//! `Ready`, `Escalate`, `Kill`, `PassOn`, `SetLadder`, `Suspended`, `Resumed` and all about strays have no
//! counterpart there. Its subclass
//! `CodeImportWorkerMonitorProtocol` counts all output as activity, as [`Activity::AnyOutput`] does;
//! `PullerMonitorProtocol` counts only what it vouches for, as [`Activity::Explicit`] does.
// For the documentation of a crate that is built without this one's.
#![doc(html_root_url = "https://docs.rs/childminder/latest")]
#![no_std]
#![forbid(unsafe_code)]

mod action;
mod clock;
mod config;
mod event;
pub mod guide;
mod moment;
mod monitor;
mod signal;
mod stream;
mod time;
mod timers;
mod verdict;

pub use action::{Action, Error, FailureId, NotificationId, NotificationKind, Outcome, Strays};
pub use config::{Activity, Config, Ladder, Stage, Sweep, Target, TooManyStages};
pub use event::{Event, Misuse};
pub use moment::Moment;
pub use monitor::MonitorState;
pub use signal::{ExitStatus, NoSuchSignal, Signal};
pub use stream::Stream;
pub use time::Instant;
pub use timers::Deadline;

/// The examples of the README are tested too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
