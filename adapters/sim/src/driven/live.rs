//! One life, with a handler of the user's.

use std::error::Error;
use std::fmt;
use std::io;

use childminder_driver::Handler;

use super::Driven;
use crate::notification::Payload;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::simulator::Simulator;
use crate::violation::Violation;

/// Lives through `scenario` with the driver that ships and this handler.
///
/// ```
/// use childminder::Stream;
/// use childminder_driver::{Control, Handler};
/// use childminder_sim::{Scenario, Script, live};
///
/// #[derive(Default)]
/// struct Listens {
///     heard: Vec<u8>,
/// }
///
/// impl Handler for Listens {
///     type Notification = ();
///
///     fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
///         self.heard.extend_from_slice(bytes);
///     }
/// }
///
/// let child = Script::new().prints(Stream::Stdout, "hello\n").exits(0);
/// let lived = live(&Scenario::new(&child), Listens::default()).unwrap();
/// assert!(lived.report.outcome.is_success());
/// assert_eq!(lived.handler.heard, b"hello\n");
/// ```
///
/// # Errors
///
/// [`NotLived::Spawn`] if the scenario [cannot start](Scenario::cannot_start) its child, with the handler.
/// [`NotLived::Violation`] with the first [`Rule`](crate::Rule) that was broken: by the handler, if it is that
/// the run never ends, because it keeps an answer or holds output for ever; otherwise, please tell us.
pub fn live<H>(scenario: &Scenario, handler: H) -> Result<Lived<H>, NotLived<H>>
where
    H: Handler,
    H::Notification: From<Payload>,
{
    if let Some(error) = scenario.spawn_error {
        let error = error.into();
        return Err(NotLived::Spawn { error, handler });
    }
    let mut driven = Driven::new(scenario, handler);
    match Simulator::new().run(scenario, &mut driven) {
        Ok(report) => Ok(Lived {
            report,
            handler: driven.into_handler(),
        }),
        Err(violation) => Err(NotLived::Violation(violation)),
    }
}

/// What came of a life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lived<H> {
    /// How it went.
    pub report: Report,
    /// The handler, as it has become.
    pub handler: H,
}

/// Why there is no life to tell of.
pub enum NotLived<H> {
    /// The child could not be started.
    Spawn {
        /// Why not.
        error: io::Error,
        /// The handler, which was never called.
        handler: H,
    },
    /// A rule was broken.
    Violation(Violation),
}

impl<H> Error for NotLived<H> {}

impl<H> fmt::Display for NotLived<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn { error, .. } => write!(f, "the child cannot be started: {error}"),
            Self::Violation(violation) => violation.fmt(f),
        }
    }
}

/// Without the handler, which need not be `Debug`.
impl<H> fmt::Debug for NotLived<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
