//! What childminder gets from its parent.

use std::process::Command;

use rustix::process::Signal;

use crate::support::{LOITER, Place, childminder, minding, minding_words, run, start, through};

#[test]
fn standard_streams_may_be_closed() {
    let closed = |which: &str, command: &Command| {
        let script = format!("exec \"$@\" {which}");
        start(through(&["sh", "-c", &script, "sh"], command)).finish()
    };
    closed("<&-", &minding_words("", &["cat"])).expect(0, "");
    closed(">&-", &minding("", "echo out; echo err >&2")).expect(0, "err\n");
    let ended = closed("2>&-", &minding("--idle 300ms", "echo out; exec sleep 60"));
    assert_eq!((ended.status, ended.stdout()), (124, "out\n"));
    let all = closed(
        "<&- >&- 2>&-",
        &minding("", "cat; echo out; echo err >&2; exit 3"),
    );
    all.expect(3, "");
}

/// The end of a terminal, a pidfd, the pipe to the guardian: all of it is close-on-exec.
#[test]
fn the_command_gets_no_descriptor_of_ours() {
    let place = Place::new();
    let list = "ls /proc/self/fd | tr '\\r\\n' '  '";
    let alone = Command::new("sh").args(["-c", list]).output();
    let alone = String::from_utf8(alone.expect("sh").stdout).expect("text");
    let watched = place.options("");
    for options in ["", "--idle 60s", "--tty", "--session", &watched] {
        let ended = run(options, list);
        let got: Vec<_> = ended.stdout().split_whitespace().collect();
        let expected: Vec<_> = alone.split_whitespace().collect();
        assert_eq!(got, expected, "{options}");
    }
}

#[test]
fn sighup_stays_ignored() {
    let script = format!("trap 'echo TERM; exit 5' TERM; echo ready; {LOITER}");
    let mut running = start(ignoring("HUP", &minding("", &script)));
    assert_eq!(running.line(), "ready");
    running.signal(Signal::HUP);
    running.signal(Signal::TERM);
    let ended = running.finish();
    assert_eq!((ended.status, ended.stdout()), (5, "TERM\n"));
}

/// As it is for every command that a script puts into the background.
#[test]
fn a_child_can_be_interrupted_though_we_were_not_to_be() {
    let ended = start(ignoring("INT", &minding("--idle 300ms", "exec sleep 60"))).finish();
    ended.expect(
        124,
        "childminder: sh: silent for 300ms (--idle); sent SIGINT; killed by SIGINT\n",
    );
}

/// They are heard when there is somebody to hear them.
#[test]
fn a_signal_that_waits_for_us_does_not_end_us() {
    let waiting = |signal: &str, command: &Command| {
        let script = format!(
            "sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIG{signal})); kill {signal}, $$; exec @ARGV"
        );
        let words = ["perl", "-MPOSIX", "-e", &script];
        start(through(&words, command)).finish()
    };
    waiting("TERM", &minding("", "exec sleep 60")).expect(
        143,
        "childminder: sh: childminder got SIGTERM; sent SIGTERM; killed by SIGTERM\n",
    );
    let command = childminder(["timeout", "60", "sleep", "60"]);
    waiting("ALRM", &command).expect(124, "");
}

/// Who waits for signals in other ways than by handlers blocks them, and what it starts inherits that.
#[test]
fn a_signal_that_our_parent_blocked_reaches_us() {
    let blocking = ["env", "--block-signal=TERM,CHLD,HUP"];
    let script = format!("trap 'echo TERM; exit 5' TERM; echo ready; {LOITER}");
    for command in [
        minding("", &script),
        childminder(["timeout", "60", "sh", "-c", &script]),
    ] {
        let mut running = start(through(&blocking, &command));
        assert_eq!(running.line(), "ready");
        running.signal(Signal::TERM);
        let ended = running.finish();
        assert_eq!((ended.status, ended.stdout()), (5, "TERM\n"));
    }
}

#[test]
fn a_parent_that_ignores_sigchld_costs_no_status() {
    let ended = start(ignoring("CHLD", &minding("", "sleep 0.1; exit 3"))).finish();
    ended.expect(3, "");
    // Also where nobody can tell us.
    let command = childminder(["timeout", "60", "sh", "-c", "exit 3"]);
    let script = "mount -t tmpfs none /proc && exec \"$@\"";
    let words = ["unshare", "--mount", "sh", "-c", script, "sh"];
    let ended = start(through(&words, &ignoring("CHLD", &command))).finish();
    ended.expect(3, "");
}

#[test]
fn no_descriptor_of_ours_reaches_the_child() {
    let list = ["sh", "-c", "ls /proc/$$/fd"];
    let without = Command::new(list[0])
        .args(&list[1..])
        .output()
        .expect("a shell");
    let with = start(minding_words("", &list)).finish();
    assert_eq!(with.stdout, without.stdout);
}

fn ignoring(signal: &str, command: &Command) -> Command {
    through(&["env", &format!("--ignore-signal={signal}")], command)
}
