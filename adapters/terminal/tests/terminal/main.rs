//! Real terminals, real children. Nothing here waits for time to pass: every wait is for an event, with
//! a limit that only a broken build reaches.
#![cfg(target_os = "linux")]

mod lend;
mod support;
mod terminals;
mod ttys;
