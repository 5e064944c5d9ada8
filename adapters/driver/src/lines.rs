//! Output as lines.

use std::borrow::Cow;
use std::num::NonZeroUsize;

use memchr::memchr_iter;

/// Splits the output of one stream into lines, however it arrives.
///
/// A handler has one for each stream that it wants as lines, gives it every piece from
/// [`Handler::output`](crate::Handler::output), and finishes it in
/// [`Handler::output_ended`](crate::Handler::output_ended):
///
/// ```
/// use childminder::Stream;
/// use childminder_driver::{Control, Handler, Lines};
///
/// #[derive(Default)]
/// struct Warnings {
///     stderr: Lines,
///     seen: Vec<String>,
/// }
///
/// impl Handler for Warnings {
///     type Notification = ();
///
///     fn output(&mut self, _: &mut Control<()>, stream: Stream, bytes: &[u8]) {
///         if stream == Stream::Stderr {
///             self.stderr.push(bytes, |line| {
///                 if line.bytes.starts_with(b"warning:") {
///                     self.seen.push(line.text().into_owned());
///                 }
///             });
///         }
///     }
///
///     fn output_ended(&mut self, _: &mut Control<()>, stream: Stream) {
///         if stream == Stream::Stderr {
///             self.stderr.finish(|line| self.seen.push(line.text().into_owned()));
///         }
///     }
/// }
/// # use childminder_driver::{ChildId, Requests};
/// # let mut requests = Requests::new();
/// # let mut control = requests.control(ChildId::FIRST);
/// # let mut warnings = Warnings::default();
///
/// warnings.output(&mut control, Stream::Stderr, b"starting\nwarn");
/// warnings.output(&mut control, Stream::Stderr, b"ing: disk is full\nbye");
/// warnings.output_ended(&mut control, Stream::Stderr);
/// assert_eq!(warnings.seen, ["warning: disk is full", "bye"]);
/// ```
///
/// Only `\n` ends a line. A `\r` right before it belongs to the ending, as for [`str::lines`]; any other
/// stays in the line.
///
/// A line longer than the limit comes in pieces, each as long as the limit but for the last. So what is
/// kept between two calls is never more than that and one byte, which may be such a `\r`. A line that is
/// whole in one piece of output is not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    limit: usize,
    /// The beginning of a line that has not ended.
    partial: Vec<u8>,
}

/// A line of output, or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// What was written, without the newline.
    pub bytes: &'a [u8],
    /// What ended it.
    pub ending: Ending,
}

/// What ends a [`Line`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A newline.
    Newline,
    /// The limit: the next one goes on with the same line. A character may be cut in two.
    Cut,
    /// The end of the output.
    End,
}

impl Lines {
    /// The limit of [`Lines::default`], in bytes: 64 KiB.
    pub const DEFAULT_LIMIT: NonZeroUsize = NonZeroUsize::new(64 * 1024).expect("not zero");

    /// Cuts lines that are longer than this, in bytes and without what ends them.
    pub fn new(limit: NonZeroUsize) -> Self {
        Self {
            limit: limit.get(),
            partial: Vec::new(),
        }
    }

    /// Takes more output, and hands out each line that it ends, and each piece that it fills.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Line<'_>)) {
        let mut begin = 0;
        for end in memchr_iter(b'\n', bytes) {
            let rest = self.cut(&bytes[begin..end], &mut each);
            self.end(rest, Ending::Newline, &mut each);
            begin = end + 1;
        }
        let rest = self.cut(&bytes[begin..], &mut each);
        self.partial.extend_from_slice(rest);
    }

    /// The output has ended: hands out what came behind the last newline, if anything did.
    /// Afterwards this is as new.
    pub fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        // One byte more than the limit is kept only where a newline would have taken it away.
        if self.partial.len() > self.limit {
            self.hand_out_partial(&mut each);
        }
        if !self.partial.is_empty() {
            self.end(&[], Ending::End, &mut each);
        }
    }

    /// Hands out pieces of a line that goes on with this text, until the rest is within the limit.
    fn cut<'a>(&mut self, mut text: &'a [u8], each: &mut impl FnMut(Line<'_>)) -> &'a [u8] {
        while self.is_over_limit(text) {
            let room = self.limit.saturating_sub(self.partial.len());
            let (piece, rest) = text.split_at(room);
            text = rest;
            if self.partial.is_empty() {
                each(Line {
                    bytes: piece,
                    ending: Ending::Cut,
                });
            } else {
                self.partial.extend_from_slice(piece);
                self.hand_out_partial(each);
            }
        }
        text
    }

    fn hand_out_partial(&mut self, each: &mut impl FnMut(Line<'_>)) {
        each(Line {
            bytes: &self.partial[..self.limit],
            ending: Ending::Cut,
        });
        self.partial.drain(..self.limit);
    }

    fn end(&mut self, text: &[u8], ending: Ending, each: &mut impl FnMut(Line<'_>)) {
        let mut bytes = text;
        if !self.partial.is_empty() {
            self.partial.extend_from_slice(text);
            bytes = &self.partial;
        }
        if ending == Ending::Newline {
            bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        }
        each(Line { bytes, ending });
        self.partial.clear();
    }

    /// Whether a line that goes on with this text is too long, even if a last `\r` belongs to its end.
    fn is_over_limit(&self, text: &[u8]) -> bool {
        let last = text.last().or(self.partial.last());
        let spare = usize::from(last == Some(&b'\r'));
        self.partial.len() + text.len() - spare > self.limit
    }
}

/// With [`Lines::DEFAULT_LIMIT`].
impl Default for Lines {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

impl<'a> Line<'a> {
    /// As text; what is not UTF-8 is replaced.
    pub fn text(self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Ending::{Cut, End, Newline};
    use super::*;
    use crate::splittings::splittings;

    type Got = Vec<(String, Ending)>;

    fn limited(limit: usize) -> Lines {
        Lines::new(NonZeroUsize::new(limit).expect("not zero"))
    }

    fn lines_of(limit: usize, pieces: &[&[u8]]) -> Got {
        let mut got = Got::new();
        let mut keep = |line: Line<'_>| got.push((line.text().into_owned(), line.ending));
        let mut lines = limited(limit);
        for piece in pieces {
            lines.push(piece, &mut keep);
            assert!(lines.partial.len() <= limit + 1, "{pieces:?}");
        }
        lines.finish(&mut keep);
        assert_eq!(lines, limited(limit), "as new");
        got
    }

    /// Asserts that this text comes as these lines, however it arrives.
    fn expect(limit: usize, text: &str, lines: &[(&str, Ending)]) {
        let expected: Got = lines.iter().map(|(l, e)| ((*l).to_owned(), *e)).collect();
        for pieces in splittings(text.as_bytes()) {
            assert_eq!(lines_of(limit, &pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn a_newline_ends_a_line() {
        expect(
            9,
            "one\n\ntwo\n",
            &[("one", Newline), ("", Newline), ("two", Newline)],
        );
    }

    #[test]
    fn the_last_line_needs_no_newline() {
        expect(9, "one\ntwo", &[("one", Newline), ("two", End)]);
        expect(9, "", &[]);
    }

    #[test]
    fn a_return_belongs_to_the_newline_behind_it() {
        expect(
            9,
            "a\r\n\r\nb\r\r\n",
            &[("a", Newline), ("", Newline), ("b\r", Newline)],
        );
        expect(9, "a\rb\nc\r", &[("a\rb", Newline), ("c\r", End)]);
    }

    #[test]
    fn a_long_line_comes_in_pieces() {
        expect(
            3,
            "abc\nabcd\n",
            &[("abc", Newline), ("abc", Cut), ("d", Newline)],
        );
        expect(3, "abcdef\n", &[("abc", Cut), ("def", Newline)]);
        expect(3, "abcdefg", &[("abc", Cut), ("def", Cut), ("g", End)]);
        expect(3, "abc", &[("abc", End)]);
        expect(
            1,
            "a\n\nbc\n",
            &[("a", Newline), ("", Newline), ("b", Cut), ("c", Newline)],
        );
    }

    #[test]
    fn a_return_does_not_count_before_a_newline() {
        expect(
            3,
            "abc\r\nabcd\r\n",
            &[("abc", Newline), ("abc", Cut), ("d", Newline)],
        );
        expect(3, "abc\rd\n", &[("abc", Cut), ("\rd", Newline)]);
        expect(3, "abc\r\r\n", &[("abc", Cut), ("\r", Newline)]);
        expect(3, "abc\r", &[("abc", Cut), ("\r", End)]);
        expect(1, "\r\r\r\n", &[("\r", Cut), ("\r", Newline)]);
        expect(1, "\r\r\r", &[("\r", Cut), ("\r", Cut), ("\r", End)]);
    }

    #[test]
    fn a_whole_line_is_not_copied() {
        let output = b"begun\nwhole\nlonglong\n";
        let mut lines = limited(5);
        lines.push(output, |line| {
            assert!(
                output.as_ptr_range().contains(&line.bytes.as_ptr()),
                "{line:?}"
            );
        });
        assert_eq!(lines.partial.capacity(), 0);
    }

    #[test]
    fn a_megabyte_without_a_newline_is_cut() {
        let mut lines = Lines::default();
        let mut sizes = Vec::new();
        lines.push(b"x", |_| panic!("not a line"));
        lines.push(&vec![b'x'; 1 << 20], |line| sizes.push(line.bytes.len()));
        assert_eq!(sizes, [64 * 1024; 16]);
        assert_eq!(lines.partial, b"x");
    }
}
