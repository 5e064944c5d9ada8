//! The command line itself.

use childminder_cli::args::Args;
use clap::CommandFactory as _;

use crate::support::{Ended, childminder, run, start};

fn called_with(args: &str) -> Ended {
    start(childminder(args.split_whitespace())).finish()
}

#[test]
fn a_wrong_argument_is_named_with_what_is_right() {
    let duration = "write a number and a unit, such as 90, 1.5, 500ms, 30s, 10m or 1h30m";
    for (option, value, right) in [
        ("--idle", "soon", duration),
        ("--idle", "-5s", duration),
        ("--idle", "+5s", duration),
        ("--idle", "1e", duration),
        ("--idle", "--wall", duration),
        ("--first-output", "1.2.3", duration),
        ("--wall", "5 s", duration),
        ("--drain", "5sec", duration),
        ("--grace", "∞", duration),
        ("--signal", "FOO", "give a name such as TERM or SIGTERM"),
        ("--signal", "-9", "give a name such as TERM or SIGTERM"),
        (
            "--ladder",
            "INT,KILL",
            "stage `INT` needs a wait before the next one, such as INT:5s",
        ),
        ("--ladder", "INT:x,KILL", duration),
        ("--ladder", "FOO", "give a name such as TERM or SIGTERM"),
        (
            "--ladder",
            "INT:1,INT:1,INT:1,INT:1,KILL",
            "a ladder has at most 4",
        ),
        (
            "--activity",
            "all",
            "[possible values: any, stdout, stderr, notify]",
        ),
        ("--tail", "-1", "write a whole number, such as 10"),
        ("--tail", "many", "write a whole number, such as 10"),
        ("--memory", "lots", "such as 512M or 1.5G"),
        ("--memory", "0", "such as 512M or 1.5G"),
        ("--pids", "-1", "write a whole number, such as 10"),
        ("--cpu", "0", "write 2, or 0.5, at least 0.01"),
        (
            "--success",
            "3,TERM",
            "write numbers up to 255, such as 3,143",
        ),
        (
            "--sweep",
            "sometimes",
            "[possible values: never, terminated, always]",
        ),
    ] {
        let ended = start(childminder(["run", option, value, "--", "echo", "out"])).finish();
        let said = ended.stderr();
        assert_eq!(
            (ended.status, ended.stdout()),
            (125, ""),
            "{option} {value}"
        );
        for named in [option, value, right] {
            assert!(said.contains(named), "{option} {value}: {said}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (args, said) in [
        ("", "Usage: childminder"),
        ("walk", "unrecognized subcommand 'walk'"),
        ("run", "required arguments were not provided"),
        ("run --", "required arguments were not provided"),
        ("run --idle", "a value is required for '--idle"),
        ("run --bogus -- echo out", "unexpected argument '--bogus'"),
        ("run -q -v -- echo out", "cannot be used with"),
        (
            "run --session --memory 1G -- echo out",
            "cannot be used with",
        ),
        ("replay", "required arguments were not provided"),
        ("report", "required arguments were not provided"),
        ("report --json", "required arguments were not provided"),
        ("timeline", "required arguments were not provided"),
    ] {
        let ended = called_with(args);
        assert_eq!((ended.status, ended.stdout()), (125, ""), "{args}");
        assert!(ended.stderr().contains(said), "{args}: {}", ended.stderr());
    }
}

#[test]
fn options_end_at_the_command() {
    let ended = called_with("run echo --idle -q -- x");
    ended.expect(0, "");
    assert_eq!(ended.stdout(), "--idle -q -- x\n");
    run("-s TERM -k 1.5 --tail 0 --drain 0", "exit 0").expect(0, "");
}

#[test]
fn the_help_fits_a_screen() {
    for args in [
        "--help",
        "run --help",
        "run -h",
        "replay --help",
        "report --help",
        "timeline --help",
    ] {
        let ended = called_with(args);
        ended.expect(0, "");
        let lines: Vec<_> = ended.stdout().lines().collect();
        assert!(lines.len() <= 24, "{} lines", lines.len());
        for line in lines {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

/// What the screen has no room for. The manual is made of the same.
#[test]
fn each_option_is_explained_in_whole_sentences() {
    let ended = called_with("help run");
    ended.expect(0, "");
    let help = ended.stdout();
    for heading in ["EXIT STATUS", "SIGNALS", "ENVIRONMENT", "EXAMPLES"] {
        assert!(help.contains(&format!("\n{heading}\n")), "{heading}");
    }
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let command = Args::command();
    let run = command.find_subcommand("run").expect("it is one");
    for argument in run.get_arguments() {
        let id = argument.get_id();
        assert!(!argument.is_hide_set(), "{id} is in no manual");
        let said = argument.get_long_help().unwrap_or_default().to_string();
        assert!(said.ends_with('.') && said.contains(' '), "{id}: {said}");
        let shown = argument.get_long().map(|long| format!("--{long}"));
        assert!(help.contains(&shown.unwrap_or_default()), "{id}");
    }
}

/// As what comes behind an alias does.
#[test]
fn the_last_of_an_option_counts() {
    let killed = |ladder: &str, signal: &str| {
        let ended = run(&format!("--wall 1h --wall 300ms {ladder}"), "exec sleep 60");
        let said = format!("childminder: sh: still running after 300ms (--wall); {signal}\n");
        ended.expect(124, &said);
    };
    killed("-s INT -s TERM", "sent SIGTERM; killed by SIGTERM");
    killed(
        "--ladder INT --ladder USR1",
        "sent SIGUSR1; killed by SIGUSR1",
    );
    killed(
        "-s INT -k 1h --ladder TERM",
        "sent SIGTERM; killed by SIGTERM",
    );
    killed("--ladder INT -s TERM", "sent SIGTERM; killed by SIGTERM");
    killed("--ladder TERM -k 1h", "sent SIGINT; killed by SIGINT");
    run("-q -q --tail 1 --tail 2", "exit 3").expect(3, "");
}

#[test]
fn the_version_is_told() {
    for args in [
        "--version",
        "-V",
        "run --version",
        "replay --version",
        "report --version",
        "run -V",
    ] {
        let ended = called_with(args);
        ended.expect(0, "");
        let version = concat!("childminder ", env!("CARGO_PKG_VERSION"), "\n");
        assert_eq!(ended.stdout(), version, "{args}");
    }
}
