//! Our standard output and standard error: what the command writes there, and what we say behind it.

use std::time::Instant;

use childminder::Stream;
use childminder_unix::Flow;

use crate::outlets::Outlets;
use crate::progress::Progress;
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
    progress: Option<Progress>,
}

impl Console {
    pub(crate) fn new(outlets: Outlets) -> Self {
        Self {
            outlets,
            raw_terminal: false,
            voice: Stream::Stderr,
            unfinished: Unfinished::new(),
            progress: None,
        }
    }

    /// Shows how the run goes from now on, on standard error, which is a terminal. Call this before anything is written.
    pub(crate) fn show_progress(&mut self) {
        if self.unfinished.are_together() {
            self.outlets.unite();
        }
        self.progress = Some(Progress::new());
    }

    /// Passes on what the command wrote.
    pub(crate) fn pass_on(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        self.unfinished.wrote(stream, bytes);
        if self.progress.is_some() && (stream == Stream::Stderr || self.unfinished.are_together()) {
            self.erase_progress();
            self.progress.iter().for_each(Progress::owes);
        }
        self.outlets.write(stream, bytes)
    }

    /// Draws the line that tells how the run goes, if it is time for that. Returns when to come back, though nothing
    /// happens.
    pub(crate) fn draw_progress(
        &self,
        has_foreground: impl FnOnce() -> bool,
        parts: impl FnOnce() -> Vec<String>,
    ) -> Option<Instant> {
        let progress = self.progress.as_ref()?;
        if self.unfinished.is_at(Stream::Stderr) {
            return None;
        }
        if Instant::now() >= progress.due_at() {
            if !self.outlets.open(Stream::Stderr).ok()?.is_flushed() {
                // It wakes the loop once it is.
                return None;
            }
            let parts = has_foreground().then(parts);
            if let Some(frame) = progress.frame(parts.as_deref()) {
                // It is taken all the same.
                let _ = self.outlets.write(Stream::Stderr, frame.as_bytes());
            }
        }
        Some(progress.due_at())
    }

    /// Leaves the terminal as it would be without the line, which may be drawn again.
    pub(crate) fn erase_progress(&self) {
        if let Some(erasure) = self.progress.as_ref().and_then(Progress::erasure) {
            // It is taken all the same.
            let _ = self.outlets.write(Stream::Stderr, erasure.as_bytes());
        }
    }

    /// Whether nothing but the line is lost if what waits for the terminal now is given up.
    pub(crate) fn owes_nothing(&self) -> bool {
        self.progress.as_ref().is_some_and(Progress::owes_nothing)
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
