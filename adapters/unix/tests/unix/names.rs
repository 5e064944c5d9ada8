//! Signals by name.

use std::env;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use childminder::Signal;
use childminder_unix::signals;

#[test]
fn every_signal_comes_back_from_its_name() {
    for number in 1..=64 {
        let signal = Signal::new(number).expect("a signal");
        let name = signals::name(signal);
        assert_eq!(signals::parse(&name), Ok(signal), "{name}");
        assert_eq!(signals::parse(&name.to_lowercase()), Ok(signal), "{name}");
        assert_eq!(signals::parse(&number.to_string()), Ok(signal));
    }
}

#[test]
fn a_signal_has_many_spellings() {
    let first = 34;
    let last = 64;
    let spellings = [
        ("INT", 2),
        ("SIGINT", 2),
        ("int", 2),
        ("SigInt", 2),
        ("2", 2),
        ("02", 2),
        ("KILL", 9),
        ("CHLD", nix::libc::SIGCHLD),
        ("CLD", nix::libc::SIGCHLD),
        ("SIGIOT", nix::libc::SIGABRT),
        ("POLL", nix::libc::SIGIO),
        ("RTMIN", first),
        ("SIGRTMIN+0", first),
        ("rtmin+3", first + 3),
        ("RTMAX", last),
        ("SIGRTMAX-1", last - 1),
        ("RTMAX-30", last - 30),
    ];
    for (spelling, number) in spellings {
        let signal = signals::parse(spelling).expect(spelling);
        assert_eq!(signal.number(), number, "{spelling}");
    }
}

#[test]
fn a_signal_has_one_name() {
    let name = |number| signals::name(Signal::new(number).expect("a signal"));
    let first = 34;
    assert_eq!(name(2), "SIGINT");
    assert_eq!(name(nix::libc::SIGIO), "SIGIO");
    assert_eq!(name(first), "SIGRTMIN");
    assert_eq!(name(first + 3), "SIGRTMIN+3");
    // What the C library keeps for itself, and what no signal of this system has.
    assert_eq!(name(32), "32");
    assert_eq!(name(100), "100");
}

#[test]
fn what_is_no_signal_is_told_what_is_one() {
    let wrong = [
        "",
        "SIG",
        "FOO",
        "SIGSIGINT",
        "SIG2",
        "0",
        "-1",
        "+2",
        "65",
        "99999999999",
        "INT ",
        "RTMIN-1",
        "RTMIN+",
        "RTMIN+-1",
        "RTMIN+31",
        "RTMAX+1",
        "RTMAX-31",
        "RTMAX-99999999999",
        "RTMIN+2147483647",
        "RTMIÑ",
        "ÄÖÜ",
    ];
    for text in wrong {
        let error = signals::parse(text).expect_err(text);
        assert_eq!(error.given, text);
    }
    let error = signals::parse("TREM").expect_err("a slip");
    assert_eq!(
        error.to_string(),
        "no such signal: \"TREM\" (give a name such as TERM or SIGTERM, RTMIN to RTMIN+30, or a number from 1 to 64)"
    );
}

/// Even of one that was ignored and blocked, and even of a real-time signal.
#[test]
fn a_process_dies_of_a_signal_unless_that_ends_none() {
    const NUMBER: &str = "CHILDMINDER_TEST_DIES_OF";
    if let Ok(number) = env::var(NUMBER) {
        signals::die_of(signals::parse(&number).expect("a signal"));
        return;
    }
    let name = "names::a_process_dies_of_a_signal_unless_that_ends_none";
    for (number, dies) in [(2, true), (6, true), (9, true), (40, true), (17, false)] {
        let status = Command::new("env")
            .args(["--ignore-signal", "--block-signal"])
            .arg(env::current_exe().expect("the test's program"))
            .args(["--exact", name, "--test-threads=1"])
            .env(NUMBER, number.to_string())
            .output()
            .expect("the test's program runs")
            .status;
        assert_eq!(status.signal(), dies.then_some(number), "{number}");
        assert!(!status.core_dumped());
        assert_eq!(status.success(), !dies);
    }
}
