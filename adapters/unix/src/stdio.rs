//! A standard stream of a child.

use std::os::fd::OwnedFd;

/// What a standard stream of the child is: as with [`std::process::Stdio`].
///
/// A descriptor, a file, a socket or the end of a pipe becomes one with `into()`. It stays open as long as the command
/// that it is given to. One with a high number costs a copy of the descriptors below it (some 20 ns each, and as much to
/// close them): in a process that has thousands, open early what is given to many children.
#[derive(Debug)]
pub struct Stdio(pub(crate) Source);

#[derive(Debug)]
pub(crate) enum Source {
    Inherit,
    Null,
    Piped,
    Given(OwnedFd),
}

impl Stdio {
    /// Ours, which is the default.
    pub fn inherit() -> Self {
        Self(Source::Inherit)
    }

    /// `/dev/null`.
    pub fn null() -> Self {
        Self(Source::Null)
    }

    /// A pipe, whose other end the [`Child`](crate::Child) has.
    pub fn piped() -> Self {
        Self(Source::Piped)
    }
}

impl<T: Into<OwnedFd>> From<T> for Stdio {
    fn from(given: T) -> Self {
        Self(Source::Given(given.into()))
    }
}
