//! Where the report is written.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, fchown};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use childminder::Stream;
use childminder_unix::{Hurry, Patience, Relay, RelayEvent};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use rustix::io::Errno;

use crate::event_loop::READER_PATIENCE;

/// Where the report goes; looked at before the command is run, so that a mistake costs nothing.
#[derive(Debug)]
pub(crate) enum ReportFile {
    Nowhere,
    /// Behind what the command writes there.
    Stream(Stream),
    /// Something that has a reader, or none: a FIFO, a device.
    Special(File),
    Regular(RegularFile),
}

/// A file that a report replaces, whole or not at all: it is written beside it, and takes its place when it is
/// complete.
///
/// Where a file cannot be replaced, because its directory is not ours to write or it is a mount, it is overwritten, as it
/// is where it was named by a descriptor (`/dev/fd/3`), whose owner would not see another file.
#[derive(Debug)]
pub(crate) struct RegularFile {
    /// No symlink.
    path: PathBuf,
    /// The file that is there.
    old: Option<File>,
    replacement: Replacement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replacement {
    Possible,
    /// It is to be the same file.
    Unwanted,
}

impl ReportFile {
    /// Looks whether this can be written. Nothing is changed yet.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(there) => {
                let old = File::options().write(true).open(path)?;
                if there.is_file() {
                    Ok(Self::Regular(RegularFile::existing(path, &there, old)))
                } else {
                    Ok(Self::Special(old))
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                RegularFile::new(path).map(Self::Regular)
            }
            Err(error) => Err(error),
        }
    }

    /// Without a loop. Whatever has a reader is given it, but not for ever.
    pub(crate) fn write_at_once(&self, json: &str) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Stream(Stream::Stdout) => io::stdout().write_all(json.as_bytes()),
            Self::Stream(Stream::Stderr) => io::stderr().write_all(json.as_bytes()),
            Self::Special(file) => relay_at_once(file, json),
            Self::Regular(file) => file.write(json),
        }
    }

    /// The words for a report that could not be written.
    pub(crate) fn cannot_write(error: &io::Error) -> String {
        format!("cannot write the report: {error}")
    }
}

impl RegularFile {
    fn existing(path: &Path, there: &Metadata, old: File) -> Self {
        let target = target(path).filter(|target| {
            let found = fs::symlink_metadata(target);
            found.is_ok_and(|found| (found.dev(), found.ino()) == (there.dev(), there.ino()))
        });
        Self {
            replacement: if target.is_some() {
                Replacement::Possible
            } else {
                Replacement::Unwanted
            },
            path: target.unwrap_or_else(|| path.to_owned()),
            old: Some(old),
        }
    }

    fn new(path: &Path) -> io::Result<Self> {
        let path = target(path).ok_or(Errno::NOENT)?;
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(Errno::ISDIR.into());
        }
        let directory = directory_of(&path);
        accessat(
            CWD,
            directory,
            Access::WRITE_OK | Access::EXEC_OK,
            AtFlags::EACCESS,
        )?;
        Ok(Self {
            path,
            old: None,
            replacement: Replacement::Possible,
        })
    }

    pub(crate) fn write(&self, text: &str) -> io::Result<()> {
        if self.replacement == Replacement::Unwanted {
            return self.overwrite(text);
        }
        match self.replace(text) {
            Err(error) if forbids_replacing(&error) => self.overwrite(text),
            result => result,
        }
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let (temporary, mut file) = self.temporary()?;
        let written = self
            .own(&file)
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&temporary, &self.path));
        if written.is_err() {
            // It is the error before that counts.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// A new file beside this one. One of this name that is there was left by a process of our id that was killed.
    fn temporary(&self) -> io::Result<(PathBuf, File)> {
        let name = self.path.file_name().ok_or(Errno::ISDIR)?.as_bytes();
        let mut hidden = OsString::from(".");
        hidden.push(std::ffi::OsStr::from_bytes(
            &name[..name.len().min(LONGEST_NAME)],
        ));
        hidden.push(format!(".{}.tmp", process::id()));
        let path = directory_of(&self.path).join(hidden);
        let create = || File::options().write(true).create_new(true).open(&path);
        let file = match create() {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                create()?
            }
            result => result?,
        };
        Ok((path, file))
    }

    /// Makes it as much like the old one as we are allowed to.
    fn own(&self, file: &File) -> io::Result<()> {
        let Some(old) = &self.old else {
            return Ok(());
        };
        let (old, new) = (old.metadata()?, file.metadata()?);
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            // Only root may give a file away; others keep it, as they would a file that they make.
            let _ = fchown(file, Some(old.uid()), Some(old.gid()));
        }
        file.set_permissions(old.permissions())
    }

    fn overwrite(&self, text: &str) -> io::Result<()> {
        match &self.old {
            Some(old) => {
                old.set_len(0)?;
                (&*old).write_all(text.as_bytes())
            }
            None => File::create(&self.path)?.write_all(text.as_bytes()),
        }
    }
}

/// What this path comes to when symlinks are followed, whether there is a file or not. `None` for a loop, and for a
/// link of `/proc`, which stands for a file that a process has open.
fn target(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_SYMLINKS {
        let Ok(next) = fs::read_link(&path) else {
            return Some(path);
        };
        let directory = directory_of(&path);
        if fs::canonicalize(directory).is_ok_and(|directory| directory.starts_with("/proc")) {
            return None;
        }
        path = directory.join(next);
    }
    None
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn forbids_replacing(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    // EBUSY and EXDEV: the file is a mount.
    [
        Errno::ACCESS,
        Errno::PERM,
        Errno::ROFS,
        Errno::BUSY,
        Errno::XDEV,
    ]
    .iter()
    .any(|forbids| errno == Some(*forbids))
}

/// Writes to a file that may block, with no loop to come back to.
fn relay_at_once(file: &File, text: &str) -> io::Result<()> {
    let (sender, events) = std::sync::mpsc::channel();
    let relay = Relay::new(file, move |event| {
        // After the wait was given up, nothing listens.
        let _ = sender.send(event);
    })?;
    let _ = relay.write(text.as_bytes());
    let mut failure = None;
    let mut given_up = Relay::flush(&[&relay], Patience::with_idle(READER_PATIENCE), |timeout| {
        let timeout = timeout.unwrap_or(Duration::MAX);
        if let Ok(RelayEvent::Failed(error)) = events.recv_timeout(timeout) {
            failure = Some(error);
        }
        io::Result::Ok(Hurry::No)
    })?;
    let late = events.try_iter().find_map(|event| match event {
        RelayEvent::Failed(error) => Some(error),
        _ => None,
    });
    let given_up = given_up.pop().flatten();
    failure.or(late).or(given_up).map_or(Ok(()), Err)
}

/// How much of its name is in the name of a file beside it, in bytes: all of that must not be longer than 255.
const LONGEST_NAME: usize = 200;

/// As many as Linux follows.
const MOST_SYMLINKS: usize = 40;
