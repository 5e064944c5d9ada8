//! The puller of the example, and good and bad children.

#[path = "../../examples/puller.rs"]
#[allow(dead_code, reason = "its `main` is for the example")]
mod owner;

use std::time::Duration;

use childminder::{Config, Error, ExitStatus, Outcome};
use childminder_mio::run_to_end;

use crate::support::{GUARD, millis, patient, sh};
use owner::Puller;

/// What a shell needs to speak in netstrings.
const SAY: &str = "say() { for text; do printf '%d:%s,' \"${#text}\" \"$text\"; done; }";

struct Pulled {
    outcome: Outcome,
    errors: String,
    reported: Vec<String>,
}

fn pulled(script: &str) -> Pulled {
    pulled_within(script, GUARD)
}

fn pulled_within(script: &str, idle: Duration) -> Pulled {
    let mut reported = Vec::new();
    let puller = Puller::new(|command: &str| {
        reported.push(command.to_owned());
        match command {
            "log full" => Err("the disk is full".into()),
            _ => Ok(()),
        }
    });
    let config = Config {
        ladder: patient().ladder,
        run_timeout: Some(idle * 10),
        ..owner::config(idle)
    };
    let script = format!("{SAY}; {script}");
    let (outcome, puller) = run_to_end(&mut sh(&script), config, puller).expect("sh");
    let errors = puller.errors.to_string();
    Pulled {
        outcome,
        errors,
        reported,
    }
}

/// The run was ended for this reason.
#[track_caller]
fn assert_ended(script: &str, words: &str) {
    let pulled = pulled(&format!("{script}; sleep 1000"));
    assert_eq!(pulled.errors, words);
    assert!(pulled.outcome.terminated);
}

#[test]
fn a_good_child_is_reported_command_by_command() {
    let script = "say startMirroring progressMade fetch log hello; say mirrorSucceeded 7 ''";
    let pulled = pulled(script);
    assert_eq!(pulled.errors, "");
    assert!(pulled.outcome.is_success());
    let reported = ["startMirroring", "log hello", "mirrorSucceeded 7 "];
    assert_eq!(pulled.reported, reported);
}

#[test]
fn progress_puts_the_idle_timeout_off() {
    let script = "for step in 1 2 3 4 5 6; do say progressMade $step; sleep 0.3; done";
    let pulled = pulled_within(script, millis(1_500));
    assert_eq!(pulled.errors, "");
}

#[test]
fn other_commands_are_no_progress() {
    let script = "while :; do say log on; sleep 0.02; done";
    let pulled = pulled_within(script, millis(300));
    assert_eq!(pulled.outcome.error, Some(Error::IdleTimeout));
    assert!(!pulled.reported.is_empty());
}

#[test]
fn silence_ends_it() {
    let pulled = pulled_within("exec sleep 1000", millis(100));
    assert_eq!(pulled.errors, "no activity within the idle timeout");
}

#[test]
fn an_unknown_command_is_quoted() {
    assert_ended("say log on stop log", "unknown command: \"stop\"");
}

#[test]
fn what_is_no_netstring_is_quoted() {
    assert_ended("echo hello", "not a netstring: \"hello\\n\"");
}

#[test]
fn what_would_be_too_long_is_refused_before_it_comes() {
    let words = "a netstring of 99999 bytes, where at most 10000 are allowed";
    assert_ended("printf 99999:", words);
}

#[test]
fn a_report_that_fails_ends_it() {
    let words = "notification 1 failed: the disk is full";
    assert_ended("say log full log on", words);
}

#[test]
fn what_it_says_on_standard_error_is_the_failure() {
    for status in [0, 3] {
        let pulled = pulled(&format!(
            "say startMirroring; echo no such branch >&2; exit {status}"
        ));
        let first = matches!(pulled.outcome.error, Some(Error::External(_)));
        assert!(first, "{:?}", pulled.outcome);
        assert_eq!(pulled.errors, "no such branch");
        assert_eq!(pulled.reported, ["startMirroring"]);
    }
}

#[test]
fn a_child_that_ends_within_a_command_has_failed() {
    let errors = |script| pulled(script).errors;
    assert_eq!(
        errors("printf 3:lo"),
        "the output ended within a netstring: \"3:lo\""
    );
    assert_eq!(
        errors("say mirrorFailed why"),
        "the output ended 1 argument before the end of \"mirrorFailed\""
    );
}

#[test]
fn a_bad_exit_status_is_a_failure() {
    let pulled = pulled("say startMirroring; exit 3");
    let error = Error::Exit(ExitStatus::Code(3));
    assert_eq!(pulled.outcome.error, Some(error));
    assert_eq!(pulled.reported, ["startMirroring"]);
}
