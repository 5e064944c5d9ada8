//! The end of what the child said.

use std::collections::VecDeque;

use childminder::Stream;

/// The last lines of both streams together, in the order in which they were completed.
#[derive(Debug)]
pub(crate) struct Tail {
    most: usize,
    lines: VecDeque<Line>,
    stdout: Partial,
    stderr: Partial,
}

/// A line, without its end, and cut if it is long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) stream: Stream,
    pub(crate) text: String,
}

impl Tail {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            lines: VecDeque::new(),
            stdout: Partial::default(),
            stderr: Partial::default(),
        }
    }

    pub(crate) fn add(&mut self, stream: Stream, bytes: &[u8]) {
        if self.most == 0 {
            return;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let partial = match stream {
                Stream::Stdout => &mut self.stdout,
                Stream::Stderr => &mut self.stderr,
            };
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    partial.add(end);
                    let text = partial.take();
                    self.push(Line { stream, text });
                }
                None => partial.add(piece),
            }
        }
    }

    /// The lines, an unfinished one of each stream included.
    pub(crate) fn into_lines(mut self) -> Vec<Line> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let partial = match stream {
                Stream::Stdout => &mut self.stdout,
                Stream::Stderr => &mut self.stderr,
            };
            if !partial.0.is_empty() {
                let text = partial.take();
                self.push(Line { stream, text });
            }
        }
        self.lines.into()
    }

    fn push(&mut self, line: Line) {
        if self.lines.len() == self.most {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

#[derive(Debug, Default)]
struct Partial(Vec<u8>);

impl Partial {
    fn add(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.0.len());
        self.0.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.0).into_owned();
        self.0.clear();
        text
    }
}

/// How much of a line is kept, in bytes.
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn tail_of(most: usize, pieces: &[(Stream, &str)]) -> Vec<String> {
        let mut tail = Tail::new(most);
        for (stream, piece) in pieces {
            tail.add(*stream, piece.as_bytes());
        }
        tail.into_lines()
            .into_iter()
            .map(|line| line.text)
            .collect()
    }

    #[test]
    fn the_last_lines_are_kept() {
        assert_eq!(tail_of(2, &[(Stream::Stdout, "a\nb\nc\n")]), ["b", "c"]);
    }

    #[test]
    fn lines_come_in_pieces() {
        let pieces = [
            (Stream::Stdout, "on"),
            (Stream::Stderr, "x\n"),
            (Stream::Stdout, "e\ntw"),
        ];
        assert_eq!(tail_of(9, &pieces), ["x", "one", "tw"]);
    }

    #[test]
    fn a_long_line_is_cut() {
        let long = "y".repeat(LONGEST + 1);
        assert_eq!(tail_of(1, &[(Stream::Stdout, &long)])[0].len(), LONGEST);
    }

    #[test]
    fn none_is_kept_when_none_is_wanted() {
        assert_eq!(tail_of(0, &[(Stream::Stdout, "a\n")]), [""; 0]);
    }
}
