//! The parts of the `childminder` command.
//!
//! The [guide](childminder::guide) has a chapter for each task.
#![forbid(unsafe_code)]

pub mod args;
mod beginning;
mod console;
mod digest;
mod display;
mod event_loop;
mod failure;
mod file_name;
mod files;
mod flight_record;
mod input;
mod log;
mod matching;
mod news;
mod notifier;
mod outlets;
mod owner;
pub mod parse;
mod plan;
mod progress;
mod replay;
mod report;
mod report_file;
mod run;
mod signals;
mod silence;
mod status;
mod streams;
mod terminal;
mod testimony;
mod timeline;
mod timeout;
mod wishes;
mod words;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Args, Command, RunArgs};
use crate::plan::Plan;
use crate::status::OURS;

/// Does what the command line says, and returns the exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some((call, name, rest)) = as_timeout(&args) {
        return timeout::main(&call, &name, rest.iter().cloned());
    }
    let command = match RunArgs::of_plain(&args) {
        Some(plain) => Ok(Command::Run(Box::new(plain))),
        None => Args::try_parse_from(args).map(|args| args.command),
    };
    let command = match command {
        Ok(command) => command,
        Err(error) => {
            let asked_for = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // With the terminal gone there is nobody left to tell.
            let _ = error.print();
            return if asked_for { 0 } else { OURS };
        }
    };
    let done = match command {
        Command::Run(args) => Plan::try_from(*args).and_then(|plan| run::run(&plan)),
        Command::Timeout { words } => return timeout::main("childminder timeout", TIMEOUT, words),
        Command::Replay(args) => replay::replay(&args.files),
        Command::Report(args) => digest::digest(&args),
        Command::Timeline(args) => timeline::timeline(&args),
    };
    done.unwrap_or_else(|trouble| {
        words::complain(&trouble.message);
        trouble.status
    })
}

/// How we are called as `timeout`, by that name or by that word, what we call ourselves then, and what we are
/// told. Its command line has rules of its own.
fn as_timeout(args: &[OsString]) -> Option<(String, String, &[OsString])> {
    let (program, rest) = args.split_first()?;
    let shown = program.to_string_lossy().into_owned();
    if is_timeout(Path::new(program).file_name()?) {
        return Some((shown.clone(), shown, rest));
    }
    let (word, rest) = rest.split_first()?;
    (word == TIMEOUT).then(|| (format!("{shown} {TIMEOUT}"), TIMEOUT.to_owned(), rest))
}

/// `timeout`; or a name under which systems have coreutils' beside another: `gtimeout`, `timeout-9.5`.
fn is_timeout(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else {
        return false;
    };
    let version = name.strip_prefix('g').unwrap_or(name).strip_prefix(TIMEOUT);
    version.is_some_and(|version| {
        let number = version.strip_prefix('-');
        version.is_empty()
            || number.is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()))
    })
}

const TIMEOUT: &str = "timeout";
