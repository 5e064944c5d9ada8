//! The one error after which there is nothing left to wait for.

use std::error::Error;
use std::fmt;
use std::io;

/// The child's exit status is lost: the child is no longer there to be waited for, and asking again will not
/// help. It comes inside the [`io::Error`] of [`Child::exit_status`](crate::Child::exit_status),
/// [`Child::reap`](crate::Child::reap) and [`Child::take_job_change`](crate::Child::take_job_change), and of a spawn whose
/// child was taken away at once.
///
/// ```
/// use childminder_unix::{Child, Lost};
/// use std::process::Command;
///
/// # fn steal(child: &Child) {
/// #     use rustix::process::{Pid, WaitOptions, waitpid};
/// #     waitpid(Pid::from_raw(child.id().cast_signed()), WaitOptions::empty()).expect("a child");
/// # }
/// let child = Child::spawn(&mut Command::new("true"))?;
/// steal(&child); // waitpid, by other code
/// let error = child.exit_status().expect_err("there is no child any more");
/// assert!(Lost::is(&error));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lost;

impl Lost {
    /// Whether this is why `error` came.
    pub fn is(error: &io::Error) -> bool {
        error
            .get_ref()
            .is_some_and(<dyn Error + Send + Sync>::is::<Self>)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the child was reaped behind our back and its exit status is lost: this process must not ignore SIGCHLD, nor wait for children that are not its own (waitpid with -1)",
        )
    }
}

impl Error for Lost {}

impl From<Lost> for io::Error {
    fn from(lost: Lost) -> Self {
        Self::other(lost)
    }
}
