//! A simulated machine with a virtual clock, to find the bugs in what minds a child process.
//!
//! Such programs fail at moments that no test on a real machine ever meets: the child dies in the very
//! instant of the signal, a grandchild holds the pipe, the output comes with the timer, a read brings half a
//! line, the pid belongs to another process by now. Here all of that is ordinary. A [`Scenario`] is a child,
//! its owner and its machine, written as a [`Script`] or made up from a seed. It is lived through in virtual
//! time, and an oracle watches every call, and says which [`Rule`] was broken, and how it came to it. One seed
//! gives one run, always, on every machine.
//!
//! The [guide](childminder::guide) has a chapter for each task, among them [how to test a handler](childminder::guide::testing_a_handler).
//!
//! # Your handler
//!
//! [`live`] runs a [`Handler`](childminder_driver::Handler) with the driver that ships. The child's output is
//! real bytes; notifications are answered when the scenario says so.
//!
//! ```
//! use childminder::{Config, Error, ExitStatus, Signal, Stream};
//! use childminder_driver::{Control, Handler};
//! use childminder_sim::{Scenario, Script, live};
//! use std::time::Duration;
//!
//! /// Ends a child that prints a password prompt, because nothing will answer it.
//! #[derive(Default)]
//! struct Unattended {
//!     heard: Vec<u8>,
//! }
//!
//! impl Handler for Unattended {
//!     type Notification = ();
//!
//!     fn output(&mut self, control: &mut Control<()>, _: Stream, bytes: &[u8]) {
//!         self.heard.extend_from_slice(bytes);
//!         if self.heard.ends_with(b"Password: ") {
//!             control.terminate();
//!         }
//!     }
//! }
//!
//! let second = Duration::from_secs(1);
//! let child = Script::new()
//!     .prints(Stream::Stderr, "Pass")
//!     .sleeps(second)
//!     .prints(Stream::Stderr, "word: ")
//!     .hangs();
//! let lived = live(&Scenario::new(&child), Unattended::default())?;
//! assert_eq!(lived.handler.heard, b"Password: ");
//! assert_eq!(lived.report.outcome.exit, Some(ExitStatus::Signal(Signal::INT)));
//! assert_eq!(lived.report.took, second);
//!
//! // And on a thousand machines, with short reads, late wake-ups and a clock that is set.
//! for seed in 0..1000 {
//!     let lived = live(&Scenario::new(&child).in_any_weather(seed), Unattended::default())?;
//!     assert!(lived.report.outcome.terminated);
//! }
//! # Ok::<(), childminder_sim::NotLived<Unattended>>(())
//! ```
//!
//! `examples/finds_a_bug.rs` is a longer one: a handler that takes what it is given for whole lines.
//!
//! # Your own loop
//!
//! [`Driven`] is our driver as a supervisor. To test a loop or a driver of your own, let it implement
//! [`Supervisor`]: in each turn it looks at the [`Machine`] and acts through it, and then says when to wake
//! it. It need not use our core. What the config asks for, it is held to; so switch off in the config what it
//! does not do, and use [`Scenario::calm`], whose owner asks for nothing.
//!
//! ```
//! use childminder::{Config, Error, ExitStatus, Instant, Outcome, Stream};
//! use childminder_sim::{Machine, Read, Rule, Scenario, Script, Supervisor, run, search_in};
//!
//! /// Waits for the child, and forgets that another process may still be writing.
//! struct Waits;
//!
//! impl Supervisor for Waits {
//!     fn turn(&mut self, machine: &mut Machine) {
//!         for stream in Stream::ALL {
//!             while let Read::Bytes(_) = machine.read(stream) {}
//!         }
//!         if let Some(status) = machine.exit_status() {
//!             let error = (!status.is_success()).then_some(Error::Exit(status));
//!             if let Some(error) = error {
//!                 machine.note(error);
//!             }
//!             machine.reap();
//!             let mut outcome = Outcome::default();
//!             (outcome.error, outcome.exit) = (error, Some(status));
//!             machine.finish(outcome);
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
//! `examples/lifetimes.rs` lives through millions of lifetimes with our driver and a handler that asks for
//! anything, and [`Scenario::from_bytes`] lets a fuzzer do so.
//!
//! # What it promises
//!
//! - A seed means the same run for as long as the supervisor makes the same calls: there is no clock, no
//!   thread, no hash order and no floating point in it, and the chance in it is its own. Only a release
//!   with a new middle number may change what a seed means.
//! - A violation is a violation: of a supervisor that it cannot see into, the oracle judges only what
//!   cannot be right under any circumstances.
//! - Every run ends: at last the machine is shut down, and a supervisor that does not finish then never will.
//!
//! # What it leaves out
//!
//! Pipes never fill up, nothing is written to the child, what reaps in the supervisor's place does so in the
//! moment of the death, a stray starts others only while it is killed or before its parent dies, and there is one
//! child, with what it starts, at a time.
#![forbid(unsafe_code)]

mod agenda;
mod coverage;
mod dice;
mod driven;
mod machine;
mod moment;
mod notification;
mod oracle;
mod owner;
mod pace;
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
pub use driven::{Driven, Lived, NotLived, RandomHandler, live};
pub use machine::{Machine, Read, Source};
pub use moment::{Delivery, Moment, RequestKind};
pub use notification::{Answer, Job, Payload, Reply};
pub use owner::Request;
pub use pace::{Hints, Pace};
pub use report::{Report, Tally};
pub use rule::{Rule, Work};
pub use scenario::Scenario;
pub use script::{Reaction, Script};
pub use simulator::{Simulator, assert_holds, run, search, search_in};
pub use supervisor::Supervisor;
pub use trace::Trace;
pub use violation::Violation;
pub use weather::{ClockSet, Weather};
