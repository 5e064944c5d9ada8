//! What a report has so that it can be compared with others.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Place, minding, minding_words, run, start};

/// The report of such a run.
fn report(options: &str, script: &str) -> Value {
    let place = Place::new();
    run(&place.options(options), script);
    place.report()
}

/// The same without a record, which would have all output watched.
fn report_alone(options: &str, script: &str) -> Value {
    let place = Place::new();
    let report = place.path("report");
    run(&format!("{options} --report {}", report.display()), script);
    place.report()
}

fn number(value: &Value) -> u128 {
    value.as_u64().expect("a number").into()
}

#[test]
fn it_tells_where_and_when() {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a time")
    };
    let host = rustix::system::uname();
    for program in ["true", "no-such-command"] {
        let place = Place::new();
        let before = now().as_nanos();
        start(minding_words(&place.options(""), &[program])).finish();
        let report = place.report();
        let started = number(&report["started_unix_ns"]);
        let ended = started + number(&report["duration_ns"]);
        assert!(before <= started && ended <= now().as_nanos(), "{report}");
        assert_eq!(report["host"], host.nodename().to_str().expect("a name"));
    }
}

#[test]
fn the_longest_silence_is_told() {
    let silence = |options: &str, script: &str| {
        let report = report(options, script);
        let silence = number(&report["longest_silence_ns"]);
        assert!(silence <= number(&report["duration_ns"]), "{report}");
        silence / 1_000_000
    };
    // It begins when childminder sees what the command does.
    let long = 600..4000;
    for (options, script) in [
        ("", "sleep 1; echo"),
        ("", "echo; sleep 1; echo; sleep 0.1"),
        ("", "echo; sleep 1"),
        ("--activity stderr", "sleep 0.5; echo; sleep 0.5"),
        (
            "--activity notify",
            "sleep 1; exec python3 -c 'import sdnotify; sdnotify.SystemdNotifier().notify(\"READY=1\")'",
        ),
    ] {
        let silence = silence(options, script);
        assert!(long.contains(&silence), "{script}: {silence}");
    }
    let chatty = "i=0; while [ $i -lt 20 ]; do echo; sleep 0.1; i=$((i + 1)); done";
    let between = silence("", chatty);
    assert!((50..1500).contains(&between), "{between}");
}

#[test]
fn what_it_wrote_is_counted() {
    let script = "seq 1 100; seq 1 10 >&2";
    for options in ["", "--tty --tail 0"] {
        let report = report_alone(options, script);
        // A terminal has each line end with two bytes.
        let ends = if options.is_empty() { 0 } else { 110 };
        assert_eq!(report["output_bytes"], 292 + 21 + ends);
    }
    assert_eq!(report_alone("", "exit 0")["output_bytes"], 0);
}

#[test]
fn what_nothing_watched_for_is_not_told() {
    let expect = |options: &str, sees_activity: bool, sees_all: bool| {
        let report = report_alone(options, "echo");
        let (silence, bytes) = (&report["longest_silence_ns"], &report["output_bytes"]);
        assert_eq!(silence.is_u64(), sees_activity, "{options}");
        assert_eq!(bytes.is_u64(), sees_all, "{options}");
    };
    expect("", true, true);
    expect("--tail 0", false, false);
    expect("--tail 0 --activity stdout", false, false);
    expect("--tail 0 --idle 60s", true, true);
    expect("--tail 0 --idle 60s --activity stdout", true, false);
    expect("--tail 0 --first-output 60s --activity stderr", true, true);
    expect("--tail 0 --activity notify", true, false);
    expect("--tail 0 --tty", true, true);

    let place = Place::new();
    start(minding_words(&place.options(""), &["no-such-command"])).finish();
    let report = place.report();
    assert_eq!(report["longest_silence_ns"], Value::Null);
    assert_eq!(report["output_bytes"], Value::Null);
}

#[test]
fn who_asked_for_the_end_is_told() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let place = Place::new();
        let mut running = start(minding(&place.options(""), "echo; exec sleep 60"));
        running.line();
        running.signal(signal);
        running.finish();
        assert_eq!(place.report()["asked_by"], name);
    }
    for (options, script) in [
        ("--idle 300ms", "exec sleep 60"),
        ("", "kill -TERM $$"),
        ("", "exit 0"),
    ] {
        assert_eq!(report(options, script)["asked_by"], Value::Null, "{script}");
    }

    // It was being ended already.
    let place = Place::new();
    let script = "trap 'echo; sleep 60 & wait' INT; sleep 60 & wait";
    let mut running = start(minding(&place.options("--idle 300ms -k 60s"), script));
    running.line();
    running.insist(Signal::TERM);
    running.finish();
    assert_eq!(place.report()["asked_by"], Value::Null);
}
