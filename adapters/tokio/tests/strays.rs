//! What has left the group of a child ends with it. Alone in its process, since orphans are a matter of the whole.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use childminder_tokio::childminder::{Config, Strays};
use childminder_tokio::{Child, Minder};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncBufReadExt as _, BufReader};

#[tokio::test]
async fn a_daemon_ends_with_its_child_whether_it_is_terminated_or_dropped() {
    let minder = Minder::new().expect("a minder");
    let (mut child, daemon) = spawn(&minder).await;
    let (dropped, other) = spawn(&minder).await;
    child.terminate();
    let outcome = child.outcome().await.expect("the end");
    assert_eq!(outcome.strays, Strays::Killed);
    wait_until_dead(daemon).await;
    drop(dropped);
    wait_until_dead(other).await;
}

async fn spawn(minder: &Minder) -> (Child, OwnedFd) {
    let script = "(setsid sh -c 'echo $$; exec sleep 1000 >&-' &); exec sleep 1000";
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdout(Stdio::piped());
    let config = Config {
        stray_timeout: Some(GUARD),
        ..Config::default()
    };
    let mut child = minder.spawn(&mut command, config).expect("a child");
    let mut line = String::new();
    let mut output = BufReader::new(child.take_stdout().expect("it is piped"));
    output.read_line(&mut line).await.expect("a line");
    let pid = line.trim_end().parse().ok().and_then(Pid::from_raw);
    let pidfd = pidfd_open(pid.expect("a process id"), PidfdFlags::empty());
    (child, pidfd.expect("a living process"))
}

async fn wait_until_dead(pidfd: OwnedFd) {
    let death = async {
        let now = Timespec::default();
        while poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&now)) == Ok(0) {
            tokio::task::yield_now().await;
        }
    };
    let dead = tokio::time::timeout(GUARD, death).await;
    dead.expect("it lives");
}

/// Far more than a loaded machine needs.
const GUARD: Duration = Duration::from_secs(30);
