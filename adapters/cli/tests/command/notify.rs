//! `--notify`: what is told of a run while it goes on, and when it is over.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::service::{Reply, Service};
use crate::support::{Ended, Place, Process, childminder, json, start, validate, wait_until};

/// `childminder run OPTIONS --notify NOTIFIER -- sh -c SCRIPT`.
fn notifying(options: &str, notifier: &str, script: &str) -> Command {
    let mut command = childminder(["run"]);
    command
        .args(options.split_whitespace())
        .args(["--notify", notifier, "--", "sh", "-c", script]);
    command
}

fn run(options: &str, notifier: &str, script: &str) -> Ended {
    start(notifying(options, notifier, script)).finish()
}

/// What was told, in order, by notifiers that append it to this file.
fn told(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| json(line.as_bytes())).collect()
}

fn appending(file: &Path) -> String {
    format!("cat >> '{}'", file.display())
}

/// A script that waits until so many lines are in this file.
fn until_lines(count: usize, file: &Path) -> String {
    let file = file.display();
    format!("until [ $(cat '{file}' | wc -l) -ge {count} ]; do sleep 0.02; done")
}

#[test]
fn beats_and_the_end_are_told_in_order() {
    let place = Place::new();
    let file = place.file("told", "");
    let wait = until_lines(3, &file);
    let script = format!("echo begun; {wait}; echo done; exit 3");
    let options = place.options("--heartbeat 100ms");
    let ended = run(&options, &appending(&file), &script);
    assert_eq!((ended.status, ended.stderr()), (3, ""));

    let told = told(&file);
    let (end, beats) = told.split_last().expect("news");
    assert!(beats.len() >= 3, "{told:?}");
    let nanos = |news: &Value| news["elapsed_ns"].as_u64().expect("nanoseconds");
    for beat in beats {
        assert_eq!(beat["event"], "heartbeat");
        assert_eq!(beat["run"], end["run"]);
        assert_eq!(beat["command"], json!(["sh", "-c", script]));
        assert_eq!(beat["pid"], end["pid"]);
        assert!(beat["silent_ns"].as_u64() <= Some(nanos(beat)));
    }
    assert!(told.windows(2).all(|two| nanos(&two[0]) <= nanos(&two[1])));
    assert_eq!(beats[2]["bytes"], 6);
    let line = |text: &str| json!({ "stream": "stdout", "text": text });
    assert_eq!(beats[2]["tail"], json!([line("begun")]));

    assert_eq!(end["event"], "end");
    assert_eq!(end["bytes"], 11);
    validate(&end["report"]);
    assert_eq!(end["report"]["status"], 3);
    assert_eq!(end["report"]["exit"], json!({ "code": 3 }));
    assert_eq!(end["report"]["tail"], json!([line("begun"), line("done")]));
    assert_eq!(place.report()["status"], 3);
    place.replay();
}

#[test]
fn alone_it_tells_nothing_but_the_end_however_that_comes() {
    for (options, script, status, error) in [
        ("", "exit 0", 0, Value::Null),
        ("--idle 200ms", "exec sleep 60", 124, json!("idle_timeout")),
        ("--success 7", "exit 7", 0, Value::Null),
    ] {
        let place = Place::new();
        let file = place.path("told");
        assert_eq!(run(options, &appending(&file), script).status, status);
        let told = told(&file);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["event"], "end");
        assert_eq!(told[0]["report"]["status"], status);
        assert_eq!(told[0]["report"]["error"]["type"], error);
    }
}

#[test]
fn a_silence_is_warned_of_once_and_ends_nothing() {
    let place = Place::new();
    let file = place.path("told");
    let script = "echo one; sleep 0.7; echo two; exec sleep 60";
    let options = place.options("--warn 300ms --idle 1s");
    let ended = run(&options, &appending(&file), script);
    ended.expect(
        124,
        "childminder: sh: silent for 300ms (--warn); last said \"one\"\n\
         childminder: sh: silent for 300ms (--warn); last said \"two\"\n\
         childminder: sh: silent for 1s (--idle); sent SIGINT; killed by SIGINT\n",
    );
    let told = told(&file);
    let events = told.iter().map(|news| news["event"].clone());
    assert_eq!(events.collect::<Vec<_>>(), ["warning", "warning", "end"]);
    assert!(told[0]["silent_ns"].as_u64() >= Some(300_000_000));
    let warnings = place.report()["warnings_ns"].clone();
    assert_eq!(warnings.as_array().map(Vec::len), Some(2));
    assert_eq!(told[2]["report"]["warnings_ns"], warnings);
    place.replay();
    let quiet = start(crate::support::minding("-q --warn 200ms", "sleep 0.5")).finish();
    assert_eq!((quiet.status, quiet.stderr()), (0, ""));
}

#[test]
fn a_beat_that_fails_ends_the_run_and_says_why() {
    let place = Place::new();
    let file = place.path("told");
    let notifier = format!(
        "grep heartbeat >> '{}' || exit 0; echo the endpoint said 503 >&2; exit 22",
        file.display()
    );
    let ended = run("--heartbeat 10s", &notifier, "exec sleep 60");
    ended.expect(
        125,
        "childminder: sh: the command of --notify has failed (exit status 22): the endpoint said 503; \
         sent SIGINT; killed by SIGINT\n",
    );
    assert_eq!(told(&file).len(), 1);
}

/// A run that ended well has failed then; another keeps its own status.
#[test]
fn an_end_that_cannot_be_told_is_an_error() {
    let place = Place::new();
    let notifier = "echo one >&2; echo two >&2; kill -TERM $$";
    let failure = "the command of --notify has failed (killed by SIGTERM): one; two";
    let options = place.options("");
    run(&options, notifier, "exit 0").expect(125, &format!("childminder: sh: {failure}\n"));
    assert_eq!(place.report()["error"]["type"], "notification");
    assert_eq!(place.report()["error"]["message"], failure);
    place.replay();
    run("", notifier, "exit 4").expect(
        4,
        &format!("childminder: sh: exit status 4; then {failure}\n"),
    );
}

#[test]
fn what_takes_too_long_is_ended_with_all_that_it_started() {
    let place = Place::new();
    let file = place.path("pid");
    let notifier = format!("sleep 600 & echo $! > '{}'; wait", file.display());
    let ended = run("--notify-timeout 300ms", &notifier, "exit 0");
    ended.expect(
        125,
        "childminder: sh: the command of --notify took longer than 300ms (--notify-timeout)\n",
    );
    Process::named(&fs::read_to_string(&file).expect("its pid")).wait_until_gone();
}

#[test]
fn one_runs_at_a_time_and_missed_beats_are_skipped() {
    let place = Place::new();
    let (lock, file) = (place.path("lock"), place.file("told", ""));
    let notifier = format!(
        "mkdir '{0}' || exit 9; sleep 0.3; {1}; rmdir '{0}'",
        lock.display(),
        appending(&file)
    );
    let ended = run("--heartbeat 20ms", &notifier, &until_lines(3, &file));
    assert_eq!((ended.status, ended.stderr()), (0, ""));
    // They wait for one another, and are not made up for.
    let told = told(&file);
    assert!(told.len() <= 5, "{told:?}");
}

/// Also where the one before is overdue, and hard to end.
#[test]
fn the_end_is_told_when_an_overdue_notifier_has_ended() {
    let place = Place::new();
    let (lock, file) = (place.path("lock"), place.file("told", ""));
    let notifier = format!(
        "exec 9> '{}'; flock -n 9 || exit 9; grep -v heartbeat >> '{}' && exit 0; \
         trap '' TERM; sleep 600",
        lock.display(),
        file.display()
    );
    let options = "--heartbeat 600s --notify-timeout 300ms";
    run(options, &notifier, "exec sleep 60").expect(
        125,
        "childminder: sh: the command of --notify took longer than 300ms (--notify-timeout); \
         sent SIGINT; killed by SIGINT\n",
    );
    assert_eq!(told(&file).len(), 1);
}

/// All that is left to be ended is what tells the end.
#[test]
fn a_signal_ends_what_tells_the_end() {
    let place = Place::new();
    let file = place.path("begun");
    let notifier = format!("echo > '{}'; exec sleep 600", file.display());
    let running = start(notifying("", &notifier, "exit 0"));
    wait_until(|| file.exists());
    running.signal(Signal::TERM);
    running.finish().expect(
        125,
        "childminder: sh: the command of --notify has failed (killed by SIGTERM)\n",
    );
}

/// Neither what it is, nor what it leaves, belongs to the command.
#[test]
fn it_is_no_stray_of_the_command() {
    let place = Place::new();
    let file = place.path("told");
    let notifier = format!("sleep 0.3; {}", appending(&file));
    let options = place.options("--heartbeat 10s --sweep always");
    assert_eq!(run(&options, &notifier, "exit 0").status, 0);
    let told = told(&file);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(place.report()["tree"]["killed"], json!([]));
    assert_eq!(told[1]["report"]["tree"]["survivors"], json!([]));
}

/// However much it is.
#[test]
fn it_need_not_read_what_it_is_told() {
    let ended = run("--tail 60000", "exit 0", "seq 100000");
    assert_eq!((ended.status, ended.stderr()), (0, ""));
}

#[test]
fn curl_posts_it_to_a_real_endpoint() {
    let service = Service::replying(&[]);
    let curl = format!("curl -fsS --data-binary @- {}", service.url());
    let ended = run("--heartbeat 600s", &curl, "echo hello");
    assert_eq!((ended.status, ended.stderr()), (0, ""));
    let requests = service.requests();
    let bodies: Vec<_> = requests
        .iter()
        .map(|(_, body)| json(body.as_bytes()))
        .collect();
    let events = bodies.iter().map(|body| body["event"].clone());
    assert_eq!(events.collect::<Vec<_>>(), ["heartbeat", "end"]);
    // Though nothing else would have the output watched.
    assert_eq!(bodies[1]["tail"][0]["text"], "hello");
}

#[test]
fn an_endpoint_that_fails_ends_the_run_in_the_words_of_curl() {
    for (reply, said) in [(Reply::Unavailable, "503"), (Reply::Closed, "Empty reply")] {
        let service = Service::replying(&[reply]);
        let curl = format!("curl -fsS --data-binary @- {}", service.url());
        let ended = run("--heartbeat 600s", &curl, "exec sleep 60");
        assert_eq!(ended.status, 125);
        assert!(ended.stderr().contains(said), "{}", ended.stderr());
        // The end is told all the same.
        assert_eq!(service.requests().len(), 2);
    }
}

#[test]
fn what_it_needs_is_said() {
    for option in ["--heartbeat", "--notify-timeout"] {
        let ended = start(childminder(["run", option, "5s", "--", "true"])).finish();
        let said = format!(
            "childminder: {option} does nothing without --notify COMMAND, which it is about\n"
        );
        ended.expect(125, &said);
    }
}
