//! childminder as process 1 of a PID namespace, as the entry point of a container is.

use std::process::Command;

use serde_json::json;

use crate::support::{LOITER, Place, minding, start, through};

fn as_init(command: &Command) -> Command {
    through(&["unshare", "--pid", "--fork", "--mount-proc"], command)
}

/// Without a `/proc`, as in a bare root directory.
fn without_proc(command: &Command) -> Command {
    let script = "mount -t tmpfs none /proc && exec \"$@\"";
    let words = [
        "unshare", "--pid", "--fork", "--mount", "sh", "-c", script, "sh",
    ];
    through(&words, command)
}

#[test]
fn orphans_are_reaped_at_once() {
    let place = Place::new();
    let gate = place.path("gate").display().to_string();
    // Each waits for one byte, and lost its parent before.
    let script = format!(
        "mkfifo {gate}; exec 9<>{gate}; i=0
        while [ $i -lt 100 ]; do (read line <&9 &); i=$((i + 1)); done
        yes '' | head -n 100 >&9
        while set -- /proc/[0-9]*; [ $# -gt 2 ]; do :; done
        echo nobody is left; exit 3"
    );
    let ended = start(as_init(&minding(&place.options(""), &script))).finish();
    assert_eq!((ended.status, ended.stdout()), (3, "nobody is left\n"));
    let tree = &place.report()["tree"];
    assert_eq!(tree["init"], true);
    assert_eq!(tree["orphans_reaped"], 100);
}

#[test]
fn orphans_are_reaped_though_our_parent_blocked_sigchld() {
    let script = "(read line <&3 &) 3<&0; exec <&-
        while set -- /proc/[0-9]*; [ $# -gt 2 ]; do :; done; exit 3";
    let run = minding("", script);
    let ended = start(as_init(&through(&["env", "--block-signal=CHLD"], &run))).finish();
    ended.expect(3, "");
}

#[test]
fn signals_are_passed_on() {
    for (number, name) in [
        (10, "SIGUSR1"),
        (12, "SIGUSR2"),
        (14, "SIGALRM"),
        (13, "SIGPIPE"),
        (18, "SIGCONT"),
        (20, "SIGTSTP"),
        (23, "SIGURG"),
        (25, "SIGXFSZ"),
        (28, "SIGWINCH"),
        (30, "SIGPWR"),
        (37, "SIGRTMIN+3"),
    ] {
        let others = if number == 18 {
            ""
        } else {
            "trap 'echo CONT' CONT;"
        };
        let script =
            format!("{others} trap 'echo got it; exit 7' {number}; kill -{number} 1; {LOITER}");
        let ended = start(as_init(&minding("", &script))).finish();
        assert_eq!((ended.status, ended.stdout()), (7, "got it\n"), "{name}");
    }
}

#[test]
fn a_request_starts_the_ladder() {
    let script = format!("trap 'echo TERM; exit 5' TERM; kill -TERM 1; {LOITER}");
    let ended = start(as_init(&minding("", &script))).finish();
    assert_eq!(ended.stdout(), "TERM\n");
    ended.expect(
        5,
        "childminder: sh: childminder got SIGTERM; sent SIGTERM; exit status 5\n",
    );
}

#[test]
fn the_status_is_the_childs() {
    for (script, status) in [("exit 0", 0), ("exit 3", 3), ("kill -KILL $$", 137)] {
        let ended = start(as_init(&minding("", script))).finish();
        assert_eq!(ended.status, status, "{script}");
        let ended = start(without_proc(&minding("", script))).finish();
        assert_eq!(ended.status, status, "{script}, without /proc");
    }
}

#[test]
fn without_proc_orphans_are_reaped_all_the_same() {
    let place = Place::new();
    let script =
        "orphan=$(sleep 0.1 >&- & echo $!); while kill -0 $orphan 2>&-; do :; done; exit 4";
    let ended = start(without_proc(&minding(&place.options(""), script))).finish();
    assert_eq!(ended.status, 4);
    let tree = &place.report()["tree"];
    assert_eq!(tree["orphans_reaped"], 1);
}

/// The system would kill them anyway.
#[test]
fn whoever_is_left_is_taken_along() {
    let place = Place::new();
    // It has left the group when it closes its output.
    let script = ": $(setsid sh -c 'exec >&- 2>&-; exec sleep 60' &); exit 3";
    let ended = start(as_init(&minding(&place.options(""), script))).finish();
    assert_eq!(ended.status, 3);
    let tree = &place.report()["tree"];
    assert_eq!(tree["killed"].as_array().map(Vec::len), Some(1), "{tree}");
    assert_eq!(tree["survivors"], json!([]));
}

/// Its numbers are not ours.
#[test]
fn the_processes_of_another_namespace_are_not_touched() {
    let place = Place::new();
    let run = minding(&place.options("--wall 300ms"), "sleep 60");
    let words = [
        "unshare",
        "--pid",
        "--fork",
        "sh",
        "-c",
        "\"$@\"; exit $?",
        "sh",
    ];
    let ended = start(through(&words, &run)).finish();
    assert_eq!(ended.status, 124);
    let tree = &place.report()["tree"];
    assert_eq!(tree["killed"], json!([]));
    let said = json!(["/proc belongs to another PID namespace"]);
    assert_eq!(tree["notes"], said);
}
