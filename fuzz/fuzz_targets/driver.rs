//! Any life of a child, any handler, any machine: what the driver makes of them.
#![no_main]

use childminder_sim::{Driven, Scenario, run};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scenario = Scenario::from_bytes(bytes);
    if let Err(violation) = run(&scenario, Driven::random(&scenario)) {
        panic!("{violation}");
    }
});
