//! Whole-system tests of childminder: the operations they are told in, and the rules they keep.
//!
//! [`op`] is the language, [`run`] tells it to a monitor and writes the [`history`], [`model`] works
//! out from a history what had to happen, and [`rules`] says each of the twenty-one rules as a predicate.
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
