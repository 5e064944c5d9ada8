//! Our standard output and standard error: what the command writes there, and what we say behind it.

use childminder::Stream;
use childminder_unix::Flow;

use crate::outlets::Outlets;
use crate::streams::Unfinished;
use crate::words;

#[derive(Debug)]
pub(crate) struct Console {
    outlets: Outlets,
    /// Whether our terminal is in raw mode, where a line feed moves down without returning to column 0.
    pub(crate) raw_terminal: bool,
    /// The stream on which we say things.
    voice: Stream,
    unfinished: Unfinished,
}

impl Console {
    pub(crate) fn new(outlets: Outlets) -> Self {
        Self {
            outlets,
            raw_terminal: false,
            voice: Stream::Stderr,
            unfinished: Unfinished::new(),
        }
    }

    /// Passes on what the command wrote.
    pub(crate) fn pass_on(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        self.unfinished.wrote(stream, bytes);
        self.outlets.write(stream, bytes)
    }

    /// What the command wrote has been passed on by the kernel.
    pub(crate) fn passed_on(&mut self, stream: Stream, bytes: &[u8]) {
        self.unfinished.wrote(stream, bytes);
    }

    /// Whether what we may say comes behind what is written to this stream.
    pub(crate) fn may_speak_behind(&self, stream: Stream) -> bool {
        self.unfinished.are_together() || stream == self.voice
    }

    /// Says a line on our standard error, behind what the command wrote there.
    pub(crate) fn say(&mut self, message: &str) {
        self.write_lines(self.voice, &words::line(message));
    }

    /// Writes a report on a stream of ours. Where both go to one place, what is said next comes behind it.
    pub(crate) fn write_report(&mut self, stream: Stream, json: &str) {
        self.write_lines(stream, json);
        if self.unfinished.are_together() {
            self.voice = stream;
        }
    }

    pub(crate) fn outlets(&self) -> &Outlets {
        &self.outlets
    }

    /// Writes whole lines on a stream of ours, behind what the command wrote there.
    fn write_lines(&mut self, stream: Stream, lines: &str) {
        let mut text = lines.to_owned();
        if self.unfinished.is_at(stream) {
            text.insert(0, '\n');
        }
        if self.raw_terminal {
            text = text.replace('\n', "\r\n");
        }
        // It is taken all the same.
        let _ = self.pass_on(stream, text.as_bytes());
    }
}
