//! A test that shares its process with no other.

use std::env;
use std::process::Command;

/// Runs the test of this name again, in a process that `env(1)` with these options has prepared, as the only
/// test there. Returns false in that process: go on with the test then.
pub(crate) fn again_in_a_process_of_its_own(name: &str, options: &[&str]) -> bool {
    const MARK: &str = "CHILDMINDER_TEST_PROCESS";
    if env::var_os(MARK).is_some() {
        return false;
    }
    let this = env::current_exe().expect("the test's program");
    // A hang is a failure.
    let output = Command::new("timeout")
        .args(["--foreground", "--signal=KILL", "60", "env"])
        .args(options)
        .arg(this)
        .args(["--exact", name, "--nocapture"])
        .env(MARK, "1")
        .output()
        .expect("the test's program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    true
}
