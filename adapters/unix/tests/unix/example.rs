//! The example does what it says.

use std::env;
use std::fs;
use std::process::{Command, Output};

use crate::support::Bystander;

#[test]
fn a_child_that_ends_well_is_a_success() {
    let output = real_loop("60", "echo out; echo err >&2");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        said(&output),
        "Outcome { error: None, exit: Some(Code(0)), leaked: false, terminated: false }\n"
    );
}

#[test]
fn a_child_that_fails_after_much_output_is_a_failure() {
    let output = real_loop("60", "seq 100000; exit 3");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said(&output),
        "Outcome { error: Some(Exit(Code(3))), exit: Some(Code(3)), leaked: false, terminated: false }\n"
    );
}

#[test]
fn a_silent_child_is_ended() {
    let output = real_loop("0.1", "exec sleep 60");
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(said.contains("error: Some(IdleTimeout)"), "{said}");
    assert!(said.contains("exit: Some(Signal(Signal(2)))"), "{said}");
    assert!(said.contains("terminated: true"), "{said}");
}

#[test]
fn output_that_a_grandchild_holds_is_not_waited_for() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("pid");
    let script = format!("sleep 1000 & echo $! >{}", file.display());
    let output = real_loop("60", &script);
    let pid = fs::read_to_string(file).expect("what the shell wrote");
    let _grandchild = Bystander::of(pid.trim().parse().expect("a pid"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        said(&output),
        "Outcome { error: None, exit: Some(Code(0)), leaked: true, terminated: false }\n"
    );
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
