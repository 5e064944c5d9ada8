//! A terminal of the child's own.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use childminder_unix::{Child, Command, Place, SpawnOptions};
use rustix::fs::OFlags;
use rustix::io::retry_on_intr;
use rustix::pty::{grantpt, ptsname, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Winsize, tcgetattr, tcgetwinsize, tcsetattr,
    tcsetwinsize,
};

use crate::sys;

/// Our end of a pseudoterminal (`pty(7)`): non-blocking and close-on-exec. Closing it, and with it the
/// child's [`stdout`](Child::take_stdout), hangs up on the child.
///
/// The crate's front page has an example.
#[derive(Debug)]
pub struct Pty {
    master: OwnedFd,
}

impl Pty {
    /// A new one, with the modes and the size of `terminal`; without one, with the system's modes, 24
    /// rows and 80 columns.
    ///
    /// # Errors
    ///
    /// What the system says when it has no more of them, or too many descriptors; what `tcgetattr(3)` says of
    /// `terminal`.
    pub fn like(terminal: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        let master = sys::pty()?;
        grantpt(&master)?;
        unlockpt(&master)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let pty = Self { master };
        if let Some(terminal) = terminal {
            tcsetattr(&pty.master, OptionalActions::Now, &tcgetattr(terminal)?)?;
            pty.resize_like(terminal)?;
        } else {
            tcsetwinsize(&pty.master, CUSTOMARY_SIZE)?;
        }
        Ok(pty)
    }

    /// Spawns `command` at this terminal: it is the three standard streams of the child and the controlling
    /// terminal of its session, whatever place `options` give. What the child writes comes as its standard output.
    ///
    /// The command is used up, since it holds the child's end of the terminal open.
    ///
    /// # Errors
    ///
    /// Like [`Child::spawn`].
    pub fn spawn(&self, mut command: Command, options: SpawnOptions) -> io::Result<Child> {
        let slave = self.open_slave()?;
        command
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave);
        let options = SpawnOptions {
            place: Place::Terminal,
            ..options
        };
        let mut child = Child::spawn_with(&mut command, &options)?;
        child.set_stdout(self.master.try_clone()?)?;
        Ok(child)
    }

    /// Opens the child's end. The output ends when no process has that end open any more.
    ///
    /// # Errors
    ///
    /// What `open(2)` says.
    pub fn open_slave(&self) -> io::Result<OwnedFd> {
        let name = ptsname(&self.master, Vec::new())?;
        let slave = File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed())
            .open(Path::new(OsStr::from_bytes(name.as_bytes())))?;
        Ok(slave.into())
    }

    /// Types these bytes, or as many as there is room for.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room; the descriptor becomes writable when there is.
    /// `EIO` when no process has the other end open, on systems that do not let that pass.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(retry_on_intr(|| rustix::io::write(&self.master, bytes))?)
    }

    /// What is to be typed to end the input, after a byte `last`: the end-of-file character (`VEOF`), twice where
    /// the first one would only end an unfinished line. Nothing, if there is no such character.
    ///
    /// # Errors
    ///
    /// What `tcgetattr(3)` says.
    pub fn end_of_input(&self, last: Option<u8>) -> io::Result<Vec<u8>> {
        let modes = tcgetattr(&self.master)?;
        let eof = modes.special_codes[SpecialCodeIndex::VEOF];
        if eof == 0 {
            return Ok(Vec::new());
        }
        let ends_line = |last| matches!(last, b'\n' | b'\r') || last == eof;
        let unfinished = modes.local_modes.contains(LocalModes::ICANON)
            && last.is_some_and(|last| !ends_line(last));
        Ok(vec![eof; if unfinished { 2 } else { 1 }])
    }

    /// Gives it the size of `terminal`. If that is a change, the kernel sends SIGWINCH to the foreground group of
    /// the PTY.
    ///
    /// # Errors
    ///
    /// What `tcgetwinsize(3)` says, such as `ENOTTY`.
    pub fn resize_like(&self, terminal: BorrowedFd<'_>) -> io::Result<()> {
        Ok(tcsetwinsize(&self.master, tcgetwinsize(terminal)?)?)
    }
}

impl AsFd for Pty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

/// A size that every program can draw on.
const CUSTOMARY_SIZE: Winsize = Winsize {
    ws_row: 24,
    ws_col: 80,
    ws_xpixel: 0,
    ws_ypixel: 0,
};
