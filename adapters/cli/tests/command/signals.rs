//! Signals to childminder.

use std::fs::File;
use std::io::Read as _;
use std::thread;

use rustix::process::Signal;

use crate::support::{LOITER, Place, Running, millis, minding, start, through};

const REQUESTS: [(Signal, &str, i32); 4] = [
    (Signal::INT, "SIGINT", 130),
    (Signal::TERM, "SIGTERM", 143),
    (Signal::HUP, "SIGHUP", 129),
    (Signal::QUIT, "SIGQUIT", 131),
];

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
        running.signal(Signal::TERM);
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
    let mut running = loitering("", traps);
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

#[test]
fn signals_that_are_for_programs_to_use_are_passed_on() {
    for (signal, name) in [
        (Signal::USR1, "USR1"),
        (Signal::USR2, "USR2"),
        (Signal::ALARM, "ALRM"),
        (Signal::XCPU, "XCPU"),
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
    let mut command = through(&limited, &minding("", "seq 1 1000; exec sleep 60"));
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
        "(trap '' TERM; sleep 60) & echo $!; wait",
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
        running.signal(Signal::TERM);
        running.finish().expect(
            137,
            "childminder: sh: childminder got SIGTERM; sent SIGTERM, then SIGKILL; killed by SIGKILL\n",
        );
    }
    let traps = "trap 'echo INT' INT; trap 'echo TERM; exit 5' TERM";
    let mut running = loitering("--ladder TERM", traps);
    running.signal(Signal::INT);
    assert_eq!(running.line(), "INT");
    running.signal(Signal::INT);
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
