//! `childminder report`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::seat::Terminal;
use crate::support::{
    Ended, Place, Running, childminder, json, minding, run, start, text, validate,
};

pub(crate) fn digest(args: &[&str]) -> Ended {
    start(childminder([&["report"], args].concat())).finish()
}

/// With this on standard input.
pub(crate) fn digest_of(args: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut command = childminder([&["report"], args, &["-"]].concat());
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let mut stdin = running.stdin();
    stdin.write_all(input.as_ref()).expect("it is read");
    drop(stdin);
    running.finish()
}

/// The object of `--json`, which is as its documentation says.
#[track_caller]
pub(crate) fn object(ended: &Ended) -> Value {
    let schema = json(include_bytes!("../../digest.schema.json"));
    let documented = jsonschema::validator_for(&schema).expect("a schema");
    let digest = json(&ended.stdout);
    if let Err(error) = documented.validate(&digest) {
        panic!("{error}: {digest:#}");
    }
    digest
}

/// A report of success after a second, but for what is different.
pub(crate) fn report(different: Value) -> String {
    let mut report = json!({
        "command": ["work", "hard"], "pid": 7, "host": "a", "started_unix_ns": START, "status": 0, "error": null,
        "exit": { "code": 0 }, "terminated": false, "asked_by": null, "leaked": false, "duration_ns": SECOND,
        "last_output_ns": null, "longest_silence_ns": SECOND / 2, "output_bytes": 2048, "signals": [],
        "later_errors": [], "warnings_ns": [], "ready_ns": null, "stopping_ns": null, "notify_status": null,
        "tree": {
            "mechanism": "group", "init": false, "orphans_reaped": 0, "killed": [], "survivors": [], "notes": [],
            "oom_kills": 0
        },
        "tail": [], "usage": { "user_ns": 0, "system_ns": 0, "peak_memory_bytes": 4 << 20 }
    });
    let Value::Object(different) = different else {
        panic!("no object: {different}");
    };
    report.as_object_mut().expect("an object").extend(different);
    validate(&report);
    format!("{report:#}\n")
}

/// What is different about a run that failed so long after the start of the first.
pub(crate) fn failure(host: &str, millis: u64, message: &str) -> Value {
    json!({
        "host": host,
        "status": 3,
        "error": { "type": "exit", "at_ns": millis * 1_000_000, "silent_ns": 0, "message": message }
    })
}

fn ended_by(signal: &str, host: &str, millis: u64) -> Value {
    let mut different = failure(host, millis, "killed by SIGTERM");
    different["asked_by"] = signal.into();
    different
}

const SECOND: u64 = 1_000_000_000;

/// 2026-11-28T08:00:00Z
const START: u64 = 1_795_852_800 * SECOND;

/// What the tasks are whose digest is [`DAY`], by their numbers.
pub(crate) fn day() -> Place {
    let place = Place::new();
    for number in (0..20).filter(|number| *number != 13) {
        let mut different = match number {
            5 => {
                let mut hung = failure("node-5", 602_000, "silent for 600s (--idle)");
                hung["duration_ns"] = json!(605 * SECOND);
                hung["longest_silence_ns"] = json!(600 * SECOND);
                let line = |stream: &str, text: &str| json!({ "stream": stream, "text": text });
                hung["tail"] = json!([line("stdout", "step 1"), line("stderr", "waits for 7")]);
                hung
            }
            8 => failure("node-8", 602_500, "killed by SIGSEGV"),
            9 => failure("node-9", 603_000, "exit status 3"),
            10 => failure("node-10", 604_000, "exit status 3"),
            11.. => ended_by("SIGTERM", &format!("node-{number}"), 602_400 + number),
            _ => json!({ "host": format!("node-{number}") }),
        };
        if number == 3 {
            different["usage"] =
                json!({ "user_ns": 0, "system_ns": 0, "peak_memory_bytes": 3_u64 << 30 });
        }
        if number == 4 {
            different["output_bytes"] = json!(5 << 20);
        }
        place.file(&format!("17.{number}.json"), report(different));
    }
    place
}

const DAY: &str = "\
19 reports: 7 succeeded, 12 failed, 1 missing

First to fail: 17.5.json on node-5
    2026-11-28T08:10:02Z, 10m02s after its start
    silent for 600s (--idle)
    $ work hard
    | step 1
    | waits for 7

The others that failed (by the clocks of 19 hosts, as they are):
    +411ms  ended by SIGTERM to childminder  8 runs until +419ms, first 17.11.json on node-11
    +500ms  killed by SIGSEGV                17.8.json on node-8
       +1s  exit status 3                    2 runs until +2s: 17.9.json on node-9, 17.10.json on node-10

Missing, by the numbers in the names of the others:
    17.13.json

                                  took  silent    memory   output
slowest      17.5.json  node-5  10m05s     10m     4 MiB  2.04 kB
             17.0.json  node-0      1s   500ms     4 MiB  2.04 kB
             17.1.json  node-1      1s   500ms     4 MiB  2.04 kB
most silent  17.5.json  node-5  10m05s     10m     4 MiB  2.04 kB
             17.0.json  node-0      1s   500ms     4 MiB  2.04 kB
             17.1.json  node-1      1s   500ms     4 MiB  2.04 kB
most memory  17.3.json  node-3      1s   500ms  3072 MiB  2.04 kB
             17.0.json  node-0      1s   500ms     4 MiB  2.04 kB
             17.1.json  node-1      1s   500ms     4 MiB  2.04 kB
most output  17.4.json  node-4      1s   500ms     4 MiB  5.24 MB
             17.0.json  node-0      1s   500ms     4 MiB  2.04 kB
             17.1.json  node-1      1s   500ms     4 MiB  2.04 kB
median                              1s   500ms     4 MiB  2.04 kB
";

/// `childminder report` of [`day`], whose names are in the order of their numbers.
pub(crate) fn of_day(place: &Place) -> Command {
    let mut command = childminder(["report"]);
    command.current_dir(place.path(""));
    command.env("TERM", "xterm").env_remove("NO_COLOR");
    command.args(
        (0..20)
            .filter(|number| *number != 13)
            .map(|number| format!("17.{number}.json")),
    );
    command
}

#[test]
fn it_tells_who_failed_first_and_why() {
    let ended = start(of_day(&day())).finish();
    ended.expect(1, "");
    assert_eq!(ended.stdout(), DAY);
}

#[test]
fn the_same_facts_are_there_for_programs() {
    let place = day();
    let mut command = of_day(&place);
    command.arg("--json");
    let ended = start(command).finish();
    ended.expect(1, "");
    let digest = object(&ended);
    for (key, value) in [
        ("reports", json!(19)),
        ("succeeded", json!(7)),
        ("failed", json!(12)),
        ("unreadable", json!(0)),
        ("missing", json!(["17.13.json"])),
        ("hosts", json!(19)),
        ("first_started_unix_ns", json!(START)),
    ] {
        assert_eq!(digest[key], value, "{key}");
    }
    let first = &digest["first_to_fail"];
    let mut failure = first.clone();
    let removed = ["command", "tail"].map(|key| failure.as_object_mut().expect("one").remove(key));
    assert_eq!(removed[0], Some(json!(["work", "hard"])));
    assert_eq!(
        removed[1]
            .as_ref()
            .and_then(|tail| tail[1]["text"].as_str()),
        Some("waits for 7")
    );
    assert_eq!(
        failure,
        json!({
            "report": "17.5.json", "host": "node-5", "status": 3, "failed_unix_ns": START + 602 * SECOND, "type": "exit",
            "message": "silent for 600s (--idle)", "asked_by": null, "oom_kills": 0
        })
    );
    let failures = digest["failures"].as_array().expect("failures");
    let names: Vec<_> = failures
        .iter()
        .map(|failure| failure["report"].as_str().expect("a name"))
        .collect();
    let asked: Vec<_> = [11, 12, 14, 15, 16, 17, 18, 19]
        .map(|number| format!("17.{number}.json"))
        .into();
    let expected = ["17.5.json"]
        .into_iter()
        .chain(asked.iter().map(String::as_str));
    let expected: Vec<_> = expected
        .chain(["17.8.json", "17.9.json", "17.10.json"])
        .collect();
    assert_eq!(names, expected);
    assert_eq!(failures[1]["asked_by"], "SIGTERM");
    for (ranking, name) in [
        ("slowest", "17.5.json"),
        ("most_silent", "17.5.json"),
        ("most_memory", "17.3.json"),
        ("most_output", "17.4.json"),
    ] {
        assert_eq!(digest[ranking][0]["report"], name);
        assert_eq!(digest[ranking].as_array().expect("runs").len(), 10);
    }
    assert_eq!(digest["median"]["longest_silence_ns"], SECOND / 2);
}

/// What this command shows on a terminal of so many columns.
fn shown(columns: u16, mut command: Command, mark: &str) -> String {
    let mut terminal = Terminal::new();
    terminal.resize(24, columns);
    command.stdout(terminal.stdio());
    let running = start(command);
    let shown = terminal.shows(mark);
    running.finish();
    shown
}

#[test]
fn on_a_terminal_it_fits() {
    let place = day();
    for columns in [64, 52] {
        let shown = shown(columns, of_day(&place), "\r\nmedian");
        let plain = shown
            .replace("\x1b[1m", "")
            .replace("\x1b[31m", "")
            .replace("\x1b[0m", "");
        assert!(!plain.contains('\x1b'), "{plain}");
        let mut widths = plain.lines().map(|line| line.chars().count());
        assert!(widths.all(|width| width <= columns.into()), "{plain}");
        assert!(plain.contains("  ended by SIGTER"), "{plain}");
    }
    let narrow = shown(64, of_day(&place), "\r\nmedian");
    assert!(
        narrow.contains("\r\nslowest      ….5.json  node-5  "),
        "{narrow}"
    );
    let narrower = shown(63, of_day(&place), "\r\nmedian");
    assert!(
        narrower.contains("\r\nslowest      17.5.json  10m05s     10m"),
        "{narrower}"
    );
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let place = day();
    let (colour, mark) = ("\x1b[1m\x1b[31m19 reports: ", "\r\nmedian");
    assert!(shown(100, of_day(&place), mark).contains(colour));
    let mut plain = of_day(&place);
    plain.env("NO_COLOR", "1");
    let plain = shown(100, plain, mark);
    assert!(!plain.contains('\x1b'), "{plain}");
    assert!(
        start(of_day(&place)).finish().stdout() == DAY,
        "no terminal"
    );
}

#[test]
fn of_a_few_all_are_told() {
    let place = Place::new();
    let one = text(&place.file("one", report(json!({}))));
    let ended = digest(&[&one]);
    ended.expect(0, "");
    let width = one.len();
    let expected = format!(
        "1 report: 1 succeeded, 0 failed\n\n{:width$}  took  silent  memory   output\n{one}    1s   500ms   4 MiB  2.04 kB\n",
        ""
    );
    assert_eq!(ended.stdout(), expected);
}

#[test]
fn the_first_is_none_that_was_asked_to_end() {
    let first = |reports: &[Value]| {
        let input: String = reports
            .iter()
            .map(|different| report(different.clone()))
            .collect();
        let ended = digest_of(&[], &input);
        assert_eq!(ended.status, 1);
        let lines = ended.stdout().lines().skip(2).map(str::to_owned);
        lines
            .take_while(|line| !line.is_empty())
            .collect::<Vec<_>>()
    };
    // Even if its clock is behind.
    let lines = first(&[
        ended_by("SIGTERM", "b", 400),
        failure("a", 500, "exit status 3"),
    ]);
    assert_eq!(lines[0], "First to fail: -:2 on a");
    // In the same nanosecond, it is the order of the names.
    let lines = first(&[
        failure("b", 500, "x"),
        failure("a", 500, "y"),
        failure("c", 499, "z"),
    ]);
    assert_eq!(lines[0], "First to fail: -:3 on c");
    let lines = first(&[failure("b", 500, "x"), failure("a", 500, "y")]);
    assert_eq!(lines[0], "First to fail: -:1 on b");

    let lines = first(&[ended_by("SIGTERM", "a", 500), ended_by("SIGINT", "a", 400)]);
    assert_eq!(
        lines,
        [
            "None failed by itself; from 2026-11-28T08:00:00Z on:",
            "       +0s  ended by SIGINT to childminder   -:2 on a",
            "    +100ms  ended by SIGTERM to childminder  -:1 on a",
        ]
    );
}

/// What is left running is not hidden among those that were ended.
#[test]
fn who_was_asked_to_end_and_did_not_has_a_reason_of_its_own() {
    let mut alive = ended_by("SIGTERM", "a", 7);
    alive["error"]["type"] = json!("unkillable");
    alive["error"]["message"] = json!("still alive");
    let input = [alive, ended_by("SIGTERM", "a", 8)].map(report).concat();
    let ended = digest_of(&[], input);
    let said = ended.stdout();
    assert!(
        said.contains("  still alive, after SIGTERM to childminder  -:1 on a\n"),
        "{said}"
    );
    assert!(
        said.contains("  ended by SIGTERM to childminder  "),
        "{said}"
    );
}

#[test]
fn what_is_behind_the_clock_of_the_first_has_a_minus() {
    let input = [failure("a", 500, "x"), ended_by("SIGTERM", "b", 400)]
        .map(report)
        .concat();
    let ended = digest_of(&[], input);
    let row = "\n    -100ms  ended by SIGTERM to childminder  -:2 on b\n";
    assert!(ended.stdout().contains(row), "{}", ended.stdout());
}

#[test]
fn of_many_reasons_the_first_are_told() {
    let failures = (0..30).map(|number| failure("a", number, &format!("reason {}", number / 2)));
    let ended = digest_of(&[], failures.map(report).collect::<String>());
    let said = ended.stdout();
    assert!(said.contains("\n     +1ms  reason 0  -:2 on a\n"), "{said}");
    assert!(
        said.contains("\n     +2ms  reason 1  2 runs until +3ms: -:3, -:4 on a\n"),
        "{said}"
    );
    assert!(said.contains("  reason 9  "), "{said}");
    assert!(
        said.contains("\n    and 10 more, for other reasons\n"),
        "{said}"
    );
    assert!(!said.contains("reason 10"), "{said}");
}

#[test]
fn a_failure_of_childminder_s_own_and_want_of_memory_are_reasons() {
    let ours = json!({ "status": 125 });
    let mut killed = failure("b", 1, "killed by SIGKILL");
    killed["tree"] = json!({
        "mechanism": "cgroup", "init": false, "orphans_reaped": 0, "killed": [], "survivors": [], "notes": [],
        "oom_kills": 1
    });
    let input = [ours, killed].map(report).concat();
    let ended = digest_of(&[], &input);
    let said = ended.stdout();
    assert!(
        said.contains("\n    killed by SIGKILL, out of memory\n"),
        "{said}"
    );
    assert!(
        said.contains("  childminder exited with 125 when the command was over  "),
        "{said}"
    );
    let digest = object(&digest_of(&["--json"], &input));
    assert_eq!(digest["failures"][0]["oom_kills"], 1);
    assert_eq!(digest["failures"][1]["type"], Value::Null);
}

#[test]
fn what_is_not_known_is_not_ranked() {
    let unknown = json!({ "longest_silence_ns": null, "output_bytes": null, "usage": null });
    let input = report(unknown).repeat(4);
    let ended = digest_of(&[], &input);
    let expected = "\
4 reports: 4 succeeded, 0 failed

              took  silent  memory  output
slowest  -:1    1s       -       -       -
         -:2    1s       -       -       -
         -:3    1s       -       -       -
median          1s       -       -       -
";
    assert_eq!(ended.stdout(), expected);
    let digest = object(&digest_of(&["--json"], &input));
    assert_eq!(digest["most_output"], json!([]));
    assert_eq!(digest["median"]["output_bytes"], Value::Null);
}

/// The real thing: one of many hangs, and somebody ends the others.
#[test]
fn reports_of_real_runs_are_read() {
    let place = Place::new();
    let name = |number: u32| text(&place.path(&format!("17.{number}.json")));
    for number in 0..3 {
        run(&format!("--report {}", name(number)), "echo done");
    }
    let others: Vec<Running> = (4..7)
        .map(|number| {
            let options = format!("--report {}", name(number));
            let mut running = start(minding(&options, "echo; exec sleep 60"));
            running.line();
            running
        })
        .collect();
    let options = format!("--idle 700ms --report {}", name(3));
    run(&options, "echo 'waits for 7'; exec sleep 60");
    for other in others {
        other.signal(Signal::TERM);
        other.finish();
    }
    let mut command = childminder(["report", "."]);
    command.current_dir(place.path(""));
    let ended = start(command).finish();
    ended.expect(1, "");
    let lines: Vec<_> = ended.stdout().lines().collect();
    assert_eq!(lines[0], "7 reports: 3 succeeded, 4 failed");
    assert!(
        lines[2].starts_with("First to fail: ./17.3.json on "),
        "{}",
        lines[2]
    );
    assert_eq!(lines[4], "    silent for 700ms (--idle)");
    assert_eq!(lines[5], "    $ sh -c echo 'waits for 7'; exec sleep 60");
    assert_eq!(lines[6], "    | waits for 7");
    assert_eq!(lines[8], "The others that failed:");
    assert!(
        lines[9].contains("s  ended by SIGTERM to childminder  3 runs until +"),
        "{}",
        lines[9]
    );
    let digest = object(&digest(&["--json", &text(&place.path(""))]));
    assert_eq!(digest["first_to_fail"]["type"], "idle_timeout");
    assert_eq!(digest["first_to_fail"]["status"], 124);
    let silence = &digest["most_silent"][0]["longest_silence_ns"];
    assert!(silence.as_u64() >= Some(700_000_000), "{silence}");
}
