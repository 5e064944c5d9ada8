//! Both runtimes, children of the shell's, and processes that are watched from outside.

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::task::Poll;
use std::time::Duration;

use childminder_tokio::childminder::{Config, Ladder, Outcome, Signal, Stage, Target};
use childminder_tokio::{Child, Failure, Minder, Options};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::runtime::{self, Runtime};
use tokio::time::timeout;

/// Far more than a loaded machine needs for a whole test.
pub(crate) const GUARD: Duration = Duration::from_secs(30);

/// Runs a test on each of tokio's runtimes, and sees that the minder's task ends with it.
pub(crate) fn on_both<F: Future<Output = ()>>(test: impl Fn(Minder) -> F) {
    for runtime in runtimes() {
        runtime.block_on(guarded(async {
            test(minder()).await;
            until(|| runtime.metrics().num_alive_tasks() == 0).await;
        }));
    }
}

pub(crate) fn runtimes() -> [Runtime; 2] {
    let mut many = runtime::Builder::new_multi_thread();
    many.worker_threads(2);
    [runtime::Builder::new_current_thread(), many]
        .map(|mut builder| builder.enable_all().build().expect("a runtime"))
}

pub(crate) fn minder() -> Minder {
    Minder::new().expect("a minder")
}

pub(crate) async fn guarded<T>(test: impl Future<Output = T>) -> T {
    timeout(GUARD, test).await.expect("it is stuck")
}

pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// A shell that runs `script`, with everything piped.
pub(crate) fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn spawn(minder: &Minder, script: &str, options: impl Into<Options>) -> Child {
    minder.spawn(&mut sh(script), options).expect("a child")
}

/// An end of the output that is missed is waited for for ever. Not SIGINT: a shell that runs the tests in the
/// background has it ignored.
pub(crate) fn patient() -> Config {
    Config {
        drain_timeout: None,
        ladder: ladder(Signal::TERM, GUARD),
        ..Config::default()
    }
}

/// Send `first` to the group, and SIGKILL after `wait`.
pub(crate) fn ladder(first: Signal, wait: Duration) -> Ladder {
    let stage = |signal, wait| Stage {
        signal,
        target: Target::Group,
        wait,
    };
    Ladder::new(&[stage(first, Some(wait)), stage(Signal::KILL, None)]).expect("two stages")
}

/// A notification.
pub(crate) async fn succeed() -> Result<(), Failure> {
    tokio::task::yield_now().await;
    Ok(())
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) async fn outcome(child: &mut Child) -> Outcome {
    child.outcome().await.expect("the runtime is there")
}

pub(crate) async fn read_to_end(output: Option<childminder_tokio::Output>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = output.expect("it is piped").read_to_end(&mut bytes).await;
    read.expect("it cannot fail");
    bytes
}

/// The first line of standard output. What follows is thrown away, and its end is the pipe's.
pub(crate) async fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let mut output = BufReader::new(child.take_stdout().expect("it is piped"));
    output.read_line(&mut line).await.expect("a line");
    line.trim_end().to_owned()
}

/// Polls `future` this many times, and drops it then. What it returned, if it did.
pub(crate) async fn polled<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    let polled = poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Pending if left == 0 => Poll::Ready(None),
            polled => polled.map(Some),
        }
    });
    polled.await
}

/// A process, seen from outside.
pub(crate) struct Bystander {
    pid: Pid,
    pidfd: OwnedFd,
}

impl Bystander {
    pub(crate) fn of(pid: u32) -> Self {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let pid = pid.expect("a process id");
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("a living process");
        Self { pid, pidfd }
    }

    pub(crate) fn is_dead(&self) -> bool {
        let now = Timespec::default();
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        poll(&mut fds, Some(&now)).expect("a pidfd can be waited for") > 0
    }

    /// Dead, and not ours to be waited for any more.
    pub(crate) fn is_gone(&self) -> bool {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.is_dead() && matches!(waitid(WaitId::Pid(self.pid), look), Err(Errno::CHILD))
    }
}
