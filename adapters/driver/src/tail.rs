//! The last lines of a child's output.

use std::borrow::Cow;
use std::collections::VecDeque;

use childminder::Stream;

/// Keeps the last lines of both streams together, in the order in which they were last added to.
///
/// ```
/// use childminder::Stream;
/// use childminder_driver::Tail;
///
/// let mut tail = Tail::new(2);
/// tail.push(Stream::Stdout, b"one\ntwo\nthree... ");
/// tail.push(Stream::Stderr, b"no space left\n");
///
/// let said: Vec<_> = tail.lines().iter().map(|line| (line.stream, line.text())).collect();
/// assert_eq!(said, [
///     (Stream::Stdout, "three... ".into()),
///     (Stream::Stderr, "no space left".into()),
/// ]);
/// ```
///
/// A line is as a terminal would show it: what follows a carriage return begins it anew, so of a progress
/// bar only the last state is kept. Of a line longer than [`Tail::LONGEST_LINE`] the beginning is kept.
///
/// Both the number of lines and that of their bytes are limited. A line counts as long as what is kept of
/// it, and one byte for its newline. No more text than the limit is kept, and an unfinished line of each stream; each line takes a few
/// words of memory besides.
#[derive(Clone, Debug)]
pub struct Tail {
    max_lines: usize,
    max_bytes: usize,
    lines: VecDeque<Kept>,
    /// What `lines` count for together.
    bytes: usize,
    stdout: Partial,
    stderr: Partial,
    pushes: u64,
}

/// One of the last lines; the newest of each stream may be unfinished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailLine<'a> {
    /// Where it was written.
    pub stream: Stream,
    /// What was written, without the newline.
    pub bytes: &'a [u8],
}

impl Tail {
    /// How many bytes are kept at most, unless [`Tail::with_limits`] says otherwise: 1 MiB.
    pub const DEFAULT_MAX_BYTES: usize = 1024 * 1024;

    /// How much of a line is kept at most, in bytes: 4 KiB.
    pub const LONGEST_LINE: usize = 4096;

    /// Keeps this many lines at most, within [`Tail::DEFAULT_MAX_BYTES`]. None is allowed, and costs nothing.
    pub fn new(max_lines: usize) -> Self {
        Self::with_limits(max_lines, Self::DEFAULT_MAX_BYTES)
    }

    /// Keeps this many lines and this many bytes at most.
    pub fn with_limits(max_lines: usize, max_bytes: usize) -> Self {
        Self {
            max_lines,
            max_bytes,
            lines: VecDeque::new(),
            bytes: 0,
            stdout: Partial::default(),
            stderr: Partial::default(),
            pushes: 0,
        }
    }

    /// Takes more output.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) {
        if self.max_lines == 0 || self.max_bytes == 0 {
            return;
        }
        self.pushes += 1;
        let longest = Self::LONGEST_LINE.min(self.max_bytes - NEWLINE);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let partial = match stream {
                Stream::Stdout => &mut self.stdout,
                Stream::Stderr => &mut self.stderr,
            };
            partial.pushed = self.pushes;
            let Some(end) = piece.strip_suffix(b"\n") else {
                partial.add(piece, longest);
                continue;
            };
            partial.add(end, longest);
            let line = partial.take(stream);
            self.bytes += line.cost();
            self.lines.push_back(line);
            self.forget_oldest();
        }
    }

    /// The lines as one text, each with a newline.
    pub fn text(&self) -> String {
        let lines = self.lines();
        lines
            .iter()
            .flat_map(|line| [line.text(), "\n".into()])
            .collect()
    }

    /// The lines, the oldest first, an unfinished one of each stream included.
    pub fn lines(&self) -> Vec<TailLine<'_>> {
        let complete = self.lines.iter();
        let complete = complete.map(|kept| (kept.pushed, kept.stream, &kept.text[..]));
        let partial = [
            (self.stdout.pushed, Stream::Stdout, &self.stdout.text[..]),
            (self.stderr.pushed, Stream::Stderr, &self.stderr.text[..]),
        ];
        let begun = partial.into_iter().filter(|(_, _, text)| !text.is_empty());
        let mut lines: Vec<_> = complete.chain(begun).collect();
        lines.sort_by_key(|(pushed, ..)| *pushed);

        let mut bytes = 0;
        let newest_first = lines.iter().rev().take(self.max_lines);
        let fitting = newest_first.take_while(|(_, _, text)| {
            bytes += text.len() + NEWLINE;
            bytes <= self.max_bytes
        });
        let first = lines.len() - fitting.count();
        let last = lines[first..].iter();
        last.map(|&(_, stream, bytes)| TailLine { stream, bytes })
            .collect()
    }

    /// Forgets what is over the limits.
    fn forget_oldest(&mut self) {
        while self.lines.len() > self.max_lines || self.bytes > self.max_bytes {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= oldest.cost();
        }
    }
}

/// Keeps ten lines.
impl Default for Tail {
    fn default() -> Self {
        Self::new(10)
    }
}

impl<'a> TailLine<'a> {
    /// As text; what is not UTF-8 is replaced.
    pub fn text(self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

/// A line that has ended.
#[derive(Clone, Debug)]
struct Kept {
    stream: Stream,
    text: Box<[u8]>,
    /// By which push it was ended.
    pushed: u64,
}

impl Kept {
    fn cost(&self) -> usize {
        self.text.len() + NEWLINE
    }
}

/// A line that has not ended.
#[derive(Clone, Debug, Default)]
struct Partial {
    text: Vec<u8>,
    has_returned: bool,
    /// By which push it was last added to.
    pushed: u64,
}

impl Partial {
    fn add(&mut self, bytes: &[u8], longest: usize) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\r') {
            let text = piece.strip_suffix(b"\r").unwrap_or(piece);
            if self.has_returned && !text.is_empty() {
                self.text.clear();
                self.has_returned = false;
            }
            let room = longest.saturating_sub(self.text.len());
            self.text.extend_from_slice(&text[..text.len().min(room)]);
            self.has_returned |= text.len() < piece.len();
        }
    }

    fn take(&mut self, stream: Stream) -> Kept {
        let text = Box::from(&self.text[..]);
        self.text.clear();
        Kept {
            stream,
            text,
            pushed: self.pushed,
        }
    }
}

/// What a line counts for besides its text. So lines without text are limited as well.
const NEWLINE: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splittings::splittings;

    fn texts(tail: &Tail) -> Vec<String> {
        let lines = tail.lines().into_iter();
        lines.map(|line| line.text().into_owned()).collect()
    }

    fn pushed(mut tail: Tail, pieces: &[(Stream, &str)]) -> Vec<String> {
        for (stream, piece) in pieces {
            tail.push(*stream, piece.as_bytes());
        }
        texts(&tail)
    }

    fn tail_of(max_lines: usize, pieces: &[(Stream, &str)]) -> Vec<String> {
        pushed(Tail::new(max_lines), pieces)
    }

    fn within(max_bytes: usize, text: &str) -> Vec<String> {
        let tail = Tail::with_limits(9, max_bytes);
        pushed(tail, &[(Stream::Stdout, text)])
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
        let long = "y".repeat(Tail::LONGEST_LINE + 1);
        let kept = tail_of(1, &[(Stream::Stdout, &long)]);
        assert_eq!(kept[0].len(), Tail::LONGEST_LINE);
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
        let long = "y".repeat(Tail::LONGEST_LINE + 1);
        assert_eq!(out(&[&long, "\rz"]), ["z"]);
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
        let nothing = [&pieces[..], &[(Stream::Stdout, "")]].concat();
        assert_eq!(tail_of(9, &nothing), ["step 1... ", "error", "more"]);
    }

    #[test]
    fn none_is_kept_when_none_is_wanted() {
        assert_eq!(tail_of(0, &[(Stream::Stdout, "a\n")]), [""; 0]);
        assert_eq!(within(0, "a\n"), [""; 0]);
        let mut tail = Tail::new(0);
        tail.push(Stream::Stdout, b"a");
        assert_eq!(tail.stdout.text.capacity(), 0);
    }

    #[test]
    fn the_bytes_are_limited() {
        assert_eq!(within(7, "a\nbc\ndef\n"), ["bc", "def"]);
        assert_eq!(within(6, "a\nbc\ndef\n"), ["def"]);
        assert_eq!(within(7, "a\nbc\ndef"), ["bc", "def"]);
        assert_eq!(within(6, "a\nbc\ndef"), ["def"]);
        assert_eq!(within(3, "a\nbc\ndef"), ["de"]);
        assert_eq!(within(3, "a\nbc\ndef\n"), ["de"]);
        assert_eq!(within(2, "\n\n\n"), ["", ""]);
        assert_eq!(within(1, "a\nb\n"), [""]);
        assert_eq!(within(1, "a"), [""; 0]);
    }

    #[test]
    fn a_line_says_where_it_was_written() {
        let mut tail = Tail::default();
        tail.push(Stream::Stderr, b"\xffa\nb");
        tail.push(Stream::Stdout, b"c");
        let line = |stream, bytes| TailLine { stream, bytes };
        let expected = [
            line(Stream::Stderr, &b"\xffa"[..]),
            line(Stream::Stderr, b"b"),
            line(Stream::Stdout, b"c"),
        ];
        assert_eq!(tail.lines(), expected);
        assert_eq!(expected[0].text(), "\u{fffd}a");
    }

    #[test]
    fn it_is_the_same_however_the_output_arrives() {
        let text = "ab\r\n\nc%\rd\ne\r";
        let limits = (0..6).flat_map(|lines| (0..9).map(move |bytes| (lines, bytes)));
        for (max_lines, max_bytes) in limits {
            let new = || Tail::with_limits(max_lines, max_bytes);
            let at_once = pushed(new(), &[(Stream::Stdout, text)]);
            for pieces in splittings(text.as_bytes()) {
                let mut tail = new();
                for piece in &pieces {
                    tail.push(Stream::Stdout, piece);
                    assert!(tail.lines.len() <= max_lines && tail.bytes <= max_bytes);
                }
                assert_eq!(texts(&tail), at_once, "{max_lines} {max_bytes} {pieces:?}");
            }
        }
    }

    #[test]
    fn megabytes_leave_no_more_than_the_limit() {
        let mut tail = Tail::with_limits(usize::MAX, 100_000);
        tail.push(Stream::Stdout, &b"0123456789abcde\n".repeat(1 << 16));
        assert_eq!(tail.lines().len(), 100_000 / 16);
        tail.push(Stream::Stderr, &vec![b'\n'; 1 << 20]);
        assert_eq!(tail.lines().len(), 100_000);
        tail.push(Stream::Stdout, &vec![b'x'; 1 << 20]);
        assert_eq!(tail.stdout.text.len(), Tail::LONGEST_LINE);
    }

    #[test]
    fn the_text_is_the_lines() {
        let mut tail = Tail::new(2);
        tail.push(Stream::Stdout, b"one\ntwo\nthr");
        assert_eq!(tail.text(), "two\nthr\n");
    }
}
