//! Any text: it is read as a naive reading has it, or refused with a sentence that names it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| childminder_tests::fuzz::parse(bytes));
