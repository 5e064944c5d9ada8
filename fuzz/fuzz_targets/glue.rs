//! Any life of a child, any owner: what the mio adapter's glue makes of them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| childminder_mio::check_glue(bytes));
