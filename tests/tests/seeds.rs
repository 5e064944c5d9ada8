//! What the fuzzer has found worth keeping, without the fuzzer.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use childminder_tests::fuzz;

#[test]
fn monitor() {
    replay("monitor", fuzz::monitor);
}

#[test]
fn record() {
    replay("record", fuzz::record);
}

#[test]
fn parse() {
    replay("parse", fuzz::parse);
}

#[test]
fn netstrings() {
    replay("netstrings", fuzz::netstrings);
}

fn replay(target: &str, check: fn(&[u8])) {
    let seeds = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds")).join(target);
    let mut replayed = 0;
    for seed in fs::read_dir(&seeds).expect("a directory of seeds") {
        let seed = seed.expect("a seed").path();
        let bytes = fs::read(&seed).expect("a seed");
        let checked = catch_unwind(AssertUnwindSafe(|| check(&bytes)));
        assert!(checked.is_ok(), "by {}", seed.display());
        replayed += 1;
    }
    assert!(replayed > 0, "no seeds in {}", seeds.display());
}
