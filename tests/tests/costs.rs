//! What the core costs, as far as it does not depend on the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// In instructions: to tell a monitor of output and to poll it dry, with the loop around it.
#[test]
fn output_costs_few_instructions() {
    let crowd = built();
    let [some, more] = [100, 1100].map(|outputs: u64| instructions(&crowd, outputs));
    let each = (more - some) / 1000;
    println!("an output costs {each} instructions");
    assert!(each <= MOST, "{each}");
}

/// The example, built for release, whatever this test was built for.
fn built() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = workspace.join("target/costs");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(workspace)
        .args([
            "build",
            "--release",
            "--locked",
            "-p",
            "childminder",
            "--example",
            "crowd",
        ])
        .arg("--target-dir")
        .arg(&target);
    for measured in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        cargo.env_remove(measured);
    }
    ran(&mut cargo);
    target.join("release/examples/crowd")
}

fn instructions(crowd: &Path, outputs: u64) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(crowd)
        .args(["10", &(outputs / 10).to_string()]);
    let said = ran(&mut valgrind).stderr;
    let said = String::from_utf8_lossy(&said);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, number) = collected.expect("a count");
    number.trim().parse().expect("a number")
}

fn ran(command: &mut Command) -> Output {
    let output = command.output().expect("it is installed");
    assert!(output.status.success(), "{output:?}");
    output
}

/// A third more than one compiler needs.
const MOST: u64 = 35;
