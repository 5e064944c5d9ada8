//! Any file: it is read, or refused with a sentence; what is read can be replayed.
#![no_main]

use childminder_record::{Reader, replay};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for run in Reader::new(bytes) {
        match run {
            Ok(run) => drop(replay(&run).map(|difference| difference.to_string())),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
