//! Real children, on both runtimes.

#[path = "../../../unix/tests/shared/alone.rs"]
mod alone;
mod cancelling;
mod captured;
#[path = "../../../mio/tests/shared/capturing.rs"]
mod capturing;
mod deadlines;
mod example;
mod importer;
mod notifications;
mod output;
mod puller;
mod requests;
mod runtimes;
mod support;
