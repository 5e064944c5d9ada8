//! The real command, with real children.

mod deadlines;
mod guardians;
mod guide;
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
#[path = "../../../mio/tests/shared/service.rs"]
#[allow(dead_code, reason = "each suite uses a part of it")]
mod service;
mod signals;
mod statuses;
mod support;
mod terminal;
mod timeline;
mod timeouts;
mod tree;
mod tty;
mod usage;
mod vouching;
