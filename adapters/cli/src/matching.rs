//! Lines that show that the command goes on.

use childminder::{Activity, Stream};
use childminder_driver::{Ending, Line, Lines};
use regex::bytes::Regex;

/// Looks for matching lines in what the command writes. Of a line that is longer than 64 KiB, that much is looked at.
#[derive(Debug)]
pub(crate) struct Matching {
    activity: Activity,
    regex: Regex,
    streams: [Reading; 2],
}

/// How far a stream has been looked at.
#[derive(Debug, Default)]
struct Reading {
    lines: Lines,
    begun: Begun,
}

/// What is known of a line whose beginning was too long to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Begun {
    #[default]
    None,
    Matching,
    Other,
}

impl Matching {
    /// Lines of this output that match.
    pub(crate) fn new(activity: Activity, regex: Regex) -> Self {
        Self {
            activity,
            regex,
            streams: Default::default(),
        }
    }

    /// Whether lines of this stream are looked for.
    pub(crate) fn looks_at(&self, stream: Stream) -> bool {
        self.activity.counts(stream)
    }

    /// Whether this completes a line that matches.
    pub(crate) fn finds_in(&mut self, stream: Stream, bytes: &[u8]) -> bool {
        self.find(stream, |lines, each| lines.push(bytes, each))
    }

    /// Whether what came behind the last newline matches, now that the stream has ended.
    pub(crate) fn finds_at_the_end(&mut self, stream: Stream) -> bool {
        self.find(stream, |lines, each| lines.finish(each))
    }

    fn find(
        &mut self,
        stream: Stream,
        read: impl FnOnce(&mut Lines, &mut dyn FnMut(Line<'_>)),
    ) -> bool {
        if !self.looks_at(stream) {
            return false;
        }
        let Reading { lines, begun } = &mut self.streams[stream as usize];
        let mut is_found = false;
        read(lines, &mut |line| {
            let matches = match begun {
                Begun::None => self.regex.is_match(line.bytes),
                Begun::Matching => true,
                Begun::Other => false,
            };
            *begun = match (line.ending, matches) {
                (Ending::Cut, true) => Begun::Matching,
                (Ending::Cut, false) => Begun::Other,
                _ => Begun::None,
            };
            is_found |= matches && line.ending != Ending::Cut;
        });
        is_found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(regex: &str) -> Matching {
        let regex = Regex::new(regex).expect("a regex");
        Matching::new(Activity::Stdout, regex)
    }

    #[test]
    fn a_line_counts_when_it_is_complete() {
        let mut matching = matching("^step [0-9]+$");
        let mut finds = |bytes: &[u8]| matching.finds_in(Stream::Stdout, bytes);
        assert!(!finds(b"waiting\nst"));
        assert!(!finds(b"ep 1"));
        assert!(finds(b"2\r\nwaiting"));
        assert!(!finds(b"\nstep \xff\n"));
        assert!(finds(b"step 1\nwaiting\n"));
        assert!(!finds(b"step 2"));
        assert!(matching.finds_at_the_end(Stream::Stdout));
        assert!(!matching.finds_at_the_end(Stream::Stdout));
    }

    #[test]
    fn another_stream_is_not_looked_at() {
        let mut matching = matching("x");
        assert!(!matching.finds_in(Stream::Stderr, b"x\n"));
        assert!(!matching.finds_at_the_end(Stream::Stderr));
    }

    #[test]
    fn the_beginning_of_a_long_line_is_looked_at() {
        let mut matching = matching("^a|b");
        let long = vec![b'.'; 100_000];
        let mut finds = |bytes: &[u8]| matching.finds_in(Stream::Stdout, bytes);
        assert!(!finds(b"a"));
        assert!(!finds(&long));
        assert!(finds(b"\n"));
        // The second piece is no line of its own.
        assert!(!finds(&long[..65_536]));
        assert!(!finds(b"a b\n"));
        assert!(finds(b"b\n"));
    }
}
