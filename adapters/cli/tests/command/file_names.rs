//! `{NAME}` in the names of `--report` and `--record`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use crate::support::{Ended, Place, childminder, json, start, text};

/// `childminder run OPTION NAME -- touch ran`, in this place.
fn naming(place: &Place, option: &str, name: impl AsRef<OsStr>) -> Command {
    let mut command = childminder(["run", option]);
    command.arg(name).args(["--", "touch", "ran"]);
    command.current_dir(place.path("")).env_remove("JOB");
    command
}

#[track_caller]
fn expect_refused(place: &Place, command: Command, said: &str) {
    let ended: Ended = start(command).finish();
    ended.expect(125, &format!("childminder: {said}\n"));
    assert_eq!(place.names(), [""; 0], "nothing is run, and nothing made");
}

#[test]
fn many_tasks_of_one_line_write_a_file_each() {
    let place = Place::new();
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let name = "r/{JOB}.{TASK}.json";
            fs::create_dir_all(place.path("r")).expect("a directory");
            let mut command = naming(&place, "--report", name);
            command.env("JOB", "17").env("TASK", task.to_string());
            start(command)
        })
        .collect();
    for task in tasks {
        task.finish().expect(0, "");
    }
    for task in 0..4 {
        let report = fs::read(place.path(&format!("r/17.{task}.json")));
        assert_eq!(json(&report.expect("a report"))["status"], 0);
    }
}

#[test]
fn pid_is_that_of_childminder() {
    for option in ["--report", "--record"] {
        let place = Place::new();
        let running = start(naming(&place, option, "{{of}} {pid}"));
        let id = running.id();
        running.finish().expect(0, "");
        assert_eq!(place.names(), ["ran".to_owned(), format!("{{of}} {id}")]);
    }
}

#[test]
fn a_variable_that_is_not_there_is_named() {
    for option in ["--report", "--record"] {
        let place = Place::new();
        let said = format!("{option} {{JOB}}.json: the environment variable JOB is");
        let command = naming(&place, option, "{JOB}.json");
        expect_refused(&place, command, &format!("{said} not set"));
        let mut command = naming(&place, option, "{JOB}.json");
        command.env("JOB", "");
        expect_refused(&place, command, &format!("{said} empty"));
    }
}

/// But for the directory in which a file is to be.
#[test]
fn a_value_makes_no_directories() {
    let place = Place::new();
    let mut command = naming(&place, "--report", "r.{JOB}.json");
    command.env("JOB", "a/\u{1b}b");
    let said = "--report r.{JOB}.json: the environment variable JOB is \"a/\\u{1b}b\": only where a name begins with {JOB}/ may there be a slash in it";
    expect_refused(&place, command, said);

    let elsewhere = Place::new();
    let mut command = naming(&elsewhere, "--report", "{JOB}/report");
    command.env("JOB", place.path(""));
    start(command).finish().expect(0, "");
    assert_eq!(place.report()["status"], 0);
}

#[test]
fn a_brace_without_another_is_refused() {
    let place = Place::new();
    for (name, brace) in [("{JOB", '{'), ("{}", '{'), ("JOB}", '}'), ("a\u{7}}", '}')] {
        let shown = name.replace('\u{7}', "\\u{7}");
        let said = format!(
            "--record {shown}: `{brace}` stands alone: write {{NAME}} for an environment variable, {{pid}} for the process id, {brace}{brace} for a brace"
        );
        expect_refused(&place, naming(&place, "--record", name), &said);
    }
}

#[test]
fn names_and_values_need_not_be_text() {
    let place = Place::new();
    let mut command = naming(&place, "--report", OsStr::from_bytes(b"\xff{JOB}"));
    command.env("JOB", OsStr::from_bytes(b"\xfe{TASK}"));
    start(command).finish().expect(0, "");
    let report = place.path("").join(OsStr::from_bytes(b"\xff\xfe{TASK}"));
    assert_eq!(json(&fs::read(report).expect("a report"))["status"], 0);
}

#[test]
fn a_directory_that_is_not_there_is_not_made() {
    let place = Place::new();
    let mut command = naming(&place, "--report", "{JOB}/1.json");
    command.env("JOB", text(&place.path("17")));
    let said = format!(
        "cannot write {}/1.json: No such file or directory (os error 2)",
        text(&place.path("17"))
    );
    expect_refused(&place, command, &said);
}
