//! One child process, as the kernel sees it.
//!
//! [`Child`] is spawned in a process group of its own, watched through a pidfd, signalled, and reaped last.
//! [`Command`] says what it runs, [`SpawnOptions`] how it begins. [`Pipe`] is what it writes, [`Input`] what it reads.
//! [`Strays`] reaches what leaves its group, by way of [`Orphans`] and [`Cgroup`], and [`Guardian`] ends all of it if
//! this process is killed. [`NotifySocket`] hears what it says of itself. [`Relay`] writes to a stream of our own.
//! [`signals`] knows signals by name, and can die of one. There is no event loop and no policy here: the caller decides
//! what to wait for, what to signal and when.
//!
//! The [guide](childminder::guide) has a chapter for each task, among them [how to embed it](childminder::guide::embedding).
//!
//! Whatever can be waited for is a descriptor, for the event loop that the caller has: the child's exit
//! ([`Child::exit_fd`]), its output, a moment ([`Timer`], which counts by [`clock`]), another thread ([`Wakeup`]),
//! and many of these as one ([`Selector`]). `examples/real_loop.rs` is a whole loop over `poll(2)`.
//!
//! ```
//! use childminder::{ExitStatus, Signal, Target};
//! use childminder_unix::{Child, Command, Delivery};
//!
//! let mut child = Child::spawn(Command::new("sleep").arg("1000"))?;
//! assert_eq!(child.exit_status()?, None);
//!
//! assert_eq!(child.signal(Signal::TERM, Target::Group)?, Delivery::Sent);
//! assert_eq!(child.reap()?, ExitStatus::Signal(Signal::TERM));
//!
//! // The number may belong to another process now, so nothing is sent to it any more.
//! assert_eq!(child.signal(Signal::KILL, Target::Group)?, Delivery::Gone);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What it promises
//!
//! - Nothing is signalled after the reap, and never the caller's own group. Until the reap, the dead
//!   leader keeps both its process id and its group id from being given to another process.
//! - No child but its own is waited for, unless [`Orphans`] are adopted, and no signal is handled or
//!   blocked unless [`Watch::Sigchld`] or `Arrivals` are asked for.
//! - Every descriptor it opens is close-on-exec.
//! - No child is left behind: see [`Child`] for what happens when it is dropped.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `arrivals`: `Arrivals`, the signals to this process with where they come from.
//! - `sigchld`: [`Watch::Sigchld`] on Linux, by way of `signal-hook`. Other systems always have it.
//! - `sigpipe`: what this process had SIGPIPE do before Rust's runtime began, for [`Inherited::now`]. It is looked at
//!   before `main`.
//! - `terminal`: the places of a child at a terminal (`Place::Foreground`, `Place::Terminal`) and
//!   `Child::set_stdout`. `childminder-terminal` has the terminals.
//!
//! # What it needs
//!
//! Linux 5.4 or newer; with [`Watch::Sigchld`], any Linux. For FreeBSD and macOS it compiles, and has not been
//! run there. What is Linux's alone stands in one module, beside what takes its place elsewhere: all but timers,
//! the parent-death signal, [`Orphans`], [`Guardian`], [`Cgroup`], [`NotifySocket`] and real-time signals, which are `Unsupported` there.

#[cfg(feature = "arrivals")]
mod arrivals;
mod cgroup;
mod child;
pub mod clock;
mod command;
mod guardian;
mod inherited;
mod input;
mod lost;
mod mark;
mod notify_socket;
mod orphans;
mod pipe;
mod relay;
mod selector;
pub mod signals;
mod spawn_options;
mod status;
mod stdio;
mod strays;
mod sys;
mod timer;
mod wakeup;

/// The examples of the README are tested too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "arrivals")]
pub use arrivals::{Arrival, Arrivals, Origin};
pub use cgroup::{Cgroup, Limits};
pub use child::Child;
pub use command::{Command, Spawnable};
pub use guardian::Guardian;
pub use inherited::Inherited;
pub use input::Input;
pub use lost::Lost;
pub use notify_socket::NotifySocket;
pub use orphans::{Living, Orphan, Orphans};
pub use pipe::Pipe;
pub use relay::{Flow, Hurry, Moved, Patience, Relay, RelayEvent};
pub use selector::Selector;
pub use spawn_options::{Place, Signals, SpawnOptions, Watch};
pub use status::{Delivery, JobChange, Usage};
pub use stdio::Stdio;
pub use strays::{StrayCount, Strays};
pub use timer::Timer;
pub use wakeup::Wakeup;
