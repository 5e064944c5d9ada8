//! The way of a child's input.

use std::io;
use std::process::ChildStdin;

use childminder_unix::{Input, Selector};

/// What a child has not read yet of its input.
#[derive(Debug)]
pub(crate) struct Feed {
    input: Input,
    is_watched: bool,
}

impl Feed {
    /// Writes what there is room for. None if that was all.
    pub(crate) fn begin(stdin: ChildStdin, bytes: Vec<u8>) -> io::Result<Option<Self>> {
        let mut feed = Self {
            input: Input::new(stdin, bytes)?,
            is_watched: false,
        };
        Ok(feed.go_on()?.then_some(feed))
    }

    /// Writes what there is room for; whether something is left. The pipe is full then, so that room is told of by an
    /// edge.
    pub(crate) fn go_on(&mut self) -> io::Result<bool> {
        self.input.write()
    }

    pub(crate) fn watch(&mut self, selector: &Selector, key: u64) -> io::Result<()> {
        if !self.is_watched {
            selector.add_writable(&self.input, key)?;
            self.is_watched = true;
        }
        Ok(())
    }

    pub(crate) fn end(self, selector: &Selector) {
        if self.is_watched {
            // It is watched, so the selector knows it; an error would leave an event too many.
            let _ = selector.remove_writable(&self.input);
        }
    }
}
