//! The end of what the child said.

use std::collections::VecDeque;

use childminder::Stream;

/// The last lines of both streams together, in the order in which they were last added to.
#[derive(Debug)]
pub(crate) struct Tail {
    most: usize,
    lines: VecDeque<Line>,
    stdout: Partial,
    stderr: Partial,
    additions: u64,
}

/// A line, without its end, and cut if it is long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) stream: Stream,
    pub(crate) text: String,
    /// Which addition to the tail was the last to this line.
    addition: u64,
}

impl Tail {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            lines: VecDeque::new(),
            stdout: Partial::default(),
            stderr: Partial::default(),
            additions: 0,
        }
    }

    pub(crate) fn add(&mut self, stream: Stream, bytes: &[u8]) {
        if self.most == 0 {
            return;
        }
        self.additions += 1;
        let partial = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        partial.addition = self.additions;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(end) = piece.strip_suffix(b"\n") else {
                partial.add(piece);
                continue;
            };
            partial.add(end);
            if self.lines.len() == self.most {
                self.lines.pop_front();
            }
            self.lines.push_back(partial.take(stream));
        }
    }

    /// The lines, an unfinished one of each stream included.
    pub(crate) fn into_lines(self) -> Vec<Line> {
        let mut lines = Vec::from(self.lines);
        for (stream, mut partial) in [(Stream::Stdout, self.stdout), (Stream::Stderr, self.stderr)]
        {
            if !partial.text.is_empty() {
                lines.push(partial.take(stream));
            }
        }
        lines.sort_by_key(|line| line.addition);
        lines.split_off(lines.len().saturating_sub(self.most))
    }
}

/// A line that has not ended. What follows a carriage return begins it anew, as on a terminal.
#[derive(Debug, Default)]
struct Partial {
    text: Vec<u8>,
    has_returned: bool,
    addition: u64,
}

impl Partial {
    fn add(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\r') {
            let text = piece.strip_suffix(b"\r").unwrap_or(piece);
            if self.has_returned && !text.is_empty() {
                self.text.clear();
                self.has_returned = false;
            }
            let room = LONGEST.saturating_sub(self.text.len());
            self.text.extend_from_slice(&text[..text.len().min(room)]);
            self.has_returned |= text.len() < piece.len();
        }
    }

    fn take(&mut self, stream: Stream) -> Line {
        let text = String::from_utf8_lossy(&self.text).into_owned();
        self.text.clear();
        self.has_returned = false;
        Line {
            stream,
            text,
            addition: self.addition,
        }
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
    fn a_carriage_return_begins_the_line_anew() {
        let out = |pieces: &[&str]| {
            let pieces: Vec<_> = pieces
                .iter()
                .map(|piece| (Stream::Stdout, *piece))
                .collect();
            tail_of(9, &pieces)
        };
        assert_eq!(out(&["10%\r20%\r"]), ["20%"]);
        assert_eq!(out(&["10%\r", "20", "%\r", "done\n"]), ["done"]);
        assert_eq!(out(&["one\r\ntwo\r", "\n"]), ["one", "two"]);
        assert_eq!(out(&["\rone\r\r\n"]), ["one"]);
        assert_eq!(out(&[&"y".repeat(LONGEST + 1), "\rz"]), ["z"]);
    }

    #[test]
    fn an_unfinished_line_is_where_it_was_last_added_to() {
        let pieces = [
            (Stream::Stdout, "step 1... "),
            (Stream::Stderr, "error\n"),
            (Stream::Stderr, "more"),
        ];
        assert_eq!(tail_of(9, &pieces), ["step 1... ", "error", "more"]);
        assert_eq!(tail_of(1, &pieces[..2]), ["error"]);
        let both = [&pieces[..], &[(Stream::Stdout, "ok")]].concat();
        assert_eq!(tail_of(9, &both), ["error", "more", "step 1... ok"]);
    }

    #[test]
    fn none_is_kept_when_none_is_wanted() {
        assert_eq!(tail_of(0, &[(Stream::Stdout, "a\n")]), [""; 0]);
    }
}
