//! Where a child says how it is.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use crate::child::Child;
use crate::command::Spawnable;
use crate::mark::Maker;
use crate::strays::Strays;
use crate::sys::{self, table};

/// A socket on which a child says that it is alive, ready, or about to end, by systemd's protocol (`sd_notify(3)`).
///
/// Only the child's processes are heard: itself, its group, its descendants, what bears its [mark](Strays::mark) or is
/// in its cgroup. The kernel tells which process has sent each message. A sender that is gone before it can be looked at
/// is believed if it ran as our user, as whatever does so could end the child as well; a sender that waits until it was
/// heard, as `systemd-notify` does, is always looked at. Descriptors that are sent along are closed.
///
/// # Its address
///
/// It is abstract: a name with 128 random bits, and no file. So nothing is left behind even if this process is killed,
/// no directory has to be found or guarded, and a child in another root or mount namespace reaches it. A child in another
/// **network namespace** does not: what it sends is refused (`ECONNREFUSED`).
///
/// ```
/// use childminder_unix::{Child, Command, NotifySocket};
/// # use rustix::event::{PollFd, PollFlags, poll};
///
/// let mut socket = NotifySocket::new()?;
/// let mut command = Command::new("perl");
/// command.args(["-MIO::Socket::UNIX", "-e", r#"
///     my $address = $ENV{NOTIFY_SOCKET} =~ s/^@/\0/r;
///     IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $address)->send("READY=1");
/// "#]);
/// let mut child = socket.with(&mut command, None, |command| Child::spawn(command))?;
/// // … wait until `socket.as_fd()` is readable …
/// # poll(&mut [PollFd::new(&socket, PollFlags::IN)], None)?;
/// assert_eq!(socket.next(&child, None)?, Some(Ok(&b"READY=1"[..])));
/// child.reap()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct NotifySocket {
    socket: OwnedFd,
    address: OsString,
    buffer: Box<[u8]>,
}

impl NotifySocket {
    /// The longest message that is heard, in bytes.
    pub const LONGEST: usize = 4096;

    /// One that nobody knows yet, non-blocking and close-on-exec.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors; `Unsupported` on other systems than Linux.
    pub fn new() -> io::Result<Self> {
        let name = format!("childminder/{}", Maker::this_process().mark());
        Ok(Self {
            socket: sys::datagram_socket(name.as_bytes())?,
            address: format!("@{name}").into(),
            buffer: vec![0; Self::LONGEST].into(),
        })
    }

    /// What a child must find in its environment, `None` for what must not be there: where this socket is, and how
    /// often to say something, if it has to. `WATCHDOG_PID` is left out, as nobody knows the child's number before it
    /// runs, and is not needed.
    pub fn variables(
        &self,
        idle_timeout: Option<Duration>,
    ) -> [(&'static str, Option<OsString>); 3] {
        let micros = |timeout: Duration| timeout.as_micros().max(1).to_string().into();
        [
            ("NOTIFY_SOCKET", Some(self.address.clone())),
            ("WATCHDOG_USEC", idle_timeout.map(micros)),
            ("WATCHDOG_PID", None),
        ]
    }

    /// Spawns `command` by `spawn` with these variables. The command is left as it was.
    pub fn with<C: Spawnable, R>(
        &self,
        command: &mut C,
        idle_timeout: Option<Duration>,
        spawn: impl FnOnce(&mut C) -> R,
    ) -> R {
        let variables = self.variables(idle_timeout);
        let before: Vec<_> = variables
            .iter()
            .map(|(name, _)| (*name, command.variable(name)))
            .collect();
        for (name, value) in &variables {
            command.set_variable(name, value.as_deref());
        }
        let spawned = spawn(command);
        for (name, value) in &before {
            command.set_variable(name, value.as_deref());
        }
        spawned
    }

    /// The next message to this child's socket, or the reason why one is not heard; `None` if none has come.
    ///
    /// # Errors
    ///
    /// None that are known.
    pub fn next(
        &mut self,
        child: &Child,
        strays: Option<&Strays>,
    ) -> io::Result<Option<Result<&[u8], String>>> {
        let Some(message) = sys::next_datagram(&self.socket, &mut self.buffer)? else {
            return Ok(None);
        };
        // Its sender may wait until the message is dropped, so that it can be looked at.
        let sender = message.sender;
        let heard = match look_at(sender, child, strays) {
            Sender::Stranger => Err(format!("process {sender} is none of the command's")),
            Sender::Gone if !message.is_of_our_user => {
                Err(format!("process {sender} is another user's, and gone"))
            }
            Sender::OfTheChild | Sender::Gone if message.is_cut => Err(format!(
                "a message of process {sender} is longer than {} bytes",
                Self::LONGEST
            )),
            Sender::OfTheChild | Sender::Gone => Ok(&self.buffer[..message.length]),
        };
        Ok(Some(heard))
    }

    /// The address, as the child finds it.
    pub fn address(&self) -> &OsStr {
        &self.address
    }
}

impl AsFd for NotifySocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What a process is to the child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    OfTheChild,
    /// It is gone, or not shown to us.
    Gone,
    Stranger,
}

fn look_at(sender: u32, child: &Child, strays: Option<&Strays>) -> Sender {
    let leader = child.id();
    let is_the_child_s = !child.is_reaped();
    if sender == leader && is_the_child_s {
        return Sender::OfTheChild;
    }
    let Some(mut entry) = table::entry(sender) else {
        return Sender::Gone;
    };
    // A number that is used again meanwhile could make a circle.
    for _ in 0..MOST_GENERATIONS {
        let is_reached = [entry.group, entry.parent].contains(&leader);
        if is_reached && is_the_child_s {
            return Sender::OfTheChild;
        }
        match table::entry(entry.parent) {
            Some(parent) if entry.parent != std::process::id() => entry = parent,
            _ => break,
        }
    }
    if strays.is_some_and(|strays| strays.shows(sender)) {
        return Sender::OfTheChild;
    }
    // One that is dead shows no mark any more.
    if table::entry(sender).is_none_or(|entry| entry.is_dead) {
        return Sender::Gone;
    }
    Sender::Stranger
}

/// How far up a process is looked for the child.
const MOST_GENERATIONS: usize = 1000;
