//! Output as commands with arguments.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::netstrings::QUOTED;
use crate::{Netstrings, NotNetstring};

/// Makes calls of output that comes in pieces: netstrings that are the name of a command, and then its arguments, as
/// many as a table says. A child that speaks to its owner, such as `12:progressMade,3:log,5:hello,`.
///
/// Feed it from [`Handler::output`](crate::Handler::output), and [finish](Self::finish) it in
/// [`Handler::exited`](crate::Handler::exited). It keeps no more than one call. A name and its arguments together may
/// have as many bytes as the limit; a netstring that would make it more is refused as soon as its length is read.
///
/// ```
/// use childminder_driver::Calls;
///
/// let mut calls = Calls::new(1024, &[("progressMade", 0), ("log", 1)]);
/// let mut said = Vec::new();
/// calls.push(b"12:progressMade,3:log,5:he", |call| said.push(call.to_string()))?;
/// calls.push(b"llo,", |call| said.push(call.text(0).into_owned()))?;
/// calls.finish()?;
/// assert_eq!(said, ["progressMade", "hello"]);
///
/// let wrong = calls.push(b"4:stop,", |_| {}).unwrap_err();
/// assert_eq!(wrong.to_string(), r#"unknown command: "stop""#);
/// # Ok::<(), childminder_driver::NotCall>(())
/// ```
#[derive(Clone, Debug)]
pub struct Calls {
    netstrings: Netstrings,
    begun: Begun,
}

/// What there is of a call.
#[derive(Clone, Debug)]
struct Begun {
    limit: usize,
    /// Each name, and how many arguments it has.
    table: &'static [(&'static str, usize)],
    name: Option<&'static str>,
    missing: usize,
    /// The arguments that have come, one behind the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    is_broken: bool,
}

/// A command with its arguments.
///
/// Displayed, it is text: the name and the arguments, with spaces between. What is not UTF-8 is replaced.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    name: &'static str,
    text: &'a [u8],
    ends: &'a [usize],
}

impl Calls {
    /// None has come yet. Each name in the table has so many arguments, and a call at most `limit` bytes, frames not
    /// counted.
    pub const fn new(limit: usize, table: &'static [(&'static str, usize)]) -> Self {
        Self {
            netstrings: Netstrings::new(limit),
            begun: Begun {
                limit,
                table,
                name: None,
                missing: 0,
                text: Vec::new(),
                ends: Vec::new(),
                is_broken: false,
            },
        }
    }

    /// Takes the next piece of the stream, and hands out each call that it completes.
    ///
    /// # Errors
    ///
    /// [`NotCall`] for what is none, once: what follows cannot be understood any more, and is dropped.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(Call<'_>)) -> Result<(), NotCall> {
        let mut rest = bytes;
        while !rest.is_empty() && !self.begun.is_broken {
            let mut taken = Ok(());
            let begun = &mut self.begun;
            let take = |text: &[u8]| taken = begun.take(text, &mut each);
            let pushed = self.netstrings.push_one(rest, take);
            self.begun.is_broken = pushed.is_err() || taken.is_err();
            rest = pushed?;
            taken?;
            self.netstrings.set_limit(self.begun.room());
        }
        Ok(())
    }

    /// The stream has ended.
    ///
    /// # Errors
    ///
    /// [`NotCall`] if it ended within a call.
    pub fn finish(&mut self) -> Result<(), NotCall> {
        if self.begun.is_broken {
            return Ok(());
        }
        self.netstrings.finish()?;
        match self.begun.name.take() {
            Some(name) => Err(NotCall::Unfinished {
                name,
                missing: self.begun.missing,
            }),
            None => Ok(()),
        }
    }
}

impl Begun {
    fn take(&mut self, text: &[u8], each: &mut impl FnMut(Call<'_>)) -> Result<(), NotCall> {
        let name = match self.name {
            Some(name) => {
                self.text.extend_from_slice(text);
                self.ends.push(self.text.len());
                self.missing -= 1;
                name
            }
            None => self.begin(text)?,
        };
        if self.missing == 0 {
            each(Call {
                name,
                text: &self.text,
                ends: &self.ends,
            });
            self.name = None;
            self.text.clear();
            self.ends.clear();
        }
        Ok(())
    }

    fn begin(&mut self, text: &[u8]) -> Result<&'static str, NotCall> {
        let known = self.table.iter().find(|(name, _)| name.as_bytes() == text);
        let Some((name, arguments)) = known else {
            let quoted = text[..text.len().min(QUOTED)].to_vec();
            return Err(NotCall::Unknown(quoted));
        };
        self.name = Some(name);
        self.missing = *arguments;
        Ok(name)
    }

    /// How many bytes the next netstring may have.
    fn room(&self) -> usize {
        let name = self.name.map_or(0, str::len);
        self.limit.saturating_sub(name + self.text.len())
    }
}

impl<'a> Call<'a> {
    /// Its name, as the table has it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The argument of this number, counted from zero. It has no bytes where there is none.
    pub fn argument(&self, number: usize) -> &'a [u8] {
        let Some(end) = self.ends.get(number) else {
            return &[];
        };
        let begin = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin..*end]
    }

    /// The same as text. What is not UTF-8 is replaced.
    pub fn text(&self, number: usize) -> Cow<'a, str> {
        String::from_utf8_lossy(self.argument(number))
    }

    /// The arguments, in their order.
    pub fn arguments(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let call = *self;
        (0..call.ends.len()).map(move |number| call.argument(number))
    }
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        self.arguments()
            .try_for_each(|argument| write!(f, " {}", String::from_utf8_lossy(argument)))
    }
}

/// Why output is not a stream of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotCall {
    /// It is not even one of netstrings, or the call would be longer than the limit.
    Netstring(NotNetstring),
    /// A command that the table does not have; its first bytes.
    Unknown(Vec<u8>),
    /// The stream ended between two arguments.
    Unfinished {
        /// The command.
        name: &'static str,
        /// How many of its arguments are missing.
        missing: usize,
    },
}

impl From<NotNetstring> for NotCall {
    fn from(why: NotNetstring) -> Self {
        Self::Netstring(why)
    }
}

impl fmt::Display for NotCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Netstring(why) => why.fmt(f),
            Self::Unknown(name) => {
                write!(f, "unknown command: {:?}", String::from_utf8_lossy(name))
            }
            Self::Unfinished { name, missing } => {
                let arguments = if *missing == 1 {
                    "argument"
                } else {
                    "arguments"
                };
                write!(
                    f,
                    "the output ended {missing} {arguments} before the end of {name:?}"
                )
            }
        }
    }
}

impl Error for NotCall {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splittings::splittings;

    fn calls() -> Calls {
        Calls::new(10, &[("log", 1), ("end", 2), ("go", 0)])
    }

    /// What was called, and what was wrong, in the piece or at the end.
    fn said(pieces: &[&[u8]]) -> (Vec<String>, Vec<String>) {
        let mut calls = calls();
        let (mut said, mut wrong) = (Vec::new(), Vec::new());
        for piece in pieces {
            let pushed = calls.push(piece, |call| said.push(call.to_string()));
            wrong.extend(pushed.err().map(|why| why.to_string()));
        }
        wrong.extend(calls.finish().err().map(|why| why.to_string()));
        (said, wrong)
    }

    #[test]
    fn every_splitting_gives_the_same_calls() {
        let stream = b"2:go,3:log,1:a,";
        for pieces in splittings(stream) {
            let (said, wrong) = said(&pieces);
            assert_eq!(said, ["go", "log a"], "{pieces:?}");
            assert!(wrong.is_empty(), "{wrong:?} of {pieces:?}");
        }
    }

    #[test]
    fn arguments_are_told_apart() {
        let mut seen = Vec::new();
        let pushed = calls().push(b"3:end,2:ab,0:,", |call| {
            assert_eq!(call.name(), "end");
            seen.extend(call.arguments().map(<[u8]>::to_vec));
            assert_eq!((&*call.text(0), &*call.text(1)), ("ab", ""));
            assert_eq!(call.argument(2), b"");
        });
        assert_eq!(pushed, Ok(()));
        assert_eq!(seen, [&b"ab"[..], b""]);
    }

    #[test]
    fn what_is_wrong_is_said_once_and_what_follows_is_dropped() {
        let unknown = ("unknown command: \"stop\"".to_owned(), &b"4:stop,"[..]);
        let malformed = ("not a netstring: \"x\"".to_owned(), &b"x"[..]);
        for (words, bytes) in [unknown, malformed] {
            let (said, wrong) = said(&[b"2:go,", bytes, b"2:go,4:stop,", b"2:g"]);
            assert_eq!(said, ["go"]);
            assert_eq!(wrong, [words]);
        }
    }

    #[test]
    fn a_name_and_its_arguments_have_one_limit() {
        let (_, wrong) = said(&[b"3:end,4:abcd,3:abc,"]);
        assert!(wrong.is_empty(), "{wrong:?}");
        let (_, wrong) = said(&[b"3:end,4:abcd,4:"]);
        let words = "a netstring of 4 bytes, where at most 3 are allowed";
        assert_eq!(wrong, [words]);
        let (said, wrong) = said(&[b"3:log,7:abcdefg,3:log,7:abcdefg,"]);
        assert_eq!((said.len(), wrong.len()), (2, 0), "each has all of it");
    }

    #[test]
    fn a_stream_that_ends_within_a_call_says_so() {
        let (_, wrong) = said(&[b"3:end,1:a,"]);
        assert_eq!(
            wrong,
            ["the output ended 1 argument before the end of \"end\""]
        );
        let (_, wrong) = said(&[b"3:end,1:a,1:"]);
        assert_eq!(wrong, ["the output ended within a netstring: \"1:\""]);
    }
}
