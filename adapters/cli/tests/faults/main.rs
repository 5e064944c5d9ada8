//! One system call fails, with an error that it may have, injected by strace. Whichever it is, `childminder` ends,
//! leaves no process, loses no byte without a word, and does not claim success for what has not succeeded.
//!
//! Each call fails once with each error, somewhere in the run; a number as `CHILDMINDER_FAULTS` chooses other moments,
//! and `all` takes every moment.

#![cfg(target_os = "linux")]

mod errors;
mod scenario;
mod survey;

use std::env;
use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

use crate::scenario::{SCENARIOS, Scenario};
use crate::survey::Fault;

#[test]
fn whichever_call_fails_the_run_ends_and_tells_the_truth() {
    let asked = env::var("CHILDMINDER_FAULTS").unwrap_or_default();
    println!("CHILDMINDER_FAULTS={asked}");
    let mut cases = Vec::new();
    for scenario in &SCENARIOS {
        scenario.check(None).expect("without a fault");
        let weaknesses = survey::weaknesses(scenario);
        assert!(weaknesses.len() > 30, "{} makes calls", scenario.name);
        for weakness in weaknesses {
            let choice = cases.len() + asked.parse::<usize>().unwrap_or_default();
            let one = || vec![weakness.one(choice)];
            let faults = if asked == "all" {
                weakness.all().collect()
            } else {
                one()
            };
            cases.extend(faults.into_iter().map(|fault| (scenario, fault)));
        }
    }
    let broken = broken(&cases);
    assert!(
        broken.is_empty(),
        "{} of {} faults:\n{}",
        broken.len(),
        cases.len(),
        broken.join("\n")
    );
}

type Case<'a> = (&'a Scenario, Fault);

/// What is wrong with those that break a rule.
fn broken(cases: &[Case]) -> Vec<String> {
    let next = Mutex::new(cases.iter());
    let broken = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let case = next.lock().expect("no panic").next();
                    let Some((scenario, fault)) = case else {
                        return;
                    };
                    if let Err(wrong) = scenario.check(Some(fault)) {
                        let wrong = format!("{}, {fault}: {wrong}", scenario.name);
                        println!("{wrong}");
                        broken.lock().expect("no panic").push(wrong);
                    }
                }
            });
        }
    });
    broken.into_inner().expect("no panic")
}
