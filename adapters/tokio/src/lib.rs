//! Minded child processes under tokio: spawned, awaited, and ended when dropped.
//!
//! A [`Minder`] minds all children of a runtime in one task, by the rules of [`childminder`]: it notices
//! that a child makes no progress, ends it politely and then for certain, with its process group, and tells
//! how it ended.
//!
//! The [guide](childminder::guide) has a chapter for each task, among them [how to embed it](childminder::guide::embedding).
//!
//! ```
//! use childminder_tokio::{Minder, childminder::Config};
//! use std::process::{Command, Stdio};
//! use std::time::Duration;
//! use tokio::io::{AsyncBufReadExt as _, BufReader};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> std::io::Result<()> {
//!     let minder = Minder::new()?;
//!     let config = Config { idle_timeout: Some(Duration::from_secs(60)), ..Config::default() };
//!     let mut command = Command::new("seq");
//!     let mut child = minder.spawn(command.arg("3").stdout(Stdio::piped()), config)?;
//!     let mut lines = BufReader::new(child.take_stdout().expect("it is piped")).lines();
//!     let mut sum = 0;
//!     while let Some(line) = lines.next_line().await? {
//!         sum += line.parse::<u32>().expect("a number");
//!     }
//!     assert_eq!(sum, 6);
//!     assert!(child.outcome().await?.is_success(), "{:?}", child.errors());
//!     Ok(())
//! }
//! ```
//!
//! [`Minder::capture`] runs a command, gives it its input and returns its output, in one call.
//!
//! # What it promises
//!
//! - **Dropped means ended.** A [`Child`] that is dropped before its end is killed with its group, and
//!   reaped. So a future that owns a child can be cancelled at every await, and leaves no process. So can a
//!   runtime.
//! - **Nothing is lost by cancelling** a future of this crate: an outcome can be awaited again, and what a
//!   cancelled read did not return, the next one does.
//! - **Output has back-pressure.** See [`Output`].
//! - **Notifications are futures** that may fail with a reason, which is told. See [`Handle::notify`].
//! - **No thread and no task for a child**, but one task while a notification runs.
//!
//! It works on both runtimes of tokio's, `current_thread` and `multi_thread`. Like all of a runtime's I/O,
//! the minding stands still while a `current_thread` runtime is not run.
#![forbid(unsafe_code)]

mod capture;
mod child;
mod minder;
mod notification;
mod output;
mod relay;
mod report;
mod set;
mod task;

pub use child::{Child, Handle};
pub use childminder;
pub use childminder_driver::{
    Capture, Captured, Errors, Failure, Noticed, TooMuchOutput, Unsuccessful,
};
pub use childminder_unix;
pub use minder::{Minder, Options};
pub use notification::{Notified, NotifyError, Reason};
pub use output::Output;
pub use report::ChildError;
