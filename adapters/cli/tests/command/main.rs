//! The real command, with real children.

mod deadlines;
mod inherited;
mod init;
mod kernels;
mod output;
mod records;
mod replays;
mod reports;
mod signals;
mod statuses;
mod support;
mod tree;
mod usage;
