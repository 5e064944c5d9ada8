//! Stands in for the watch by SIGCHLD in a build without it, so that no other module needs to know.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// There is none.
#[derive(Debug)]
pub(crate) enum Sigchld {}

impl Sigchld {
    pub(crate) fn new() -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "cannot watch a child by SIGCHLD: childminder-unix was built without its feature `sigchld`",
        ))
    }

    pub(crate) fn clear(&self) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn renew(&self) {
        match *self {}
    }
}

impl AsFd for Sigchld {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}
