//! `--progress`, as a terminal shows it.

use std::num::NonZero;
use std::thread;

use serde_json::json;

use crate::seat::{CTRL_C, CTRL_Z, Shell, wait_until};
use crate::support::{Place, millis, run, unmeasured};

/// What each frame begins with, whatever else is written.
const ERASURE: &str = "\x1b[K";

/// A shell whose `$P` is this.
fn shell(option: &str) -> Shell {
    let mut shell = Shell::new();
    shell.line(&format!("export TERM=xterm; P={option}"));
    shell.prompt();
    shell
}

/// What stands on the screen, once this has been written. Rows are longer than any line here.
fn screen(written: &str) -> String {
    let [rows, columns] = [200, 400].map(|size| NonZero::new(size).expect("not zero"));
    let mut parser = vt100::Parser::new(rows, columns, 0);
    parser.process(written.as_bytes());
    unmeasured(&parser.screen().contents())
}

/// All that is written until the command has ended.
fn written(option: &str, line: &str) -> String {
    let mut shell = shell(option);
    shell.line(line);
    shell.prompt()
}

#[test]
fn the_line_leaves_no_trace() {
    let check = |line: &str| {
        let with = written("--progress", line);
        assert!(with.contains("childminder: 00:00:0"), "{line}: {with}");
        let without = written("", line);
        assert!(!without.contains(ERASURE), "{line}: {without}");
        assert_eq!(screen(&with), screen(&without), "{line}");
    };
    // Mostly they sleep.
    thread::scope(|scope| {
        for line in [
            "$CM run $P -- sleep 0.8",
            "$CM run $P -- sh -c 'echo a; sleep 0.8; echo b; sleep 0.3; echo c >&2; sleep 0.3; exit 3'",
            "$CM run $P -- sh -c 'printf half; sleep 0.8; echo whole; sleep 0.8; printf open'",
            "$CM run $P -v --wall 800ms -- sh -c 'echo a; sleep 60'",
            "$CM run $P --tty -- sh -c 'echo a; sleep 0.8; echo b'",
            "$CM run $P --first-output 60s -- sh -c 'sleep 0.8; exec seq 3000'",
            "$CM run $P -- sh -c 'sleep 0.8; echo a' | wc -l >/dev/null",
            "sh -c \"$CM run $P -- sleep 0.8; echo behind\"",
        ] {
            scope.spawn(move || check(line));
        }
    });
}

#[test]
fn it_tells_how_the_run_goes() {
    let mut shell = shell("--progress");
    let loiter =
        "sh -c 'trap \"echo hit\" INT; echo one; echo two >&2; while :; do sleep 0.1; done'";
    shell.line(&format!(
        "$CM run $P --idle 600s --wall 3s --ladder INT:600s,KILL -- {loiter}"
    ));
    let until_then = shell
        .terminal
        .shows("00:00:01, --wall in 2s, silent for 1s, 8 B in 2 lines");
    let screen = screen(&until_then);
    let last = screen.lines().last().expect("a line");
    assert!(last.starts_with("childminder: 00:00:01"), "{screen}");
    assert!(screen.contains("\ntwo\n"), "{screen}");
    shell.terminal.shows("SIGKILL in 00:0");
    shell.terminal.shows("12 B in 3 lines");
    shell.terminal.types(CTRL_C);
    shell.terminal.shows("hit");
    shell.terminal.types(CTRL_C);
    shell.terminal.shows("hit");
    shell.line("");
    drop(shell);
}

#[test]
fn it_is_never_behind_half_a_line() {
    let mut shell = shell("--progress");
    shell.line("$CM run $P -- sh -c 'sleep 0.5; printf ha''lf; sleep 0.8; echo; sleep 0.8'");
    shell.terminal.shows("half");
    let shown = shell.terminal.shows("\n");
    assert_eq!(shown, "\r\n");
    shell.terminal.shows("00:00:01");
    shell.prompt();
}

#[test]
fn it_takes_no_more_than_a_row() {
    let mut shell = shell("--progress");
    for columns in [12, 30, 40, 80] {
        shell.terminal.resize(33, columns);
        shell.line("$CM run $P --idle 600 -- sleep 0.8");
        shell.terminal.shows("\n");
        let shown = shell.prompt();
        let frames: Vec<_> = shown.split(ERASURE).skip(1).collect();
        let (_, frames) = frames.split_last().expect("frames");
        assert!(!frames.is_empty(), "{shown}");
        for frame in frames {
            let drawn = frame.trim_end_matches('\r');
            assert!(
                drawn.contains("00:00:0") && drawn.len() < columns.into(),
                "{columns}: {shown}"
            );
        }
    }
    shell.terminal.resize(33, 8);
    shell.line("$CM run $P -- sleep 0.8");
    shell.terminal.shows("\n");
    let shown = shell.prompt();
    assert!(!shown.contains(ERASURE), "{shown}");
}

#[test]
fn it_is_shown_at_a_terminal_alone() {
    let ended = run(
        "--progress",
        "readlink /proc/$$/fd/2 >&2; sleep 0.8; echo out",
    );
    assert_eq!((ended.status, ended.stdout()), (0, "out\n"));
    assert_eq!(ended.stderr().lines().count(), 1, "{}", ended.stderr());

    for terminal in ["TERM=dumb", "TERM=", "env -u TERM"] {
        let line = format!("{terminal} $CM run $P -- sh -c 'sleep 0.8; test -t 1 && echo told'");
        let shown = written("--progress", &line);
        assert!(
            shown.contains("\r\ntold\r\n") && !shown.contains(ERASURE),
            "{shown}"
        );
    }
}

#[test]
fn it_is_not_shown_where_another_job_has_the_terminal() {
    let mut shell = shell("--progress");
    shell.line("$CM run $P -- sleep 600");
    let mut shown = shell.terminal.shows("00:00:01");
    shell.terminal.types(CTRL_Z);
    shown += &shell.prompt();
    let stopped = screen(&shown);
    assert!(
        stopped.contains("Stopped") && !stopped.contains("00:00"),
        "{stopped}"
    );

    shell.line("bg");
    shell.prompt();
    shell.line("sleep 0.8");
    let shown = shell.prompt();
    assert!(!shown.contains(ERASURE), "{shown}");

    shell.line("fg");
    shell.terminal.shows("childminder: 00:00:0");
    shell.terminal.types(CTRL_C);
    shell.prompt();
}

/// After Ctrl-S, a write to the terminal waits until Ctrl-Q.
#[test]
fn a_terminal_that_stands_still_holds_nothing_up() {
    let place = Place::new();
    let report = place.path("report");
    let mut shell = shell("--progress");
    shell.line(&format!(
        "$CM run $P --report {} --wall 3s -- sleep 600; echo sta''tus $?",
        report.display()
    ));
    shell.terminal.shows("00:00:01");
    shell.terminal.stops_output();
    wait_until("a report", || report.exists());
    thread::sleep(millis(100));
    // What is given up of the terminal is the line, and no output.
    assert_eq!(place.report()["later_errors"], json!([]));
    shell.terminal.continues_output();
    let shown = shell.terminal.shows("status 124");
    assert!(shown.matches(ERASURE).count() <= 3, "{shown}");
    shell.prompt();
}

#[test]
fn frames_that_would_be_late_are_left_out() {
    let mut shell = shell("--progress");
    shell.line("$CM run $P -- sleep 600");
    shell.terminal.shows("00:00:01");
    shell.terminal.stops_output();
    thread::sleep(millis(4500));
    shell.terminal.continues_output();
    let shown = shell.terminal.shows("00:00:07");
    // One may have been on its way.
    assert!(shown.matches(ERASURE).count() <= 4, "{shown}");
    shell.terminal.types(CTRL_C);
    shell.prompt();
}
