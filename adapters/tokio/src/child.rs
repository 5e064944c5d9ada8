//! One minded child, from outside.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use childminder::{Ladder, Outcome, Signal, Target};
use childminder_driver::{ChildId, Failure, Remote};
use tokio::net::unix::pipe;

use crate::notification::{Carried, Errand, Notification, Notified, Reason};
use crate::output::{Buffers, Output};
use crate::report::{ChildError, Reports};
use crate::set::Owner;

/// A minded child. It owns the process.
///
/// Dropping it before the end kills the child and its process group at once, and its notifications are
/// dropped; it is reaped in the background. What other tasks may do with the child is in its
/// [`Handle`], which it dereferences to.
#[derive(Debug)]
pub struct Child {
    handle: Handle,
    owner: Owner,
    stdin: Option<pipe::Sender>,
    stdout: Option<Output>,
    stderr: Option<Output>,
}

impl Child {
    pub(crate) fn new(handle: Handle, owner: Owner, [stdout, stderr]: [Option<Output>; 2]) -> Self {
        Self {
            handle,
            owner,
            stdin: None,
            stdout,
            stderr,
        }
    }

    pub(crate) fn set_stdin(&mut self, stdin: pipe::Sender) {
        self.stdin = Some(stdin);
    }

    /// How it ended, once it has, with its output over and its last notification done. It can be awaited
    /// again after it was cancelled.
    ///
    /// A pipe that was not taken would make the child wait for ever for its other end to be used. So
    /// standard input that was not taken is closed, as tokio's own `wait` does. And while this is awaited, a
    /// stream of output that was not taken does not hold the child up: its last 64 KiB are kept, to be taken
    /// and read afterwards, and what comes before them is dropped. To leave both as they are, use
    /// [`Handle::outcome`].
    ///
    /// # Errors
    ///
    /// As [`Handle::outcome`].
    pub async fn outcome(&mut self) -> io::Result<Outcome> {
        self.stdin = None;
        let _stdout = self.stdout.as_ref().map(Output::keep_last);
        let _stderr = self.stderr.as_ref().map(Output::keep_last);
        self.handle.outcome().await
    }

    /// The write end of the child's standard input, if it was piped and not taken yet. Dropping it is the
    /// end of that input.
    pub fn take_stdin(&mut self) -> Option<pipe::Sender> {
        self.stdin.take()
    }

    /// What the child writes to its standard output, if it was piped and not taken yet. Until it is read,
    /// it is kept, and holds the child up when it is much.
    pub fn take_stdout(&mut self) -> Option<Output> {
        self.stdout.take()
    }

    /// What the child writes to its standard error, as [`take_stdout`](Self::take_stdout).
    pub fn take_stderr(&mut self) -> Option<Output> {
        self.stderr.take()
    }

    /// For other tasks.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Deref for Child {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.owner.set.end(self.handle.child);
    }
}

/// Asks for things on behalf of one child, from any task and any thread, and tells how it is. It keeps
/// nothing alive; what is asked after the end does nothing.
#[derive(Clone)]
pub struct Handle {
    child: ChildId,
    process_id: u32,
    remote: Remote<Notification>,
    reports: Reports,
    buffers: Arc<Buffers>,
    errands: Sender<Errand>,
}

impl Handle {
    pub(crate) fn new(
        child: ChildId,
        process_id: u32,
        remote: Remote<Notification>,
        reports: Reports,
        buffers: Arc<Buffers>,
        errands: Sender<Errand>,
    ) -> Self {
        Self {
            child,
            process_id,
            remote,
            reports,
            buffers,
            errands,
        }
    }

    /// Queue a notification. They run one at a time, in order, on the minder's runtime; none starts after
    /// an error. A future that fails or panics is an error of the run; one that takes longer than
    /// `notification_timeout` is dropped, and so is one whose child is dropped. The outcome waits for one
    /// that runs.
    ///
    /// ```
    /// # async fn post(_: &str) -> Result<(), std::io::Error> { Ok(()) }
    /// # async fn example(child: &childminder_tokio::Child) {
    /// child.notify(async {
    ///     post("half of it is done").await?;
    ///     Ok(())
    /// });
    /// # }
    /// ```
    pub fn notify(
        &self,
        notification: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Notified {
        let (notification, notified) = Notification::new(notification);
        self.remote.notify(self.child, notification);
        notified
    }

    /// The child has made progress, whatever its output says.
    pub fn progress(&self) {
        self.remote.progress(self.child);
    }

    /// The child has begun, whatever its output says: that is what its first-output deadline is for.
    pub fn ready(&self) {
        self.remote.ready(self.child);
    }

    /// Something went wrong outside: the child is ended, and this is an error of the run.
    pub fn fail(&self, why: impl Into<Failure>) {
        let reason = Reason::from(why.into());
        let carried = Carried::new(reason, self.errands.clone());
        self.remote.fail(self.child, carried);
    }

    /// End the child: starts the ladder, once.
    pub fn terminate(&self) {
        self.remote.terminate(self.child);
    }

    /// End the child, impatiently: starts the ladder, or sends its next stage now.
    pub fn escalate(&self) {
        self.remote.escalate(self.child);
    }

    /// End the child for certain: SIGKILL to its group, now, in place of what is left of the ladder.
    pub fn kill(&self) {
        self.remote.kill(self.child);
    }

    /// Send this signal as it is. The ladder is not touched, a stopped target is not continued, and a target that
    /// is gone is none. If the system refuses it, that is an error of the run.
    pub fn pass_on(&self, signal: Signal, target: Target) {
        self.remote.pass_on(self.child, signal, target);
    }

    /// Change the idle timeout; it counts anew from now. While a stream of output waits for its reader, it waits too.
    pub fn set_idle_timeout(&self, timeout: Option<Duration>) {
        let ask = &mut |request| self.remote.ask(self.child, request);
        self.buffers.set_idle_timeout(timeout, ask);
    }

    /// Change the ladder; without effect once it has been started.
    pub fn set_ladder(&self, ladder: Ladder) {
        self.remote.set_ladder(self.child, ladder);
    }

    /// The child has been stopped on purpose: every deadline waits.
    pub fn suspended(&self) {
        self.remote.suspended(self.child);
    }

    /// The child runs on.
    pub fn resumed(&self) {
        self.remote.resumed(self.child);
    }

    /// How it ended, once it has, with its output over and its last notification done. It can be awaited
    /// again, and dropping the future loses nothing. While a pipe of the child's is not read, the child
    /// may wait, and this with it.
    ///
    /// # Errors
    ///
    /// If the runtime that minded the child was dropped before the end. The child has been killed then.
    pub async fn outcome(&self) -> io::Result<Outcome> {
        let outcome = self.reports.outcome().await;
        outcome.ok_or_else(|| io::Error::other("the runtime that minded the child is gone"))
    }

    /// What has gone wrong so far, in order. The first is the one that the outcome carries.
    pub fn errors(&self) -> Vec<ChildError> {
        self.reports.errors()
    }

    /// The process id, and the id of the process group. After the end, both may be another process's.
    pub fn id(&self) -> u32 {
        self.process_id
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("id", &self.process_id)
            .finish_non_exhaustive()
    }
}
