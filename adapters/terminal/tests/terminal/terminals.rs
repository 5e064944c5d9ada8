//! Terminals: ours, lent and taken back, and those that are made.

use childminder_unix::Command;
use std::os::fd::{AsFd as _, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use childminder::{Signal, Target};
use childminder_terminal::{HeldStop, Modes, Pty, Terminal};
use childminder_unix::{Child, Place, SpawnOptions};
use nix::pty::openpty;
use nix::sys::signal::{self, SigSet};
use rustix::process::{Pid, getpgrp};
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp};

use crate::alone::again_in_a_process_of_its_own;
use crate::waits::{read_all, sh};

/// Leads a session that has no terminal yet. SIGHUP is ignored: the kernel sends it when the terminal is closed.
const IN_A_SESSION: [&str; 3] = ["--ignore-signal=HUP", "setsid", "--wait"];

/// A new terminal that controls our session, and its other end.
fn controlling_terminal() -> (OwnedFd, OwnedFd) {
    let pty = openpty(None, None).expect("a PTY");
    rustix::process::ioctl_tiocsctty(&pty.slave).expect("our terminal");
    (pty.slave, pty.master)
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let name = "terminals::a_panic_leaves_the_terminal_as_it_was";
    if again_in_a_process_of_its_own(name, &IN_A_SESSION) {
        return;
    }
    assert!(Terminal::controlling().is_none(), "we have none yet");
    let (tty, _master) = controlling_terminal();
    let is_raw = || {
        let modes = tcgetattr(&tty).expect("modes");
        !modes.local_modes.contains(LocalModes::ICANON)
    };
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut terminal = Terminal::controlling().expect("our terminal");
        terminal.make_raw().expect("raw mode");
        assert!(is_raw() && terminal.is_lent());
        panic!("with the terminal in raw mode");
    }));
    assert!(panicked.is_err() && !is_raw());

    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let mut terminal = Terminal::controlling().expect("our terminal");
        let start = SpawnOptions {
            place: terminal.lend_at_spawn().expect("a place"),
            ..SpawnOptions::default()
        };
        let child = Child::spawn_with(&mut sh("sleep 1000"), &start).expect("a child");
        assert_eq!(tcgetpgrp(&tty), Ok(pid(&child)));
        assert!(!terminal.is_ours());
        panic!("with the terminal lent");
    }));
    assert!(panicked.is_err());
    assert_eq!(tcgetpgrp(&tty), Ok(getpgrp()));
}

#[test]
fn what_is_not_ours_is_not_lent() {
    let name = "terminals::what_is_not_ours_is_not_lent";
    if again_in_a_process_of_its_own(name, &IN_A_SESSION) {
        return;
    }
    let (tty, _master) = controlling_terminal();
    let mut terminal = Terminal::controlling().expect("our terminal");
    let foreground = SpawnOptions {
        place: terminal.lend_at_spawn().expect("a place"),
        ..SpawnOptions::default()
    };
    let mut one = Child::spawn_with(&mut sh("exec sleep 1000"), &foreground).expect("a child");
    let mut other = Child::spawn(&mut sh("exec sleep 1000")).expect("another");

    // The first child has it, so a second view of it finds nothing to lend, nor to take back.
    let mut view = Terminal::controlling().expect("our terminal");
    assert!(matches!(view.lend_at_spawn(), Ok(Place::Group)));
    view.lend(&other).expect("nothing to do");
    view.make_raw().expect("nothing to do");
    drop(view);
    assert_eq!(tcgetpgrp(&tty), Ok(pid(&one)));

    terminal.take_back(Modes::Restore);
    assert_eq!(tcgetpgrp(&tty), Ok(getpgrp()));
    terminal.lend(&other).expect("lent");
    assert_eq!(tcgetpgrp(&tty), Ok(pid(&other)));
    // A shell gives it to a third group meanwhile.
    terminal.take_back(Modes::Restore);
    terminal.lend(&other).expect("lent");
    let ttou = SigSet::from(signal::Signal::SIGTTOU);
    ttou.thread_block().expect("no stop for it");
    rustix::termios::tcsetpgrp(&tty, pid(&one)).expect("the foreground");
    ttou.thread_unblock().expect("as before");
    terminal.forget_loan_if_reassigned(&other);
    drop(terminal);
    assert_eq!(tcgetpgrp(&tty), Ok(pid(&one)));
    for child in [&mut one, &mut other] {
        child.signal(Signal::KILL, Target::Group).expect("sent");
        child.reap().expect("a status");
    }
}

/// The kernel drops such a stop, and so nothing waits for a continuation that would never come.
#[test]
fn nothing_stops_us_where_no_shell_would_continue_us() {
    let name = "terminals::nothing_stops_us_where_no_shell_would_continue_us";
    if again_in_a_process_of_its_own(name, &IN_A_SESSION) {
        return;
    }
    let held = HeldStop::new().expect("no error");
    for name in ["STOP", "TSTP", "TTIN", "TTOU"] {
        let signal = childminder_unix::signals::parse(name).expect("a signal");
        held.stop(signal).expect("no error");
    }
    assert!(!held.take().expect("no error"));
    // To this thread: a test has others besides.
    signal::raise(signal::Signal::SIGTSTP).expect("sent");
    assert!(held.take().expect("no error"));
    assert!(!held.take().expect("no error"));
}

#[test]
fn a_terminal_of_the_childs_own() {
    let pty = Pty::like(None).expect("a PTY");
    let mut command = Command::new("sh");
    command.args(["-c", "stty -echo; stty size </dev/tty; cat; echo end >&2"]);
    let mut child = pty
        .spawn(command, SpawnOptions::default())
        .expect("a child");
    assert_eq!(pty.write(b"in").expect("room"), 2);
    let end = pty.end_of_input(Some(b'n')).expect("an end");
    assert_eq!(end, b"\x04\x04");
    assert_eq!(pty.end_of_input(Some(b'\n')).expect("an end"), b"\x04");
    assert_eq!(pty.end_of_input(None).expect("an end"), b"\x04");
    assert_eq!(pty.write(&end).expect("room"), 2);
    let said = read_all(&child.take_stdout().expect("a terminal"));
    assert!(
        said.contains("24 80\r\n") && said.ends_with("inend\r\n"),
        "{said:?}"
    );
    child.reap().expect("a status");

    // Another one, with the modes of this.
    let same = Pty::like(Some(pty.as_fd())).expect("a PTY");
    let modes = |pty: &Pty| tcgetattr(pty.as_fd()).expect("modes").local_modes;
    assert_eq!(modes(&same), modes(&pty));
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a process id")
}
