//! The last lines of a child's output.

use std::borrow::Cow;
use std::collections::VecDeque;

use childminder::Stream;
use memchr::{memchr, memrchr, memrchr_iter};

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
/// it, and one byte for its newline. No more text than the limit is kept, which may take four times its size
/// in memory, and an unfinished line of each stream; each line takes a few words besides.
///
/// What is pushed is read from its end, and no farther than there are lines to keep.
#[derive(Clone, Debug)]
pub struct Tail {
    max_lines: usize,
    max_bytes: usize,
    lines: VecDeque<Kept>,
    /// The text of `lines`, behind what is left of lines that have been forgotten.
    text: Vec<u8>,
    forgotten: usize,
    /// The unfinished line of each stream.
    partials: [Partial; 2],
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
            text: Vec::new(),
            forgotten: 0,
            partials: Default::default(),
            pushes: 0,
        }
    }

    /// Takes more output.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) {
        if self.max_lines == 0 || self.max_bytes == 0 || bytes.is_empty() {
            return;
        }
        self.pushes += 1;
        let mut rest = bytes;
        // Each line counts for a byte at least.
        let most = self.max_lines.min(self.max_bytes);
        if let Some(end) = memrchr_iter(b'\n', bytes).nth(most) {
            self.forget_all(stream);
            rest = &bytes[end + 1..];
        }
        let longest = Self::LONGEST_LINE.min(self.max_bytes - NEWLINE);
        while let Some(end) = memchr(b'\n', rest) {
            self.partials[stream as usize].add(&rest[..end], longest);
            self.end_line(stream);
            rest = &rest[end + 1..];
        }
        let partial = &mut self.partials[stream as usize];
        partial.add(rest, longest);
        partial.pushed = self.pushes;
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
        let mut rest = &self.text[self.forgotten..];
        let complete = self.lines.iter().map(|kept| {
            let (text, after) = rest.split_at(kept.length);
            rest = after;
            (kept.pushed, kept.stream, text)
        });
        let partial = Stream::ALL.into_iter().zip(&self.partials);
        let partial = partial.map(|(stream, line)| (line.pushed, stream, &line.text[..]));
        let begun = partial.filter(|(_, _, text)| !text.is_empty());
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

    /// The unfinished line of this stream is finished.
    fn end_line(&mut self, stream: Stream) {
        let partial = &mut self.partials[stream as usize];
        self.text.extend_from_slice(&partial.text);
        self.lines.push_back(Kept {
            stream,
            length: partial.text.len(),
            pushed: self.pushes,
        });
        partial.text.clear();
        self.forget_oldest();
    }

    /// Forgets what is over the limits.
    fn forget_oldest(&mut self) {
        while self.lines.len() > self.max_lines || self.bytes() > self.max_bytes {
            let Some(oldest) = self.lines.pop_front() else {
                return;
            };
            self.forgotten += oldest.length;
        }
        if self.forgotten >= self.text.len() - self.forgotten {
            self.text.drain(..self.forgotten);
            self.forgotten = 0;
        }
    }

    /// So many lines of this stream follow that nothing older is kept.
    fn forget_all(&mut self, stream: Stream) {
        self.lines.clear();
        self.text.clear();
        self.forgotten = 0;
        self.partials[stream as usize].text.clear();
    }

    /// What the lines count for together.
    fn bytes(&self) -> usize {
        self.text.len() - self.forgotten + self.lines.len() * NEWLINE
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
    length: usize,
    /// By which push it was ended.
    pushed: u64,
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
    /// Goes on with this, which has no newline.
    fn add(&mut self, bytes: &[u8], longest: usize) {
        let returns = bytes.iter().rev().take_while(|byte| **byte == b'\r');
        let (mut text, returns) = bytes.split_at(bytes.len() - returns.count());
        let begins_anew = self.has_returned && !text.is_empty();
        if let Some(place) = memrchr(b'\r', text) {
            self.text.clear();
            text = &text[place + 1..];
        } else if begins_anew {
            self.text.clear();
        }
        let room = longest.saturating_sub(self.text.len());
        self.text.extend_from_slice(&text[..text.len().min(room)]);
        self.has_returned = !returns.is_empty() || self.has_returned && text.is_empty();
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
        assert_eq!(tail.partials[0].text.capacity(), 0);
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
                    assert!(tail.lines.len() <= max_lines && tail.bytes() <= max_bytes);
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
        assert_eq!(tail.partials[0].text.len(), Tail::LONGEST_LINE);
    }

    #[test]
    fn what_is_kept_is_not_moved_for_each_line_and_does_not_grow() {
        let mut tail = Tail::new(100);
        let mut moves = 0;
        for _ in 0..10_000 {
            tail.push(Stream::Stdout, b"0123456789\n");
            moves += usize::from(tail.forgotten == 0);
        }
        assert!((100..=300).contains(&moves), "{moves}");
        assert!(tail.text.capacity() <= 4 * 1000, "{}", tail.text.capacity());
    }

    #[test]
    fn what_many_lines_leave_behind_hides_what_came_before_them() {
        let before = [(Stream::Stderr, "old\n"), (Stream::Stdout, "begun\rbe")];
        let many = (Stream::Stdout, "gun\n1\n2\n3\n4");
        let all = [&before[..], &[many]].concat();
        assert_eq!(tail_of(3, &all), ["2", "3", "4"]);
        assert_eq!(tail_of(4, &all), ["1", "2", "3", "4"]);
        assert_eq!(tail_of(5, &all), ["begun", "1", "2", "3", "4"]);
        assert_eq!(tail_of(6, &all), ["old", "begun", "1", "2", "3", "4"]);
    }

    #[test]
    fn the_text_is_the_lines() {
        let mut tail = Tail::new(2);
        tail.push(Stream::Stdout, b"one\ntwo\nthr");
        assert_eq!(tail.text(), "two\nthr\n");
    }
}
