//! Any configuration, any story: every rule holds, and the model agrees.
#![no_main]

use childminder_tests::op::Case;
use childminder_tests::property::keeps_the_rules;
use childminder_tests::run::Run;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    keeps_the_rules(&Run::of(&Case::from_bytes(bytes)));
});
