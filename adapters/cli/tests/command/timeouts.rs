//! `childminder timeout` where it meets signals, terminals and descriptors; beside coreutils' it is compared
//! elsewhere.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::Signal;

use crate::seat::{CTRL_C, CTRL_Z, Shell};
use crate::support::{BINARY, LOITER, Place, childminder, start, text, through};

/// `childminder timeout OPTIONS 60 sh -c SCRIPT`.
fn timing(options: &str, script: &str) -> std::process::Command {
    let words = options.split_whitespace().chain(["60", "sh", "-c", script]);
    childminder(["timeout"].into_iter().chain(words))
}

#[test]
fn an_alarm_says_that_the_time_is_up() {
    let obeys = format!("trap 'exit 5' TERM; echo ready; {LOITER}");
    for (options, status) in [("", 124), ("--preserve-status", 5)] {
        let mut running = start(timing(options, &obeys));
        running.line();
        running.signal(Signal::ALARM);
        running.finish().expect(status, "");
    }
}

#[test]
fn any_other_signal_is_passed_on_and_is_no_timeout() {
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("INT", Signal::INT),
        ("HUP", Signal::HUP),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
    ] {
        let script = format!("trap 'exit 5' {name}; echo ready; {LOITER}");
        let mut running = start(timing("", &script));
        running.line();
        running.signal(signal);
        running.finish().expect(5, "");
    }
}

/// It sends each signal to its child and to its group.
#[test]
fn a_signal_from_a_timeout_around_us_is_passed_on_once() {
    for _ in 0..20 {
        let script = format!("trap 'echo asked; sleep 0.1; exit 5' TERM; echo ready; {LOITER}");
        let mut running = start(through(&["timeout", "60"], &timing("-k 60", &script)));
        running.line();
        running.wait_until_timeouts_sleep();
        running.signal(Signal::TERM);
        let ended = running.finish();
        assert_eq!((ended.status, ended.stdout()), (5, "asked\n"));
    }
}

#[test]
fn one_inside_another_passes_the_alarm_down() {
    let inner = format!("{BINARY} timeout -s INT 50 sh -c \"$0\"");
    let script = format!("trap 'echo interrupted; exit 5' INT; echo ready; {LOITER}");
    let mut command = timing("-s ALRM --preserve-status", &format!("exec {inner}"));
    command.arg(script);
    let mut running = start(command);
    running.line();
    running.signal(Signal::ALARM);
    let ended = running.finish();
    assert_eq!((ended.status, ended.stdout()), (124, "interrupted\n"));
}

#[test]
fn every_descriptor_is_passed_through() {
    let place = Place::new();
    let file = text(&place.path("file"));
    let opening = format!("exec \"$@\" 9>{file}");
    let command = timing("", "echo nine >&9; readlink /proc/self/fd/9");
    let ended = start(through(&["sh", "-c", &opening, "sh"], &command)).finish();
    assert_eq!(
        (ended.status, ended.stdout()),
        (0, format!("{file}\n").as_str())
    );
    assert_eq!(fs::read_to_string(&file).expect("the file"), "nine\n");
}

#[test]
fn it_goes_by_the_name_of_timeout() {
    let place = Place::new();
    symlink(BINARY, place.path("timeout")).expect("a link");
    let link = text(&place.path("timeout"));
    let ended = start(through(&[&link, "0.1"], &childminder([""; 0]))).finish();
    // Its command is childminder without arguments, which is wrong usage of that.
    assert_eq!(ended.status, 125);
    assert!(
        ended.stderr().contains("Usage: childminder"),
        "{}",
        ended.stderr()
    );
    let ended = start(through(&[&link, "-s", "NONE", "1"], &childminder([""; 0]))).finish();
    ended.expect(
        125,
        &format!("{link}: 'NONE': invalid signal\nTry '{link} --help' for more information.\n"),
    );
}

#[test]
fn a_signal_that_our_parent_ignored_ends_the_command_all_the_same() {
    let command = childminder(["timeout", "0.1", "sleep", "60"]);
    start(through(&["env", "--ignore-signal=TERM"], &command))
        .finish()
        .expect(124, "");
}

/// As with coreutils': the command has it blocked, too, and another ends it.
#[test]
fn a_signal_that_our_parent_blocked_stays_blocked() {
    let options = [
        "timeout",
        "-s",
        "HUP",
        "0.1",
        "sh",
        "-c",
        "kill -TERM $$; exec sleep 60",
    ];
    start(through(
        &["env", "--block-signal=TERM"],
        &childminder(options),
    ))
    .finish()
    .expect(124, "");
}

#[test]
fn at_a_terminal_the_command_reads_it_and_is_interrupted_and_stopped_there() {
    let mut shell = Shell::new();
    shell.line("$CM timeout 60 sh -c 'echo go''ing; read x; echo got \"<$x>\"; exit 3'");
    shell.terminal.shows("going");
    shell.terminal.types("line\n");
    shell.terminal.shows("got <line>");
    shell.prompt();
    shell.expect_status(3);

    shell.line(&format!(
        "$CM timeout 60 sh -c 'trap \"echo h''it; exit 4\" INT; echo go''ing; {LOITER}'"
    ));
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_C);
    shell.terminal.shows("hit");
    shell.prompt();
    shell.expect_status(4);

    shell.line("$CM timeout 60 sh -c 'echo go''ing; exec cat'");
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_Z);
    shell.terminal.shows("Stopped");
    shell.prompt();
    shell.line("fg");
    // What is typed is echoed at once, and what the shell and the command write may come in between.
    shell.terminal.types("again\n");
    shell.terminal.shows("again\r\n");
    shell.terminal.shows("again\r\n");
    shell.terminal.types(CTRL_C);
    shell.prompt();
}
