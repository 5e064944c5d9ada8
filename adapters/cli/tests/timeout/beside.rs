//! Side by side with the machine's own: the same words, the same end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use crate::support::{Ended, Ours, run, text, timeout};

#[test]
fn the_same_words_have_the_same_end() {
    let theirs = Path::new("/usr/bin/timeout");
    let version = Command::new(theirs)
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    assert!(
        version
            .as_ref()
            .is_ok_and(|version| version.contains("coreutils")),
        "{theirs:?} is to be coreutils' timeout, to compare with: {version:?}"
    );
    let ours = Ours::new();
    let lines = Mutex::new(lines(&text(&ours.path(""))));
    assert!(lines.lock().expect("no panic").len() > 250);
    let differences = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some(line) = lines.lock().expect("no panic").pop() else {
                        return;
                    };
                    let words: Vec<&str> = line.iter().map(String::as_str).collect();
                    let (mut expected, got): (Ended, Ended) =
                        (run(timeout(theirs, &words)), run(ours.command(&words)));
                    // Older versions have a name for signal 0.
                    expected.stderr = expected.stderr.replace("signal EXIT to", "signal 0 to");
                    if expected != got {
                        let difference =
                            format!("{line:?}\n  theirs {expected:?}\n  ours   {got:?}");
                        differences.lock().expect("no panic").push(difference);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().expect("no panic");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Nothing is changed that coreutils' does not change: dispositions, the mask, what is pending.
#[test]
fn the_same_is_handed_on_of_what_was_inherited() {
    let ours = Ours::new();
    let ours = text(&ours.program());
    for signal in (1..32)
        .chain(34..65)
        .filter(|signal| ![9, 19].contains(signal))
    {
        for option in ["--ignore-signal", "--block-signal"] {
            // musl unblocks it before `main`.
            if cfg!(target_env = "musl") && (option, signal) == ("--block-signal", 34) {
                continue;
            }
            let handed_on = |program: &str| {
                let inherits = format!("{option}={signal}");
                let words = [
                    &inherits,
                    program,
                    "60",
                    "grep",
                    "Sig[BI]",
                    "/proc/self/status",
                ];
                run(timeout(Path::new("env"), &words))
            };
            let expected = handed_on("/usr/bin/timeout");
            assert_eq!(expected.code, Some(0), "{option}={signal}");
            assert_eq!(handed_on(&ours), expected, "{option}={signal}");
        }
    }
}

/// The command lines. What ends at its deadline would otherwise run far longer, and the other way round.
#[expect(clippy::too_many_lines, reason = "a table")]
fn lines(place: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let mut add = |words: &[&str]| lines.push(words.iter().map(ToString::to_string).collect());
    // Usage.
    for line in [
        "",
        "-x",
        "-xk",
        "--foo",
        "--foo=1",
        "1",
        "-k",
        "-k 1",
        "-k 1 1",
        "-s",
        "-s TERM",
        "--kill-after",
        "--signal",
        "--foreground=1 1 true",
        "--verbose=x 1 true",
        "--v 1 true",
        "--ver",
        "--verb 1 true",
        "--fore 1 true",
        "--f 1 true",
        "--p 1 true",
        "--k 1 1 true",
        "--k=1 1 true",
        "--s=TERM 1 true",
        "--kill-after= 1 true",
        "-1 true",
        "-- -1 true",
        "-- 9 true",
        "-k -1 1 true",
        "-k x 1 true",
        "-k 1x 1 true",
        "-s FOO 1 true",
        "-vk9 9 true",
        "-vs TERM 9 true",
        "-sKILL 9 true",
        "-kx 1 true",
        "-vx 1 true",
        "- true",
        "9 echo -v --help -- x",
        "9 -- true",
        "-k 9 -- 9 echo --",
        "-v 9 sh -c exit",
        "--preserve-status 9 false",
        "--foreground 9 false",
        "-v -v 9 true",
        "--help=1",
        "--hel=1",
        "-k9 9 true",
    ] {
        add(&line.split_whitespace().collect::<Vec<_>>());
    }
    // Commands that cannot be run.
    for name in [
        "",
        "/",
        "/tmp",
        "/etc/passwd",
        "/etc/passwd/x",
        "./no-such",
        "no-such",
        "no'such",
        "a b",
        "a\nb",
        "a\\b",
        "/no/such",
        "\u{1}",
        "a\tb",
    ] {
        add(&["9", name]);
        add(&["--foreground", "9", name]);
    }
    // Statuses.
    for code in [0, 1, 2, 77, 124, 125, 126, 127, 128, 137, 255] {
        add(&["9", "sh", "-c", &format!("exit {code}")]);
        add(&["-p", "9", "sh", "-c", &format!("exit {code}")][1..]);
        add(&[
            "--foreground",
            "-k",
            "9",
            "9",
            "sh",
            "-c",
            &format!("exit {code}"),
        ]);
        add(&["0", "sh", "-c", &format!("exit {code}")]);
    }
    for signal in [
        "HUP", "INT", "KILL", "USR1", "PIPE", "ALRM", "TERM", "USR2", "VTALRM", "PROF", "IO",
    ] {
        for options in [&[][..], &["--foreground"], &["--preserve-status"]] {
            let kill = format!("kill -{signal} $$");
            add(&[options, &["9", "sh", "-c", &kill]].concat());
        }
    }
    for signal in ["QUIT", "ABRT", "SEGV"] {
        for core in ["0", "unlimited"] {
            let kill = format!("cd $(mktemp -dp {place}); ulimit -c {core}; kill -{signal} $$");
            add(&["9", "sh", "-c", &kill]);
            add(&[
                "-s",
                signal,
                SOON,
                "sh",
                "-c",
                &format!("cd $(mktemp -dp {place}); ulimit -c {core}; exec sleep 30"),
            ]);
        }
    }
    for signal in [34, 40, 64, 15, 9] {
        add(&["9", "bash", "-c", &format!("kill -{signal} $$")]);
    }
    // Durations.
    for good in [
        "0",
        "0s",
        "-0",
        "+0",
        ".0",
        "0x0",
        "0e9",
        "1e400",
        "1e10000",
        "inf",
        "INF",
        "infinity",
        "1e10d",
        "9999999999999999999d",
        "1e308d",
        "1e1",
        "10.",
        "0x9",
        "0x9s",
        "0xad",
        "0x1p4",
        "0x9.8",
        "1e2m",
        "1h",
        " 9",
        "+9",
        "99999999999999999999999999",
        "1d",
        "1.5h",
        "18446744073709551616",
    ] {
        add(&["--", good, "true"]);
        add(&["-k", good, "9", "sh", "-c", "exit 3"]);
    }
    for short in [
        ".05",
        "0.05s",
        "5e-2",
        "5E-2s",
        "1e-9",
        "1e-9d",
        "0x.1p-4",
        "0x0.1",
        "0X1P-5",
        "0.0005m",
        "1e-5h",
        ".00000001d",
        "+.05",
        " .05",
        "4.9e-324",
        "0.00000000000001",
    ] {
        add(&[short, "sleep", "30"]);
        add(&["-k", short, "-s", "0", ".05", "sleep", "30"]);
    }
    for bad in [
        "", "-1", "1 2", "1x", "1ms", "1S", "1d2", "nan", "-inf", "1e", "1e+", ".", "s", "e1",
        "1_0", "0b1", "0x", "0xg", "1..2", "1.5 ", "1\n", "a'b", "0x1p", "1h1", "1ss", "1,5",
        "--1", "inff", "1e1.5", "+-1",
    ] {
        add(&["--", bad, "true"]);
        add(&["-k", bad, "1", "true"]);
    }
    // Signals when the time is up.
    for signal in [
        "TERM", "term", "SigTerm", "SIGINT", "HUP", "USR1", "USR2", "PIPE", "ALRM", "15", "1",
        "01", "KILL", "9", "137", "143", "RTMIN", "RTMIN+1", "rtmin+3", "RTMAX", "RTMAX-1",
        "RTMIN+30", "RTMAX-30", "RTMIN+15", "RTMIN+16", "34", "64", "VTALRM", "ABRT", "XCPU",
    ] {
        for options in [
            &[][..],
            &["--preserve-status"],
            &["--foreground"],
            &["--foreground", "--preserve-status"],
        ] {
            let rest = ["-v", "-s", signal, ".05", "sleep", "30"];
            add(&[options, &rest].concat());
        }
    }
    for signal in [
        "FOO",
        "",
        "SIG",
        "-1",
        "+9",
        " 9",
        "0x9",
        "32",
        "33",
        "65",
        "127",
        "255",
        "999",
        "RTMIN+31",
        "RTMIN-1",
        "RTMAX+1",
        "SIGSIGTERM",
        "TERM ",
        "9x",
    ] {
        add(&["-s", signal, "1", "true"]);
    }
    for ignored in [
        "0", "EXIT", "exit", "SIGEXIT", "CONT", "WINCH", "URG", "128",
    ] {
        // Before its exec, a command of theirs ends of these as well.
        let rest = ["-s", ignored, SOON, "sleep", "1.2"];
        add(&[&["-v"], &rest[..]].concat());
        add(&[&["-v", "--preserve-status"], &rest[..]].concat());
        add(&["-v", "-k", ".1", "-s", ignored, SOON, "sleep", "30"]);
    }
    // Those who do not go, those who go by themselves, and those whom they leave.
    let stubborn = "trap '' TERM; exec sleep 30";
    for options in [
        &[][..],
        &["--preserve-status"],
        &["--foreground"],
        &["-v"],
        &["--foreground", "-v"],
    ] {
        add(&[options, &["-k", ".1", SOON, "sh", "-c", stubborn]].concat());
        add(&[
            options,
            &["-k", "0", SOON, "sh", "-c", "trap '' TERM; exec sleep 1.2"],
        ]
        .concat());
        add(&[
            options,
            &[
                SOON,
                "sh",
                "-c",
                "trap 'exit 7' TERM; while :; do sleep .01; done 2>/dev/null",
            ],
        ]
        .concat());
        add(&[
            options,
            &[".3", "sh", "-c", "(sleep 1; echo survived) & wait"],
        ]
        .concat());
        add(&[
            options,
            &["9", "sh", "-c", "(sleep .3; echo survived) & exit 4"],
        ]
        .concat());
        add(&[options, &["9", "timeout", ".05", "sleep", "30"]].concat());
        add(&[options, &[".1", "timeout", "9", "sleep", "30"]].concat());
        add(&[
            options,
            &[
                "9",
                "sh",
                "-c",
                "echo out; echo err >&2; ulimit -n; umask; pwd",
            ],
        ]
        .concat());
    }
    // (coreutils' own leaves a stopped command behind with --foreground.)
    add(&[SOON, "sh", "-c", "kill -STOP $$; echo continued"]);
    lines
}

/// When a shell has surely set what it sets first.
const SOON: &str = ".7";
