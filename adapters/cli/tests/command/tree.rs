//! Whoever the command starts in turn.

use std::fs;
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    BINARY, Place, Process, Running, millis, minding, minding_words, piped, start, text, through,
    wait_until,
};

const MECHANISMS: [(&str, &str); 3] = [
    ("", "group"),
    ("--session", "session"),
    ("--cgroup", "cgroup"),
];

/// Says its process id and sleeps in a session of its own, as a descendant or as an orphan.
const FAR: &str = "setsid sh -c 'echo $$; exec sleep 60' &";
const ORPHAN: &str = "(setsid sh -c 'echo $$; exec sleep 60' &);";

/// Killed when the test is over, if it is still there.
struct Stray(Process);

impl Stray {
    fn of(running: &mut Running) -> Self {
        Self(running.process())
    }

    fn parent(&self) -> u32 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).expect("it runs");
        let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"));
        let parent = parent.and_then(|id| id.trim().parse().ok());
        parent.expect("a process id")
    }

    fn name(&self) -> String {
        let name = fs::read_to_string(format!("/proc/{}/comm", self.0));
        name.unwrap_or_default().trim_end().to_owned()
    }
}

impl Drop for Stray {
    fn drop(&mut self) {
        if !self.0.is_gone() {
            self.0.kill();
        }
    }
}

/// The directory of the cgroup with this line in `/proc/PID/cgroup`.
fn cgroup_of(line: &str) -> String {
    let mounts = fs::read_to_string("/proc/mounts").expect("mounts");
    let v2 = mounts.lines().find(|line| line.contains(" cgroup2 "));
    let point = v2.and_then(|line| line.split(' ').nth(1)).expect("cgroup2");
    format!("{point}{}", line.strip_prefix("0::").expect("a cgroup"))
}

#[test]
fn who_left_the_group_dies_with_a_run_that_was_ended() {
    for (option, mechanism) in MECHANISMS {
        let place = Place::new();
        let options = place.options(&format!("{option} --drain 50ms"));
        let script = format!("grep ^0:: /proc/self/cgroup; {FAR} {ORPHAN} sleep 60");
        let mut running = start(minding(&options, &script));
        let cgroup = cgroup_of(&running.line());
        let strays = [Stray::of(&mut running), Stray::of(&mut running)];
        running.signal(Signal::TERM);
        assert_eq!(running.finish().status, 143, "{mechanism}");
        // They are not just about to die.
        assert!(strays.iter().all(|stray| stray.0.is_gone()), "{mechanism}");

        let tree = &place.report()["tree"];
        assert_eq!(tree["mechanism"], mechanism);
        assert_eq!(tree["survivors"], json!([]));
        assert_eq!(tree["killed"].as_array().map(Vec::len), Some(2), "{tree}");
        assert_eq!(tree["orphans_reaped"].as_u64().map(|n| n >= 2), Some(true));
        let is_leaf = cgroup.contains("/childminder-");
        assert_eq!(is_leaf, mechanism == "cgroup", "{cgroup}");
        assert!(!is_leaf || !Path::new(&cgroup).exists(), "{cgroup}");
    }
}

#[test]
fn a_deadline_ends_them_too() {
    let mut running = start(minding("--wall 500ms --drain 50ms", &format!("{FAR} wait")));
    let stray = Stray::of(&mut running);
    assert_eq!(running.finish().status, 124);
    assert!(stray.0.is_gone());
}

/// Whoever holds the output of a command that was ended is ended with it.
#[test]
fn who_left_the_group_is_not_waited_for_as_long_as_the_drain() {
    for option in ["", "--cgroup"] {
        let place = Place::new();
        let options = format!("{option} --wall 300ms --grace 300ms --drain 60s");
        let script = "setsid sh -c 'trap \"\" INT; echo $$; exec sleep 60' & exec sleep 60";
        let mut running = start(minding(&place.options(&options), script));
        let stray = Stray::of(&mut running);
        let ended = running.finish();
        assert_eq!(ended.status, 124);
        assert!(ended.took < millis(30_000), "{:?}", ended.took);
        assert!(stray.0.is_gone());
        let report = place.report();
        assert_eq!(report["leaked"], false);
        assert_eq!(report["tree"]["killed"].as_array().map(Vec::len), Some(1));
    }
}

/// Each is known to us only when the one before it is dead.
#[test]
fn a_chain_dies_to_the_last_though_we_are_asked_twice() {
    let chain = "perl -MPOSIX -e 'for (1..8) { if (fork) { sleep 60; exit } POSIX::setsid() }
        $| = 1; print \"ready\\n\"; close STDOUT; close STDERR; sleep 60' & exec sleep 60";
    for second in [Signal::HUP, Signal::INT] {
        let place = Place::new();
        let mut running = start(minding(&place.options(""), chain));
        assert_eq!(running.line(), "ready");
        running.signal(Signal::INT);
        for _ in 0..100 {
            thread::sleep(millis(1));
            running.signal(second);
        }
        running.finish();
        let tree = &place.report()["tree"];
        assert_eq!(tree["survivors"], json!([]), "{tree}");
        assert_eq!(tree["killed"].as_array().map(Vec::len), Some(8), "{tree}");
    }
}

/// As anybody but root: `setpriv` with its set-user-ID bit makes root again.
#[test]
fn who_may_not_be_killed_is_named_and_not_waited_for() {
    let place = Place::new();
    let give = format!(
        "cp {BINARY} $(command -v setpriv) {0} && chmod 755 {0} && chmod 4755 {0}/setpriv",
        text(&place.path(""))
    );
    let given = Command::new("sh").args(["-c", &give]).status();
    assert!(given.expect("a shell").success());
    let root = format!(
        "{} --reuid 0 --regid 0 --clear-groups",
        text(&place.path("setpriv"))
    );
    let daemon = "sleep 60 & echo $$; echo $!; wait";
    let script = format!("setsid {root} sh -c '{daemon}' & wait");
    let report = text(&place.path("report"));
    fs::write(&report, "").expect("a file");
    fs::set_permissions(&report, fs::Permissions::from_mode(0o666)).expect("a mode");
    for hides in ["off", "invisible"] {
        let mount = format!("mount -t proc -o hidepid={hides} proc /proc && exec \"$@\"");
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "sh", "-c", &mount, "sh", "setpriv"])
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(place.path("childminder"))
            .args(["run", "--wall", "500ms", "--drain", "100ms"])
            .args(["--report", &report, "--", "sh", "-c", &script]);
        let mut running = start(piped(command));
        // The other is no child of ours as long as this one lives.
        let [one, other] = [Stray::of(&mut running), Stray::of(&mut running)];
        let ended = running.finish();
        let (id, below) = (one.0.to_string(), other.0.to_string());
        assert_eq!(ended.status, 124);
        assert!(ended.took < millis(4000), "{:?}", ended.took);
        let tree = &place.report()["tree"];
        assert_eq!(tree["killed"], json!([]));
        let left = format!("left running: sh ({id}), sleep ({below})");
        assert_eq!(ended.stderr().contains(&left), hides == "off");
        let note = match hides {
            "off" => format!("cannot kill sh ({id}): Operation not permitted (os error 1)"),
            _ => "a process is left that /proc does not show".to_owned(),
        };
        assert_eq!(tree["notes"], json!([note]));
    }
}

#[test]
fn a_tree_of_many_dies_to_the_last() {
    let place = Place::new();
    let leaves = "for i in 1 2 3 4 5; do setsid sleep 60 & done; wait";
    let script = format!("for i in 1 2 3 4 5; do setsid sh -c '{leaves}' & done; echo ready; wait");
    let mut running = start(minding(&place.options("--drain 50ms"), &script));
    assert_eq!(running.line(), "ready");
    running.signal(Signal::TERM);
    running.finish();
    let tree = &place.report()["tree"];
    assert_eq!(tree["survivors"], json!([]), "{tree}");
}

#[test]
fn a_daemon_of_a_run_that_ended_well_lives_and_is_named() {
    for (option, mechanism) in MECHANISMS {
        let place = Place::new();
        let script = "grep ^0:: /proc/self/cgroup
            setsid sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1' & read go; exit 3";
        let mut command = minding(&place.options(option), script);
        command.stdin(Stdio::piped());
        let mut running = start(command);
        let cgroup = cgroup_of(&running.line());
        let daemon = Stray::of(&mut running);
        wait_until(|| daemon.name() == "sleep");
        writeln!(running.stdin(), "go").expect("its input");
        let id = daemon.0.to_string();
        running
            .finish()
            .expect(3, &format!("childminder: sh: left running: sleep ({id})\n"));
        assert!(!daemon.0.is_gone(), "{mechanism}");
        let tree = &place.report()["tree"];
        let pid: u32 = id.parse().expect("a number");
        assert_eq!(tree["mechanism"], mechanism);
        assert_eq!(tree["survivors"], json!([{ "pid": pid, "name": "sleep" }]));
        assert_eq!(tree["killed"], json!([]));
        let is_leaf = cgroup.contains("/childminder-");
        assert!(!is_leaf || !Path::new(&cgroup).exists(), "{cgroup}");
    }
}

#[test]
fn an_orphan_is_reaped_while_the_command_runs() {
    let script = "(setsid sh -c 'echo $$' &); read line";
    let mut command = minding("", script);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let orphan = running.process();
    wait_until(|| !Path::new(&format!("/proc/{orphan}")).exists());
    drop(running.stdin());
    assert_eq!(running.finish().status, 1);
}

/// As when a shell with a job in the background becomes us.
#[test]
fn children_that_we_inherited_are_neither_killed_nor_reaped() {
    let place = Place::new();
    let before = "exec 3<&0; sleep 60 >&- 2>&- & echo $!; (read line <&3) & echo $!;
        exec 3<&-; exec \"$@\"";
    let run = minding(
        &place.options("--drain 50ms"),
        &format!("{FAR} {ORPHAN} sleep 60"),
    );
    let mut command = through(&["sh", "-c", before, "sh"], &run);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let [alive, dead] = [Stray::of(&mut running), Stray::of(&mut running)];
    let strays = [Stray::of(&mut running), Stray::of(&mut running)];
    drop(running.stdin());
    dead.0.wait_until_gone();
    // When somebody else has been reaped, it has been passed over.
    let is_reaped = |stray: &Stray| !Path::new(&format!("/proc/{}", stray.0)).exists();
    let orphan = || strays.iter().find(|stray| stray.parent() == running.id());
    wait_until(|| orphan().is_some());
    let orphan = orphan().expect("one of them is an orphan");
    orphan.0.kill();
    wait_until(|| is_reaped(orphan));
    assert!(!is_reaped(&dead), "it is a zombie");
    running.signal(Signal::TERM);
    assert_eq!(running.finish().status, 143);
    assert!(strays.iter().all(|stray| stray.0.is_gone()));
    assert!(!alive.0.is_gone());
    let tree = &place.report()["tree"];
    assert_eq!(tree["killed"].as_array().map(Vec::len), Some(1), "{tree}");
}

#[test]
fn a_session_has_no_terminal() {
    let script = "test $(ps -o sid= -p $$) = $$ && ! (: </dev/tty)";
    start(minding("--session", &format!("({script}) 2>/dev/null")))
        .finish()
        .expect(0, "");
}

#[test]
fn where_no_cgroup_can_be_made_a_group_will_do() {
    let place = Place::new();
    let mut running = start(read_only(&minding(
        &place.options("--cgroup --drain 50ms"),
        &format!("{FAR} wait"),
    )));
    let stray = Stray::of(&mut running);
    running.signal(Signal::TERM);
    let ended = running.finish();
    let said = ended.stderr();
    assert!(
        said.starts_with("childminder: cannot make a cgroup in /"),
        "{said}"
    );
    let reason = "Read-only file system (os error 30); a process group will do\n";
    assert!(said.contains(reason), "{said}");
    assert_eq!(ended.status, 143);
    assert!(stray.0.is_gone());
    let tree = &place.report()["tree"];
    assert_eq!(tree["mechanism"], "group");
    let note = tree["notes"][0].as_str().expect("a note");
    assert!(note.contains("Read-only file system"), "{note}");
}

/// Beside threads there can be no processes (`cgroups(7)`, "Thread mode").
#[test]
fn where_a_cgroup_takes_nobody_in_a_group_will_do() {
    let place = Place::new();
    let parent = Path::new(&our_cgroup()).join(format!("test-{}", std::process::id()));
    fs::create_dir_all(parent.join("threads")).expect("a cgroup");
    fs::write(parent.join("threads/cgroup.type"), "threaded").expect("threads");
    let enter = format!("echo $$ >{}/cgroup.procs && exec \"$@\"", text(&parent));
    let run = minding(&place.options("--cgroup"), "exit 3");
    let ended = start(through(&["sh", "-c", &enter, "sh"], &run)).finish();
    let said = ended.stderr();
    assert_eq!(ended.status, 3, "{said}");
    // Each C library says it in words of its own.
    let reason = "ot supported (os error 95); a process group will do\n";
    assert!(
        said.starts_with("childminder: cannot use the cgroup /"),
        "{said}"
    );
    assert!(said.ends_with(reason), "{said}");
    assert_eq!(place.report()["tree"]["mechanism"], "group");
    // Nothing is left in it.
    fs::remove_dir(parent.join("threads")).expect("an empty cgroup");
    fs::remove_dir(parent).expect("an empty cgroup");
}

/// To look through the table is work for each process of the system.
#[test]
fn the_process_table_is_not_read_where_nothing_is_left() {
    let place = Place::new();
    let trace = place.path("trace");
    let words = ["strace", "-f", "-e", "trace=openat", "-o", &text(&trace)];
    let run = minding("", "exit 0");
    start(through(&words, &run)).finish().expect(0, "");
    let trace = fs::read_to_string(&trace).expect("a trace");
    assert!(trace.contains("openat("), "{trace}");
    // The guardian looks for its own arguments.
    let trace = trace.replace("/proc/self/stat\"", "");
    assert!(!trace.contains("/stat\""), "{trace}");
}

#[test]
fn only_the_cgroup_has_a_group_in_its_place() {
    let place = Place::new();
    // Orphans cannot be adopted.
    let words = [
        "strace",
        "-o",
        "/dev/null",
        "-e",
        "inject=prctl:error=EINVAL:when=1",
    ];
    let run = minding(&place.options("--cgroup"), "exit 0");
    start(through(&words, &run)).finish().expect(0, "");
    let tree = &place.report()["tree"];
    assert_eq!(tree["mechanism"], "cgroup");
    assert_eq!(tree["notes"].as_array().map(Vec::len), Some(1), "{tree}");
}

#[test]
fn a_command_that_is_not_found_leaves_no_cgroup() {
    let running = start(minding_words("--cgroup", &["no-such-command"]));
    let parent = our_cgroup();
    let name = format!("childminder-{}-0", running.id());
    running.finish().expect(
        127,
        "childminder: no such command: \"no-such-command\" (not in PATH)\n",
    );
    assert!(!Path::new(&parent).join(name).exists());
}

#[test]
fn that_what_is_left_cannot_be_seen_is_told() {
    let place = Place::new();
    let with_report = |options: &str, script: &str| without_proc(&place.options(options), script);
    let why = "cannot read /proc: No such file or directory (os error 2)";
    let told = format!("left-over processes could not be looked for: {why}");
    let note = json!([why]);

    let mut running = with_report("--wall 500ms --drain 50ms", &format!("{FAR} sleep 60"));
    let _stray = Stray::of(&mut running);
    running.finish().expect(
        124,
        &format!(
            "childminder: sh: still running after 500ms (--wall); sent SIGINT; killed by SIGINT; \
            its output is still held open; {told}\n"
        ),
    );
    assert_eq!(place.report()["tree"]["notes"], note);

    with_report("", "exit 3").finish().expect(3, "");
    assert_eq!(place.report()["tree"]["notes"], note);
}

/// Where nothing is to be reported, `/proc` is looked at only then.
#[test]
fn that_what_is_left_cannot_be_seen_is_told_once_something_is_left() {
    let script = "setsid sh -c 'echo $$; exec sleep 600 >&- 2>&-' & sleep 600";
    let mut running = without_proc("--wall 500ms", script);
    let _stray = Stray::of(&mut running);
    let ended = running.finish();
    let told = "left-over processes could not be looked for: cannot read /proc: No such file";
    assert!(ended.stderr().contains(told), "{}", ended.stderr());
    without_proc("", "exit 3").finish().expect(3, "");
}

fn without_proc(options: &str, script: &str) -> Running {
    let mount = "mount -t tmpfs none /proc && exec \"$@\"";
    let words = ["unshare", "--mount", "sh", "-c", mount, "sh"];
    start(through(&words, &minding(options, script)))
}

#[test]
fn when_to_sweep_can_be_chosen() {
    let silent = "setsid sh -c 'echo $$; exec sleep 60 >/dev/null 2>&1' & read go; exit 3";
    let place = Place::new();
    for (options, is_ended, survives) in [
        ("--sweep never", true, true),
        ("--sweep terminated", true, false),
        ("--sweep terminated", false, true),
        ("--sweep always", false, false),
        ("--sweep always --sweep never", false, true),
    ] {
        let mut command = minding(&place.options(options), silent);
        command.stdin(Stdio::piped());
        let mut running = start(command);
        let stray = Stray::of(&mut running);
        wait_until(|| stray.name() == "sleep");
        if is_ended {
            running.signal(Signal::TERM);
        } else {
            writeln!(running.stdin(), "go").expect("its input");
        }
        let ended = running.finish();
        assert_eq!(ended.status, if is_ended { 143 } else { 3 }, "{options}");
        assert_eq!(!stray.0.is_gone(), survives, "{options}");
        let tree = &place.report()["tree"];
        let counted = |list: &str| tree[list].as_array().map(Vec::len);
        let expected = [usize::from(survives), usize::from(!survives)];
        assert_eq!(
            [counted("survivors"), counted("killed")],
            expected.map(Some),
            "{options}"
        );
        place.replay();
    }
}

/// Where the controllers are not to be had, the command is not run.
#[test]
fn a_limit_holds_or_nothing_is_run() {
    for (option, controller, file, value) in [
        ("--memory 64M", "memory", "memory.max", "67108864"),
        ("--pids 50", "pids", "pids.max", "50"),
        ("--cpu 0.5", "cpu", "cpu.max", "50000 100000"),
    ] {
        let place = Place::new();
        let script = "grep ^0:: /proc/self/cgroup; read go";
        let mut command = minding(&place.options(option), script);
        command.stdin(Stdio::piped());
        let mut running = start(command);
        let mut stdout = running.take_stdout();
        let mut line = String::new();
        stdout.read_line(&mut line).expect("standard output");
        if line.is_empty() {
            let ended = running.finish();
            let said = ended.stderr();
            let refused = format!("childminder: cannot set {file}: the {controller} controller ");
            assert_eq!(ended.status, 125, "{said}");
            assert!(said.starts_with(&refused), "{said}");
            assert!(
                said.contains("systemd-run --scope -p Delegate=yes"),
                "{said}"
            );
            assert_eq!(place.report()["error"]["type"], "not_run");
        } else {
            let file = Path::new(&cgroup_of(line.trim_end())).join(file);
            assert_eq!(fs::read_to_string(file).expect("a limit").trim_end(), value);
            writeln!(running.stdin(), "go").expect("its input");
            running.finish();
        }
    }
    let ended = start(read_only(&minding("--memory 64M", "echo ran"))).finish();
    let said = ended.stderr();
    assert_eq!((ended.status, ended.stdout()), (125, ""), "{said}");
    assert!(
        said.contains("Read-only file system (os error 30)\n"),
        "{said}"
    );
    // None is none.
    let options = "--memory 64M --memory max --pids max --cpu max";
    start(minding(options, "exit 3")).finish().expect(3, "");
}

fn our_cgroup() -> String {
    let own = fs::read_to_string("/proc/self/cgroup").expect("our cgroups");
    let own = own.lines().find(|line| line.starts_with("0::"));
    cgroup_of(own.expect("cgroup v2"))
}

/// With cgroups that cannot be written.
fn read_only(command: &Command) -> Command {
    let mount = "point=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
        mount --bind $point $point && mount -o remount,bind,ro $point && exec \"$@\"";
    through(&["unshare", "--mount", "sh", "-c", mount, "sh"], command)
}
