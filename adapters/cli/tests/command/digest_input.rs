//! What `childminder report` takes for a report, and what it makes of what is none.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::digests::{day, digest, digest_of, failure, object, of_day, report};
use crate::support::{BINARY, Place, childminder, piped, start, text};

/// As `cat r/*.json` gives them.
#[test]
fn one_stream_may_have_many() {
    let input = (0..5)
        .map(|number| report(failure("a", 5 - number, "exit status 3")))
        .collect::<String>();
    let digest = object(&digest_of(&["--json"], &input));
    assert_eq!(digest["reports"], 5);
    assert_eq!(digest["first_to_fail"]["report"], "-:5");
    assert_eq!(digest["missing"], json!([]));

    let place = Place::new();
    let file = text(&place.file("all", &input));
    let digest = object(&start(childminder(["report", "--json", &file])).finish());
    assert_eq!(digest["first_to_fail"]["report"], format!("{file}:5"));
    assert_eq!(digest["failures"][4]["report"], file);
}

#[test]
fn a_directory_is_the_reports_in_it() {
    let place = Place::new();
    for name in [
        "b.json",
        "c.json",
        "a.json",
        "d.json",
        ".a.json.7.tmp",
        ".e.json",
    ] {
        place.file(name, report(json!({})));
    }
    place.file("record", "{}");
    fs::create_dir(place.path("f.json")).expect("a directory");
    let ended = digest(&[
        "--json",
        &text(&place.path("f.json")),
        &text(&place.path("")),
    ]);
    assert_eq!(ended.status, 125);
    let said = format!(
        "childminder: {0}: no name in this directory ends in .json\nchildminder: {0} cannot be read: Is a directory (os error 21)\n",
        text(&place.path("f.json"))
    );
    assert_eq!(ended.stderr(), said);
    let digest = object(&ended);
    assert_eq!(
        (&digest["reports"], &digest["unreadable"]),
        (&json!(4), &json!(2))
    );
    let runs = digest["slowest"].as_array().expect("runs").iter();
    let names: Vec<_> = runs
        .map(|run| run["report"].as_str().expect("a name"))
        .collect();
    let here = text(&place.path(""));
    assert_eq!(
        names,
        ["a", "b", "c", "d"].map(|name| format!("{here}{name}.json"))
    );
}

#[test]
fn what_is_no_report_is_named_and_the_others_count() {
    let place = Place::new();
    let good = text(&place.file("good", report(json!({}))));
    let cut = report(json!({}));
    let shown = |name: &str| text(&place.path(name));
    for (name, contents, why) in [
        ("empty", "", "is empty"),
        ("cut", &cut[..cut.len() / 2], "is cut short, in line "),
        (
            "text",
            "what?",
            "is no JSON: expected value at line 1 column 1",
        ),
        (
            "record",
            "{\"flight_record\":1}",
            "is no report of childminder's: missing field `command`",
        ),
        ("number", "1e999", "is no report of childminder's: "),
        ("array", "[[[", "is cut short, in line 1"),
        (
            "wrong",
            &cut.replace("\"a\"", "[]"),
            "is no report of childminder's: invalid type: sequence, expected a string",
        ),
        (
            "late",
            &format!("{cut}{{}}"),
            "object 2, is no report of childminder's: missing field `command`",
        ),
    ] {
        place.file(name, contents);
        let ended = digest(&["--json", &shown(name), &good]);
        let said = ended.stderr();
        assert_eq!(ended.status, 125, "{said}");
        assert!(
            said.starts_with(&format!("childminder: {}", shown(name))),
            "{said}"
        );
        assert!(said.contains(why), "{said}");
        assert_eq!(object(&ended)["unreadable"], 1, "{name}");
        let count = if name == "late" { 2 } else { 1 };
        assert_eq!(object(&ended)["reports"], count, "{name}");
    }
    let ended = digest(&[&shown("nowhere"), &good]);
    ended.expect(
        125,
        &format!(
            "childminder: cannot read {}: No such file or directory (os error 2)\n",
            shown("nowhere")
        ),
    );
    assert!(
        ended
            .stdout()
            .starts_with("1 report: 1 succeeded, 0 failed, 1 unreadable\n")
    );
    let nothing = digest_of(&[], "");
    nothing.expect(125, "childminder: standard input is empty\n");
    assert_eq!(
        nothing.stdout(),
        "0 reports: 0 succeeded, 0 failed, 1 unreadable\n"
    );
}

#[test]
fn a_stream_goes_on_behind_what_is_no_report() {
    let report = report(json!({}));
    let ended = digest_of(
        &["--json"],
        format!("{report}{}{report}", "{}\n[]\n".repeat(10)),
    );
    assert_eq!(ended.status, 125);
    let said: Vec<_> = ended.stderr().lines().collect();
    assert_eq!(said.len(), 11);
    assert_eq!(
        said[0],
        "childminder: standard input, object 2, is no report of childminder's: missing field `command` at line 1 column 2"
    );
    assert_eq!(said[10], "childminder: 10 more are no reports");
    let digest = object(&ended);
    assert_eq!(
        (&digest["reports"], &digest["unreadable"]),
        (&json!(2), &json!(20))
    );
}

/// Of many, the output of one is kept at a time; and no limit is one of all together.
#[test]
fn many_large_reports_take_little_memory() {
    let place = Place::new();
    let mut large = failure("a", 1, "exit status 3");
    large["tail"] = json!([{ "stream": "stdout", "text": "x".repeat(1 << 20) }]);
    let file = text(&place.file("large", report(large)));
    let script =
        "for i in $(seq 100); do cat \"$1\"; done | { ulimit -v 100000; exec \"$2\" report -; }";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", &file, BINARY]);
    let ended = start(piped(command)).finish();
    ended.expect(1, "");
    assert!(
        ended
            .stdout()
            .starts_with("100 reports: 0 succeeded, 100 failed\n")
    );
}

/// What has no end is not kept.
#[test]
fn what_is_longer_than_any_report_is_refused() {
    let endless = "{ printf '{\"command\": [\"'; yes | tr -d '\\n'; } | \"$@\"";
    let limit = format!("ulimit -v 1000000; {endless}");
    let mut command = Command::new("sh");
    command.args(["-c", &limit, "sh", BINARY, "report", "-"]);
    let ended = start(piped(command)).finish();
    ended.expect(
        125,
        "childminder: standard input cannot be read: it is longer than any report\n",
    );
}

#[test]
fn the_terminal_is_not_at_the_mercy_of_names() {
    let place = Place::new();
    let mut hostile = failure("a\u{1b}[2Jb\u{9b}c", 7, "no\r\n\u{1b}]0;title\u{7}");
    hostile["command"] = json!(["a\nb", "\u{1b}c"]);
    hostile["tail"] = json!([{ "stream": "stdout", "text": "\u{1b}[31mred\u{7f}" }]);
    hostile["asked_by"] = Value::Null;
    let one = text(&place.file("\u{1b}one.json", report(hostile.clone())));
    hostile["asked_by"] = json!("SIG\u{1b}TERM");
    hostile["host"] = json!("\u{1b}d");
    let two = text(&place.file("two.json", report(hostile)));
    let bad = text(&place.file("bad\u{1b}.json", "{}"));
    // As to a terminal: nothing is taken out.
    let mut command = childminder(["report", &one, &two, &bad]);
    command.env("CLICOLOR_FORCE", "1");
    let ended = start(command).finish();
    assert_eq!(ended.status, 125);
    let styles = ["\u{1b}[1m", "\u{1b}[31m", "\u{1b}[0m"];
    let plain = styles
        .iter()
        .fold(ended.stdout().to_owned(), |plain, style| {
            plain.replace(style, "")
        });
    assert_ne!(plain, ended.stdout());
    for said in [&plain, ended.stderr()] {
        let mut chars = said.chars().filter(|char| char.is_control());
        assert!(chars.all(|char| char == '\n'), "{said:?}");
    }
    for escaped in [
        "a\\u{1b}[2Jb\\u{9b}c",
        "    no\\r\\n\\u{1b}]0;title\\u{7}\n",
        "    $ a\\nb \\u{1b}c\n",
        "    | \\u{1b}[31mred\\u{7f}\n",
        "  ended by SIG\\u{1b}TERM to childminder  ",
        "/\\u{1b}one.json",
    ] {
        assert!(plain.contains(escaped), "{escaped}: {plain}");
    }
}

/// And what is as large as a number can be.
#[test]
fn times_at_the_end_of_time_are_told() {
    let input = report(json!({
        "started_unix_ns": u64::MAX, "duration_ns": u64::MAX, "longest_silence_ns": u64::MAX, "output_bytes": u64::MAX,
        "status": 255, "error": { "type": "exit", "at_ns": u64::MAX, "silent_ns": 0, "message": "" },
        "command": [""]
    }));
    let ended = digest_of(&[], input);
    ended.expect(1, "");
    assert!(
        ended
            .stdout()
            .contains("\n    2554-07-21T23:34:33Z, 0s after its start\n"),
        "{}",
        ended.stdout()
    );
    assert!(
        ended
            .stdout()
            .contains("  213503d23h  213503d23h   4 MiB  18446744073 GB\n"),
        "{}",
        ended.stdout()
    );
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let place = day();
    let mut command = of_day(&place);
    command.stdout(writer);
    start(command).finish().expect(1, "");
    let mut command = childminder(["report", "-"]);
    command.stdout(
        fs::File::options()
            .write(true)
            .open("/dev/full")
            .expect("/dev/full"),
    );
    start(command).finish().expect(
        125,
        "childminder: standard input is empty\nchildminder: cannot write to standard output: No space left on device (os error 28)\n",
    );
}
