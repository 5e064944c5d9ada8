//! A terminal in a test, and ways to wait for what happens there.

use std::os::fd::OwnedFd;
use std::process::Stdio;

use nix::pty::openpty;
use rustix::process::Pid;
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};

use crate::waits::{LIMIT, poll_readable};

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
