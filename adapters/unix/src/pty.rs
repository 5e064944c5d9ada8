//! A terminal of the child's own.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use nix::libc;
use rustix::io::retry_on_intr;
use rustix::pty::{grantpt, ptsname, unlockpt};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Winsize, tcgetattr, tcgetwinsize, tcsetattr,
    tcsetwinsize,
};

use crate::child::Child;
use crate::pipe::Pipe;
use crate::spawn_options::{Place, SpawnOptions};
use crate::sys;

/// Our end of a pseudoterminal (`pty(7)`): non-blocking and close-on-exec. Closing it, and with it the
/// child's [`stdout`](Child::take_stdout), hangs up on the child.
///
/// Takes the feature `terminal`.
///
/// ```
/// use childminder_unix::{Pty, SpawnOptions};
/// use std::process::Command;
///
/// let pty = Pty::like(None)?;
/// let mut child = pty.start(Command::new("tty"), SpawnOptions::default())?;
/// child.reap()?;
/// let mut said = [0; 64];
/// let length = child.take_stdout().expect("a terminal").read(&mut said)?;
/// assert!(said[..length].starts_with(b"/dev/pts/"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Pty {
    master: OwnedFd,
}

impl Pty {
    /// A new one, with the modes and the size of this terminal; without one, with the system's modes, 24
    /// rows and 80 columns.
    ///
    /// # Errors
    ///
    /// What the system says when it has no more of them, or too many descriptors.
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
            tcsetwinsize(&pty.master, CUSTOMARY)?;
        }
        Ok(pty)
    }

    /// Starts `command` at this terminal: its three standard streams, its controlling terminal, and a
    /// session of its own, whatever place `start` gives. What it writes comes as its standard output.
    ///
    /// The command is used up, since it holds the child's end of the terminal open.
    ///
    /// # Errors
    ///
    /// Like [`Child::start`].
    pub fn start(&self, mut command: Command, start: SpawnOptions) -> io::Result<Child> {
        let slave = self.open()?;
        command
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave);
        let start = SpawnOptions {
            place: Place::Terminal,
            ..start
        };
        let mut child = Child::spawn_with(&mut command, &start)?;
        child.set_stdout(Pipe::new(self.master.try_clone()?)?);
        Ok(child)
    }

    /// The child's end. Nobody having it open is the end of the output; whoever has it open, puts that off.
    ///
    /// # Errors
    ///
    /// What `open(2)` says.
    pub fn open(&self) -> io::Result<OwnedFd> {
        let name = ptsname(&self.master, Vec::new())?;
        let slave = File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NOCTTY)
            .open(Path::new(OsStr::from_bytes(name.as_bytes())))?;
        Ok(slave.into())
    }

    /// Types these bytes, or as many as there is room for.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is no room; a descriptor registered for writing tells when there is.
    /// `EIO` when nobody has the other end open, where the system does not let that pass.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(retry_on_intr(|| rustix::io::write(&self.master, bytes))?)
    }

    /// What is to be typed to end the input, after `last`: the end-of-file character (`VEOF`), twice where
    /// the first one would but end a line that is unfinished. Nothing, if there is no such character.
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

    /// Gives it the size of this terminal; the child's foreground group is told by SIGWINCH, if it changes.
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

/// A size that every program knows.
const CUSTOMARY: Winsize = Winsize {
    ws_row: 24,
    ws_col: 80,
    ws_xpixel: 0,
    ws_ypixel: 0,
};
