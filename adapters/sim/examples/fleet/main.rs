//! What ten thousand tasks that tell one endpoint how they are ask of it, and what becomes of them when it is slow or down.
//! `cargo run --release -p childminder-sim --example fleet -- [TASKS]`
//!
//! Each has a beat a minute for 9 minutes and 40 seconds, and tells its end.

mod fleet;

use std::env;
use std::error::Error;
use std::time::Duration;

use crate::fleet::{Down, Endpoint, Fleet, Outage};

fn main() -> Result<(), Box<dyn Error>> {
    let tasks = env::args().nth(1).map_or(Ok(10_000), |word| word.parse())?;
    let title = format!("{tasks} tasks");
    println!("{title:43}requests  mean/s  peak/s  peak kB/s  skipped  ended  untold  last end");
    for (name, fleet) in stories(tasks) {
        let story = fleet.live();
        println!(
            "{name:43}{:>8}  {:>6}  {:>6}  {:>9}  {:>7}  {:>5}  {:>6}  {:>7.1}s",
            story.requests,
            story.mean_requests(),
            story.peak_requests,
            story.peak_bytes / 1000,
            story.skipped,
            story.ended,
            story.untold,
            story.longest_end.as_secs_f64(),
        );
    }
    Ok(())
}

fn stories(tasks: u32) -> Vec<(&'static str, Fleet)> {
    let seconds = Duration::from_secs;
    let quick = Endpoint {
        per_second: 2000,
        latency: Duration::from_millis(20),
        outage: None,
    };
    let spread = Fleet {
        tasks,
        spread: seconds(60),
        interval: seconds(60),
        timeout: seconds(30),
        life: seconds(580),
        gives_up: None,
        endpoint: quick,
        beat_bytes: BEAT,
        end_bytes: END,
    };
    let at_once = Fleet {
        spread: Duration::ZERO,
        ..spread
    };
    let within_10_s = Fleet {
        spread: seconds(10),
        ..spread
    };
    let slow = |fleet, per_second| Fleet {
        endpoint: Endpoint {
            per_second,
            ..quick
        },
        ..fleet
    };
    let down = |kind, from, lasts| {
        let outage = Some(Outage {
            from: seconds(from),
            lasts: seconds(lasts),
            kind,
        });
        Fleet {
            endpoint: Endpoint { outage, ..quick },
            ..spread
        }
    };
    let patient = |fleet| Fleet {
        timeout: seconds(180),
        ..fleet
    };
    let forgiving = |fleet| Fleet {
        gives_up: Some(seconds(10)),
        ..fleet
    };
    vec![
        ("started at once", at_once),
        ("within 10 s", within_10_s),
        ("within a minute", spread),
        ("at once; it answers 200 a second", slow(at_once, 200)),
        ("  and curl -m 10 … || true", forgiving(slow(at_once, 200))),
        ("within a minute; 200 a second", slow(spread, 200)),
        ("within a minute; 100 a second", slow(spread, 100)),
        ("  and curl -m 10 … || true", forgiving(slow(spread, 100))),
        (
            "within a minute; silent for a minute",
            down(Down::Silent, 290, 60),
        ),
        ("  for two minutes", down(Down::Silent, 290, 120)),
        (
            "  and --notify-timeout 3m",
            patient(down(Down::Silent, 290, 120)),
        ),
        (
            "  and curl -m 10 … || true",
            forgiving(down(Down::Silent, 290, 120)),
        ),
        (
            "within a minute; silent when they end",
            down(Down::Silent, 580, 60),
        ),
        (
            "within a minute; refuses for a minute",
            down(Down::Refusing, 290, 60),
        ),
        ("  and … || true", forgiving(down(Down::Refusing, 290, 60))),
    ]
}

/// The bytes of a request, as curl makes it, with ten lines of 70 characters.
const BEAT: u64 = 1_300;

/// The same at the end, with the whole report.
const END: u64 = 2_900;
