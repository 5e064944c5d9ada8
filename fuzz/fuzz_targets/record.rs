//! Any file: it is read, or refused with a sentence; what is read can be replayed.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| childminder_tests::fuzz::record(bytes));
