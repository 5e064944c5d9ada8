//! `--activity notify`.

use std::fs;
use std::io::Write as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Place, Running, millis, minding, minding_words, run, start, wait_until};

/// A program that uses the package `sdnotify`, in the Python that has it.
fn python(program: &str) -> Vec<String> {
    let program = format!(
        "import os, sdnotify, sys, time\nsay = sdnotify.SystemdNotifier(debug=True).notify\n{program}"
    );
    ["/usr/bin/python3", "-c", &program]
        .map(str::to_owned)
        .to_vec()
}

fn minding_python(options: &str, program: &str) -> Command {
    let words = python(program);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    minding_words(&format!("--activity notify {options}"), &words)
}

/// A shell that says a line when it runs, then one for each that it reads; and its socket.
fn begun(options: &str) -> (Running, SocketAddr) {
    let script = "echo $NOTIFY_SOCKET; while read line; do eval \"$line\"; echo done; done";
    let mut command = minding(&format!("--activity notify {options}"), script);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let address = running.line();
    let name = address.strip_prefix('@').expect("an abstract name");
    let address = SocketAddr::from_abstract_name(name).expect("an address");
    (running, address)
}

fn send(address: &SocketAddr, message: &[u8]) -> std::io::Result<usize> {
    let socket = UnixDatagram::unbound().expect("a socket");
    socket.send_to_addr(message, address)
}

#[test]
fn a_command_that_says_nothing_more_is_ended() {
    let program = "
for ping in range(6):
    say('WATCHDOG=1')
    time.sleep(0.3)
say('WATCHDOG=1')
while True:
    print('busy', flush=True)
    time.sleep(0.1)
";
    let ended = start(minding_python("--idle 1s -s TERM", program)).finish();
    ended.expect(
        124,
        "childminder: python3: no WATCHDOG=1 for 1s (--idle); sent SIGTERM; killed by SIGTERM\n",
    );
    assert!(ended.took > millis(2800), "{:?}", ended.took);
}

#[test]
fn the_report_tells_what_it_has_said() {
    let place = Place::new();
    let program = "
say('STATUS=begins')
say('READY=1')
say('STATUS=two\\tthirds')
say('STOPPING=1')
sys.exit(3)
";
    let ended = start(minding_python(&place.options("--idle 60s"), program)).finish();
    assert_eq!(ended.status, 3);
    let report = place.report();
    assert_eq!(report["notify_status"], "two\tthirds");
    let nanos = |key: &str| report[key].as_u64().expect("nanoseconds");
    assert!(nanos("ready_ns") > 0, "a program takes time to start");
    assert!(nanos("stopping_ns") >= nanos("ready_ns"));
    place.replay();
}

/// Which waits until it was heard, and so is still there to be looked at.
#[test]
fn what_its_children_say_counts() {
    let place = Place::new();
    let script = "
        systemd-notify --ready --status=shell
        for i in 1 2 3 4 5 6; do sleep 0.3; setsid -w systemd-notify WATCHDOG=1; done
        (setsid sh -c 'systemd-notify STATUS=daemon; echo told' &)
        read line";
    let mut command = minding(&place.options("--activity notify --idle 1s"), script);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    assert_eq!(running.line(), "told");
    drop(running.stdin());
    let ended = running.finish();
    assert_eq!(ended.status, 1, "{}", ended.stderr());
    assert!(ended.took > millis(1800), "{:?}", ended.took);
    let report = place.report();
    assert_eq!(report["notify_status"], "daemon");
    assert_eq!(report["tree"]["notes"], json!([]));
}

#[test]
fn its_status_is_told_when_it_is_ended() {
    let script = "systemd-notify --status=indexing; exec sleep 60";
    let ended = run("--activity notify --idle 500ms", script);
    let said = "childminder: sh: no WATCHDOG=1 for 500ms (--idle); sent SIGINT; killed by SIGINT; \
                its status was \"indexing\"\n";
    ended.expect(124, said);
}

#[test]
fn it_can_trigger_its_watchdog() {
    let script = "systemd-notify WATCHDOG=trigger; exec sleep 60";
    let ended = run("--activity notify", script);
    let said =
        "childminder: sh: the child has triggered its watchdog; sent SIGINT; killed by SIGINT\n";
    ended.expect(124, said);
}

#[test]
fn it_can_change_its_deadline() {
    let script = "systemd-notify WATCHDOG_USEC=300000; exec sleep 60";
    for idle in ["", "--idle 600s"] {
        let ended = run(&format!("--activity notify {idle}"), script);
        ended.expect(
            124,
            "childminder: sh: no WATCHDOG=1 for 300ms (--idle); sent SIGINT; killed by SIGINT\n",
        );
    }
    run(
        "--activity notify --idle 300ms",
        "systemd-notify WATCHDOG_USEC=0; sleep 1",
    )
    .expect(0, "");
}

#[test]
fn it_has_begun_when_it_is_ready() {
    let options = "--activity notify --first-output 600ms";
    run(options, "systemd-notify --ready; sleep 1.2").expect(0, "");
    let said = "childminder: sh: neither READY=1 nor output within 600ms (--first-output); sent SIGINT; killed by SIGINT\n";
    run(options, "systemd-notify WATCHDOG=1; exec sleep 60").expect(124, said);
}

#[test]
fn it_can_put_its_deadline_off_once() {
    let script = "systemd-notify EXTEND_TIMEOUT_USEC=60000000; sleep 1.2; \
                  systemd-notify WATCHDOG=1; exec sleep 60";
    let place = Place::new();
    let ended = run(&place.options("--activity notify --idle 600ms"), script);
    assert_eq!(ended.status, 124, "{}", ended.stderr());
    assert!(ended.took > millis(1800), "{:?}", ended.took);
    assert!(ended.took < millis(20_000), "{:?}", ended.took);
    place.replay();
}

#[test]
fn it_finds_all_that_it_needs() {
    let script = "echo ${WATCHDOG_USEC-none} ${WATCHDOG_PID-none} ${NOTIFY_SOCKET-none}";
    let said = |options: &str| {
        let mut command = minding(options, script);
        command.envs([
            ("NOTIFY_SOCKET", "/outer"),
            ("WATCHDOG_PID", "1"),
            ("WATCHDOG_USEC", "7"),
        ]);
        let ended = start(command).finish();
        ended.expect(0, "");
        ended.stdout().to_owned()
    };
    let ours = "@childminder/";
    let (with, without) = (
        said("--activity notify --idle 1500ms"),
        said("--activity notify"),
    );
    assert!(with.starts_with(&format!("1500000 none {ours}")), "{with}");
    assert!(
        without.starts_with(&format!("none none {ours}")),
        "{without}"
    );
    assert_eq!(said("--idle 1500ms"), "7 1 /outer\n");
}

/// This process is the one above.
#[test]
fn a_stranger_is_not_heard() {
    let place = Place::new();
    let (mut running, address) = begun(&place.options("--idle 60s"));
    for _ in 0..2 {
        send(&address, b"READY=1\nSTATUS=strange\nWATCHDOG=trigger").expect("sent");
    }
    let mut stdin = running.stdin();
    stdin
        .write_all(b"systemd-notify STATUS=own\n")
        .expect("read");
    assert_eq!(running.line(), "done");
    drop(stdin);
    running.finish().expect(0, "");
    let report = place.report();
    assert_eq!(report["ready_ns"], json!(null));
    assert_eq!(report["notify_status"], "own");
    let why = format!(
        "2 messages were refused (--activity notify): process {} is none of the command's",
        std::process::id()
    );
    assert_eq!(report["tree"]["notes"], json!([why]));
}

#[test]
fn runs_beside_each_other_are_apart() {
    let places = [Place::new(), Place::new()];
    let mut runs = places
        .each_ref()
        .map(|place| begun(&place.options("--idle 60s")));
    for (number, (running, _)) in runs.iter_mut().enumerate() {
        let mut stdin = running.stdin();
        writeln!(stdin, "systemd-notify STATUS={number}").expect("read");
        assert_eq!(running.line(), "done");
    }
    for (running, _) in runs {
        running.finish().expect(0, "");
    }
    for (number, place) in places.iter().enumerate() {
        let report = place.report();
        assert_eq!(report["notify_status"], number.to_string());
        assert_eq!(report["tree"]["notes"], json!([]));
    }
}

#[test]
fn the_socket_is_gone_afterwards() {
    let is_listed = |address: &SocketAddr| {
        let name = String::from_utf8_lossy(address.as_abstract_name().expect("a name"));
        let listed = fs::read_to_string("/proc/net/unix").expect("the sockets");
        listed.contains(&*name)
    };
    for is_killed in [false, true] {
        let (mut running, address) = begun("--idle 60s");
        assert!(is_listed(&address));
        if is_killed {
            let us = running.itself();
            us.kill();
            wait_until(|| us.is_gone());
            running.take_stdout();
        } else {
            drop(running.stdin());
            running.finish();
        }
        wait_until(|| !is_listed(&address));
        assert!(send(&address, b"READY=1").is_err());
    }
}

/// Neither a deadline nor output.
#[test]
fn a_flood_starves_nothing() {
    let flood = "
while True:
    say('STATUS=' + 'x' * 4000)
";
    let ended = start(minding_python("--idle 1s", flood)).finish();
    assert_eq!(ended.status, 124);
    ended.expect_took(millis(1000));

    let both = "
if os.fork():
    for number in range(100000):
        print(number)
    sys.stdout.flush()
    os.kill(0, 15)
else:
    while True:
        say('WATCHDOG=1')
";
    let options = "--idle 60s --tail 1 --report /dev/null";
    let ended = start(minding_python(options, both)).finish();
    assert_eq!(ended.status, 143);
    assert_eq!(ended.stdout().lines().count(), 100_000);
}

#[test]
fn what_makes_no_sense_is_noted() {
    let place = Place::new();
    let program = "
say('STATUS=' + 'x' * 4090)
say('STATUS=fits')
say('WATCHDOG=often')
say('X' * 4095)
import socket
plain = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
plain.sendto(b'STATUS=\\xff\\xfe', '\\0' + os.environ['NOTIFY_SOCKET'][1:])
print(os.getpid())
";
    let ended = start(minding_python(&place.options("--idle 60s"), program)).finish();
    ended.expect(0, "");
    let report = place.report();
    assert_eq!(report["notify_status"], "fits");
    let why = format!(
        "3 messages were refused (--activity notify): a message of process {} is longer than 4096 bytes, \
         `WATCHDOG=often` must be 1 or trigger, `STATUS=\u{fffd}\u{fffd}` must be UTF-8",
        ended.stdout().trim()
    );
    assert_eq!(report["tree"]["notes"], json!([why]));
}

#[test]
fn a_terminal_of_its_own_changes_nothing() {
    let script = "for i in 1 2 3 4 5; do sleep 0.3; systemd-notify WATCHDOG=1; done; exec sleep 60";
    let ended = run("--tty --activity notify --idle 1s", script);
    ended.expect(
        124,
        "childminder: sh: no WATCHDOG=1 for 1s (--idle); sent SIGINT; killed by SIGINT\n",
    );
    assert!(ended.took > millis(2500), "{:?}", ended.took);
}

#[test]
fn only_one_can_vouch() {
    let ended = run("--activity notify --activity-match x", "echo out");
    ended.expect(
        125,
        "childminder: --activity notify does not go with --activity-match: either the command vouches for itself, \
         or its output does\n",
    );
}
