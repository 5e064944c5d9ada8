//! Real children in a real loop.

mod deadlines;
mod example;
mod holding;
mod neighbours;
mod notifications;
mod observing;
mod output;
mod requests;
mod sources;
mod support;
