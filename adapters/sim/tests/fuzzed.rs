//! What the fuzzer of the target `driver` found worth keeping, without the fuzzer.

use std::fs;

use childminder_sim::{Driven, Scenario, Simulator};

#[test]
fn what_the_fuzzer_found_worth_keeping() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/driver");
    let mut simulator = Simulator::new();
    let mut replayed = 0;
    for seed in fs::read_dir(seeds).expect("a directory of seeds") {
        let seed = seed.expect("a seed").path();
        println!("{}", seed.display());
        let scenario = Scenario::from_bytes(&fs::read(seed).expect("a seed"));
        if let Err(violation) = simulator.run(&scenario, &mut Driven::random(&scenario)) {
            panic!("{violation}");
        }
        replayed += 1;
    }
    assert!(replayed > 0, "no seeds in {seeds}");
}

/// Bytes that are not there choose nothing unusual, and every byte counts.
#[test]
fn the_bytes_make_the_choices() {
    let digest = |bytes: &[u8]| {
        let scenario = Scenario::from_bytes(bytes);
        let ran = Simulator::new().run(&scenario, &mut Driven::random(&scenario));
        ran.expect("no rule is broken").digest
    };
    assert_eq!(digest(&[]), digest(&[0; 100]));
    assert_ne!(digest(&[]), digest(&[255; 100]));
}
