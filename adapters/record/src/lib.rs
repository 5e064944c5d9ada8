//! The flight record of childminder runs: write it, read it, replay it.
//!
//! A record is JSON lines: a header a run, then a line a step, which is one event and the actions
//! that came of it. Since the monitor is a pure state machine, a record holds all of a run: feed the
//! events to a fresh [`MonitorState`](childminder::MonitorState) and the same actions come again.
//!
//! ```
//! use childminder::{Config, Event, ExitStatus, Instant, MonitorState};
//! use childminder_record::{Reader, Recorder, Summary};
//!
//! // Write: tell the recorder what the monitor is told, and what it answers.
//! let mut record = Vec::new();
//! let config = Config::default();
//! let mut monitor = MonitorState::new(config);
//! let mut recorder = Recorder::new(&mut record, "true", &config)?;
//! for event in [Event::Started, Event::OutputClosed, Event::ChildExited(ExitStatus::Code(0))] {
//!     recorder.event(Instant::ZERO, event)?;
//!     monitor.handle(Instant::ZERO, event)?;
//!     while let Some(action) = monitor.poll_action() {
//!         recorder.action(action);
//!     }
//! }
//! recorder.finish()?;
//!
//! // Read and replay.
//! let mut summary = Summary::default();
//! for run in Reader::new(record.as_slice()) {
//!     if let Some(difference) = summary.replay(&run?) {
//!         println!("{difference}");
//!     }
//! }
//! assert_eq!(summary.to_string(), "1 runs, 3 steps, 0 differences");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The format
//!
//! All times and durations are whole nanoseconds, times counted from the run's first event.
//!
//! ```text
//! {"flight_record":1,"name":"…","config":{"idle_timeout_ns":1000000000},"compare":["send_signal"]}
//! {"at_ns":0,"event":{"type":"started"},"actions":[]}
//! {"at_ns":1000000000,"event":{"type":"tick"},"actions":[{"type":"send_signal","signal":2}]}
//! ```
//!
//! - In the config a key that is absent or null is off: no limit, no ladder, no sweep, no search for
//!   strays, no output that is activity. But an absent `ladder`, `drain_timeout_ns` or `activity` is the
//!   default, and so is an absent `sweep` if a stage of the ladder addresses the group. A `sweep` of `true`
//!   or `false` is read as `"terminated"` or `"never"`.
//! - `output` may lack `stream` (then stdout) and `bytes` (then 1); `notify` and `fail` may lack `id`.
//! - How the child ended is `code`, `signal` or `"lost":true`, exactly one of them.
//! - A recorded action stands for every action that has the fields it names; those it does not name
//!   may be anything. With `compare`, only actions of these types are looked at.
//! - Where runs overlap in one file, the header and every step have `"run":N`, a number of 1 or more
//!   that no other open run has. Such a run is complete with the step whose actions have `finish`.
//! - Lines of nothing but white space mean nothing. Everything else that is not of the format is a
//!   [`ReadError`].
#![forbid(unsafe_code)]

mod action_type;
mod decode;
mod encode;
mod fields;
mod json;
mod names;
mod reader;
mod recorded;
mod recorder;
mod replay;
mod run;
mod shared;
mod ticket;

pub use action_type::ActionType;
pub use fields::Wrong;
pub use reader::{Fault, ReadError, Reader};
pub use recorded::RecordedAction;
pub use recorder::Recorder;
pub use replay::{Difference, Summary, replay};
pub use run::{Run, Step};
pub use shared::{SharedOut, SharedRecord};
pub use ticket::Ticket;

/// The examples of the README are tested too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
