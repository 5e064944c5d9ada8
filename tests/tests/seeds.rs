//! What the fuzzer has found worth keeping, without the fuzzer.

use std::fs;
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

fn replay(target: &str, check: fn(&[u8])) {
    let seeds = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/seeds")).join(target);
    let mut replayed = 0;
    for seed in fs::read_dir(&seeds).expect("a directory of seeds") {
        let seed = seed.expect("a seed").path();
        println!("{}", seed.display());
        check(&fs::read(seed).expect("a seed"));
        replayed += 1;
    }
    assert!(replayed > 0, "no seeds in {}", seeds.display());
}
