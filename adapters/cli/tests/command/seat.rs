//! A terminal in a test: somebody types at it, and somebody else's processes run there.

use std::env;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use childminder_unix as unix;
use nix::pty::{Winsize, openpty};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, getpgrp, kill_process_group};
use rustix::termios::{
    Action, LocalModes, OptionalActions, Termios, tcflow, tcgetattr, tcgetpgrp, tcsetattr,
    tcsetpgrp, tcsetwinsize,
};

use crate::support::{BINARY, GUARD};

/// What is typed for Ctrl-C, Ctrl-D and Ctrl-Z.
pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_D: &str = "\x04";
pub(crate) const CTRL_Z: &str = "\x1a";

/// The side of a terminal at which somebody sits.
pub(crate) struct Terminal {
    master: OwnedFd,
    slave: OwnedFd,
    seen: Vec<u8>,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        let size = Winsize {
            ws_row: 33,
            ws_col: 101,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(&size, None).expect("a PTY");
        Self {
            master: pty.master,
            slave: pty.slave,
            seen: Vec::new(),
        }
    }

    pub(crate) fn types(&self, mut text: &str) {
        while !text.is_empty() {
            let typed = rustix::io::write(&self.master, text.as_bytes()).expect("it is typed");
            text = &text[typed..];
        }
    }

    /// What is shown up to this mark and with it. What has been shown is not shown again. A mark that is
    /// typed, and so echoed, must be written otherwise than it is shown: `go''ing`.
    #[track_caller]
    pub(crate) fn shows(&mut self, mark: &str) -> String {
        let begun = Instant::now();
        loop {
            let found = self
                .seen
                .windows(mark.len())
                .position(|window| window == mark.as_bytes());
            if let Some(at) = found {
                let rest = self.seen.split_off(at + mark.len());
                let shown = std::mem::replace(&mut self.seen, rest);
                return String::from_utf8_lossy(&shown).into_owned();
            }
            let left = GUARD.saturating_sub(begun.elapsed());
            let seen = || String::from_utf8_lossy(&self.seen);
            assert!(is_readable(&self.master, left), "no {mark:?}: {}", seen());
            let mut bytes = [0; 4096];
            match rustix::io::read(&self.master, &mut bytes) {
                Ok(length) if length > 0 => self.seen.extend(&bytes[..length]),
                end => panic!("no {mark:?}, but {end:?}: {}", seen()),
            }
        }
    }

    pub(crate) fn resize(&self, rows: u16, columns: u16) {
        let mut size = rustix::termios::tcgetwinsize(&self.master).expect("a size");
        (size.ws_row, size.ws_col) = (rows, columns);
        tcsetwinsize(&self.master, size).expect("another size");
    }

    /// As Ctrl-S does.
    pub(crate) fn stops_output(&self) {
        tcflow(&self.slave, Action::OOff).expect("it stops");
    }

    /// As Ctrl-Q does.
    pub(crate) fn continues_output(&self) {
        tcflow(&self.slave, Action::OOn).expect("it goes on");
    }

    pub(crate) fn modes(&self) -> Termios {
        tcgetattr(&self.master).expect("modes")
    }

    pub(crate) fn set_modes(&self, modes: &Termios) {
        tcsetattr(&self.master, OptionalActions::Now, modes).expect("modes");
    }

    pub(crate) fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.master).ok()
    }

    #[track_caller]
    pub(crate) fn waits_until_raw(&self) {
        wait_until("raw", || {
            !self.modes().local_modes.contains(LocalModes::ICANON)
        });
    }

    pub(crate) fn stdio(&self) -> Stdio {
        Stdio::from(self.slave.try_clone().expect("a copy"))
    }
}

/// An interactive shell, at a terminal of its own.
pub(crate) struct Shell {
    pub(crate) terminal: Terminal,
    bash: Child,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let mut terminal = Terminal::new();
        let bash = Command::new("setsid")
            .args([
                "--ctty",
                "bash",
                "--norc",
                "--noprofile",
                "--noediting",
                "-i",
            ])
            .envs([("PS1", PROMPT), ("CM", BINARY), ("HISTFILE", "")])
            .stdin(terminal.stdio())
            .stdout(terminal.stdio())
            .stderr(terminal.stdio())
            .spawn()
            .expect("bash");
        terminal.shows(PROMPT);
        Self { terminal, bash }
    }

    /// Types this command line; `$CM` is `childminder`.
    pub(crate) fn line(&self, line: &str) {
        self.terminal.types(line);
        self.terminal.types("\n");
    }

    /// All that is shown until the shell asks for the next command.
    #[track_caller]
    pub(crate) fn prompt(&mut self) -> String {
        self.terminal.shows(PROMPT)
    }

    /// The status of the command before.
    #[track_caller]
    pub(crate) fn expect_status(&mut self, status: i32) {
        self.line("echo status=$?.");
        let shown = self.prompt();
        assert!(shown.contains(&format!("\nstatus={status}.")), "{shown}");
    }
}

impl Drop for Shell {
    /// A shell that gets a hangup passes it on to its jobs.
    fn drop(&mut self) {
        let _ = rustix::process::kill_process(Pid::from_child(&self.bash), Signal::HUP);
        let _ = rustix::process::kill_process(Pid::from_child(&self.bash), Signal::CONT);
        if let Some(job) = self.terminal.foreground() {
            let _ = kill_process_group(job, Signal::HUP);
            let _ = kill_process_group(job, Signal::CONT);
        }
        let _ = self.bash.wait();
    }
}

/// We as the leader of a session with a terminal, who puts a command into its foreground, as a shell does,
/// but sets nothing right that the command leaves wrong.
pub(crate) struct Leader {
    pub(crate) terminal: Terminal,
    /// The group that was last put into the foreground.
    pub(crate) last: Option<Pid>,
}

impl Leader {
    /// In a process of its own only: see [`as_leader`].
    fn new() -> Self {
        let terminal = Terminal::new();
        rustix::process::ioctl_tiocsctty(&terminal.slave).expect("a controlling terminal");
        Self {
            terminal,
            last: None,
        }
    }

    /// `childminder` with these arguments, in the foreground.
    pub(crate) fn starts<A: AsRef<OsStr>>(
        &mut self,
        args: impl IntoIterator<Item = A>,
    ) -> unix::Child {
        let mut command = Command::new(BINARY);
        command
            .args(args)
            .stdin(self.terminal.stdio())
            .stdout(self.terminal.stdio())
            .stderr(self.terminal.stdio());
        // From the background, without being stopped for it: we ignore SIGTTOU.
        tcsetpgrp(&self.terminal.slave, getpgrp()).expect("the foreground");
        let slave = self.terminal.slave.try_clone().expect("a copy");
        let start = unix::SpawnOptions {
            place: unix::Place::Foreground(slave),
            ..unix::SpawnOptions::default()
        };
        let us = unix::Child::spawn_with(&mut command, &start).expect("childminder");
        self.last = Pid::from_raw(us.id().cast_signed());
        us
    }

    /// As `fg` does, before it continues the job.
    pub(crate) fn puts_into_foreground(&self, us: &unix::Child) {
        let group = Pid::from_raw(us.id().cast_signed()).expect("a process id");
        tcsetpgrp(&self.terminal.slave, group).expect("the foreground");
    }
}

/// `childminder` as the leader of a session, with no shell behind it.
pub(crate) struct Alone {
    pub(crate) terminal: Terminal,
    us: Child,
}

impl Alone {
    pub(crate) fn starts(args: &[&str]) -> Self {
        Self::under(&["setsid", "--ctty"], args)
    }

    /// Without making it the controlling terminal of anybody.
    pub(crate) fn given(args: &[&str]) -> Self {
        Self::under(&["setsid"], args)
    }

    fn under(setsid: &[&str], args: &[&str]) -> Self {
        let terminal = Terminal::new();
        let us = Command::new(setsid[0])
            .args(&setsid[1..])
            .arg(BINARY)
            .args(args)
            .stdin(terminal.stdio())
            .stdout(terminal.stdio())
            .stderr(terminal.stdio())
            .spawn()
            .expect("childminder");
        Self { terminal, us }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        // Its child dies with it.
        let _ = self.us.kill();
        let _ = self.us.wait();
    }
}

/// Runs `test` as the leader of a session, in a process of its own, as the only test there: the one of this
/// name.
pub(crate) fn as_leader(name: &str, test: impl FnOnce(Leader)) {
    const MARK: &str = "CHILDMINDER_TEST_LEADER";
    if env::var_os(MARK).is_some() {
        return test(Leader::new());
    }
    let output = Command::new("env")
        // The end of the terminal hangs up on the leader of its session.
        .args(["--ignore-signal=HUP,TTOU", "setsid", "--wait"])
        .arg(env::current_exe().expect("the test's program"))
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
}

/// For what no descriptor tells.
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < GUARD, "not in {GUARD:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn is_readable(fd: &OwnedFd, limit: Duration) -> bool {
    let limit = Timespec::try_from(limit).expect("a minute");
    loop {
        match poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&limit)) {
            Err(Errno::INTR) => {}
            ready => return ready.expect("poll") > 0,
        }
    }
}

const PROMPT: &str = "ready for more> ";
