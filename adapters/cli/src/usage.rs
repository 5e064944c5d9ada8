//! What is measured, in the words of the report.

use std::time::Duration;

use childminder_unix::Usage;

/// The part of the sentence that tells what the command used.
pub(crate) fn used(usage: &Usage) -> String {
    let mebibytes = usage.peak_memory.div_ceil(1024 * 1024);
    let (user, system) = (seconds(usage.user), seconds(usage.system));
    format!("used {user} user, {system} system, {mebibytes} MiB")
}

/// With two decimals.
pub(crate) fn seconds(span: Duration) -> String {
    format!("{:.2}s", span.as_secs_f64())
}
