//! `--tty`.

use std::io::Write as _;
use std::process::Stdio;
use std::thread;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::signals;
use serde_json::json;

use crate::seat::{Alone, CTRL_C, CTRL_D, Shell, as_leader, wait_until};
use crate::support::{
    Ended, LOITER, Place, Process, assert_same, minding, numbers, start, through,
};

/// `childminder run --tty … sh -c SCRIPT` without a terminal around it, with this input.
fn fed(options: &str, script: &str, input: Vec<u8>) -> Ended {
    let inner = minding(&format!("--tty {options}"), script);
    let mut command = through(&["setsid", "--wait"], &inner);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let mut stdin = running.stdin();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let ended = running.finish();
    // A child that does not read to the end may be gone.
    let _ = writer.join().expect("no panic");
    ended
}

#[test]
fn all_three_streams_are_a_terminal_of_the_customary_size() {
    let ended = fed(
        "",
        "test -t 0 && test -t 1 && test -t 2 && stty size && echo told >&2",
        Vec::new(),
    );
    ended.expect(0, "");
    assert_eq!(ended.stdout(), "24 80\r\ntold\r\n");
}

/// A child that says a line when it echoes nothing any more, and is fed then.
fn fed_when_ready(script: &str, input: Vec<u8>) -> Ended {
    let inner = minding("--tty", &format!("stty -echo -onlcr; echo ready; {script}"));
    let mut command = through(&["setsid", "--wait"], &inner);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    assert_eq!(running.line(), "ready");
    let mut stdin = running.stdin();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let ended = running.finish();
    writer.join().expect("no panic").expect("all of it");
    ended
}

#[test]
fn the_end_of_our_input_ends_its_input() {
    for input in ["", "abc", "abc\n"] {
        let ended = fed_when_ready("cat; exit 5", input.into());
        assert_eq!((ended.status, ended.stdout()), (5, input));
    }
}

#[test]
fn nothing_is_lost_on_the_way_in_or_out() {
    let input = numbers(150_000);
    let ended = fed_when_ready("exec cat", input.clone());
    ended.expect(0, "");
    assert_same(&ended.stdout, &input);
}

#[test]
fn what_is_written_just_before_the_exit_comes() {
    let expected = numbers(3000);
    for _ in 0..20 {
        let ended = fed("", "stty -onlcr; exec seq 1 3000", Vec::new());
        ended.expect(0, "");
        assert_same(&ended.stdout, &expected);
    }
}

#[test]
fn a_child_may_close_its_terminal_and_open_it_again() {
    let script = "terminal=$(tty); stty -onlcr; exec <&- >&- 2>&-
        sleep 0.1; seq 1 50000 >$terminal; exit 3";
    let ended = fed("", script, Vec::new());
    ended.expect(3, "");
    assert_same(&ended.stdout, &numbers(50_000));
}

#[test]
fn the_tail_is_without_the_ends_of_lines() {
    let place = Place::new();
    fed(&place.options(""), "echo one; echo two", Vec::new());
    assert_eq!(
        place.report()["tail"],
        json!([
            { "stream": "stdout", "text": "one" },
            { "stream": "stdout", "text": "two" },
        ])
    );
}

#[test]
fn it_ends_as_the_child_does() {
    fed("", "exit 7", Vec::new()).expect(7, "");
    assert_eq!(fed("", "kill -TERM $$", Vec::new()).status, 143);
    assert_eq!(fed("--wall 300ms", LOITER, Vec::new()).status, 124);
    assert_eq!(fed("--idle 300ms", LOITER, Vec::new()).status, 124);
    start(minding("--tty --activity stderr", "exit 0")).finish().expect(
        125,
        "childminder: --activity stderr says nothing with --tty, where all output is standard output: use any or stdout\n",
    );
}

#[test]
fn it_has_our_terminals_size_and_follows_it() {
    let mut shell = Shell::new();
    shell.line("$CM run --tty -- bash -c 'stty size; trap \"stty size; exit\" WINCH; echo go''ing; while :; do sleep 0.05; done'");
    let shown = shell.terminal.shows("going");
    assert!(shown.contains("33 101\r\n"), "{shown}");
    shell.terminal.resize(44, 202);
    shell.terminal.shows("44 202\r\n");
    shell.prompt();
}

#[test]
fn keys_go_to_the_child_as_they_are() {
    let mut shell = Shell::new();
    shell.line("$CM run --tty -- sh -c 'echo go''ing; read x; echo got \"<$x>\"; cat; exit 3'");
    shell.terminal.shows("going");
    shell.terminal.types("line\r");
    shell.terminal.shows("got <line>");
    shell.terminal.types(CTRL_D);
    shell.prompt();
    shell.expect_status(3);

    shell.line(&format!(
        "$CM run --tty -- sh -c 'trap \"echo h''it; exit 3\" INT; echo go''ing; {LOITER}'"
    ));
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_C);
    let shown = shell.prompt();
    assert!(
        shown.contains("hit") && !shown.contains("childminder:"),
        "{shown}"
    );
    shell.expect_status(3);
}

#[test]
fn a_stop_gives_us_our_terminal_back_until_we_are_continued() {
    let mut shell = Shell::new();
    shell.line("$CM run --tty -- sh -c 'kill -STOP $$; stty size; read x; echo got \"<$x>\"'");
    shell.terminal.shows("Stopped");
    shell.prompt();
    shell.line("stty -a");
    let modes = shell.prompt();
    assert!(
        modes.contains(" icanon") && modes.contains(" echo "),
        "{modes}"
    );
    shell.terminal.resize(44, 202);
    shell.line("fg");
    shell.terminal.shows("44 202\r\n");
    shell.terminal.waits_until_raw();
    shell.terminal.types("again\r");
    shell.terminal.shows("got <again>");
    shell.prompt();
}

/// Nobody tells us that we have it.
#[test]
fn from_the_background_it_comes_with_fg() {
    let mut shell = Shell::new();
    shell.line("$CM run --tty -- sh -c 'echo go''ing; read x; echo got \"<$x>\"' &");
    shell.terminal.shows("going");
    shell.line("fg");
    shell.terminal.waits_until_raw();
    shell.terminal.types("now\r");
    shell.terminal.shows("got <now>");
    shell.prompt();
}

/// A shell that edits its line, for instance, sets modes of its own.
#[test]
fn in_the_background_the_modes_of_our_terminal_are_somebody_elses() {
    let mut shell = Shell::new();
    shell.line("stty -icanon -echo");
    shell.prompt();
    shell.line("$CM run --tty -- stty -a & wait");
    let shown = shell.prompt();
    assert!(
        shown.contains(" icanon") && shown.contains(" echo "),
        "{shown}"
    );
}

/// A program that runs us there need not have made it our controlling terminal.
#[test]
fn a_terminal_that_we_were_given_is_as_good() {
    let mut given = Alone::given(&[
        "run",
        "--tty",
        "--",
        "sh",
        "-c",
        "stty size; read x; echo got \"<$x>\"",
    ]);
    given.terminal.shows("33 101\r\n");
    given.terminal.waits_until_raw();
    given.terminal.types("now\r");
    let shown = given.terminal.shows("got <now>");
    assert_eq!(shown.matches("now").count(), 2, "{shown}");
}

/// A shell sets its modes when a job stops, of whatever.
#[test]
fn a_stop_that_we_cannot_see_does_not_leave_the_terminal_cooked() {
    let name = "tty::a_stop_that_we_cannot_see_does_not_leave_the_terminal_cooked";
    as_leader(name, |mut leader| {
        let before = leader.terminal.modes();
        let mut us = leader.starts(["run", "--tty", "--", "cat"]);
        leader.terminal.waits_until_raw();
        let [stop, go_on] = ["STOP", "CONT"].map(|name| signals::parse(name).expect("a signal"));
        us.signal(stop, Target::Leader).expect("sent");
        wait_until("we stop", || {
            us.take_job_change().expect("no error").is_some()
        });
        leader.terminal.set_modes(&before);
        us.signal(go_on, Target::Leader).expect("sent");
        leader.terminal.waits_until_raw();
        us.signal(Signal::TERM, Target::Leader).expect("sent");
        us.reap().expect("a status");
    });
}

#[test]
fn our_terminal_is_left_as_it_was() {
    let name = "tty::our_terminal_is_left_as_it_was";
    as_leader(name, |mut leader| {
        let before = leader.terminal.modes();
        let stays = format!("echo $$; {LOITER}");
        for (script, ending, status) in [
            ("echo $$", None, 0),
            (&stays, Some(Signal::TERM), 143),
            (&stays, Some(Signal::KILL), 137),
        ] {
            let mut us = leader.starts(["run", "-q", "--tty", "--", "sh", "-c", script]);
            let child = leader.terminal.shows("\r\n");
            match ending {
                Some(Signal::KILL) => Process::named(&child).kill(),
                Some(signal) => {
                    leader.terminal.waits_until_raw();
                    us.signal(signal, Target::Leader).expect("sent");
                }
                None => {}
            }
            assert_eq!(us.reap().expect("a status"), ExitStatus::Code(status));
            let after = leader.terminal.modes();
            assert_eq!(
                (after.input_modes, after.output_modes, after.local_modes),
                (before.input_modes, before.output_modes, before.local_modes)
            );
        }
        let mut us = leader.starts(["run", "--tty", "--", "/no/such/command"]);
        assert_eq!(us.reap().expect("a status"), ExitStatus::Code(127));
        assert_eq!(leader.terminal.modes().local_modes, before.local_modes);
    });
}

#[test]
fn what_we_say_begins_lines_on_a_raw_terminal() {
    let mut alone = Alone::starts(&[
        "run", "-v", "--tty", "--wall", "300ms", "--", "sh", "-c", LOITER,
    ]);
    let shown = alone.terminal.shows("sending SIGINT\r\n");
    assert!(shown.contains("\r\nchildminder: sending"), "{shown:?}");

    let script = format!("printf 'no newline'; {LOITER}");
    let mut alone = Alone::starts(&[
        "run", "-v", "--tty", "--wall", "300ms", "--", "sh", "-c", &script,
    ]);
    let shown = alone.terminal.shows("sending SIGINT\r\n");
    let ours = "no newline\r\nchildminder: still running";
    assert!(shown.contains(ours), "{shown:?}");
}
