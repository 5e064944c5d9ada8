//! What the fuzzer of the target `driver` found worth keeping, without the fuzzer.

use std::{fs, mem};

use childminder_sim::{Driven, Scenario, Simulator, Violation};

#[test]
fn what_the_fuzzer_found_worth_keeping() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/driver");
    let mut replayed = 0;
    for seed in fs::read_dir(seeds).expect("a directory of seeds") {
        let seed = seed.expect("a seed").path();
        let bytes = fs::read(&seed).expect("a seed");
        if violation(&bytes).is_some() {
            let (fewer, violation) = shrunk(bytes);
            panic!(
                "{}, of which {fewer:?} is enough: {violation}",
                seed.display()
            );
        }
        replayed += 1;
    }
    assert!(replayed > 0, "no seeds in {seeds}");
}

fn violation(bytes: &[u8]) -> Option<Violation> {
    let scenario = Scenario::from_bytes(bytes);
    let ran = Simulator::new().run(&scenario, &mut Driven::random(&scenario));
    ran.err()
}

/// Fewer bytes that break a rule too, more of them 0, and how they do. Bytes that are not there, and those that are 0, choose
/// nothing unusual.
fn shrunk(mut bytes: Vec<u8>) -> (Vec<u8>, Violation) {
    while let Some((_, fewer)) = bytes.split_last()
        && violation(fewer).is_some()
    {
        bytes.pop();
    }
    for place in 0..bytes.len() {
        let byte = mem::take(&mut bytes[place]);
        if violation(&bytes).is_none() {
            bytes[place] = byte;
        }
    }
    let violation = violation(&bytes).expect("it breaks a rule still");
    (bytes, violation)
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
