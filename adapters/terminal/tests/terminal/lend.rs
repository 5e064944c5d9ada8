//! The example lends its terminal to a command that draws on the whole screen, and takes it back.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::{Child, JobChange, Place, SpawnOptions};
use rustix::process::{Pid, getpgrp};
use rustix::termios::tcsetpgrp;

use crate::alone::again_in_a_process_of_its_own;
use crate::support::Screen;
use crate::waits::wait_until;

/// The test is the shell of a session. It changes the terminal from the background, so SIGTTOU is ignored.
const AS_SHELL: [&str; 3] = ["--ignore-signal=HUP,TTOU", "setsid", "--wait"];

/// Prints its process group, the foreground group, and each key as it is typed.
const FULL_SCREEN: &str = "stty -icanon -echo
    awk '{ print \"groups\", $5, $8 \".\" }' /proc/$$/stat
    while key=$(dd bs=1 count=1 2>/dev/null); do echo \"key $key.\"; done";

#[test]
fn a_full_screen_program_has_the_terminal_and_is_a_job() {
    let name = "lend::a_full_screen_program_has_the_terminal_and_is_a_job";
    if again_in_a_process_of_its_own(name, &AS_SHELL) {
        return;
    }
    let mut screen = Screen::of_our_session();
    assert!(screen.is_cooked());
    let mut lender = lend(&screen);
    let its_group = group(&lender);

    let shown = screen.wait_for(".");
    let groups: Vec<_> = shown.trim_end_matches('.').split(' ').skip(1).collect();
    assert_eq!(groups[0], groups[1], "it is in the foreground: {shown}");
    assert_ne!(groups[0], its_group.to_string(), "in a group of its own");
    screen.type_in("a");
    screen.wait_for("key a.");
    assert!(!screen.is_cooked());

    for key in ["b", "c"] {
        screen.type_in("\x1a");
        wait_for_stop(&lender);
        assert_eq!(screen.foreground(), Some(its_group));
        assert!(screen.is_cooked(), "the modes of the shell's job");

        // As a shell's `fg` does.
        tcsetpgrp(&screen.slave, its_group).expect("the foreground");
        lender.signal(CONT, Target::Group).expect("sent");
        wait_until("the child's modes", || !screen.is_cooked());
        screen.type_in(key);
        screen.wait_for(&format!("key {key}."));
        assert_eq!(
            screen.foreground().map(|group| group.to_string()),
            Some(groups[0].to_owned())
        );
    }

    // Ctrl-C goes to the child alone.
    screen.type_in("\x03");
    screen.wait_for("killed by SIGINT");
    assert_eq!(lender.reap().expect("a status"), ExitStatus::Code(0));
    assert_eq!(screen.foreground(), Some(its_group));
    assert!(screen.is_cooked(), "the modes are back");
}

/// The example, in the foreground of this terminal.
fn lend(screen: &Screen) -> Child {
    let mut command = Command::new(example());
    command
        .args(["sh", "-c", FULL_SCREEN])
        .stdin(screen.stdio())
        .stdout(screen.stdio())
        .stderr(screen.stdio());
    tcsetpgrp(&screen.slave, getpgrp()).expect("the foreground");
    let options = SpawnOptions {
        place: Place::Foreground(screen.slave.try_clone().expect("a copy")),
        ..SpawnOptions::default()
    };
    Child::spawn_with(&mut command, &options).expect("the example")
}

/// It is built by `cargo build --examples`, and by `cargo test` unless that is told otherwise.
fn example() -> PathBuf {
    let test = env::current_exe().expect("this test");
    let target = test.ancestors().nth(2).expect("where it was built");
    target.join("examples/lend")
}

fn group(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a process id")
}

/// Nothing but SIGCHLD tells of a stop, and the tests handle no signals.
fn wait_for_stop(child: &Child) {
    wait_until("stopped", || {
        matches!(child.take_job_change(), Ok(Some(JobChange::Stopped(_))))
    });
}

const CONT: Signal = Signal::new(18).expect("a signal");
