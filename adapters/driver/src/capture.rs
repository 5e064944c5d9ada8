//! A stream as a value.

use std::borrow::Cow;
use std::fmt;

/// The beginning and the end of what was written to one stream.
///
/// It can stand in a handler of your own: give it every piece from [`Handler::output`](crate::Handler::output).
///
/// Displayed, it is text, with `… 123 bytes left out …` on a line of its own where something is missing.
/// What is not UTF-8 is replaced.
#[derive(Clone, Debug)]
pub struct Capture {
    head: Vec<u8>,
    /// Up to twice what is kept, so that each byte is moved once on average.
    tail: Vec<u8>,
    max_head: usize,
    max_tail: usize,
    written: u64,
}

impl Capture {
    /// How many of the first bytes [`Capture::default`] keeps: 1 MiB.
    pub const DEFAULT_MAX_HEAD: usize = 1024 * 1024;

    /// How many of the last bytes [`Capture::default`] keeps: 64 KiB.
    pub const DEFAULT_MAX_TAIL: usize = 64 * 1024;

    /// Keeps this many of the first bytes and, of what follows them, this many of the last. The latter need
    /// twice the memory.
    pub fn new(max_head: usize, max_tail: usize) -> Self {
        Self {
            head: Vec::new(),
            tail: Vec::new(),
            max_head,
            max_tail,
            written: 0,
        }
    }

    /// Takes more output.
    pub fn push(&mut self, bytes: &[u8]) {
        self.written += bytes.len() as u64;
        let room = self.max_head - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);

        let rest = last(rest, self.max_tail);
        if self.tail.len() + rest.len() > self.max_tail.saturating_mul(2) {
            let kept = self.max_tail - rest.len();
            self.tail.drain(..self.tail.len() - kept);
        }
        self.tail.extend_from_slice(rest);
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.written == 0
    }

    /// The first bytes.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// The last bytes, but for those that are in the head.
    pub fn tail(&self) -> &[u8] {
        last(&self.tail, self.max_tail)
    }

    /// How many bytes between the head and the tail were left out.
    pub fn omitted(&self) -> u64 {
        self.written - (self.head.len() + self.tail().len()) as u64
    }

    /// All that was written; none if some of it was left out.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        if self.omitted() > 0 {
            return None;
        }
        let tail = self.tail();
        Some(if tail.is_empty() {
            Cow::Borrowed(&self.head)
        } else {
            Cow::Owned([&self.head, tail].concat())
        })
    }
}

/// With [`Capture::DEFAULT_MAX_HEAD`] and [`Capture::DEFAULT_MAX_TAIL`].
impl Default for Capture {
    fn default() -> Self {
        Self::new(Self::DEFAULT_MAX_HEAD, Self::DEFAULT_MAX_TAIL)
    }
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(all) = self.bytes() {
            return f.write_str(&String::from_utf8_lossy(&all));
        }
        f.write_str(&String::from_utf8_lossy(&self.head))?;
        if !matches!(self.head.last(), None | Some(b'\n')) {
            f.write_str("\n")?;
        }
        let omitted = self.omitted();
        let bytes = if omitted == 1 { "byte" } else { "bytes" };
        writeln!(f, "… {omitted} {bytes} left out …")?;
        f.write_str(&String::from_utf8_lossy(self.tail()))
    }
}

/// The last bytes of these, up to this many.
fn last(bytes: &[u8], most: usize) -> &[u8] {
    &bytes[bytes.len().saturating_sub(most)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splittings::splittings;

    fn captured(max_head: usize, max_tail: usize, pieces: &[&[u8]]) -> Capture {
        let mut capture = Capture::new(max_head, max_tail);
        for piece in pieces {
            capture.push(piece);
            assert!(capture.head.len() <= max_head, "{capture:?}");
            assert!(capture.tail.len() <= 2 * max_tail, "{capture:?}");
        }
        capture
    }

    #[test]
    fn the_ends_are_kept_however_the_output_arrives() {
        let text = b"0123456789";
        let limits = (0..12).flat_map(|head| (0..12).map(move |tail| (head, tail)));
        for (max_head, max_tail) in limits {
            let (head, rest) = text.split_at(max_head.min(text.len()));
            let (omitted, tail) = rest.split_at(rest.len().saturating_sub(max_tail));
            for pieces in splittings(text) {
                let capture = captured(max_head, max_tail, &pieces);
                assert_eq!(capture.head(), head, "{pieces:?}");
                assert_eq!(capture.tail(), tail, "{pieces:?}");
                assert_eq!(capture.omitted(), omitted.len() as u64, "{pieces:?}");
                let whole = omitted.is_empty().then_some(&text[..]);
                assert_eq!(capture.bytes().as_deref(), whole, "{pieces:?}");
            }
        }
    }

    #[test]
    fn it_says_how_much_is_left_out() {
        let shown = |head, tail, text: &[u8]| captured(head, tail, &[text]).to_string();
        assert_eq!(shown(3, 3, b""), "");
        assert_eq!(shown(3, 3, b"abcdef"), "abcdef");
        assert_eq!(shown(3, 3, b"abcdefg"), "abc\n… 1 byte left out …\nefg");
        assert_eq!(shown(3, 3, b"ab\ndefgh"), "ab\n… 2 bytes left out …\nfgh");
        assert_eq!(shown(0, 3, b"abcde"), "… 2 bytes left out …\ncde");
        assert_eq!(shown(3, 0, b"abcde"), "abc\n… 2 bytes left out …\n");
        assert_eq!(shown(0, 0, b"abc"), "… 3 bytes left out …\n");
    }

    #[test]
    fn a_character_between_head_and_tail_is_whole() {
        assert_eq!(captured(2, 2, &["aéb".as_bytes()]).to_string(), "aéb");
        let cut = captured(2, 1, &["aéb".as_bytes()]).to_string();
        assert_eq!(cut, "a\u{fffd}\n… 1 byte left out …\nb");
    }

    #[test]
    fn megabytes_leave_no_more_than_the_limits() {
        let megabyte = vec![b'x'; 1 << 20];
        let mut capture = Capture::default();
        for _ in 0..64 {
            capture.push(&megabyte);
        }
        capture.push(b"end");
        assert_eq!(capture.head().len(), Capture::DEFAULT_MAX_HEAD);
        assert_eq!(capture.tail().len(), Capture::DEFAULT_MAX_TAIL);
        assert!(capture.tail().ends_with(b"xend"));
        assert_eq!(capture.omitted(), (63 << 20) + 3 - 64 * 1024);
        assert!(capture.tail.capacity() <= 2 * Capture::DEFAULT_MAX_TAIL);
    }

    #[test]
    fn the_tail_is_not_moved_for_each_byte() {
        let mut capture = Capture::new(0, 100);
        let mut moves = 0;
        for _ in 0..1000 {
            let before = capture.tail.len();
            capture.push(b"x");
            moves += usize::from(capture.tail.len() <= before);
        }
        assert!((1..=10).contains(&moves), "{moves}");
    }
}
