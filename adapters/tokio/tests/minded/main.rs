//! Real children, on both runtimes.

mod cancelling;
mod deadlines;
mod example;
mod notifications;
mod output;
mod requests;
mod runtimes;
mod support;
