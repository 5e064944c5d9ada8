//! Minded children in any event loop, many of them behind one descriptor.
//!
//! [`Children`] spawns commands and minds them by [`MonitorState`](childminder::MonitorState)'s rules. It owns no loop and no thread,
//! never blocks and never prints: wait for its descriptor together with yours, call [`Children::turn`] when it
//! is readable, and be told of each child through its [`Handler`](childminder_driver::Handler).
//!
//! The [guide](childminder::guide) has a chapter for each task, among them [how to embed it](childminder::guide::embedding).
//!
//! In [mio]'s loop a set is an event source, with one token for all its children:
//!
//! ```
//! use childminder::{Config, Stream};
//! use childminder_driver::{Control, Handler};
//! use childminder_mio::Children;
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
//! let mut children = Children::new()?;
//! poll.registry().register(&mut children, Token(7), Interest::READABLE)?;
//!
//! for word in ["hello", "world"] {
//!     let mut command = Command::new("echo");
//!     command.arg(word).stdout(Stdio::piped());
//!     children.spawn(&mut command, Config::default(), Job::default())?;
//! }
//!
//! let mut events = Events::with_capacity(8);
//! while !children.is_empty() {
//!     match poll.poll(&mut events, None) {
//!         // By a signal, even one that is not handled, such as the SIGCHLD of any child.
//!         Err(error) if error.kind() == ErrorKind::Interrupted => continue,
//!         polled => polled?,
//!     }
//!     children.turn();
//!     while let Some((id, outcome, job)) = children.next_finished() {
//!         println!("{id} wrote {} bytes", job.output.len());
//!         assert!(outcome.is_success());
//!         assert_eq!(job.output.len(), 6);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Other loops
//!
//! Whatever can wait for a descriptor can wait for a set. Deadlines make it readable, too, where the system
//! has a timer that is a descriptor, as Linux has. Elsewhere a loop must not sleep longer than until
//! [`Children::deadline`], and that is right everywhere.
//!
//! **`poll(2)`, `select(2)`, epoll, kqueue.** Wait for [`as_fd`](std::os::fd::AsFd::as_fd) to become readable,
//! beside whatever else you wait for. Level-triggered or edge-triggered, both work. `examples/poll.rs` does it
//! beside standard input.
//!
//! **calloop.** A `Generic` source with a copy of the descriptor; the set is the loop's data, so that its
//! callback can call `turn`. See `examples/calloop.rs`.
//!
//! **async-io**, and with it smol. An `Async` with a copy of the descriptor: await `readable`, then `turn`. See
//! `examples/async_io.rs`.
//!
//! **No loop.** [`capture`] runs a command, gives it its input and returns its output, as [`run_to_end`] does for a
//! handler of your own.
//!
//! # One turn
//!
//! For each child that has something to do, those first that have exited or whose deadline is due, then the longest
//! waiting: what was asked for through [`Control`](childminder_driver::Control) or from another thread through
//! [`Remote`](childminder_driver::Remote); then output, within a byte budget; then the exit, with what the
//! child had written before it; then the answers to notifications; then, if a deadline is due, whatever output
//! could still put it off, and the `Tick`. What a handler asks of another child is done in the same turn, if the
//! budget lasts.
//!
//! The [`BUDGET`](childminder_driver::BUDGET) is one for all children together, so that a flood starves neither
//! the other children, nor their deadlines, nor the rest of the loop. Only what an exit or a deadline makes due
//! at once is read beyond it. Exits and deadlines do not even wait for that long: they are looked for when a quarter
//! of it is used up. A child whose output used the budget up goes to the end of the queue. Work that
//! is left over keeps the descriptor readable, and is announced by a new edge, so the next turn takes it up
//! though the kernel has nothing new to tell. A turn costs what has happened, not how many children there are.
//! A turn too many is harmless.
//!
//! After a short read that follows another within a millisecond, a stream may rest for half a millisecond, so that many
//! small writes come in one read. What comes after a silence is read at once, and neither an exit nor a deadline waits
//! for the end of a rest. Output that only goes on to a pipe need not come by way of this process's memory:
//! [`Children::forward`].
#![forbid(unsafe_code)]

mod alarms;
mod capture;
mod children;
mod family;
mod feed;
mod key;
mod node;
mod nodes;
mod pace;
mod process;
mod queue;
mod run;
mod source;
mod spawn_error;
mod voucher;
mod way;

pub use capture::capture;
pub use childminder;
pub use childminder_driver;
pub use childminder_unix;
pub use children::Children;
pub use run::run_to_end;
pub use spawn_error::SpawnError;

/// The examples of the README are tested too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
