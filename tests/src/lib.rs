//! Whole-system tests of childminder: the operations they are told in, and the rules they keep.
//!
//! [`op`] is the language, [`run`] tells it to a monitor and writes the [`history`], [`model`] works
//! out from a history what had to happen, and [`rules`] says each of the sixteen rules as a predicate.

pub mod bytes;
pub mod config;
pub mod history;
pub mod model;
pub mod op;
pub mod property;
pub mod rules;
pub mod run;
pub mod source;
