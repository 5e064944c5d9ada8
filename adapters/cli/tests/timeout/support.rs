//! One `timeout` in a test.

use std::io::Read as _;
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_childminder");

/// Ours under the name `timeout`, with a place for files.
pub(crate) struct Ours {
    place: TempDir,
}

impl Ours {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        symlink(BINARY, place.path().join("timeout")).expect("a symlink");
        Self { place }
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.path("timeout")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// It, with these words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        timeout(&self.program(), words)
    }
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// This program, called `timeout`.
pub(crate) fn timeout(program: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .arg0("timeout")
        .args(words)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    /// With what survivors wrote.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run(mut command: Command) -> Ended {
    finish(command.spawn().expect("it starts"))
}

/// To the end of its output.
pub(crate) fn finish(mut child: Child) -> Ended {
    let mut stderr = child.stderr.take().expect("a pipe");
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).expect("standard error");
        text
    });
    let stdout = child.stdout.take();
    let output = thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut stdout) = stdout {
            stdout.read_to_end(&mut text).expect("standard output");
        }
        text
    });
    let status = wait(&mut child);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended {
        code: status.code(),
        signal: status.signal(),
        stdout: text(output.join().expect("no panic")),
        stderr: text(errors.join().expect("no panic")),
    }
}

/// But not for ever.
fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its status") {
            return status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().expect("it runs");
        }
        thread::sleep(Duration::from_millis(2));
    }
}
