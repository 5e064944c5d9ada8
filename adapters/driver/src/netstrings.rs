//! Output as netstrings.

use std::error::Error;
use std::fmt;

/// Splits output that comes in pieces into netstrings, `4:ping,`, within a limit: a child that speaks
/// commands.
///
/// Feed it from [`Handler::output`](crate::Handler::output), and [finish](Self::finish) it in
/// [`Handler::exited`](crate::Handler::exited) or [`Handler::output_ended`](crate::Handler::output_ended). It keeps no
/// more than one netstring, and a longer one than the limit is refused as soon as its length is read. What it takes is
/// copied once at most. [`Calls`](crate::Calls) makes commands with arguments of them.
///
/// ```
/// use childminder_driver::Netstrings;
///
/// let mut netstrings = Netstrings::new(1024);
/// let mut words = Vec::new();
/// netstrings.push(b"4:pi", |text| words.push(text.to_vec()))?;
/// netstrings.push(b"ng,3:log,", |text| words.push(text.to_vec()))?;
/// netstrings.finish()?;
/// assert_eq!(words, [b"ping".to_vec(), b"log".to_vec()]);
///
/// let wrong = netstrings.push(b"hello\n", |_| {}).unwrap_err();
/// assert_eq!(wrong.to_string(), r#"not a netstring: "hello\n""#);
/// # Ok::<(), childminder_driver::NotNetstring>(())
/// ```
#[derive(Clone, Debug)]
pub struct Netstrings {
    limit: usize,
    /// The beginning of a netstring whose end has not come, its frame included.
    begun: Vec<u8>,
    /// Its frame, once that is known.
    frame: Option<Frame>,
    is_broken: bool,
}

/// Where the text of a netstring is.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// How long the length and its colon are.
    header: usize,
    /// How long the text is.
    length: usize,
}

impl Frame {
    fn total(self) -> usize {
        self.header + self.length + COMMA
    }

    /// The text of a netstring that is all there, unless it ends otherwise than it should.
    fn text(self, netstring: &[u8]) -> Option<&[u8]> {
        let text = netstring[self.header..].strip_suffix(b",")?;
        Some(text)
    }
}

impl Netstrings {
    /// None has come yet, and none may be longer than `limit` bytes, its frame not counted.
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            begun: Vec::new(),
            frame: None,
            is_broken: false,
        }
    }

    /// Takes the next piece of the stream, and hands out the text of each netstring that it completes.
    ///
    /// # Errors
    ///
    /// [`NotNetstring`] for what is none, or is too long, once: what follows cannot be understood any more, and is
    /// dropped.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), NotNetstring> {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.push_one(rest, &mut each)?;
        }
        Ok(())
    }

    /// The stream has ended.
    ///
    /// # Errors
    ///
    /// [`NotNetstring::Unfinished`] if it ended within a netstring.
    pub fn finish(&mut self) -> Result<(), NotNetstring> {
        let begun = self.give_up();
        if begun.is_empty() {
            return Ok(());
        }
        Err(NotNetstring::Unfinished(begun))
    }

    /// Takes some of these bytes, within one netstring, and returns what follows.
    pub(crate) fn push_one<'b>(
        &mut self,
        bytes: &'b [u8],
        each: impl FnOnce(&[u8]),
    ) -> Result<&'b [u8], NotNetstring> {
        if self.is_broken {
            return Ok(&[]);
        }
        if self.begun.is_empty() {
            return self.push_first(bytes, each);
        }
        let Some(frame) = self.frame else {
            // Its length goes on; that is some bytes more at most.
            let (byte, after) = bytes.split_at(1);
            self.begun.extend_from_slice(byte);
            let frame = frame_of(&self.begun, self.limit);
            self.frame = frame.map_err(|why| self.broken(why, after))?;
            return Ok(after);
        };
        let missing = frame.total() - self.begun.len();
        let (bytes, after) = bytes.split_at(missing.min(bytes.len()));
        self.keep(bytes, frame);
        if bytes.len() < missing {
            return Ok(after);
        }
        let Some(text) = frame.text(&self.begun) else {
            return Err(self.broken(Wrong::Form, after));
        };
        each(text);
        self.begun.clear();
        self.frame = None;
        Ok(after)
    }

    /// The same where none has begun: one that is all there is not copied.
    fn push_first<'b>(
        &mut self,
        bytes: &'b [u8],
        each: impl FnOnce(&[u8]),
    ) -> Result<&'b [u8], NotNetstring> {
        let frame = frame_of(bytes, self.limit).map_err(|why| self.broken(why, bytes))?;
        let Some(frame) = frame else {
            self.begun.extend_from_slice(bytes);
            return Ok(&[]);
        };
        if bytes.len() < frame.total() {
            self.frame = Some(frame);
            self.keep(bytes, frame);
            return Ok(&[]);
        }
        let (netstring, after) = bytes.split_at(frame.total());
        match frame.text(netstring) {
            Some(text) => each(text),
            None => return Err(self.broken(Wrong::Form, bytes)),
        }
        Ok(after)
    }

    /// Room is doubled, but no more is taken than the netstring needs.
    fn keep(&mut self, bytes: &[u8], frame: Frame) {
        let needed = self.begun.len() + bytes.len();
        if needed > self.begun.capacity() {
            let room = needed.max(2 * self.begun.capacity()).min(frame.total());
            self.begun.reserve_exact(room - self.begun.len());
        }
        self.begun.extend_from_slice(bytes);
    }

    /// What is wrong with what has begun and goes on like this.
    fn broken(&mut self, why: Wrong, after: &[u8]) -> NotNetstring {
        let mut quoted = self.give_up();
        self.is_broken = true;
        let limit = self.limit;
        match why {
            Wrong::Length(length) => NotNetstring::TooLong { length, limit },
            Wrong::Form => {
                quoted.truncate(QUOTED);
                let room = QUOTED - quoted.len();
                quoted.extend_from_slice(&after[..room.min(after.len())]);
                NotNetstring::Malformed(quoted)
            }
        }
    }

    /// Forgets what has begun.
    fn give_up(&mut self) -> Vec<u8> {
        self.frame = None;
        std::mem::take(&mut self.begun)
    }

    /// Changes the limit for the netstrings that have not begun.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }
}

/// Why something is no netstring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Form,
    /// It says that it is as long as this.
    Length(usize),
}

/// The frame of the netstring that begins so; `None` if its length goes on.
fn frame_of(stream: &[u8], limit: usize) -> Result<Option<Frame>, Wrong> {
    let digits = stream.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.take(MOST_DIGITS + 1).count();
    let (number, after) = stream.split_at(digits);
    let leads_with_zero = digits > 1 && number[0] == b'0';
    if leads_with_zero || digits == 0 || digits > MOST_DIGITS {
        return Err(Wrong::Form);
    }
    match after.first() {
        None => return Ok(None),
        Some(b':') => {}
        Some(_) => return Err(Wrong::Form),
    }
    let length = number
        .iter()
        .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    if length > limit {
        return Err(Wrong::Length(length));
    }
    let header = digits + COLON;
    Ok(Some(Frame { header, length }))
}

/// Why output is not a stream of netstrings.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotNetstring {
    /// It does not begin like a netstring, or has no comma at its end; its first bytes.
    Malformed(Vec<u8>),
    /// It says that it is longer than the limit. Both in bytes.
    TooLong {
        /// What it says.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The stream ended before it did; what there is of it.
    Unfinished(Vec<u8>),
}

impl fmt::Display for NotNetstring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(bytes) => {
                write!(f, "not a netstring: {:?}", String::from_utf8_lossy(bytes))
            }
            Self::TooLong { length, limit } => write!(
                f,
                "a netstring of {length} bytes, where at most {limit} are allowed"
            ),
            Self::Unfinished(bytes) => write!(
                f,
                "the output ended within a netstring: {:?}",
                String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED)])
            ),
        }
    }
}

impl Error for NotNetstring {}

/// How much of what is wrong is quoted, in bytes.
pub(crate) const QUOTED: usize = 64;

const COLON: usize = 1;
const COMMA: usize = 1;

/// No length of more digits is within anybody's memory, and none of fewer overflows.
const MOST_DIGITS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splittings::splittings;

    #[test]
    fn every_splitting_gives_the_same_netstrings() {
        let stream = b"0:,3:p,g,2:ab,";
        for pieces in splittings(stream) {
            let mut netstrings = Netstrings::new(10);
            let mut texts = Vec::new();
            for piece in &pieces {
                let pushed = netstrings.push(piece, |text| texts.push(text.to_vec()));
                assert_eq!(pushed, Ok(()), "{pieces:?}");
            }
            assert_eq!(netstrings.finish(), Ok(()));
            assert_eq!(texts, [&b""[..], b"p,g", b"ab"], "{pieces:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_soon_as_it_can_be() {
        let push = |bytes: &[u8]| Netstrings::new(10).push(bytes, |_| {});
        let malformed = |bytes: &[u8]| Err(NotNetstring::Malformed(bytes.to_vec()));
        assert_eq!(push(b"hello"), malformed(b"hello"));
        assert_eq!(push(b":,"), malformed(b":,"));
        assert_eq!(push(b"-1:,"), malformed(b"-1:,"));
        assert_eq!(push(b"04:ping,"), malformed(b"04:ping,"));
        assert_eq!(push(b"4:pings"), malformed(b"4:pings"));
        assert_eq!(push(b"9999999999"), malformed(b"9999999999"));
        let too_long = NotNetstring::TooLong {
            length: 11,
            limit: 10,
        };
        assert_eq!(push(b"11:"), Err(too_long));
        assert_eq!(push(b"10:012345678"), Ok(()));
    }

    #[test]
    fn what_follows_something_wrong_is_dropped() {
        let mut netstrings = Netstrings::new(10);
        let mut texts = Vec::new();
        let pushed = netstrings.push(b"2:ab,x3:cde,", |text| texts.push(text.to_vec()));
        assert_eq!(pushed, Err(NotNetstring::Malformed(b"x3:cde,".to_vec())));
        assert_eq!(texts, [b"ab"]);
        assert_eq!(netstrings.push(b"1:a,:", |_| panic!("a text")), Ok(()));
        assert_eq!(netstrings.finish(), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_quoted_from_its_beginning_however_it_arrives() {
        let stream = b"2:ab,4:pings and more";
        for pieces in splittings(&stream[..14]) {
            let mut netstrings = Netstrings::new(10);
            let wrong = pieces
                .iter()
                .find_map(|piece| netstrings.push(piece, |_| {}).err());
            let Some(NotNetstring::Malformed(quoted)) = wrong else {
                panic!("{wrong:?} of {pieces:?}");
            };
            assert!(quoted.starts_with(b"4:pings"), "{quoted:?} of {pieces:?}");
            assert!(stream[5..].starts_with(&quoted), "{quoted:?} of {pieces:?}");
        }
        let long = [&b"200:"[..], &[b'x'; 300]].concat();
        let wrong = Netstrings::new(1000).push(&long, |_| {});
        assert_eq!(wrong, Err(NotNetstring::Malformed(long[..QUOTED].to_vec())));
    }

    #[test]
    fn a_long_one_in_small_pieces_is_moved_seldom_and_takes_no_more_room_than_it_needs() {
        let netstring = [b"1000000:", &vec![b'x'; 1_000_000][..], b","].concat();
        let mut netstrings = Netstrings::new(1_000_000);
        let (mut rooms, mut lengths) = (Vec::new(), Vec::new());
        for piece in netstring.chunks(7) {
            let pushed = netstrings.push(piece, |text| lengths.push(text.len()));
            assert_eq!(pushed, Ok(()));
            rooms.push(netstrings.begun.capacity());
        }
        assert_eq!(lengths, [1_000_000]);
        rooms.dedup();
        assert!(rooms.len() <= 22, "{rooms:?}");
        assert_eq!(rooms.last(), Some(&netstring.len()));
    }

    #[test]
    fn those_that_come_whole_are_not_copied() {
        let mut netstrings = Netstrings::new(10);
        assert_eq!(netstrings.push(b"2:ab,3:cde,0:,", |_| {}), Ok(()));
        assert_eq!(netstrings.begun.capacity(), 0);
    }

    #[test]
    fn a_stream_that_ends_within_a_netstring_says_so() {
        let mut netstrings = Netstrings::new(10);
        assert_eq!(netstrings.push(b"4:pi", |_| {}), Ok(()));
        let unfinished = NotNetstring::Unfinished(b"4:pi".to_vec());
        assert_eq!(netstrings.finish(), Err(unfinished));
        assert_eq!(netstrings.finish(), Ok(()));
    }
}
