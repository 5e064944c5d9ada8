//! Real children, real signals. Nothing here waits for time to pass: every wait is for an event, with
//! a limit that only a broken build reaches.
#![cfg(target_os = "linux")]

#[path = "../shared/alone.rs"]
mod alone;
mod arrivals;
mod cgroups;
mod commands;
mod costs;
mod descriptors;
mod drops;
mod example;
mod exits;
mod faults;
mod inherited;
mod names;
mod orphans;
mod pipes;
mod refusals;
mod selectors;
mod sends;
mod starts;
mod stops;
mod strays;
mod support;
mod timers;
mod vouchers;
#[path = "../shared/waits.rs"]
mod waits;
mod wakeups;
