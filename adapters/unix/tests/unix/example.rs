//! The example does what it says.

use std::env;
use std::fs;
use std::process::{Command, Output};

use crate::support::Bystander;

#[test]
fn a_child_that_ends_well_is_a_success() {
    let output = real_loop("60", "echo out");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(said(&output), "success\n");
}

#[test]
fn a_child_that_fails_after_much_output_is_a_failure() {
    let output = real_loop("60", "seq 100000; exit 3");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said(&output), "exit status 3\n");
}

#[test]
fn a_silent_child_is_ended() {
    let output = real_loop("0.1", "exec sleep 60");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said(&output),
        "no activity within the idle timeout; killed by SIGINT; terminated\n"
    );
}

#[test]
fn output_that_a_grandchild_holds_is_not_waited_for() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("pid");
    let script = format!("sleep 1000 2>/dev/null & echo $! >{}", file.display());
    let output = real_loop("60", &script);
    let pid = fs::read_to_string(file).expect("what the shell wrote");
    let _grandchild = Bystander::of(pid.trim().parse().expect("a pid"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(said(&output), "success; output leaked\n");
}

/// With a limit for its silence.
fn real_loop(seconds: &str, script: &str) -> Output {
    let test = env::current_exe().expect("this test");
    let target = test.ancestors().nth(2).expect("where it was built");
    Command::new(target.join("examples/real_loop"))
        .args([seconds, "sh", "-c", script])
        .output()
        .expect(
            "built by `cargo build --examples`, and by `cargo test` unless it is told otherwise",
        )
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
