//! Lives through as many lifetimes as asked for with the driver that ships and a handler that does anything, on all cores, and says what was seen.
//!
//! `cargo run --release -p childminder-sim --example lifetimes -- [COUNT] [SEED]`
//!
//! The digest depends on COUNT and SEED alone, not on the machine or the number of its cores.

use std::env;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use childminder_sim::{Driven, RandomHandler, Scenario, Simulator, Tally, Violation};

fn main() -> ExitCode {
    let mut numbers = env::args().skip(1).map(|word| word.parse::<u64>());
    let (Ok(count), Ok(seed)) = (
        numbers.next().unwrap_or(Ok(1_000_000)),
        numbers.next().unwrap_or(Ok(0)),
    ) else {
        eprintln!("usage: lifetimes [COUNT] [SEED], both numbers");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    let tally = match live_through(count, seed) {
        Ok(tally) => tally,
        Err(violation) => {
            println!("{violation}");
            return ExitCode::FAILURE;
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    println!("{tally}");
    println!(
        "{:.1} simulated years in {seconds:.1} s: {:.0} lifetimes a second",
        tally.time().as_secs_f64() / (365.25 * 86_400.0),
        per_second(tally.runs, seconds),
    );
    ExitCode::SUCCESS
}

/// Threads take the seeds in blocks; what they add up does not depend on which thread took which.
fn live_through(count: u64, seed: u64) -> Result<Tally, Box<Violation>> {
    let next = AtomicU64::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| live(&next, count, seed)))
            .collect();
        let mut tally = Tally::default();
        for thread in threads {
            tally.merge(&thread.join().expect("no thread panics")?);
        }
        Ok(tally)
    })
}

fn live(next: &AtomicU64, count: u64, seed: u64) -> Result<Tally, Box<Violation>> {
    let mut simulator = Simulator::new();
    let mut driven = Driven::random(&Scenario::random(seed));
    let mut tally = Tally::default();
    loop {
        let first = next.fetch_add(BLOCK, Ordering::Relaxed);
        if first >= count {
            return Ok(tally);
        }
        for offset in first..(first + BLOCK).min(count) {
            let ran = simulator.rerun_random(
                seed.wrapping_add(offset),
                &mut driven,
                |driven, scenario| {
                    driven.restart(scenario, RandomHandler::new(scenario));
                },
            );
            tally.add(&ran.inspect_err(|_| next.store(count, Ordering::Relaxed))?);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn per_second(runs: u64, seconds: f64) -> f64 {
    runs as f64 / seconds
}

const BLOCK: u64 = 4096;
