//! The files that a command line names, to be read.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// One of them, and what to call it; `-` is standard input.
///
/// # Errors
///
/// The sentence that says why it cannot be read.
pub(crate) fn open(file: &Path) -> Result<(String, Box<dyn BufRead>), String> {
    if file == Path::new("-") {
        return Ok(("standard input".to_owned(), Box::new(io::stdin().lock())));
    }
    let shown = file.display().to_string();
    match File::open(file) {
        Ok(input) => Ok((shown, Box::new(BufReader::new(input)))),
        Err(error) => Err(format!("cannot read {shown}: {error}")),
    }
}
