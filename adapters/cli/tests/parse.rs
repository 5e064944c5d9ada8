//! Durations, ladders and counts, as people write them.

use std::time::Duration;

use childminder::{Ladder, Signal, Stage, Target};
use childminder_cli::args::Command;
use childminder_cli::args::{Args, RunArgs};
use childminder_cli::parse::*;
use clap::Parser as _;

#[test]
fn good_durations() {
    let nanos = Duration::from_nanos;
    let seconds = Duration::from_secs;
    for (text, expected) in [
        ("0", seconds(0)),
        ("90", seconds(90)),
        ("90s", seconds(90)),
        ("007", seconds(7)),
        ("1.5", Duration::from_millis(1500)),
        (".5", Duration::from_millis(500)),
        ("5.", seconds(5)),
        ("500ms", Duration::from_millis(500)),
        ("0.5ms", Duration::from_micros(500)),
        ("7us", Duration::from_micros(7)),
        ("3ns", nanos(3)),
        ("10m", seconds(600)),
        ("1.5h", seconds(5400)),
        ("2d", seconds(172_800)),
        ("1e3", seconds(1000)),
        ("1e3ms", seconds(1)),
        ("1.25E+1", Duration::from_millis(12_500)),
        (".5e2", seconds(50)),
        ("1250e-3s", Duration::from_millis(1250)),
        ("1h30m", seconds(5400)),
        ("1m30s", seconds(90)),
        ("1d2h3m4s5ms6us7ns", Duration::new(93_784, 5_006_007)),
        ("1.5h1e1s", seconds(5410)),
        // Rounded up, and never down to nothing.
        ("0.1ns", nanos(1)),
        ("1.0000000001", nanos(1_000_000_001)),
        ("0.00000000000000000000000000000001", nanos(1)),
        ("0.00000000000000000000000000000000", nanos(0)),
        ("1e-100000", nanos(1)),
        ("0e100000", nanos(0)),
        // As long as can be.
        ("18446744073709551615", seconds(u64::MAX)),
        ("18446744073709551616", Duration::MAX),
        ("1e100000", Duration::MAX),
        ("1e99999999999999999999999", Duration::MAX),
        (
            "99999999999999999999999999999999999999999999d",
            Duration::MAX,
        ),
    ] {
        assert_eq!(duration(text), Ok(expected), "{text}");
    }
}

#[test]
fn a_fraction_is_read_to_its_last_digit() {
    // Two ninths of a day are 19,200 seconds; the 5 at the end makes it more.
    let more = format!(".{}5d", "2".repeat(118));
    assert_eq!(duration(&more), Ok(Duration::new(19_200, 1)));
    let less = format!(".{}1d", "2".repeat(118));
    assert_eq!(duration(&less), Ok(Duration::from_secs(19_200)));
}

#[test]
fn bad_durations() {
    for text in [
        "", " ", ".", "s", ".s", "ms", "-1", "+1", "-0", "1e", "1e+", "1e1.5", "e3", "1e3e3",
        "0x10", "1_000", "1,5", "1.2.3", "1..2", "5 s", " 5", "5 ", "5\n", "5S", "5MS", "5sec",
        "5s5", "1h30", "30m1h", "1m1m", "1h 30m", "1hm", "1h-30m", "inf", "NaN", "٣", "５", "5µs",
        "5ｓ", "∞", "\0",
    ] {
        let given = text.to_owned();
        assert_eq!(duration(text), Err(BadDuration { given }), "{text}");
    }
}

#[test]
fn good_ladders() {
    let stage = |signal, wait| Stage {
        signal,
        target: Target::Group,
        wait,
    };
    let second = Some(Duration::from_secs(1));
    let kill = stage(Signal::KILL, Some(Duration::from_secs(10)));
    for (text, expected) in [
        ("KILL", vec![kill]),
        ("TERM", vec![stage(Signal::TERM, None)]),
        ("TERM:1s", vec![stage(Signal::TERM, second)]),
        ("sigint:1,9", vec![stage(Signal::INT, second), kill]),
        (
            "INT:0,TERM:1s,HUP:1000ms,KILL:1",
            vec![
                stage(Signal::INT, Some(Duration::ZERO)),
                stage(Signal::TERM, second),
                stage(Signal::HUP, second),
                stage(Signal::KILL, second),
            ],
        ),
    ] {
        assert_eq!(ladder(text), Ok(Ladder::new(&expected).unwrap()), "{text}");
    }
}

#[test]
fn bad_ladders() {
    for (text, said) in [
        ("", "no such signal: \"\""),
        ("FOO", "no such signal: \"FOO\""),
        ("INT:5s,", "no such signal: \"\""),
        (":5s", "no such signal: \"\""),
        ("INT :5s", "no such signal: \"INT \""),
        ("０", "no such signal: \"０\""),
        (
            "INT,KILL",
            "stage `INT` needs a wait before the next one, such as INT:5s",
        ),
        ("INT:,KILL", "`` is no duration"),
        ("INT:5s:6s", "`5s:6s` is no duration"),
        ("INT:-5s", "`-5s` is no duration"),
        (
            "INT:1,INT:1,INT:1,INT:1,KILL",
            "5 stages are too many: a ladder has at most 4",
        ),
    ] {
        let error = ladder(text).expect_err(text).to_string();
        assert!(error.starts_with(said), "{text}: {error}");
    }
}

#[test]
fn a_short_ladder_ends_with_sigkill_once() {
    let signals = |first| {
        let ladder = short_ladder(first, Duration::ZERO);
        ladder
            .stages()
            .map(|stage| stage.signal)
            .collect::<Vec<_>>()
    };
    assert_eq!(signals(Signal::TERM), [Signal::TERM, Signal::KILL]);
    assert_eq!(signals(Signal::KILL), [Signal::KILL]);
}

#[test]
fn sizes() {
    for (text, expected) in [
        ("1", 1),
        ("4096", 4096),
        ("8K", 8192),
        ("512M", 512 << 20),
        ("1.5G", 1536 << 20),
        ("2T", 2 << 40),
        ("1e3", 1000),
        ("0.1K", 103),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(size(text), Ok(expected), "{text}");
    }
    for text in [
        "",
        "0",
        "0M",
        "M",
        "-1",
        "+1",
        "1k",
        "1MB",
        "1MiB",
        "1 M",
        "1M1K",
        "0x10",
        "max",
        "inf",
        "18446744073709551616",
        "16777216T",
        "1e99999999999",
    ] {
        let said = size(text).expect_err(text);
        assert!(said.starts_with(&format!("`{text}` is no size")), "{said}");
    }
}

#[test]
fn numbers_of_processors() {
    for (text, expected) in [
        ("1", 1.0),
        ("0.01", 0.01),
        ("1.5", 1.5),
        (".5", 0.5),
        ("64", 64.0),
    ] {
        assert_eq!(processors(text), Ok(expected), "{text}");
    }
    for text in [
        "", "0", "0.009", "-1", "+1", "50%", "1.5c", "inf", "nan", "1e400", "1..2",
    ] {
        let said = processors(text).expect_err(text);
        assert!(
            said.starts_with(&format!("`{text}` is no number of processors")),
            "{said}"
        );
    }
}

#[test]
fn lists_of_statuses() {
    let listed = |text| {
        let statuses = statuses(text).expect(text);
        (0..=255)
            .filter(|status| statuses.contains(*status))
            .collect::<Vec<u8>>()
    };
    assert_eq!(listed("143"), [143]);
    assert_eq!(listed("3,143,0,255,3"), [0, 3, 143, 255]);
    for (text, wrong) in [
        ("", ""),
        ("3,", ""),
        (",3", ""),
        ("256", "256"),
        ("-1", "-1"),
        ("3,4-6", "4-6"),
        ("3, 4", " 4"),
        ("TERM", "TERM"),
    ] {
        let said = statuses(text).expect_err(text);
        assert!(
            said.starts_with(&format!("`{wrong}` is no exit status")),
            "{said}"
        );
    }
}

/// What is read without the parser is what the parser reads.
#[test]
fn a_plain_run_is_parsed_as_any_other() {
    let is_plain = |line: &[&str]| {
        let line: Vec<_> = line.iter().map(Into::into).collect();
        let plain = RunArgs::of_plain(&line);
        let parsed = Args::try_parse_from(&line).map(|args| args.command);
        if let Some(plain) = &plain {
            let Ok(Command::Run(parsed)) = parsed else {
                panic!("{line:?} is no run");
            };
            assert_eq!(format!("{plain:?}"), format!("{parsed:?}"), "{line:?}");
        }
        plain.is_some()
    };
    for line in [
        &["childminder", "run", "true"][..],
        &["childminder", "run", "--", "true"],
        &["childminder", "run", "--", "--", "true"],
        &["childminder", "run", "--", "-x"],
        &["childminder", "run", "make", "-j", "--", "--idle", "2s"],
        &["childminder", "run", "make", "--help"],
        &["childminder", "run", "help"],
        &["childminder", "run", ""],
        &["childminder", "run", "--", ""],
    ] {
        assert!(is_plain(line), "{line:?}");
    }
    for line in [
        &[][..],
        &["childminder"],
        &["childminder", "run"],
        &["childminder", "run", "--"],
        &["childminder", "run", "-q", "true"],
        &["childminder", "run", "--idle", "2s", "true"],
        &["childminder", "run", "-", "true"],
        &["childminder", "replay", "true"],
        &["childminder", "help", "run"],
    ] {
        assert!(!is_plain(line), "{line:?}");
    }
}
