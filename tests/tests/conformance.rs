//! Conformance: the runs recorded from the ancestor, replayed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use childminder::Misuse;
use childminder_record::{Difference, Reader, Run, Summary, replay};

/// Every combination of event and situation in the ancestor's record, in as few runs as it takes.
const SMALL: &str = "data/launchpad-monitor.jsonl";

/// The whole record, which is kept outside the repository.
const WHOLE: &str = "../../shared/records/launchpad-monitor.jsonl";

#[test]
fn the_ancestors_runs_replay_without_a_difference() {
    assert_eq!(
        replay_file(&path(SMALL)).to_string(),
        "71 runs, 1163 steps, 0 differences"
    );
}

#[test]
fn all_of_the_ancestors_runs_replay_without_a_difference() {
    let path = path(WHOLE);
    if !path.exists() {
        // Past the test harness, which keeps what `println!` says of a test that passes.
        writeln!(io::stderr(), "NOT REPLAYED: no {}", path.display()).expect("stderr is open");
        return;
    }
    assert_eq!(
        replay_file(&path).to_string(),
        "1000 runs, 19413 steps, 0 differences"
    );
}

#[test]
fn the_original_is_no_difference() {
    assert_eq!(replay(&example(&[])), None);
}

#[test]
fn a_changed_action_is_a_difference() {
    let difference = first_difference(&[(r#""signal":2}"#, r#""signal":15}"#)]);
    assert_eq!(
        difference.to_string(),
        r#"run "stalled", line 3, step 2, at 10 ns: {"type":"tick"}
  expected {"type":"record_error","error":{"type":"idle_timeout"},"first":true}
           {"type":"send_signal","signal":15}
  came     {"type":"record_error","error":{"type":"idle_timeout"},"first":true}
           {"type":"send_signal","signal":2,"target":"leader"}"#
    );
}

#[test]
fn a_changed_field_of_an_actions_error_is_a_difference() {
    let difference = first_difference(&[(
        r#"{"type":"external","id":1}"#,
        r#"{"type":"external","id":2}"#,
    )]);
    assert_eq!((difference.line, difference.step), (4, 3));
    assert_eq!(
        difference.expected,
        [r#"{"type":"record_error","error":{"type":"external","id":2}}"#]
    );
    assert_eq!(
        difference.came,
        [r#"{"type":"record_error","error":{"type":"external","id":1},"first":false}"#]
    );
}

#[test]
fn a_missing_action_is_a_difference() {
    let difference = first_difference(&[(r#",{"type":"send_signal","signal":2}"#, "")]);
    assert_eq!((difference.line, difference.step), (3, 2));
    assert_eq!(difference.expected.len(), 1);
    assert_eq!(difference.came.len(), 2);
}

#[test]
fn an_extra_action_is_a_difference() {
    let difference = first_difference(&[(
        r#"{"at_ns":0,"event":{"type":"started"},"actions":[]}"#,
        r#"{"at_ns":0,"event":{"type":"started"},"actions":[{"type":"reap"}]}"#,
    )]);
    assert_eq!(
        difference.to_string(),
        r#"run "stalled", line 2, step 1, at 0 ns: {"type":"started"}
  expected {"type":"reap"}
  came     nothing"#
    );
}

#[test]
fn actions_in_another_order_are_a_difference() {
    let error = r#"{"type":"record_error","error":{"type":"idle_timeout"},"first":true}"#;
    let signal = r#"{"type":"send_signal","signal":2}"#;
    let difference =
        first_difference(&[(&format!("{error},{signal}"), &format!("{signal},{error}"))]);
    assert_eq!((difference.line, difference.step), (3, 2));
}

#[test]
fn another_time_is_a_difference() {
    let difference = first_difference(&[(r#""at_ns":10"#, r#""at_ns":9"#)]);
    assert_eq!((difference.line, difference.step), (3, 2));
    assert_eq!(difference.came, [""; 0]);
}

#[test]
fn another_ticket_is_a_difference() {
    let difference =
        first_difference(&[(r#"{"type":"fail","id":1}"#, r#"{"type":"fail","id":7}"#)]);
    assert_eq!(
        difference.to_string(),
        r#"run "stalled", line 4, step 3, at 11 ns: {"type":"fail","id":7}
  expected {"type":"fail","id":7}
  came     {"type":"fail","id":1}"#
    );
}

#[test]
fn a_ticket_of_a_refused_event_is_a_difference() {
    let difference = first_difference(&[(r#"{"type":"output"}"#, r#"{"type":"notify","id":1}"#)]);
    assert_eq!(difference.expected, [r#"{"type":"notify","id":1}"#]);
    assert_eq!(difference.came, [r#"{"type":"notify"}"#]);
    assert_eq!(
        difference.refused,
        Some(Misuse::AlreadyFinished { event: "Notify" })
    );
}

#[test]
fn a_difference_at_an_event_that_is_refused_says_so() {
    let difference = first_difference(&[(
        r#"{"at_ns":13,"event":{"type":"output"},"actions":[]}"#,
        r#"{"at_ns":13,"event":{"type":"output"},"actions":[{"type":"reap"}]}"#,
    )]);
    assert_eq!(
        difference.to_string(),
        r#"run "stalled", line 7, step 6, at 13 ns: {"type":"output","stream":"stdout","bytes":1}
  expected {"type":"reap"}
  came     nothing
  refused  `Output` cannot come after the run has ended"#
    );
}

#[test]
fn a_replay_stops_at_its_runs_first_difference_and_goes_on_with_the_next_run() {
    let changed = EXAMPLE.replace(r#""first":true"#, r#""first":false"#);
    let changed = changed.replace(r#""exit":{"signal":2}"#, r#""exit":{"code":2}"#);
    let mut summary = Summary::default();
    let differences: Vec<_> = runs(&[EXAMPLE, &changed, &changed].join("\n"))
        .iter()
        .filter_map(|run| summary.replay(run))
        .map(|difference| (difference.line, difference.step))
        .collect();
    assert_eq!(differences, [(10, 2), (17, 2)]);
    assert_eq!(summary.to_string(), "3 runs, 18 steps, 2 differences");
}

#[test]
fn only_the_types_of_actions_that_the_header_names_are_compared() {
    let all = first_difference(&[(
        r#","compare":["send_signal","record_error","finish","reap"]"#,
        "",
    )]);
    assert_eq!((all.line, all.step), (2, 1));
    assert_eq!(all.came, [r#"{"type":"schedule_timer","at_ns":10}"#]);

    let none = example(&[
        (
            r#""compare":["send_signal","record_error","finish","reap"]"#,
            r#""compare":[]"#,
        ),
        (r#""first":true"#, r#""first":false"#),
    ]);
    assert_eq!(replay(&none), None);
}

const EXAMPLE: &str = r#"{"flight_record":1,"name":"stalled","config":{"idle_timeout_ns":10,"ladder":[{"signal":2,"target":"leader","wait_ns":5}]},"compare":["send_signal","record_error","finish","reap"]}
{"at_ns":0,"event":{"type":"started"},"actions":[]}
{"at_ns":10,"event":{"type":"tick"},"actions":[{"type":"record_error","error":{"type":"idle_timeout"},"first":true},{"type":"send_signal","signal":2}]}
{"at_ns":11,"event":{"type":"fail","id":1},"actions":[{"type":"record_error","error":{"type":"external","id":1}}]}
{"at_ns":12,"event":{"type":"child_exited","signal":2},"actions":[]}
{"at_ns":12,"event":{"type":"output_closed"},"actions":[{"type":"reap"},{"type":"finish","error":{"type":"idle_timeout"},"exit":{"signal":2}}]}
{"at_ns":13,"event":{"type":"output"},"actions":[]}"#;

/// The example with parts of it replaced.
fn example(changes: &[(&str, &str)]) -> Run {
    let mut record = EXAMPLE.to_owned();
    for (from, to) in changes {
        assert!(record.contains(from), "the example has no {from}");
        record = record.replacen(from, to, 1);
    }
    runs(&record).remove(0)
}

fn first_difference(changes: &[(&str, &str)]) -> Difference {
    replay(&example(changes)).expect("a difference")
}

fn runs(record: &str) -> Vec<Run> {
    Reader::new(record.as_bytes())
        .collect::<Result<_, _>>()
        .expect("the record is right")
}

fn replay_file(path: &Path) -> Summary {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    replay_all(BufReader::new(file))
}

fn replay_all(record: impl BufRead) -> Summary {
    let mut summary = Summary::default();
    for run in Reader::new(record) {
        let run = run.unwrap_or_else(|error| panic!("{error}"));
        if let Some(difference) = summary.replay(&run) {
            println!("{difference}");
        }
    }
    summary
}

fn path(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}
