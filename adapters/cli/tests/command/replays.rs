//! `childminder replay`.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Ended, Place, childminder, start, text, through};

const RECORD: &str = r#"{"flight_record":1,"name":"example","config":{}}
{"at_ns":0,"event":{"type":"started"},"actions":[]}
{"at_ns":9,"event":{"type":"terminate"},"actions":[{"type":"send_signal","signal":2,"target":"group"},{"type":"schedule_timer","at_ns":5000000009}]}
{"at_ns":10,"event":{"type":"output_closed"},"actions":[]}
{"at_ns":11,"event":{"type":"child_exited","code":0},"actions":[{"type":"send_signal","signal":9,"target":"group"},{"type":"schedule_timer","at_ns":null},{"type":"reap"},{"type":"finish","error":null}]}
"#;

const SIGNAL: &str = r#"{"type":"send_signal","signal":2,"target":"group"}"#;

fn replay(files: &[&str]) -> Ended {
    start(childminder([&["replay"], files].concat())).finish()
}

#[test]
fn the_same_actions_are_no_difference() {
    let place = Place::new();
    let one = text(&place.file("one", RECORD));
    let three = text(&place.file("three", RECORD.repeat(3)));
    let ended = replay(&[&one, &three]);
    ended.expect(0, "");
    assert_eq!(ended.stdout(), "4 runs, 16 steps, 0 differences\n");
}

#[test]
fn differences_are_shown() {
    let at = "run \"example\", line 3, step 2, at 9 ns: {\"type\":\"terminate\"}";
    let timer = r#"{"type":"schedule_timer","at_ns":5000000009}"#;
    let place = Place::new();
    for (what, record, shown) in [
        (
            "changed",
            RECORD.replace("\"signal\":2", "\"signal\":15"),
            format!(
                "expected {}\n           {timer}\n  came     {SIGNAL}\n           {timer}",
                SIGNAL.replace('2', "15")
            ),
        ),
        (
            "missing",
            RECORD.replace(&format!("{SIGNAL},"), ""),
            format!("expected {timer}\n  came     {SIGNAL}\n           {timer}"),
        ),
        (
            "extra",
            RECORD.replace(timer, &format!(r#"{timer},{{"type":"reap"}}"#)),
            format!(
                "expected {SIGNAL}\n           {timer}\n           {{\"type\":\"reap\"}}\n  came     {SIGNAL}\n           {timer}"
            ),
        ),
    ] {
        let file = text(&place.file(what, record));
        let ended = replay(&[&file]);
        assert_eq!(ended.status, 1, "{what}");
        assert_eq!(
            ended.stdout(),
            format!("{file}: {at}\n  {shown}\n1 runs, 4 steps, 1 differences\n")
        );
    }
}

#[test]
fn only_the_first_differences_are_shown() {
    let place = Place::new();
    let many = RECORD.replace("\"signal\":2", "\"signal\":15").repeat(30);
    let ended = replay(&[&text(&place.file("many", many))]);
    assert_eq!(ended.status, 1);
    assert_eq!(ended.stdout().matches("step 2").count(), 10);
    assert!(
        ended
            .stdout()
            .ends_with("\n30 runs, 120 steps, 30 differences\n")
    );
}

#[test]
fn what_is_no_record_is_named_and_the_others_are_replayed() {
    let place = Place::new();
    let good = text(&place.file("good", RECORD));
    for (name, contents, fault) in [
        ("empty", "", "line 1: "),
        ("text", "hello\n", "line 1: "),
        (
            "torn",
            &RECORD.replacen("\"actions\":[]}", "\"act", 1),
            "line 2: ",
        ),
        (
            "backwards",
            &RECORD.replace("\"at_ns\":10,", "\"at_ns\":8,"),
            "line 4: `at_ns` is 8, and 9 in the step before",
        ),
        (
            "twice",
            &RECORD.replace("terminate", "started"),
            "line 3: the event `started` makes no sense here",
        ),
        (
            "unstarted",
            &RECORD.replace("started", "tick"),
            "line 2: the run begins with `tick`; it must begin with `started`",
        ),
        (
            "endless",
            &" ".repeat(2 << 20),
            "line 1: longer than 1048576 bytes",
        ),
        (
            "negative",
            &RECORD.replace("\"at_ns\":9", "\"at_ns\":-9"),
            "line 3: `at_ns` is -9",
        ),
    ] {
        let bad = text(&place.file(name, contents));
        let ended = replay(&[&bad, &good]);
        assert_eq!(ended.status, 125, "{name}");
        let said = format!("childminder: {bad}: {fault}");
        assert!(ended.stderr().starts_with(&said), "{}", ended.stderr());
        assert!(ended.stdout().ends_with(" steps, 0 differences\n"));
        assert!(
            ended.stdout().starts_with("1 runs, 4 "),
            "{}",
            ended.stdout()
        );
    }
}

#[test]
fn a_file_that_is_not_there_is_named_and_the_others_are_replayed() {
    let place = Place::new();
    let (good, missing) = (
        text(&place.file("good", RECORD)),
        text(&place.path("missing")),
    );
    let ended = replay(&[&missing, &good]);
    ended.expect(
        125,
        &format!("childminder: cannot read {missing}: No such file or directory (os error 2)\n"),
    );
    assert_eq!(ended.stdout(), "1 runs, 4 steps, 0 differences\n");
}

#[test]
fn a_record_that_is_cut_short_is_replayed_as_far_as_it_goes_and_said_to_be() {
    let place = Place::new();
    let end = RECORD.lines().last().expect("a line");
    let whole_lines = &RECORD[..RECORD.len() - end.len() - 1];
    let in_a_line = &RECORD[..RECORD.len() - end.len() / 2];
    for (name, contents, line) in [("killed", whole_lines, 4), ("full", in_a_line, 5)] {
        let file = text(&place.file(name, contents));
        let ended = replay(&[&file]);
        ended.expect(
            0,
            &format!("childminder: {file}: line {line}: the record is cut short: run \"example\" has no `finish`\n"),
        );
        assert_eq!(ended.stdout(), "1 runs, 3 steps, 0 differences\n");
    }
    let stopped = format!("{whole_lines}{{\"at_ns\":10,\"stopped\":true}}\n{RECORD}");
    let file = text(&place.file("stopped", stopped));
    let ended = replay(&[&file]);
    ended.expect(
        0,
        &format!("childminder: {file}: line 5: the record of run \"example\" was stopped at 10 ns, before the run ended\n"),
    );
    assert_eq!(ended.stdout(), "2 runs, 7 steps, 0 differences\n");

    // What differs is told beside it, and counts.
    let file = text(&place.file("both", whole_lines.replace("\"signal\":2", "\"signal\":9")));
    let ended = replay(&[&file]);
    assert_eq!(ended.status, 1);
    assert!(ended.stderr().contains("cut short"), "{}", ended.stderr());

    let many = text(&place.file("many", whole_lines.repeat(30)));
    let ended = replay(&[&many]);
    assert_eq!(ended.status, 0);
    let said = ended.stderr();
    assert_eq!(said.lines().count(), 11, "{said}");
    assert!(
        said.ends_with("childminder: 20 more records of runs are cut short\n"),
        "{said}"
    );
}

#[test]
fn a_dash_is_standard_input() {
    let mut command = childminder(["replay", "-"]);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let mut input = running.stdin();
    input.write_all(RECORD.as_bytes()).expect("its input");
    drop(input);
    let ended = running.finish();
    ended.expect(0, "");
    assert_eq!(ended.stdout(), "1 runs, 4 steps, 0 differences\n");
}

/// With little memory: neither a file without an end nor a long run is held.
#[test]
fn memory_is_bounded() {
    let little = ["sh", "-c", "ulimit -v 100000; exec \"$@\"", "sh"];
    let ended = start(through(&little, &childminder(["replay", "/dev/zero"]))).finish();
    ended.expect(
        125,
        "childminder: /dev/zero: line 1: longer than 1048576 bytes; no line of a record is\n",
    );

    let place = Place::new();
    let mut lines = RECORD.lines();
    let begin: Vec<_> = lines.by_ref().take(2).collect();
    let tick = r#"{"at_ns":0,"event":{"type":"tick"},"actions":[]}"#;
    let ticks = format!("{tick}\n").repeat(200_000);
    let end: Vec<_> = lines.collect();
    let long = format!("{}\n{ticks}{}\n", begin.join("\n"), end.join("\n"));
    let file = text(&place.file("long", long));
    let ended = start(through(&little, &childminder(["replay", &file]))).finish();
    ended.expect(0, "");
    assert_eq!(ended.stdout(), "1 runs, 200004 steps, 0 differences\n");
}
