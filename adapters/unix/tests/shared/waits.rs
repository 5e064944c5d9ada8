//! A child that writes, and ways to wait for what happens.

use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use childminder_unix::{Command, Pipe, Stdio};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Far more than a loaded machine needs.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A shell that runs `script`, with its output piped.
pub(crate) fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

#[track_caller]
pub(crate) fn wait_until_readable(fd: impl AsFd) {
    assert!(poll_readable(fd, LIMIT), "nothing came in {LIMIT:?}");
}

/// For what no descriptor tells.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "not in {LIMIT:?}: {what}");
        thread::yield_now();
    }
}

/// Everything up to the end.
pub(crate) fn read_all(pipe: &Pipe) -> String {
    let mut text = Vec::new();
    loop {
        let mut chunk = [0; 512];
        wait_until_readable(pipe);
        match pipe.read(&mut chunk).expect("a chunk") {
            0 => return String::from_utf8(text).expect("text"),
            length => text.extend(&chunk[..length]),
        }
    }
}

pub(crate) fn poll_readable(fd: impl AsFd, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("a minute");
        let mut fds = [PollFd::new(&fd, PollFlags::IN)];
        match poll(&mut fds, Some(&left)) {
            Err(Errno::INTR) => {}
            ready => return ready.expect("poll") > 0,
        }
    }
}
