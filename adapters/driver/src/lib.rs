//! The order of a turn: drives one minded child, over any kernel and under any loop.
//!
//! [`childminder::MonitorState`] decides, and does nothing itself. A [`Driver`] does the rest in the right
//! order: it reads, feeds the monitor, performs its actions, calls a [`Handler`], carries out what that asks
//! of its [`Control`], and collects [`Answer`]s. It makes no system call: it is generic over a [`Kernel`].
//! `childminder-mio` has the real one, and a set of children behind one descriptor; `childminder-sim` has a
//! simulated one, so that a handler is tested against everything that can happen to a child. This is the
//! only place where the order of a turn stands.
//!
//! The [guide](childminder::guide) has a chapter for each task, among them [how to embed it](childminder::guide::embedding).
//!
//! Most people want `childminder-mio` or `childminder-tokio`, and of this crate only [`Handler`],
//! [`Control`] and [`Answer`].
//!
//! [`Lines`], [`Netstrings`], [`Calls`], [`Tail`] and [`Capture`] are parts for handlers: output as lines, as
//! netstrings or as commands, the last of it, its beginning and end. [`Captured`] is a whole handler, for a child that
//! is given its input and whose output is wanted when it has ended.
//!
//! # A loop of your own
//!
//! ```
//! use childminder::{Config, ExitStatus, Instant, Outcome, Signal, Stream, Target};
//! use childminder_driver::{BUDGET, ChildId, Control, Driver, Handler, Kernel, Ready, Shared};
//! use childminder_driver::{Trigger, Turn};
//! use std::io;
//!
//! /// A child that has written this and exits.
//! struct Written(&'static [u8]);
//!
//! impl Kernel for Written {
//!     fn is_open(&self, stream: Stream) -> bool {
//!         stream == Stream::Stdout
//!     }
//!     fn trigger(&self) -> Trigger {
//!         Trigger::Level
//!     }
//!     fn read(&mut self, _: Stream, buffer: &mut [u8]) -> io::Result<usize> {
//!         io::Read::read(&mut self.0, buffer)
//!     }
//!     fn waiting(&mut self, _: Stream) -> io::Result<usize> {
//!         Ok(self.0.len())
//!     }
//!     fn close(&mut self, _: Stream) {}
//!     fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
//!         Ok(Some(ExitStatus::Code(0)))
//!     }
//!     fn signal(&mut self, _: Signal, _: Target) -> io::Result<()> {
//!         Ok(())
//!     }
//!     fn pass_on(&mut self, _: Signal, _: Target) -> io::Result<()> {
//!         Ok(())
//!     }
//!     fn reap(&mut self) -> io::Result<()> {
//!         Ok(())
//!     }
//! }
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
//! let (mut kernel, mut handler) = (Written(b"hello"), Job::default());
//! let mut shared = Shared::new(|| { /* wake the loop */ });
//! let mut driver = Driver::new(ChildId::FIRST, Config::default());
//!
//! let mut turn = Turn {
//!     now: Instant::ZERO,
//!     budget: BUDGET,
//!     kernel: &mut kernel,
//!     handler: &mut handler,
//!     shared: &mut shared,
//! };
//! driver.start(&mut turn);
//! // Each time that something is ready, or `driver.wake_at()` has come:
//! driver.turn(&mut turn, Ready::ALL);
//!
//! assert!(driver.outcome().is_some_and(|outcome: Outcome| outcome.is_success()));
//! assert_eq!(handler.output, b"hello");
//! ```
#![forbid(unsafe_code)]

mod answer;
mod calls;
mod capture;
mod captured;
mod control;
mod desk;
mod driver;
mod errors;
mod handler;
mod id;
mod kernel;
mod lines;
mod netstrings;
mod shared;
#[cfg(test)]
mod splittings;
mod tail;
mod vouch;

pub use answer::Answer;
pub use calls::{Call, Calls, NotCall};
pub use capture::Capture;
pub use captured::{Captured, TooMuchOutput, Unsuccessful};
pub use childminder;
pub use control::{Control, Request, Requests};
pub use driver::{BUDGET, Driver, Turn};
pub use errors::{Errors, Noticed};
pub use handler::{Discarded, Failure, Handler, Job};
pub use id::ChildId;
pub use kernel::{Forwarded, Kernel, Ready, Sighting, Trigger};
pub use lines::{Ending, Line, Lines};
pub use netstrings::{Netstrings, NotNetstring};
pub use shared::{Mail, Remote, Shared};
pub use tail::{Tail, TailLine};
pub use vouch::{Vouch, Vouching, WatchdogTriggered};
