//! `--report` and `--tail`.

use serde_json::{Value, json};

use crate::support::{Place, json, minding, run, start, text};

#[test]
fn a_report_tells_everything() {
    let place = Place::new();
    run(
        &place.options("--idle 300ms"),
        "echo one; echo two >&2; exec sleep 60",
    );
    let report = place.report();
    let (error, signals) = (&report["error"], &report["signals"]);
    assert_eq!(
        report["command"],
        json!(["sh", "-c", "echo one; echo two >&2; exec sleep 60"])
    );
    assert_eq!(report["status"], 124);
    assert_eq!(error["type"], "idle_timeout");
    assert_eq!(error["message"], "silent for 300ms (--idle)");
    assert_eq!(report["exit"], json!({ "signal": 2, "name": "SIGINT" }));
    assert_eq!(report["terminated"], true);
    assert_eq!(report["leaked"], false);
    assert_eq!(signals[0]["name"], "SIGINT");
    assert_eq!(signals[0]["signal"], 2);
    assert_eq!(report["later_errors"], json!([]));
    let nanos = |value: &Value| value.as_u64().expect("nanoseconds");
    assert_eq!(nanos(&signals[0]["at_ns"]), nanos(&error["at_ns"]));
    assert!(nanos(&error["at_ns"]) >= nanos(&report["last_output_ns"]) + 300_000_000);
    assert!(nanos(&report["duration_ns"]) >= nanos(&error["at_ns"]));
}

#[test]
fn a_report_of_success() {
    let place = Place::new();
    run(&place.options(""), "exit 0");
    let report = place.report();
    assert_eq!(report["status"], 0);
    assert_eq!(report["error"], Value::Null);
    assert_eq!(report["exit"], json!({ "code": 0 }));
    assert_eq!(report["terminated"], false);
    assert_eq!(report["last_output_ns"], Value::Null);
    assert_eq!(report["signals"], json!([]));
    assert_eq!(report["tail"], json!([]));
}

#[test]
fn the_status_is_the_one_we_exit_with() {
    let place = Place::new();
    for (script, error) in [
        ("exit 3", "exit"),
        ("kill -TERM $$", "exit"),
        ("sleep 60", "run_timeout"),
    ] {
        let ended = run(&place.options("--wall 500ms"), script);
        assert_eq!(place.report()["status"], ended.status, "{script}");
        assert_eq!(place.report()["error"]["type"], error, "{script}");
    }
}

#[test]
fn on_standard_output_it_follows_what_the_child_wrote() {
    let ended = run("--report -", "seq 1 100000");
    let (output, report) = ended.stdout().split_once("\n{\n").expect("a report");
    assert!(output.ends_with("\n99999\n100000"));
    assert_eq!(json(format!("{{\n{report}").as_bytes())["status"], 0);
}

#[test]
fn the_tail_is_the_last_lines() {
    let tail = |options: &str, script: &str| {
        let place = Place::new();
        run(&place.options(options), script);
        place.report()["tail"].clone()
    };
    let line = |stream: &str, text: &str| json!({ "stream": stream, "text": text });
    assert_eq!(
        tail("--tail 2", "echo a; echo b; sleep 0.1; printf c >&2"),
        json!([line("stdout", "b"), line("stderr", "c")])
    );
    assert_eq!(tail("--tail 0", "echo a"), json!([]));
    let ten: Vec<_> = (91..=100).map(|n| line("stdout", &n.to_string())).collect();
    assert_eq!(tail("", "seq 1 100"), json!(ten));
}

#[test]
fn a_report_that_cannot_be_written_costs_nothing_but_a_start() {
    let place = Place::new();
    let marker = text(&place.path("marker"));
    for option in ["--report", "--record"] {
        let ended = run(
            &format!("{option} /no/such/file"),
            &format!("echo > {marker}"),
        );
        ended.expect(
            125,
            "childminder: cannot write /no/such/file: No such file or directory (os error 2)\n",
        );
        assert!(!place.path("marker").exists());
    }
}

#[test]
fn a_report_that_does_not_fit_is_our_failure() {
    let said = "childminder: cannot write the report: No space left on device (os error 28)\n";
    run("--report /dev/full", "exit 0").expect(125, said);
    run("--report /dev/full", "exit 3").expect(3, said);

    let mut command = minding("--report -", "exit 0");
    let full = std::fs::File::options().write(true).open("/dev/full");
    command.stdout(full.expect("/dev/full"));
    start(command).finish().expect(
        125,
        "childminder: cannot write to standard output: No space left on device (os error 28)\n",
    );
}
