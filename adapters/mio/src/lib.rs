//! A minded child as a [`mio::event::Source`].
//!
//! [`MindedChild`] spawns a command and minds it by [`childminder::MonitorState`]'s rules. It owns no
//! loop and no thread, never blocks and never prints: you register it under one token of your
//! choosing, call [`turn`](MindedChild::turn) when that token is ready or
//! [`poll_timeout`](MindedChild::poll_timeout) is over, and are told the rest through your
//! [`Handler`].
//!
//! ```
//! use childminder_mio::{Config, Control, Handler, MindedChild, Outcome, Stream};
//! use mio::{Events, Interest, Poll, Token};
//! use std::io::ErrorKind;
//! use std::process::{Command, Stdio};
//!
//! #[derive(Default)]
//! struct Job {
//!     output: Vec<u8>,
//! }
//!
//! impl Handler for Job {
//!     type Notification = ();
//!
//!     fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
//!         self.output.extend_from_slice(bytes);
//!     }
//! }
//!
//! # fn main() -> std::io::Result<()> {
//! let mut poll = Poll::new()?;
//! let mut command = Command::new("echo");
//! command.arg("hello").stdout(Stdio::piped());
//! let mut child = MindedChild::spawn(&mut command, Config::default(), Job::default())?;
//! poll.registry().register(&mut child, Token(7), Interest::READABLE)?;
//!
//! let mut events = Events::with_capacity(8);
//! while child.outcome().is_none() {
//!     match poll.poll(&mut events, child.poll_timeout()) {
//!         // By a signal, though nobody handles it: the death of any child may be enough.
//!         Err(error) if error.kind() == ErrorKind::Interrupted => continue,
//!         polled => polled?,
//!     }
//!     child.turn(poll.registry())?;
//! }
//! assert!(child.outcome().is_some_and(|outcome| outcome.is_success()));
//! assert_eq!(child.into_handler().output, b"hello\n");
//! # Ok(())
//! # }
//! ```
//!
//! # One turn
//!
//! What you asked for through [`Control`] first; then output, within a byte budget, so that a flood
//! starves nobody; then the exit, with what the child had written before it; then the answers to
//! notifications; then, if a deadline is due, whatever output could still put it off, and the `Tick`.
//! Work that is left over makes `poll_timeout` zero, so the next turn takes it up without a new edge
//! from the kernel. A turn too many is harmless.
#![forbid(unsafe_code)]

mod answer;
mod children;
mod control;
mod glue;
mod handler;
mod kernel;
mod key;
mod minded;
mod node;
mod nodes;
mod process;
mod process_old;
mod run;
#[cfg(any(test, fuzzing))]
mod scripted;
mod source;
mod spawn_error;

pub use childminder;
pub use childminder_driver;
pub use childminder_unix;
pub use children::Children;
pub use run::run_to_end;
pub use spawn_error::SpawnError;

pub use answer::Answer;
pub use childminder::{
    Action, Activity, Config, Deadline, Error, Event, ExitStatus, FailureId, Instant, Ladder,
    Misuse, MonitorState, NotificationId, NotificationKind, Outcome, Signal, Stage, Stream, Target,
    TooManyStages,
};
pub use control::Control;
pub use handler::{Discarded, Failure, Handler, Job, Moment};
pub use minded::MindedChild;
#[cfg(any(test, fuzzing))]
pub use scripted::check as check_glue;
