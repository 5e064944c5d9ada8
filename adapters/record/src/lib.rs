//! The flight record of childminder runs: write it, read it, replay it.
//!
//! A record is JSON lines: a header a run, then a line a step, which is one event and the actions
//! that came of it. Since the monitor is a pure state machine, a record holds all of a run: feed the
//! events to a fresh [`MonitorState`](childminder::MonitorState) and the same actions come again.
//!
//! The [guide](childminder::guide) has a chapter for each task, among them [flight records](childminder::guide::records).
//!
//! ```
//! use childminder::{Config, Event, ExitStatus, Instant, MonitorState};
//! use childminder_record::{Recorder, Replay};
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
//! let mut replay = Replay::new(record.as_slice());
//! for finding in replay.by_ref() {
//!     println!("{:?}", finding?);
//! }
//! assert_eq!(replay.summary().to_string(), "1 runs, 3 steps, 0 differences");
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
//! - The header may say where the run began, `"host":"…"`, and when by that host's clock, `"started_unix_ns":N`, whole
//!   nanoseconds since 1970 in UTC.
//! - In the config a key that is absent or null is off: no limit, no ladder, no sweep, no search for
//!   strays, no output that is activity. But an absent `ladder`, `drain_timeout_ns` or `activity` is the
//!   default, and so is an absent `sweep` if a stage of the ladder addresses the group. A `sweep` of `true`
//!   or `false` is read as `"terminated"` or `"never"`.
//! - `output` may lack `stream` (then stdout) and `bytes` (then 1); `notify` and `fail` may lack `id`. An `output`
//!   with `count` stands for that many of one stream, with nothing between: `bytes` is all of theirs, and `at_ns` is
//!   when the last came.
//! - How the child ended is `code`, `signal` or `"lost":true`, exactly one of them.
//! - A recorded action stands for every action that has the fields it names; those it does not name
//!   may be anything. With `compare`, only actions of these types are looked at.
//! - Where runs overlap in one file, the header and every step have `"run":N`, a number of 1 or more
//!   that no other open run has. Such a run is complete with the step whose actions have `finish`.
//! - A run begins with `started`, its times do not run backwards, and it ends with the step that has `finish`. Its
//!   record may end before: with `{"at_ns":1000000000,"stopped":true}`, if the recorder stopped; or without a word, in
//!   the middle of a line even, if the recorder was killed or its disk was full. Then it is replayed as far as it goes.
//!   A run with `compare` was recorded of another program; it may end in any way.
//! - A line has at most 1 MiB. Lines of nothing but white space mean nothing. Everything else that is not of the format is a
//!   [`ReadError`].
#![forbid(unsafe_code)]

mod action_type;
mod decode;
mod difference;
mod encode;
mod fault;
mod fields;
mod header;
mod json;
mod lines;
mod names;
mod reader;
mod recorded;
mod recorder;
mod replay;
mod run;
mod shared;
mod ticket;

pub use action_type::ActionType;
pub use difference::Difference;
pub use fault::{Fault, ReadError};
pub use fields::Wrong;
pub use header::Header;
pub use reader::Reader;
pub use recorded::RecordedAction;
pub use recorder::{Recorded, Recorder};
pub use replay::{Cut, CutShort, Finding, Replay, Scene, Summary, replay};
pub use run::{Run, Step};
pub use shared::{SharedOut, SharedRecord};
pub use ticket::Ticket;

/// The examples of the README are tested too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
