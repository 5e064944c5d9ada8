//! Any configuration, any story: every rule holds, and the model agrees.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| childminder_tests::fuzz::monitor(bytes));
