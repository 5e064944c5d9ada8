//! The real command, with real children.

mod comparable;
mod deadlines;
mod digest_input;
mod digests;
mod file_names;
mod guardians;
mod guide;
mod inherited;
mod init;
mod kernels;
mod matching;
mod notify;
mod output;
mod progress;
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
