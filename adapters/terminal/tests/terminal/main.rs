//! Real terminals, real children. Nothing here waits for time to pass: every wait is for an event, with
//! a limit that only a broken build reaches.
#![cfg(target_os = "linux")]

#[path = "../../../unix/tests/shared/alone.rs"]
mod alone;
mod lend;
mod support;
mod terminals;
mod ttys;
#[path = "../../../unix/tests/shared/waits.rs"]
mod waits;
