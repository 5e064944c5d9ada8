//! A terminal in a test, and ways to wait for what happens there.

use std::env;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use childminder_unix::Pipe;
use nix::pty::openpty;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};

/// Far more than a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(60);

/// Both ends of a terminal.
pub(crate) struct Screen {
    master: OwnedFd,
    pub(crate) slave: OwnedFd,
    seen: String,
}

impl Screen {
    /// A new terminal that controls our session.
    pub(crate) fn of_our_session() -> Self {
        let pty = openpty(None, None).expect("a PTY");
        rustix::process::ioctl_tiocsctty(&pty.slave).expect("our terminal");
        Self {
            master: pty.master,
            slave: pty.slave,
            seen: String::new(),
        }
    }

    pub(crate) fn stdio(&self) -> Stdio {
        Stdio::from(self.slave.try_clone().expect("a copy"))
    }

    pub(crate) fn type_in(&self, text: &str) {
        let typed = rustix::io::write(&self.master, text.as_bytes());
        assert_eq!(typed, Ok(text.len()));
    }

    /// Waits until this is shown, and takes it and all before it from what has been shown.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, mark: &str) -> String {
        loop {
            if let Some(at) = self.seen.find(mark) {
                let rest = self.seen.split_off(at + mark.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            assert!(
                poll_readable(&self.master, LIMIT),
                "no {mark:?}: {}",
                self.seen
            );
            let mut bytes = [0; 4096];
            let length = rustix::io::read(&self.master, &mut bytes).expect("what is shown");
            self.seen
                .push_str(std::str::from_utf8(&bytes[..length]).expect("text"));
        }
    }

    pub(crate) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.master).ok()
    }

    /// Whether it echoes what is typed and gives it as lines.
    pub(crate) fn is_cooked(&self) -> bool {
        let modes = tcgetattr(&self.master).expect("modes").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }
}

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
        thread::sleep(Duration::from_millis(2));
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

/// Runs the test of this name again, in a process that `env(1)` with these options has prepared, as the only
/// test there. Returns false in that process: go on with the test then.
pub(crate) fn again_in_a_process_of_its_own(name: &str, options: &[&str]) -> bool {
    const MARK: &str = "CHILDMINDER_TEST_PROCESS";
    if env::var_os(MARK).is_some() {
        return false;
    }
    let this = env::current_exe().expect("the test's program");
    // A hang is a failure.
    let output = Command::new("timeout")
        .args(["--foreground", "--signal=KILL", "60", "env"])
        .args(options)
        .arg(this)
        .args(["--exact", name, "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("the test's program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

fn poll_readable(fd: impl AsFd, limit: Duration) -> bool {
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
