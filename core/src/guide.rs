//! The guide: a chapter for each task. It is `docs/` of the repository, whose tests run what it shows.
//!
// Before each page stands where its links lead here. Of two definitions of a link, Markdown takes the first.
#![cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/README.md"))]

/// Run a command, give it its input, and have its output.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/captured-runs.md"))]
pub mod captured_runs {}

/// Only some output counts, or what the child says of itself.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/children-that-speak.md"))]
pub mod children_that_speak {}

/// Under Slurm: end the rank that hangs, and name it.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/clusters.md"))]
pub mod clusters {}

/// What others do, and what they do better.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/compared.md"))]
pub mod compared {}

/// As process 1: zombies, signals, what is left behind.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/containers.md"))]
pub mod containers {}

/// In tokio, in mio, in any loop; the state machine alone.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/embedding.md"))]
pub mod embedding {}

/// What thousands of tasks cost, and what an outage does to them.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/fleets.md"))]
pub mod fleets {}

/// End a job that hangs, and learn where it hung.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/hanging-ci-job.md"))]
pub mod hanging_ci_job {}

/// Tell a service that a job lives, and how it ended.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/heartbeats.md"))]
pub mod heartbeats {}

/// Write, read and replay flight records.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/records.md"))]
pub mod records {}

/// How a run went, and how many did.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/reports.md"))]
pub mod reports {}

/// For scripts that call coreutils' `timeout`.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/replace-timeout.md"))]
pub mod replace_timeout {}

/// Find the bugs of a handler, or of a loop, by seed.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/testing-a-handler.md"))]
pub mod testing_a_handler {}

/// A run, or many, as a picture.
///
#[cfg_attr(all(doc, not(doctest)), doc = include_str!("guide/links.md"), doc = include_str!("../docs/timeline.md"))]
pub mod timeline {}
