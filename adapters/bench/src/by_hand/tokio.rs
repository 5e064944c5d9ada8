//! Over tokio.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep};

use super::kill_group;

/// One thread, which waits for all.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs a command to its end, or until it has been silent for as long as it may.
pub(crate) async fn mind(command: &mut Command, idle: Duration) -> io::Result<ExitStatus> {
    let mut child = command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let process = child.id().unwrap_or_default();
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut stderr = child.stderr.take().expect("it is piped");
    let [mut out, mut err] = [vec![0; 64 * 1024], vec![0; 64 * 1024]];
    let [mut out_open, mut err_open] = [true, true];
    let mut deadline = std::pin::pin!(sleep(idle));
    let mut status = None;
    while out_open || err_open || status.is_none() {
        let read = tokio::select! {
            read = stdout.read(&mut out), if out_open => {
                let read = read?;
                out_open = read > 0;
                read
            }
            read = stderr.read(&mut err), if err_open => {
                let read = read?;
                err_open = read > 0;
                read
            }
            ended = child.wait(), if status.is_none() => {
                status = Some(ended?);
                0
            }
            () = &mut deadline => {
                kill_group(process)?;
                deadline.as_mut().reset(Instant::now() + Duration::from_secs(3600));
                0
            }
        };
        if read > 0 {
            deadline.as_mut().reset(Instant::now() + idle);
        }
    }
    status.ok_or_else(|| io::Error::other("it has not ended"))
}
