//! How a child begins.

use std::io;
use std::os::fd::OwnedFd;

use crate::inherited::Inherited;

/// Where a child stands among processes, what else ends it, and how it is watched. The default is a process
/// group of its own, a pidfd, and signals that work.
#[derive(Debug, Default)]
pub struct SpawnOptions {
    /// Its process group, session and terminal.
    pub place: Place,
    /// Whether SIGKILL reaches it when the thread that spawned it ends (`PR_SET_PDEATHSIG`). It does not
    /// reach a program that gains privileges at its exec or runs as another user by then, nor what the child
    /// starts. Where there is no such signal ([`CAN_KILL_ON_PARENT_DEATH`](Self::CAN_KILL_ON_PARENT_DEATH)), this is an error of
    /// the spawn.
    pub kill_on_parent_death: bool,
    /// How its exit is noticed.
    pub watch: Watch,
    /// An open `cgroup.procs` that it enters before its exec (`cgroups(7)`).
    pub cgroup: Option<OwnedFd>,
    /// What the child's group is made known to a [`Guardian`](crate::Guardian) by: its
    /// [`group_handle`](crate::Guardian::group_handle). Of no use where the child stays in our own group.
    pub guardian: Option<OwnedFd>,
    /// Which signals it ignores and blocks.
    pub signals: Signals,
}

/// Which signals a child ignores and blocks when its program begins. Those that this process handles are at their
/// defaults either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signals {
    /// None, whatever this process does, so that a ladder of signals works; but a SIGHUP that is ignored stays
    /// so, as `nohup(1)` wants it.
    ///
    /// A real-time signal is looked at once, when the first child is spawned.
    #[default]
    Reset,
    /// Those of an earlier moment, as if this process had not changed them since.
    As(Inherited),
}

/// A child's place among processes.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum Place {
    /// A process group of its own.
    #[default]
    Group,
    /// A process group of its own, which is made the foreground group of this terminal. Takes the feature
    /// `terminal`.
    #[cfg(feature = "terminal")]
    Foreground(OwnedFd),
    /// A session of its own, without a terminal.
    Session,
    /// A session of its own, whose controlling terminal is its standard input. Takes the feature `terminal`.
    #[cfg(feature = "terminal")]
    Terminal,
    /// Our own process group. A signal to the group then goes to the child alone.
    Inherit,
}

impl Place {
    pub(crate) fn leaves_our_group(&self) -> bool {
        !matches!(self, Self::Inherit)
    }

    /// The same place, by a descriptor of its own.
    #[cfg_attr(
        not(feature = "terminal"),
        expect(
            clippy::unnecessary_wraps,
            reason = "a terminal may fail to be duplicated"
        )
    )]
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Group => Self::Group,
            #[cfg(feature = "terminal")]
            Self::Foreground(terminal) => Self::Foreground(terminal.try_clone()?),
            Self::Session => Self::Session,
            #[cfg(feature = "terminal")]
            Self::Terminal => Self::Terminal,
            Self::Inherit => Self::Inherit,
        })
    }
}

/// How a child's exit is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// Through a `pidfd_open(2)` descriptor: Linux 5.4 and newer.
    #[default]
    Pidfd,
    /// Through a handler of SIGCHLD, for other systems and for sandboxes without pidfds. It is installed
    /// beside those of others that use `signal-hook`, and makes the descriptors of all such children readable, whichever has died.
    ///
    /// On Linux, this takes the feature `sigchld`; without it, it is an error of the spawn (`Unsupported`).
    Sigchld,
}
