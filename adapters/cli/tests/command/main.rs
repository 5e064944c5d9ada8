//! The real command, with real children.

mod deadlines;
mod guardians;
mod inherited;
mod init;
mod kernels;
mod matching;
mod notify;
mod output;
mod records;
mod replays;
mod reports;
mod seat;
mod signals;
mod statuses;
mod support;
mod terminal;
mod timeouts;
mod tree;
mod tty;
mod usage;
mod vouching;
