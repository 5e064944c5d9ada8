//! Signals to childminder.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use rustix::process::Signal;

use crate::support::{
    BINARY, LOITER, Place, Process, Running, WATCHED, millis, minding, piped, start, through,
    times, wait_until,
};

const REQUESTS: [(Signal, &str, i32); 4] = [
    (Signal::INT, "SIGINT", 130),
    (Signal::TERM, "SIGTERM", 143),
    (Signal::HUP, "SIGHUP", 129),
    (Signal::QUIT, "SIGQUIT", 131),
];

/// A command that says which signals it gets, and uses its grace.
const SAVING: &str =
    "for s in INT TERM HUP QUIT; do trap \"echo $s; sleep 0.1; echo saved; exit 3\" $s; done
    echo ready; i=0; while [ $i -lt 600 ]; do i=$((i + 1)); sleep 0.05; done 2>/dev/null";

/// It got this signal, once, and its grace.
#[track_caller]
fn expect_one_wish(running: Running, name: &str) {
    let ended = running.finish();
    let expected = format!("{name}\nsaved\n");
    let came = (ended.status, ended.stdout());
    assert_eq!(came, (3, expected.as_str()), "{}", ended.stderr());
}

/// A child that says which signal it gets, and stays.
fn stubborn(options: &str) -> Running {
    loitering(
        options,
        "for s in INT TERM HUP QUIT; do trap \"echo SIG$s\" $s; done",
    )
}

/// A child that has set these traps.
fn loitering(options: &str, traps: &str) -> Running {
    let script = format!("ulimit -c 0; {traps}; echo ready; {LOITER}");
    // Whoever runs the tests may have some signals ignored.
    let defaults = ["env", "--default-signal"];
    let mut running = start(through(&defaults, &minding(options, &script)));
    assert_eq!(running.line(), "ready");
    running
}

#[test]
fn the_child_gets_the_very_signal_and_then_sigkill() {
    for (signal, name, _) in REQUESTS {
        let place = Place::new();
        let mut running = stubborn(&place.options("--grace 60s"));
        running.signal(signal);
        assert_eq!(running.line(), name);
        // A hangup is no impatience: it may come twice.
        running.signal(Signal::HUP);
        running.insist(Signal::TERM);
        running.finish().expect(
            137,
            &format!("childminder: sh: childminder got {name}; sent {name}, then SIGKILL; killed by SIGKILL\n"),
        );
        place.replay();
    }
}

/// Shells and service managers send it together with others.
#[test]
fn a_hangup_is_no_impatience() {
    let traps = "trap 'echo saving; sleep 0.3; echo saved; exit 3' TERM";
    let mut running = loitering("", traps);
    running.signal(Signal::TERM);
    assert_eq!(running.line(), "saving");
    running.signal(Signal::HUP);
    let ended = running.finish();
    assert_eq!((ended.status, ended.stdout()), (3, "saved\n"));
}

#[test]
fn a_hangup_that_comes_again_loses_no_output() {
    let traps = "trap 'head -c 200000 /dev/zero; exit 0' HUP";
    let mut running = loitering(WATCHED, traps);
    running.signal(Signal::HUP);
    thread::sleep(millis(500));
    running.signal(Signal::HUP);
    thread::sleep(millis(100));
    let mut output = Vec::new();
    let mut stdout = running.take_stdout();
    stdout.read_to_end(&mut output).expect("all of it");
    assert_eq!(output.len(), 200_000);
    assert_eq!(running.finish().status, 0);
}

/// What ends a whole tree signals one process after the other, and the command may be the first.
#[test]
fn a_signal_to_the_command_and_then_to_us_is_one_wish() {
    for (signal, name, status) in REQUESTS {
        let place = Place::new();
        let daemon = "trap '' INT TERM HUP QUIT; echo \\$\\$; exec sleep 60 >/dev/null 2>&1";
        let script = format!("ulimit -c 0; echo $$; setsid sh -c \"{daemon}\" & exec sleep 60");
        let words = ["setsid", "env", "--default-signal"];
        let mut running = start(through(&words, &minding(&place.options(""), &script)));
        let (command, daemon) = (running.process(), running.process());
        // So that nothing else keeps us busy.
        thread::sleep(millis(50));
        command.signal(signal);
        thread::sleep(millis(10));
        running.signal(signal);
        running.finish().expect(
            status,
            &format!("childminder: sh: childminder got {name}; sent {name}; killed by {name}\n"),
        );
        assert!(daemon.is_gone(), "{name}");
        assert_eq!(place.report()["terminated"], true, "{name}");
        place.replay();
    }
}

/// coreutils' `timeout` sends a signal to us, and then to its group.
#[test]
fn a_timeout_around_us_leaves_the_command_its_grace() {
    let timeout = ["timeout", "60"];
    for _ in 0..times(40) {
        let mut running = start(through(&timeout, &minding("--grace 60s", SAVING)));
        assert_eq!(running.line(), "ready");
        running.wait_until_timeouts_sleep();
        running.signal(Signal::TERM);
        expect_one_wish(running, "TERM");
    }
}

#[test]
fn so_do_three_of_them_with_three_of_us() {
    let around = |words: &[String]| {
        let outer = ["timeout", "60", BINARY, "run", "--grace", "60s", "--"];
        [&outer.map(str::to_owned)[..], words].concat()
    };
    let innermost = ["sh", "-c", SAVING].map(str::to_owned);
    let words = around(&around(&around(&innermost)));
    for _ in 0..times(10) {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        let mut running = start(piped(command));
        assert_eq!(running.line(), "ready");
        running.wait_until_timeouts_sleep();
        running.signal(Signal::TERM);
        expect_one_wish(running, "TERM");
    }
}

#[test]
fn what_arrives_together_is_one_wish() {
    for _ in 0..times(5) {
        for (signals, name) in [
            ([Signal::HUP, Signal::TERM], "TERM"),
            ([Signal::TERM, Signal::HUP], "TERM"),
            ([Signal::HUP, Signal::HUP], "HUP"),
            ([Signal::TERM, Signal::TERM], "TERM"),
            ([Signal::INT, Signal::INT], "INT"),
        ] {
            // Who tests in the background may have it ignored.
            let run = minding("--grace 60s", SAVING);
            let mut running = start(through(&["env", "--default-signal=HUP"], &run));
            assert_eq!(running.line(), "ready");
            for signal in signals {
                running.signal(signal);
            }
            expect_one_wish(running, name);
        }
    }
}

#[test]
fn two_processes_that_signal_us_and_our_group_have_one_wish() {
    for _ in 0..times(10) {
        // We lead a group.
        let mut running = start(through(&["setsid"], &minding("--grace 60s", SAVING)));
        assert_eq!(running.line(), "ready");
        let us = running.id();
        let script = format!("env kill {us}; env kill -- -{us}");
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.expect("a shell").success());
        expect_one_wish(running, "TERM");
    }
}

/// Of a hangup and something else, that decides; how long ago we were told of either is not to be known.
#[test]
fn what_waits_for_us_while_we_are_stopped_is_one_wish() {
    for (signals, name) in [
        ([Signal::HUP, Signal::TERM], "TERM"),
        ([Signal::TERM, Signal::HUP], "TERM"),
        ([Signal::HUP, Signal::INT], "INT"),
        ([Signal::TERM, Signal::TERM], "TERM"),
    ] {
        let mut running = start(minding("--grace 60s", SAVING));
        assert_eq!(running.line(), "ready");
        running.signal(Signal::STOP);
        let us = running.itself();
        wait_until(|| us.is_stopped());
        running.signal(signals[0]);
        thread::sleep(millis(300));
        running.signal(signals[1]);
        running.signal(Signal::CONT);
        expect_one_wish(running, name);
    }
}

/// The command has ended, and its output waits for a reader.
#[test]
fn an_echo_does_not_give_up_a_reader() {
    let script = format!("trap 'head -c 200000 /dev/zero; exit 3' TERM; echo $$; {LOITER}");
    for _ in 0..100 {
        let mut running = start(minding(WATCHED, &script));
        let command = running.process();
        let begun = Instant::now();
        running.signal(Signal::TERM);
        command.wait_until_gone();
        running.signal(Signal::TERM);
        let was_echo = begun.elapsed() < millis(150);
        thread::sleep(millis(100));
        let ended = running.finish();
        if was_echo {
            assert_eq!((ended.status, ended.stdout.len()), (3, 200_000));
            return;
        }
    }
    panic!("the machine is too slow for two signals to come together");
}

/// Nothing would continue the command otherwise, nor enforce its deadlines.
#[test]
fn without_a_terminal_a_stop_is_the_command_s_too_and_the_clocks_stand() {
    for options in ["--wall 2s", "--wall 2s --session", "--wall 2s --tty"] {
        let run = minding(options, "echo $$; exec sleep 60");
        let mut running = start(through(&["setsid"], &run));
        let command = Process::named(&running.line());
        let us = running.itself();
        running.signal(Signal::TSTP);
        wait_until(|| us.is_stopped() && command.is_stopped());
        // This is about time.
        thread::sleep(millis(3000));
        running.signal(Signal::CONT);
        wait_until(|| !us.is_stopped() && !command.is_stopped());
        let ended = running.finish();
        assert_eq!(ended.status, 124, "{options}: {}", ended.stderr());
        ended.expect_took(millis(5000));
    }
}

/// As a scheduler does it that stops every process: we do not hear of it, and the command could not say anything.
#[test]
fn a_command_that_was_stopped_with_us_was_not_silent() {
    let run = minding("--idle 1500ms", "echo $$; read go; sleep 0.5; echo; exit 3");
    let mut command = through(&["setsid"], &run);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let (us, command) = (running.itself(), running.process());
    // Until we wait.
    thread::sleep(millis(500));
    us.signal(Signal::STOP);
    command.signal(Signal::STOP);
    wait_until(|| us.is_stopped() && command.is_stopped());
    thread::sleep(millis(3000));
    writeln!(running.stdin(), "go").expect("its input");
    us.signal(Signal::CONT);
    let ended = running.finish();
    assert_eq!(ended.status, 3, "{}", ended.stderr());
}

#[test]
fn a_stop_puts_off_the_end_of_the_drain() {
    let place = Place::new();
    let run = minding(&place.options("--drain 2s"), "sleep 60 & echo $$");
    let mut running = start(through(&["setsid"], &run));
    running.process().wait_until_gone();
    running.stop_for(millis(3000));
    let ended = running.finish();
    assert_eq!(ended.status, 0, "{}", ended.stderr());
    ended.expect_took(millis(5000));
    place.replay();
}

/// A write of ours that fails is told by a signal, which is not the command's.
#[test]
fn a_signal_that_we_caused_is_not_passed_on() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let script = "trap 'echo PIPE >&2' PIPE; echo; sleep 0.5; exit 3";
    let mut command = minding(WATCHED, script);
    command.stdout(writer);
    start(command).finish().expect(3, "");
}

#[test]
fn signals_that_are_for_programs_to_use_are_passed_on() {
    for (signal, name) in [
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::ALARM, "ALRM"),
        (Signal::XCPU, "XCPU"),
        (Signal::XFSZ, "XFSZ"),
        (Signal::PIPE, "PIPE"),
        (Signal::URG, "URG"),
        (Signal::WINCH, "WINCH"),
        (Signal::IO, "IO"),
        (Signal::PROF, "PROF"),
    ] {
        let running = loitering("", &format!("trap 'exit 5' {name}"));
        running.signal(signal);
        running.finish().expect(5, "");
    }
    let running = loitering("", ":");
    running.signal(Signal::USR1);
    running
        .finish()
        .expect(138, "childminder: sh: killed by SIGUSR1\n");
}

#[test]
fn a_file_that_must_not_grow_is_an_error_and_not_our_end() {
    let place = Place::new();
    let limited = ["sh", "-c", "ulimit -f 1; exec \"$@\"", "sh"];
    let mut command = through(&limited, &minding(WATCHED, "seq 1 1000; exec sleep 60"));
    command.stdout(File::create(place.path("file")).expect("a file"));
    let mut ended = start(command).finish();
    // Who measures coverage says more here.
    let line = ended.stderr.iter().position(|byte| *byte == b'\n');
    ended.stderr.truncate(line.map_or(0, |end| end + 1));
    ended.expect(
        125,
        "childminder: sh: cannot write to standard output: File too large (os error 27); sent SIGINT; killed by SIGINT\n",
    );
}

#[test]
fn a_child_that_goes_at_once_gives_the_status() {
    for (signal, name, status) in REQUESTS {
        let running = loitering("", ":");
        running.signal(signal);
        running.finish().expect(
            status,
            &format!("childminder: sh: childminder got {name}; sent {name}; killed by {name}\n"),
        );
    }
}

#[test]
fn a_child_that_ends_well_when_asked_ends_well() {
    let running = loitering("", "trap 'exit 0' TERM");
    running.signal(Signal::TERM);
    running.finish().expect(
        0,
        "childminder: sh: childminder got SIGTERM; sent SIGTERM; exit status 0\n",
    );
}

#[test]
fn nothing_is_left_running() {
    let mut running = start(minding(
        "--drain 200ms",
        "(trap '' TERM; sleep 600) & echo $!; wait",
    ));
    let grandchild = running.process();
    running.signal(Signal::TERM);
    assert_eq!(running.finish().status, 143);
    grandchild.wait_until_gone();
}

#[test]
fn a_ladder_of_one_stage_is_what_comes_second() {
    for options in ["--signal KILL", "--ladder KILL"] {
        let mut running = stubborn(options);
        running.signal(Signal::TERM);
        assert_eq!(running.line(), "SIGTERM", "{options}");
        running.insist(Signal::TERM);
        running.finish().expect(
            137,
            "childminder: sh: childminder got SIGTERM; sent SIGTERM, then SIGKILL; killed by SIGKILL\n",
        );
    }
    let traps = "trap 'echo INT' INT; trap 'echo TERM; exit 5' TERM";
    let mut running = loitering("--ladder TERM", traps);
    running.signal(Signal::INT);
    assert_eq!(running.line(), "INT");
    running.insist(Signal::INT);
    let ended = running.finish();
    assert_eq!((ended.status, ended.stdout()), (5, "TERM\n"));
}

#[test]
fn a_signal_goes_at_the_head_of_the_ladder() {
    let running = stubborn("--ladder HUP:200ms,QUIT:200ms,KILL");
    running.signal(Signal::TERM);
    running.finish().expect(
        137,
        "childminder: sh: childminder got SIGTERM; sent SIGTERM, then SIGQUIT, then SIGKILL; killed by SIGKILL\n",
    );
}

#[test]
fn a_signal_goes_on_with_a_ladder_that_is_under_way() {
    let mut running = stubborn("--idle 500ms --grace 60s");
    assert_eq!(running.line(), "SIGINT");
    running.signal(Signal::TERM);
    running.finish().expect(
        124,
        "childminder: sh: silent for 500ms (--idle); sent SIGINT, then SIGKILL; killed by SIGKILL\n",
    );
}

/// The child has ended and its output waits for somebody to read it.
#[test]
fn a_signal_gives_up_a_reader_that_does_not_read() {
    for (status, before, error) in [(0, "", "external"), (3, "exit status 3; then ", "exit")] {
        let place = Place::new();
        let script = format!("echo $$; seq 1 50000; exit {status}");
        let mut running = start(minding(&place.options(""), &script));
        running.process().wait_until_gone();
        thread::sleep(millis(200));
        running.signal(Signal::TERM);
        let unread = running.take_stdout();
        let ended = running.finish();
        assert_eq!(ended.status, 143);
        let lost = "cannot write to standard output: nobody has read the last ";
        let said = format!("childminder: sh: {before}{lost}");
        assert!(ended.stderr().starts_with(&said), "{}", ended.stderr());
        drop(unread);
        assert_eq!(place.report()["status"], 143);
        assert_eq!(place.report()["error"]["type"], error);
        place.replay();
    }
}
