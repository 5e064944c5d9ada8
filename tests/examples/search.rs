//! Searches all orderings of events in many small configurations.
//!
//! `cargo run --release -p childminder-tests --example search -- [EAGER ANY]`: at most so many states of
//! each configuration with a monitor that is drained at once, and with one that is drained anyhow.

use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use childminder_tests::search::{Draining, Found, search};
use childminder_tests::small::small_configs;
use childminder_tests::values;

fn main() -> ExitCode {
    let mut limits = std::env::args()
        .skip(1)
        .map(|states| states.parse::<usize>());
    let (eager, any) = match (limits.next(), limits.next(), limits.next()) {
        (None, None, None) => (150_000, 40_000),
        (Some(Ok(eager)), Some(Ok(any)), None) => (eager, any),
        _ => {
            eprintln!("usage: search [EAGER ANY]: two numbers of states, or neither");
            return ExitCode::FAILURE;
        }
    };
    if let Err(violation) = values::check() {
        println!("{violation}");
        return ExitCode::FAILURE;
    }
    let configs = small_configs();
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let worker = || {
        let mut mine = Vec::new();
        while let Some(config) = configs.get(next.fetch_add(1, Ordering::Relaxed)) {
            mine.push(search(*config, Draining::Eager, eager)?);
            mine.push(search(*config, Draining::Any, any)?);
        }
        Ok(mine)
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a search does not panic"))
            .collect()
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
        "{} searches of {} configurations, {closed} of them to the end; {states} states, {transitions} transitions; \
         at most {fullest} actions pending; {:.1} s",
        all.len(),
        configs.len(),
        begun.elapsed().as_secs_f64()
    );
    ExitCode::SUCCESS
}
