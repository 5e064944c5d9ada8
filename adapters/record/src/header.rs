//! What a run's record begins with.

use std::time::SystemTime;

use childminder::Config;

/// What the header of a run says of it.
///
/// A record counts its times from the run's first event. With the host and the time there, by its clock, runs of several
/// records can be put on one axis.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use childminder::Config;
/// use childminder_record::{Header, Reader, Recorder};
///
/// let mut record = Vec::new();
/// let started = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
/// let config = Config::default();
/// let header = Header::new("true", &config).on_host("node1").started_at(started);
/// Recorder::with_header(&mut record, header)?.finish()?;
///
/// let run = Reader::new(record.as_slice()).next().expect("a run")?;
/// assert_eq!(run.host.as_deref(), Some("node1"));
/// assert_eq!(run.started, Some(started));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    pub(crate) name: &'a str,
    pub(crate) config: &'a Config,
    pub(crate) host: Option<&'a str>,
    pub(crate) started: Option<SystemTime>,
}

impl<'a> Header<'a> {
    /// The header of a run that goes by this name, whose monitor was made with `config`.
    pub fn new(name: &'a str, config: &'a Config) -> Self {
        Self {
            name,
            config,
            host: None,
            started: None,
        }
    }

    /// It runs on this host. As of the name, [`Recorder::LONGEST_NAME`](crate::Recorder::LONGEST_NAME) is written.
    #[must_use]
    pub fn on_host(mut self, host: &'a str) -> Self {
        self.host = Some(host);
        self
    }

    /// It began at this time, by its host's clock: that of its first event, as near as the caller knows. A time that
    /// does not fit into the format, before 1970 or after the year 2500, is left out.
    #[must_use]
    pub fn started_at(mut self, started: SystemTime) -> Self {
        self.started = Some(started);
        self
    }
}
