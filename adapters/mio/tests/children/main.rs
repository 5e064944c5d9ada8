//! Real children in real loops.

#[path = "../../../unix/tests/shared/alone.rs"]
mod alone;
mod captured;
#[path = "../shared/capturing.rs"]
mod capturing;
mod crowds;
mod deadlines;
mod examples;
mod exits;
mod forwarding;
mod holding;
mod importer;
mod neighbours;
mod notifications;
mod observing;
mod output;
mod puller;
mod refusals;
mod requests;
mod run;
mod sisters;
mod sources;
mod strays;
mod support;
mod threads;
