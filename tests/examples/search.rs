//! Searches all orderings of events in many small configurations.
//!
//! `cargo run --release -p childminder-tests --example search -- [STATES]`: at most so many states in
//! all, 12 million unless given.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use childminder_tests::search::{Found, search};
use childminder_tests::small::small_configs;

fn main() -> ExitCode {
    let most: usize = match std::env::args().nth(1).map(|states| states.parse()) {
        None => 12_000_000,
        Some(Ok(states)) => states,
        Some(Err(error)) => {
            eprintln!("the number of states must be a whole number: {error}");
            return ExitCode::FAILURE;
        }
    };
    let configs = small_configs();
    let each = most / configs.len();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let worker = || {
        let mut mine = Vec::new();
        while let Some(config) = configs.get(next.fetch_add(1, Ordering::Relaxed)) {
            mine.push(search(*config, each)?);
        }
        Ok(mine)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a search does not panic")).collect()
    });
    let mut all = Vec::new();
    for result in results {
        match result {
            Ok(found) => all.extend::<Vec<Found>>(found),
            Err::<_, Box<childminder_tests::search::Counterexample>>(counterexample) => {
                println!("{counterexample}");
                return ExitCode::FAILURE;
            }
        }
    }
    let closed = all.iter().filter(|found| found.closed).count();
    let states: usize = all.iter().map(|found| found.states).sum();
    let transitions: u64 = all.iter().map(|found| found.transitions).sum();
    let fullest = all.iter().map(|found| found.fullest).max().unwrap_or(0);
    println!(
        "{} configurations, {closed} of them to the end; {states} states, {transitions} transitions; \
         at most {fullest} actions pending; {:.1} s",
        configs.len(),
        begun.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
