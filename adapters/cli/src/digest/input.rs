//! Reads reports, one at a time.

use std::cell::Cell;
use std::fs;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::facts::Report;
use crate::input;
use crate::words::reason;

/// A report and its name, or a sentence about what is none.
pub(super) type Found = Result<(String, Report), String>;

/// Tells of all reports in these files, of which `-` is standard input, and a directory stands for what ends in `.json`
/// there. Returns the names of the files.
pub(super) fn read(files: &[PathBuf], mut found: impl FnMut(Found)) -> Vec<String> {
    let mut names = Vec::new();
    for path in files {
        let paths = files_of(path).unwrap_or_else(|why| {
            found(Err(why));
            Vec::new()
        });
        for path in paths {
            let file = path.to_string_lossy().into_owned();
            let is_stdin = path == Path::new("-");
            let name = |number| match number {
                1 if !is_stdin => file.clone(),
                _ => format!("{file}:{number}"),
            };
            match input::open(&path) {
                Ok((shown, input)) => read_all(&shown, input, name, &mut found),
                Err(why) => found(Err(why)),
            }
            if !is_stdin {
                names.push(file);
            }
        }
    }
    names
}

/// The files that this path stands for.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path == Path::new("-") || !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shown = path.display();
    let listed = fs::read_dir(path).and_then(|entries| {
        let paths = entries.map(|entry| Ok(entry?.path()));
        paths.collect::<io::Result<Vec<_>>>()
    });
    let mut paths = listed.map_err(|error| format!("cannot read {shown}: {}", reason(&error)))?;
    // A hidden one is not complete.
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.ends_with(b".json") && !name.starts_with(b".")
    });
    if paths.is_empty() {
        return Err(format!("{shown}: no name in this directory ends in .json"));
    }
    paths.sort();
    Ok(paths)
}

/// Tells of all reports in this stream, which follow each other.
fn read_all(
    shown: &str,
    input: impl Read,
    name: impl Fn(usize) -> String,
    found: &mut impl FnMut(Found),
) {
    let left = Cell::new(LONGEST);
    let input = BufReader::with_capacity(BUFFER, Limited { input, left: &left });
    let objects = Deserializer::from_reader(input).into_iter::<Box<RawValue>>();
    let mut number = 0;
    for object in objects {
        number += 1;
        let which = if number == 1 {
            String::new()
        } else {
            format!(", object {number},")
        };
        let object = match object {
            Ok(object) => object,
            Err(error) => return found(Err(format!("{shown}{which} {}", unreadable(&error)))),
        };
        left.set(LONGEST);
        found(match serde_json::from_str(object.get()) {
            Ok(report) => Ok((name(number), report)),
            Err(error) => Err(format!(
                "{shown}{which} is no report of childminder's: {error}"
            )),
        });
    }
    if number == 0 {
        found(Err(format!("{shown} is empty")));
    }
}

fn unreadable(error: &serde_json::Error) -> String {
    if error.is_eof() {
        format!("is cut short, in line {}", error.line())
    } else if error.is_io() {
        format!("cannot be read: {error}")
    } else {
        format!("is no JSON: {error}")
    }
}

/// Ends with an error what is longer than any report.
struct Limited<'a, R> {
    input: R,
    left: &'a Cell<usize>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        let left = self.left.get().checked_sub(read);
        let left = left.ok_or_else(|| io::Error::other("it is longer than any report"))?;
        self.left.set(left);
        Ok(read)
    }
}

const BUFFER: usize = 64 * 1024;

/// In bytes: beyond a million bytes of quoted output, each of them escaped, and a command line as long as it can be.
const LONGEST: usize = 64 * 1024 * 1024;
