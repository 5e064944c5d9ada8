//! Failures that can be told from each other, whatever they say.

use std::error::Error;
use std::fmt;
use std::io;

use childminder_driver::Failure;

/// A failure of the handler's, with a number by which it is known again.
#[derive(Debug)]
pub(super) struct Worded {
    number: u64,
    failure: Failure,
}

impl Worded {
    pub(super) fn wrap(number: u64, failure: Failure) -> Failure {
        Box::new(Self { number, failure })
    }

    /// As the handler has worded it.
    pub(super) fn unwrap(failure: Failure) -> Failure {
        match failure.downcast::<Self>() {
            Ok(worded) => worded.failure,
            Err(other) => other,
        }
    }
}

impl Error for Worded {}

impl fmt::Display for Worded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

/// A failure of the machine's, numbered as well.
#[derive(Debug)]
struct Fault {
    number: u64,
    words: &'static str,
}

impl Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words)
    }
}

pub(super) fn fault(number: u64, words: &'static str) -> io::Error {
    io::Error::other(Fault { number, words })
}

/// The number of either.
pub(super) fn number_of(failure: &(dyn Error + Send + Sync + 'static)) -> Option<u64> {
    if let Some(worded) = failure.downcast_ref::<Worded>() {
        return Some(worded.number);
    }
    let inner = failure.downcast_ref::<io::Error>()?.get_ref()?;
    inner.downcast_ref::<Fault>().map(|fault| fault.number)
}
