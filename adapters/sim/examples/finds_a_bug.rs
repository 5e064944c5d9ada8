//! A handler as many write it, the bug in it, and how a seed finds it.
//!
//! `cargo run -p childminder-sim --example finds_a_bug`
//!
//! It collects what a child prints, line by line, and takes each piece of output for whole lines. On an idle
//! machine that works: a child writes a line, and the line is read. Under load, a read may bring half of it.

use std::mem;
use std::process::ExitCode;
use std::time::Duration;

use childminder::Stream;
use childminder_driver::{Control, Handler};
use childminder_sim::{Lived, NotLived, Scenario, Script, live};

/// Collects lines.
#[derive(Default)]
struct Lines {
    /// Whether it waits for the rest of a line, as it should.
    waits: bool,
    found: Vec<String>,
    begun: String,
}

impl Handler for Lines {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        if !self.waits {
            // The bug: what was read need not end where a line ends.
            self.found.extend(text.lines().map(String::from));
            return;
        }
        for piece in text.split_inclusive('\n') {
            self.begun.push_str(piece);
            if let Some(line) = self.begun.strip_suffix('\n') {
                self.found.push(line.into());
                self.begun.clear();
            }
        }
    }

    /// The last line may have no end.
    fn output_ended(&mut self, _: &mut Control<()>, stream: Stream) {
        if stream == Stream::Stdout && !self.begun.is_empty() {
            self.found.push(mem::take(&mut self.begun));
        }
    }
}

fn main() -> ExitCode {
    let Some((seed, lived)) = first_that_is_wrong(0..1_000, false) else {
        println!("a thousand machines, and no bug?");
        return ExitCode::FAILURE;
    };
    println!(
        "seed {seed}: {:?}\n\n{}",
        lived.handler.found, lived.report.trace
    );

    // The same seed again, and nothing is changed but the handler.
    if first_that_is_wrong(seed..=seed, true).is_some() {
        println!("not mended");
        return ExitCode::FAILURE;
    }
    println!("mended, the same seed gives {PRINTED:?}");
    if let Some((seed, _)) = first_that_is_wrong(0..100_000, true) {
        println!("seed {seed} shows another");
        return ExitCode::FAILURE;
    }
    println!("and so do 100000 others");
    ExitCode::SUCCESS
}

/// The first machine under which a child that came to a good end has not been understood.
fn first_that_is_wrong(
    seeds: impl IntoIterator<Item = u64>,
    waits: bool,
) -> Option<(u64, Lived<Lines>)> {
    let tenth = Duration::from_millis(100);
    let child = PRINTED
        .iter()
        .fold(Script::new(), |child, line| {
            child
                .sleeps(tenth)
                .prints(Stream::Stdout, format!("{line}\n"))
        })
        .exits(0);
    let scenario = Scenario::new(&child);
    seeds.into_iter().find_map(|seed| {
        let handler = Lines {
            waits,
            ..Lines::default()
        };
        let lived = match live(&scenario.clone().in_any_weather(seed), handler) {
            Ok(lived) => lived,
            Err(NotLived::Violation(violation)) => panic!("{violation}"),
            Err(other) => panic!("{other}"),
        };
        let wrong = lived.report.outcome.is_success() && lived.handler.found != PRINTED;
        wrong.then_some((seed, lived))
    })
}

const PRINTED: [&str; 3] = ["compiling", "linking", "done"];
