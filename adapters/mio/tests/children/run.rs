//! A child that is run to its end.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use childminder::{Config, Error, ExitStatus, Signal};
use childminder_mio::run_to_end;

use crate::support::{Owner, millis, patient, sh};

#[test]
fn what_it_wrote_and_how_it_ended_come_back() {
    let mut command = sh("cat; echo one; echo two >&2; exit 3");
    command.stdin(Stdio::null());
    let (outcome, owner) = run_to_end(&mut command, patient(), Owner::new()).expect("a child");
    assert_eq!(outcome.exit, Some(ExitStatus::Code(3)));
    assert_eq!(owner.outcomes, [outcome]);
    assert_eq!(owner.text(), "one\n");
    assert_eq!(owner.stderr, b"two\n");
}

#[test]
fn a_silent_child_is_ended() {
    let config = Config {
        idle_timeout: Some(millis(100)),
        ..patient()
    };
    let (outcome, _) = run_to_end(&mut sh("exec sleep 60"), config, Owner::new()).expect("a child");
    assert_eq!(outcome.error, Some(Error::IdleTimeout));
    assert_eq!(outcome.exit, Some(ExitStatus::Signal(Signal::TERM)));
}

#[test]
fn a_command_that_is_not_there_gives_the_handler_back() {
    let mut owner = Owner::new();
    owner.stdout.extend(b"mine");
    let Err(refused) = run_to_end(&mut Command::new("/nowhere"), patient(), owner) else {
        panic!("nothing is there");
    };
    assert_eq!(refused.error.kind(), ErrorKind::NotFound);
    assert_eq!(refused.handler.text(), "mine");
}

#[test]
fn standard_input_that_is_piped_is_at_its_end() {
    let mut cat = Command::new("cat");
    cat.stdin(Stdio::piped()).stdout(Stdio::piped());
    let (outcome, ()) = run_to_end(&mut cat, Config::default(), ()).expect("a child");
    assert!(outcome.is_success());
}
