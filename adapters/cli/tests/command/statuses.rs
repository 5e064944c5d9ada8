//! Exit statuses, and the words that go with them.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    LOITER, Place, childminder, minding, minding_words, run, start, text, through,
};

#[test]
fn the_command_s_own() {
    for status in [0, 1, 3, 124, 125, 255] {
        run("", &format!("exit {status}")).expect(status, "");
    }
}

#[test]
fn a_signal_of_somebody_else_s() {
    let sh = |said: &str| format!("childminder: sh: {said}\n");
    run("", "kill -TERM $$").expect(143, &sh("killed by SIGTERM"));
    run("", "kill -KILL $$").expect(137, &sh("killed by SIGKILL"));
    run("", "kill -USR1 $$").expect(138, &sh("killed by SIGUSR1"));
    // These end commands every day.
    run("", "kill -INT $$").expect(130, "");
    run("", "kill -PIPE $$").expect(141, "");
}

#[test]
fn a_command_that_cannot_be_run() {
    let place = Place::new();
    let script = text(&place.program("script", "#!/no/such/interpreter\n"));
    let plain = text(&place.file("plain", ""));
    for (command, status, said) in [
        (
            "no-such-command",
            127,
            "no such command: \"no-such-command\" (not in PATH)".to_owned(),
        ),
        ("/no/such", 127, "no such command: \"/no/such\"".to_owned()),
        (
            &script,
            127,
            format!("cannot run {script:?}: the interpreter it names is not there"),
        ),
        (
            &plain,
            126,
            format!("cannot run {plain:?}: Permission denied (os error 13)"),
        ),
        (
            "/",
            126,
            "cannot run \"/\": Permission denied (os error 13)".to_owned(),
        ),
    ] {
        let ended = start(minding_words("", &[command])).finish();
        ended.expect(status, &format!("childminder: {said}\n"));
    }
}

#[test]
fn quiet_is_silent() {
    run("-q --idle 300ms", "exec sleep 60").expect(124, "");
    run("-q", "kill -TERM $$").expect(143, "");
    run("-q", "echo err >&2").expect(0, "err\n");
}

#[test]
fn verbose_tells_as_it_goes() {
    run("-v --idle 300ms", "exec sleep 60").expect(
        124,
        "childminder: no activity within the idle timeout\n\
         childminder: sending SIGINT\n\
         childminder: sending SIGKILL\n\
         childminder: sh: silent for 300ms (--idle); sent SIGINT; killed by SIGINT\n",
    );
}

#[test]
fn a_status_may_be_success() {
    run("--success 3,143", "exit 3").expect(0, "");
    run("--success 3,143", "kill -TERM $$").expect(0, "");
    run("--success 3,143", "exit 143").expect(0, "");
    run("--success 3,143", "exit 0").expect(0, "");
    run("--success 3,143", "exit 4").expect(4, "");
    run("--success 3 --success 4", "exit 3").expect(3, "");
    run("--success 3,143", "kill -KILL $$").expect(137, "childminder: sh: killed by SIGKILL\n");
    // What ended it was a deadline.
    run("--success 124,130,137 --wall 300ms", "exec sleep 60").expect(
        124,
        "childminder: sh: still running after 300ms (--wall); sent SIGINT; killed by SIGINT\n",
    );
    start(minding_words("--success 127", &["no-such-command"]))
        .finish()
        .expect(
            127,
            "childminder: no such command: \"no-such-command\" (not in PATH)\n",
        );
}

#[test]
fn the_report_knows_of_success() {
    let place = Place::new();
    run(&place.options("--success 143"), "kill -TERM $$").expect(0, "");
    let report = place.report();
    assert_eq!(report["status"], 0);
    assert_eq!(report["error"], Value::Null);
    assert_eq!(report["later_errors"], json!([]));
    assert_eq!(report["exit"]["name"], "SIGTERM");
    place.replay();
}

/// A service manager's way to end a service that says so by its status.
#[test]
fn a_command_that_we_are_asked_to_end_may_end_well() {
    for (script, ended_by) in [
        (
            format!("trap 'exit 143' TERM; echo ready; {LOITER}"),
            "exit status 143",
        ),
        ("echo ready; exec sleep 60".to_owned(), "killed by SIGTERM"),
    ] {
        let mut running = start(minding("--success 143", &script));
        assert_eq!(running.line(), "ready");
        running.signal(Signal::TERM);
        running.finish().expect(
            0,
            &format!("childminder: sh: childminder got SIGTERM; sent SIGTERM; {ended_by}\n"),
        );
    }
}

#[test]
fn it_can_be_run_elsewhere() {
    let place = Place::new();
    place.program("script", "#!/bin/sh\npwd\n");
    let there = text(&place.path("")).trim_end_matches('/').to_owned();
    for command in ["pwd", "./script"] {
        let ended = start(minding_words(&format!("--chdir {there}"), &[command])).finish();
        ended.expect(0, "");
        assert_eq!(ended.stdout(), format!("{there}\n"));
    }
    for (directory, why) in [
        (
            format!("{there}/none"),
            "No such file or directory (os error 2)",
        ),
        (format!("{there}/script"), "Not a directory (os error 20)"),
    ] {
        let report = text(&place.path("report"));
        let options = format!("--report {report} --chdir {directory}");
        let ended = start(minding_words(&options, &["echo", "out"])).finish();
        let said = format!("cannot change to {directory}: {why}");
        ended.expect(125, &format!("childminder: {said}\n"));
        assert_eq!(ended.stdout(), "");
        assert_eq!(place.report()["error"]["message"], said);
    }
}

/// The loader of programs speaks for itself, below four.
#[test]
fn too_few_descriptors_are_told() {
    let place = Place::new();
    let report = text(&place.path("report"));
    let limited = |most: u32, words: &[&str]| {
        let command = childminder(words.iter().chain(&["sh", "-c", "echo ran; exit 3"]));
        let script = format!("ulimit -n {most} && exec \"$@\"");
        start(through(&["sh", "-c", &script, "sh"], &command)).finish()
    };
    for words in [
        &["run", "--"][..],
        &["run", "--report", &report, "--"],
        &["run", "--tty", "--"],
        &["run", "--cgroup", "--"],
        &["timeout", "9"],
    ] {
        for most in 4..32 {
            let ended = limited(most, words);
            let (said, told) = (
                ended.stderr(),
                format!("descriptors (`ulimit -n` is {most})"),
            );
            match (ended.status, ended.stdout()) {
                (3, "ran\n" | "ran\r\n") => {}
                // The file is opened first.
                (125, "") if most == 4 && said.contains("cannot write /") => {}
                (125, "") => assert!(said.contains(&told), "{words:?} {most}: {said}"),
                _ => panic!("{words:?} {most}: {ended:?}"),
            }
        }
        let ended = limited(32, words);
        assert_eq!((ended.status, ended.stderr()), (3, ""), "{words:?}");
    }
}
