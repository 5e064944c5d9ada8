//! Our standard output and standard error: where they go, and what was written there last.

use std::io;

use childminder::Stream;
use rustix::fs::{Stat, fstat};

/// The stream of ours that goes to this file, if one does.
pub(crate) fn stream_to(file: &Stat) -> Option<Stream> {
    let goes_there =
        |stream: &Stream| destination(*stream).is_some_and(|there| is_same(&there, file));
    Stream::ALL.into_iter().find(goes_there)
}

/// Whether our standard input comes from this file.
pub(crate) fn is_our_input(file: &Stat) -> bool {
    fstat(io::stdin()).is_ok_and(|input| is_same(&input, file))
}

pub(crate) fn is_same(one: &Stat, other: &Stat) -> bool {
    (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
}

/// Whether what was written last on each stream is a line without an end.
#[derive(Debug)]
pub(crate) struct Unfinished {
    stdout: bool,
    stderr: bool,
    /// Both go to one place, a terminal for instance.
    together: bool,
}

impl Unfinished {
    pub(crate) fn new() -> Self {
        let places = (destination(Stream::Stdout), destination(Stream::Stderr));
        Self {
            stdout: false,
            stderr: false,
            together: matches!(places, (Some(out), Some(err)) if is_same(&out, &err)),
        }
    }

    /// These bytes are written.
    pub(crate) fn wrote(&mut self, stream: Stream, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        let unfinished = *last != b'\n';
        if self.together || stream == Stream::Stdout {
            self.stdout = unfinished;
        }
        if self.together || stream == Stream::Stderr {
            self.stderr = unfinished;
        }
    }

    /// Whether both streams go to one place.
    pub(crate) fn are_together(&self) -> bool {
        self.together
    }

    /// Whether the stream's last line is one.
    pub(crate) fn is_at(&self, stream: Stream) -> bool {
        match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        }
    }
}

fn destination(stream: Stream) -> Option<Stat> {
    let found = match stream {
        Stream::Stdout => fstat(io::stdout()),
        Stream::Stderr => fstat(io::stderr()),
    };
    found.ok()
}
