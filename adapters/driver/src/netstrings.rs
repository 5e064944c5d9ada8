//! Output as netstrings.

use std::error::Error;
use std::fmt;

/// Splits output that comes in pieces into netstrings, `4:ping,`, within a limit: a child that speaks
/// commands.
///
/// Feed it from [`Handler::output`](crate::Handler::output), and [finish](Self::finish) it in
/// [`Handler::output_ended`](crate::Handler::output_ended). It keeps no more than one netstring. A longer one
/// than the limit is refused as soon as its length is read.
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
    /// The beginning of a netstring whose end has not come.
    begun: Vec<u8>,
}

impl Netstrings {
    /// None has come yet, and none may be longer than `limit` bytes, its frame not counted.
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            begun: Vec::new(),
        }
    }

    /// Takes the next piece of the stream, and hands out the text of each netstring that it completes.
    ///
    /// # Errors
    ///
    /// [`NotNetstring`] for what is none, or is too long. Whatever follows cannot be understood then: this
    /// piece is dropped, and the next one is taken for a beginning.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), NotNetstring> {
        let mut stream = std::mem::take(&mut self.begun);
        stream.extend_from_slice(bytes);
        let mut rest = stream.as_slice();
        while let Some((text, after)) = self.first(rest)? {
            each(text);
            rest = after;
        }
        let used = stream.len() - rest.len();
        stream.drain(..used);
        self.begun = stream;
        Ok(())
    }

    /// The stream has ended.
    ///
    /// # Errors
    ///
    /// [`NotNetstring::Unfinished`] if it ended within a netstring.
    pub fn finish(&mut self) -> Result<(), NotNetstring> {
        let begun = std::mem::take(&mut self.begun);
        if begun.is_empty() {
            return Ok(());
        }
        Err(NotNetstring::Unfinished(begun))
    }

    /// The text of the first netstring, and what follows it; `None` if its end has not come.
    fn first<'b>(&self, stream: &'b [u8]) -> Result<Option<Split<'b>>, NotNetstring> {
        let malformed = || NotNetstring::Malformed(stream[..stream.len().min(QUOTED)].to_vec());
        let digits = stream.iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        let (number, after) = stream.split_at(digits);
        let leads_with_zero = digits > 1 && number[0] == b'0';
        if leads_with_zero || digits == 0 && !stream.is_empty() || digits > MOST_DIGITS {
            return Err(malformed());
        }
        let Some((colon, after)) = after.split_first() else {
            return Ok(None);
        };
        if *colon != b':' {
            return Err(malformed());
        }
        let length = number
            .iter()
            .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        if length > self.limit {
            let limit = self.limit;
            return Err(NotNetstring::TooLong { length, limit });
        }
        match after.get(length) {
            None => Ok(None),
            Some(b',') => Ok(Some((&after[..length], &after[length + 1..]))),
            Some(_) => Err(malformed()),
        }
    }
}

/// A text, and what follows it.
type Split<'b> = (&'b [u8], &'b [u8]);

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
const QUOTED: usize = 64;

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
    fn a_stream_that_ends_within_a_netstring_says_so() {
        let mut netstrings = Netstrings::new(10);
        assert_eq!(netstrings.push(b"4:pi", |_| {}), Ok(()));
        let unfinished = NotNetstring::Unfinished(b"4:pi".to_vec());
        assert_eq!(netstrings.finish(), Err(unfinished));
        assert_eq!(netstrings.finish(), Ok(()));
    }
}
