//! `childminder replay`.

use crate::support::{Ended, Place, childminder, start, text};

const RECORD: &str = r#"{"flight_record":1,"name":"example","config":{}}
{"at_ns":0,"event":{"type":"started"},"actions":[]}
{"at_ns":9,"event":{"type":"terminate"},"actions":[{"type":"send_signal","signal":2,"target":"group"},{"type":"schedule_timer","at_ns":5000000009}]}
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
    assert_eq!(ended.stdout(), "4 runs, 8 steps, 0 differences\n");
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
            format!("{file}: {at}\n  {shown}\n1 runs, 2 steps, 1 differences\n")
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
            .ends_with("\n30 runs, 60 steps, 30 differences\n")
    );
}

#[test]
fn what_is_no_record_is_named_and_the_others_are_replayed() {
    let place = Place::new();
    let good = text(&place.file("good", RECORD));
    for (name, contents, fault) in [
        ("empty", "", "line 1: "),
        ("text", "hello\n", "line 1: "),
        ("torn", &RECORD[..RECORD.len() - 9], "line 3: "),
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
            ended.stdout().starts_with("1 runs, 2 "),
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
    assert_eq!(ended.stdout(), "1 runs, 2 steps, 0 differences\n");
}
