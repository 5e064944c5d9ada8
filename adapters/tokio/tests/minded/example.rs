//! The example does what it says.

use std::collections::BTreeMap;
use std::env;
use std::process::Command;

#[test]
fn the_agent_gives_each_of_two_hundred_jobs_its_verdict() {
    let test = env::current_exe().expect("this test");
    let target = test.ancestors().nth(2).expect("where it was built");
    let output = Command::new(target.join("examples/ci_agent"))
        .output()
        .expect(
            "built by `cargo build --examples`, and by `cargo test` unless it is told otherwise",
        );
    assert!(output.status.success(), "{output:?}");
    let verdicts = String::from_utf8(output.stdout).expect("text");
    let mut counts = BTreeMap::new();
    for line in verdicts.lines() {
        let (_, verdict) = line.split_once(": ").expect("a job and its verdict");
        *counts.entry(verdict).or_insert(0) += 1;
    }
    let expected = [
        ("0 bytes, exit status 3", 40),
        ("0 bytes, leaked", 40),
        ("0 bytes, no activity within the idle timeout", 40),
        ("1000000 bytes, ok", 40),
        ("6 bytes, ok", 40),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
}
