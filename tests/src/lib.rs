//! Whole-system tests of childminder: the operations they are told in, and the rules they keep.
//!
//! [`op`] is the language, [`run`] tells it to a monitor and writes the [`history`], [`model`] works
//! out from a history what had to happen, and [`rules`] says each of the twenty-three rules as a predicate.
//!
//! The [guide](childminder::guide) has a chapter for each task.
//!
//! The programs of the guide, in `docs/`, are tested with the documentation of this crate.
#![forbid(unsafe_code)]
#![allow(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "the error of a predicate is the violation, and a panic is a failed test"
)]

pub mod bytes;
pub mod config;
pub mod fuzz;
pub mod history;
pub mod model;
pub mod op;
pub mod property;
pub mod rules;
pub mod run;
pub mod search;
pub mod small;
pub mod source;
pub mod values;
pub mod watch;

#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../docs/captured-runs.md")]
    mod captured_runs {}

    #[doc = include_str!("../../docs/children-that-speak.md")]
    mod children_that_speak {}

    #[doc = include_str!("../../docs/embedding.md")]
    mod embedding {}

    #[doc = include_str!("../../docs/heartbeats.md")]
    mod heartbeats {}

    #[doc = include_str!("../../docs/records.md")]
    mod records {}

    #[doc = include_str!("../../docs/testing-a-handler.md")]
    mod testing_a_handler {}
}
