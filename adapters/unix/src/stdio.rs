//! A standard stream of a child.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::fd::OwnedFd;

use crate::sys::unnamed_file;

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

    /// A file that holds these bytes, at its beginning: input that is there already. Nobody has to write it while the
    /// child runs, and a child that does not read it holds nobody up.
    ///
    /// The file is in memory, and has no name; on other systems than Linux, it is one in the temporary directory whose
    /// name is gone.
    ///
    /// # Errors
    ///
    /// What the system says when there are too many descriptors, or too little room.
    ///
    /// ```
    /// use childminder_unix::{Child, Command, Stdio};
    ///
    /// let mut command = Command::new("grep");
    /// command.arg("two").stdin(Stdio::from_bytes(b"one\ntwo\n")?).stdout(Stdio::null());
    /// let mut child = Child::spawn(&mut command)?;
    /// assert!(child.reap()?.is_success());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let mut file = File::from(unnamed_file()?);
        file.write_all(bytes)?;
        file.rewind()?;
        Ok(file.into())
    }
}

impl<T: Into<OwnedFd>> From<T> for Stdio {
    fn from(given: T) -> Self {
        Self(Source::Given(given.into()))
    }
}
