//! How `timeout` puts things.

use std::io::{self, Write as _};

use crate::words::reason;

/// Says a line on standard error, in this name.
pub(super) fn complain(name: &str, message: &str) {
    // With that gone there is nobody left to tell.
    let _ = io::stderr().write_all(format!("{name}: {message}\n").as_bytes());
}

/// The words that C has for it.
pub(super) fn without_number(error: &io::Error) -> String {
    let said = reason(error);
    said.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}
