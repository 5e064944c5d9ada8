//! A terminal for a minded child: lent to it, or made for it.
//!
//! A child that leads a process group of its own cannot use the terminal of its parent unless it is given the
//! foreground. [`JobControl`] does what a shell does for it: it lends the terminal to the child's group, stops the
//! parent when the child is stopped, and takes the terminal back, with its modes, at the end. [`Tty`] gives the child
//! a terminal of its own instead, and types there what comes from standard input.
//!
//! The [guide](childminder::guide) has a chapter for each task.
//!
//! Both work in any event loop. Each is a descriptor ([`AsFd`](std::os::fd::AsFd)) that is readable when its `attend`
//! has something to do; [`JobControl::next_look`] says when to call it though nothing is readable. Both ask for signals
//! through the driver's [`Control`](childminder_driver::Control), so that the state machine knows of each signal that is
//! sent to the child, and a flight record shows it. What they need of the minded child is the trait [`Minded`].
//!
//! [`Terminal`], [`HeldStop`] and [`Pty`] are the parts, for an owner with other rules.
//!
//! ```
//! use childminder_terminal::Pty;
//! use childminder_unix::{Command, SpawnOptions};
//!
//! let pty = Pty::like(None)?;
//! let mut child = pty.spawn(Command::new("tty"), SpawnOptions::default())?;
//! child.reap()?;
//! let mut written = [0; 64];
//! let length = child.take_stdout().expect("a terminal").read(&mut written)?;
//! assert!(written[..length].starts_with(b"/dev/pts/"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! `examples/lend.rs` lends the terminal to a full-screen program.
//!
//! # What it needs
//!
//! What `childminder-unix` needs. [`JobControl`] and [`Tty`] install handlers of SIGCHLD, SIGCONT and SIGWINCH by way of
//! `signal-hook`, beside the handlers of others that use it.
#![forbid(unsafe_code)]

mod held_stop;
mod input;
mod job_control;
mod minded;
mod notices;
mod pty;
mod sys;
mod terminal;
mod tty;

/// The examples of the README are tested too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use held_stop::HeldStop;
pub use job_control::{InBackground, JobControl, Uses};
pub use minded::Minded;
pub use pty::Pty;
pub use terminal::{Modes, Terminal, is_in_background, leads_own_group, leads_own_session};
pub use tty::Tty;
