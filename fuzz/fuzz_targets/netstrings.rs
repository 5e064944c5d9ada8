//! Any stream, in any pieces: the same netstrings and the same calls come of it, or the same is wrong with it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| childminder_tests::fuzz::netstrings(bytes));
