//! A simulated kernel with a virtual clock, to find the bugs of a process supervisor in.
//!
//! Supervisors fail at moments that no test on a real machine ever meets: the child dies in the very
//! instant of the signal, a grandchild holds the pipe, the output comes with the timer, the pid belongs
//! to somebody else by now. Here all of that is ordinary. A [`Scenario`] is a child, its owner and its
//! machine, told in a [`Script`] or made up from a seed; [`run`] lets it happen to a [`Supervisor`], in
//! virtual time; an oracle watches every call, and says which [`Rule`] was broken, and how it came to it.
//! One seed gives one run, always, on every machine.
//!
//! # A test
//!
//! ```
//! use childminder::{Config, Error, ExitStatus, Signal, Stream};
//! use childminder_sim::{Minder, Scenario, Script, run, search};
//! use std::time::Duration;
//!
//! // A child that writes a line, then hangs, and does not care about Ctrl-C.
//! let child = Script::new().writes(Stream::Stdout, 80).ignores(Signal::INT).hangs();
//! let minute = Duration::from_secs(60);
//! let scenario = Scenario::new(&child)
//!     .with_config(Config { idle_timeout: Some(minute), ..Config::default() });
//!
//! let report = run(&scenario, Minder::new(&scenario))?;
//! assert_eq!(report.outcome.error, Some(Error::IdleTimeout));
//! assert_eq!(report.outcome.exit, Some(ExitStatus::Signal(Signal::KILL)));
//! assert_eq!(report.took, minute + Duration::from_secs(5));
//!
//! // And a thousand children of all sorts, with owners and machines of all sorts.
//! search(0..1000, Minder::new)?;
//! # Ok::<(), childminder_sim::Violation>(())
//! ```
//!
//! # Your own loop
//!
//! [`Minder`] is our loop around our core. To test yours, let it implement [`Supervisor`]: in each turn
//! it looks at the [`Kernel`] and acts through it, and then says when to wake it. It need not use our
//! core. What the config asks for, it is held to; so switch off in the config what it does not do, and
//! use [`Scenario::calm`], whose owner asks for nothing.
//!
//! ```
//! use childminder::{Config, Error, ExitStatus, Instant, Outcome, Stream};
//! use childminder_sim::{Kernel, Read, Rule, Scenario, Script, Supervisor, run, search_in};
//!
//! /// Waits for the child, and forgets that somebody else may still be writing.
//! struct Waits;
//!
//! impl Supervisor for Waits {
//!     fn turn(&mut self, kernel: &mut Kernel) {
//!         for stream in Stream::ALL {
//!             while let Read::Bytes(_) = kernel.read(stream) {}
//!         }
//!         if let Some(status) = kernel.exit_status() {
//!             let error = (!status.is_success()).then_some(Error::Exit(status));
//!             if let Some(error) = error {
//!                 kernel.note(error);
//!             }
//!             kernel.reap();
//!             let mut outcome = Outcome::default();
//!             (outcome.error, outcome.exit) = (error, Some(status));
//!             kernel.finish(outcome);
//!         }
//!     }
//!
//!     fn wake_at(&self) -> Option<Instant> {
//!         None
//!     }
//! }
//!
//! // With an ordinary child all is well.
//! run(&Scenario::new(&Script::new().writes(Stream::Stdout, 80)), Waits)?;
//!
//! // But there are others.
//! let scenarios = (0..1000).map(|seed| Scenario::calm(seed, Config::default()));
//! let violation = search_in(scenarios, |_| Waits).unwrap_err();
//! assert_eq!(violation.rule, Rule::FinishedBeforeOutputEnded);
//! println!("{violation}"); // the seed, and the whole story
//! # Ok::<(), childminder_sim::Violation>(())
//! ```
//!
//! `examples/finds_a_bug.rs` is a longer one: a supervisor that signals a stranger.
//! `examples/lifetimes.rs` lives through millions of lifetimes.
//!
//! # What it promises
//!
//! - A seed means the same run for as long as the supervisor makes the same calls: there is no clock, no
//!   thread, no hash order and no floating point in it, and the chance in it is its own. Only a release
//!   with a new middle number may change what a seed means.
//! - A violation is a violation: of a supervisor that it cannot see into, the oracle judges only what
//!   cannot be right under any circumstances.
//! - Every run ends: at last the machine is shut down, and who does not finish then never will.
//!
//! # What it leaves out
//!
//! Pipes never fill up, nothing is written to the child, nobody but the supervisor reaps, and there is
//! one child, with its kin, at a time.
#![forbid(unsafe_code)]

mod agenda;
mod coverage;
mod dice;
mod habits;
mod kernel;
mod minder;
mod moment;
mod notification;
mod oracle;
mod owner;
mod process;
mod random;
mod report;
mod rule;
mod scenario;
mod script;
mod simulator;
mod supervisor;
mod time;
mod trace;
mod violation;
mod weather;
mod world;

pub use coverage::{Coverage, Seen};
pub use habits::{Habits, Order, Polls, Timer};
pub use kernel::{Kernel, Read, Source};
pub use minder::Minder;
pub use moment::{Delivery, Moment, RequestKind};
pub use notification::{Answer, Job, Payload, Reply};
pub use owner::Request;
pub use report::{Report, Tally};
pub use rule::Rule;
pub use scenario::Scenario;
pub use script::{Reaction, Script};
pub use simulator::{Simulator, assert_holds, run, search, search_in};
pub use supervisor::Supervisor;
pub use trace::Trace;
pub use violation::Violation;
pub use weather::{ClockSet, Weather};
