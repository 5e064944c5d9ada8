//! What the fuzz targets check, for them and for the tests that replay their seeds.
//!
//! The target `driver` is not here: its seeds are replayed in `adapters/sim/tests/fuzzed.rs`.

mod netstrings;
mod parse;

use childminder_record::{Finding, Reader, Replay, replay};

use crate::op::Case;
use crate::property::keeps_the_rules;
use crate::run::Run;

pub use netstrings::netstrings;
pub use parse::parse;

/// Any configuration, any story: every rule holds, and the model agrees.
pub fn monitor(bytes: &[u8]) {
    keeps_the_rules(&Run::of(&Case::from_bytes(bytes)));
}

/// Any file: it is read, or refused with a sentence; what is read can be replayed, and a step at a time it is the same.
pub fn record(bytes: &[u8]) {
    let mut differing = Vec::new();
    let mut is_refused = false;
    for run in Reader::new(bytes) {
        match run {
            Ok(run) => differing.extend(replay(&run).map(|difference| difference.to_string())),
            Err(error) => {
                is_refused = true;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    for found in Replay::new(bytes) {
        match found {
            Ok(Finding::Difference(difference)) => {
                // A step at a time, it is found before what is wrong in a later line.
                assert!(is_refused || differing.contains(&difference.to_string()));
            }
            Ok(Finding::CutShort(cut)) => assert!(!cut.to_string().is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
