//! A child's output as a value.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;

use childminder::{Error, Outcome, Stream};

use crate::{Capture, Control, Errors, Failure, Handler, Tail};

/// A handler that gives the child its input and keeps the output, the errors and the outcome, to be looked at when the
/// child has ended.
///
/// `childminder_mio::capture` runs a command with it in one call, `Children::capture` among others of a set, and
/// `childminder_tokio::Minder::capture` under tokio.
///
/// ```
/// use childminder::Stream;
/// use childminder_driver::{Captured, Handler};
/// # use childminder_driver::{ChildId, Requests};
/// # let mut requests = Requests::new();
/// # let mut control = requests.control(ChildId::FIRST);
///
/// // Of each stream the first ten bytes and the last five.
/// let mut captured = Captured::new(10, 5);
/// captured.output(&mut control, Stream::Stdout, b"all of it");
/// captured.output(&mut control, Stream::Stderr, b"this is the beginning, that the end");
///
/// assert_eq!(captured.stdout().bytes().as_deref(), Some(&b"all of it"[..]));
/// assert_eq!(captured.stderr().bytes(), None);
/// assert_eq!(captured.stderr().omitted(), 20);
/// assert_eq!(captured.stderr().to_string(), "this is th\n… 20 bytes left out …\ne end");
/// ```
#[derive(Debug)]
pub struct Captured {
    program: Option<OsString>,
    input: Option<Vec<u8>>,
    stdout: Capture,
    stderr: Capture,
    beyond: Beyond,
    errors: Errors,
    outcome: Option<Outcome>,
}

/// What becomes of output that is more than is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    LeftOut,
    Failure { limit: usize },
}

impl Captured {
    /// Keeps this many of the first and of the last bytes of each stream. What is between them is left out and
    /// [counted](Capture::omitted).
    pub fn new(max_head: usize, max_tail: usize) -> Self {
        Self {
            program: None,
            input: None,
            stdout: Capture::new(max_head, max_tail),
            stderr: Capture::new(max_head, max_tail),
            beyond: Beyond::LeftOut,
            errors: Errors::default(),
            outcome: None,
        }
    }

    /// Keeps all of each stream. One that is longer than `limit` bytes is a failure of the run: the child is ended, and
    /// [`TooMuchOutput`] says why.
    pub fn whole(limit: usize) -> Self {
        Self {
            beyond: Beyond::Failure { limit },
            ..Self::new(limit, 0)
        }
    }

    /// The same, with this for the child to read ([`Handler::input`]).
    #[must_use]
    pub fn with_input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// The same, with the program's name for the words of errors, unless it has one. `capture` names it as the command
    /// does.
    #[must_use]
    pub fn named(mut self, program: impl AsRef<OsStr>) -> Self {
        self.program
            .get_or_insert_with(|| program.as_ref().to_owned());
        self
    }

    /// Itself, if the run was a success.
    ///
    /// # Errors
    ///
    /// What went wrong, in words, with the last lines of standard error.
    pub fn check(self) -> Result<Self, Unsuccessful> {
        if self.is_success() {
            return Ok(self);
        }
        Err(Unsuccessful(Box::new(self)))
    }

    /// Whether the child has ended and nothing went wrong.
    pub fn is_success(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome.is_success())
    }

    /// What was written to standard output, or to the PTY.
    pub fn stdout(&self) -> &Capture {
        &self.stdout
    }

    /// What was written to standard error.
    pub fn stderr(&self) -> &Capture {
        &self.stderr
    }

    /// The errors, with their words.
    pub fn errors(&self) -> &Errors {
        &self.errors
    }

    /// How it ended; none before the end.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }

    /// The error of a command that could not be run, with the program's name in its words.
    pub fn not_run(&self, error: io::Error) -> io::Error {
        let Some(program) = &self.program else {
            return error;
        };
        let program = program.display().to_string();
        io::Error::new(error.kind(), NotRun { program, error })
    }

    /// Whether there is something for the child to read.
    pub fn has_input(&self) -> bool {
        self.input.is_some()
    }
}

/// With [`Capture::DEFAULT_MAX_HEAD`] and [`Capture::DEFAULT_MAX_TAIL`].
impl Default for Captured {
    fn default() -> Self {
        Self::new(Capture::DEFAULT_MAX_HEAD, Capture::DEFAULT_MAX_TAIL)
    }
}

impl Handler for Captured {
    type Notification = ();

    fn input(&mut self) -> Option<Vec<u8>> {
        self.input.take()
    }

    fn output(&mut self, control: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        let capture = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let was_whole = capture.omitted() == 0;
        capture.push(bytes);
        if let Beyond::Failure { limit } = self.beyond
            && was_whole
            && capture.omitted() > 0
        {
            control.fail(TooMuchOutput { stream, limit });
        }
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, _: bool, failure: Option<Failure>) {
        self.errors.push(error, failure);
    }

    fn finished(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

/// A run that was no success: what [`Captured::check`] returns then.
///
/// Its words name the program, the errors in their order, and the last ten lines of standard error.
#[derive(Debug)]
pub struct Unsuccessful(Box<Captured>);

impl Unsuccessful {
    /// What there is of the run.
    pub fn into_captured(self) -> Captured {
        *self.0
    }
}

impl AsRef<Captured> for Unsuccessful {
    fn as_ref(&self) -> &Captured {
        &self.0
    }
}

impl fmt::Display for Unsuccessful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let captured = &*self.0;
        if let Some(program) = &captured.program {
            write!(f, "{}: ", program.display())?;
        }
        match captured.outcome {
            None => f.write_str("has not ended")?,
            Some(_) => captured.errors.fmt(f)?,
        }
        let tail = last_lines(&captured.stderr);
        let lines = tail.lines();
        match &lines[..] {
            [] => Ok(()),
            [line] => write!(f, "; standard error: {}", line.text()),
            lines => {
                f.write_str("; standard error:")?;
                lines
                    .iter()
                    .try_for_each(|line| write!(f, "\n{}", line.text()))
            }
        }
    }
}

impl std::error::Error for Unsuccessful {}

impl From<Unsuccessful> for io::Error {
    fn from(unsuccessful: Unsuccessful) -> Self {
        Self::other(unsuccessful)
    }
}

/// A stream was longer than [`Captured::whole`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TooMuchOutput {
    /// Which.
    pub stream: Stream,
    /// How many bytes it may have.
    pub limit: usize,
}

impl fmt::Display for TooMuchOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, limit } = self;
        write!(f, "it wrote more than {limit} bytes to {stream}")
    }
}

impl std::error::Error for TooMuchOutput {}

/// Why a program could not be run.
#[derive(Debug)]
struct NotRun {
    program: String,
    error: io::Error,
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, error } = self;
        write!(f, "{program}: cannot be run: {error}")
    }
}

impl std::error::Error for NotRun {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

fn last_lines(capture: &Capture) -> Tail {
    let mut tail = Tail::with_limits(QUOTED_LINES, QUOTED_BYTES);
    if capture.omitted() == 0 {
        tail.push(Stream::Stderr, capture.head());
    }
    tail.push(Stream::Stderr, capture.tail());
    tail
}

/// How much of standard error an error quotes.
const QUOTED_LINES: usize = 10;
const QUOTED_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use childminder::{ExitStatus, FailureId};

    use super::*;
    use crate::{ChildId, Request, Requests};

    #[test]
    fn a_handler_keeps_the_streams_apart_and_the_errors_with_their_words() {
        let mut requests = Requests::new();
        let mut control = requests.control(ChildId::FIRST);
        let mut captured = Captured::default();
        assert_eq!(captured.outcome(), None);

        captured.output(&mut control, Stream::Stdout, b"out");
        captured.output(&mut control, Stream::Stderr, b"err");
        let ticket = FailureId::new(1).expect("not zero");
        let failure = Failure::from("disk is full");
        captured.error(&mut control, Error::External(ticket), true, Some(failure));
        captured.error(&mut control, Error::Unkillable, false, None);
        let mut outcome = Outcome::default();
        outcome.error = Some(Error::External(ticket));
        outcome.exit = Some(ExitStatus::Code(0));
        outcome.terminated = true;
        captured.finished(outcome);

        assert_eq!(captured.stdout().to_string(), "out");
        assert_eq!(captured.stderr().to_string(), "err");
        let words: Vec<_> = captured.errors().iter().map(ToString::to_string).collect();
        assert_eq!(
            words,
            ["disk is full".to_owned(), Error::Unkillable.to_string()]
        );
        assert_eq!(
            captured.errors().first().map(|noticed| noticed.error),
            Some(Error::External(ticket))
        );
        assert_eq!(captured.outcome(), Some(outcome));
        assert!(requests.is_empty());
    }

    fn ended(errors: &[Error], stderr: &str) -> Captured {
        let mut requests = Requests::new();
        let mut control = requests.control(ChildId::FIRST);
        let mut captured = Captured::default().named("cc");
        captured.output(&mut control, Stream::Stderr, stderr.as_bytes());
        for error in errors {
            captured.error(&mut control, *error, false, None);
        }
        let mut outcome = Outcome::default();
        outcome.error = errors.first().copied();
        captured.finished(outcome);
        captured
    }

    #[test]
    fn a_failure_says_what_went_wrong_and_what_was_said_last() {
        let words = |errors: &[Error], stderr| {
            let unsuccessful = ended(errors, stderr).check().expect_err("a failure");
            unsuccessful.to_string()
        };
        let exit = Error::Exit(ExitStatus::Code(1));
        assert_eq!(words(&[exit], ""), "cc: exit status 1");
        assert_eq!(
            words(&[exit, Error::Unkillable], "no input\n"),
            "cc: exit status 1; then still alive after the last stage of the ladder; standard error: no input"
        );
        let many: Vec<_> = (0..30).map(|line: i32| line.to_string()).collect();
        let many = many.join("\n");
        assert_eq!(
            words(&[exit], &many),
            "cc: exit status 1; standard error:\n20\n21\n22\n23\n24\n25\n26\n27\n28\n29"
        );
        let long = format!("{}\nthe end", "x".repeat(1_200_000));
        let quoted = words(&[exit], &long);
        assert!(quoted.ends_with(": the end"), "{quoted}");
        assert!(quoted.len() < 3000, "{} bytes", quoted.len());

        let unended = Captured::default().check().expect_err("no end");
        assert_eq!(unended.to_string(), "has not ended");
    }

    #[test]
    fn a_command_that_cannot_be_run_is_named_once() {
        let error = || io::Error::from(io::ErrorKind::NotFound);
        let captured = Captured::default().named("mkae").named("other");
        let named = captured.not_run(error());
        assert_eq!(named.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            named.to_string(),
            format!("mkae: cannot be run: {}", error())
        );
    }

    #[test]
    fn a_success_is_given_back() {
        let captured = ended(&[], "a warning").check().expect("a success");
        assert_eq!(captured.stderr().to_string(), "a warning");
    }

    #[test]
    fn more_than_the_whole_may_be_is_a_failure_and_is_told_once() {
        let mut requests = Requests::new();
        let mut captured = Captured::whole(4);
        for piece in ["ab", "cd", "e", "f"] {
            let mut control = requests.control(ChildId::FIRST);
            captured.output(&mut control, Stream::Stderr, piece.as_bytes());
            captured.output(&mut control, Stream::Stdout, b"x");
            assert_eq!(requests.is_empty(), piece == "ab" || piece == "cd");
        }
        assert_eq!(requests.len(), 1);
        let Some((_, Request::Fail(failure))) = requests.pop() else {
            panic!("no failure");
        };
        assert_eq!(failure.to_string(), "it wrote more than 4 bytes to stderr");
    }

    #[test]
    fn the_input_is_given_once() {
        let mut captured = Captured::default().with_input("hello");
        assert!(captured.has_input());
        assert_eq!(captured.input(), Some(b"hello".to_vec()));
        assert_eq!(captured.input(), None);
    }
}
