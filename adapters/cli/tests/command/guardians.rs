//! SIGKILL to childminder ends all that the command has started.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::support::{
    BINARY, Place, Process, Random, Running, minding, minding_words, piped, start, text, wait_until,
};

/// Where each of these says its process id: in the background, in a session of its own, double-forked, without an
/// environment, and the command itself.
const TREE: &str = "
    sh -c 'echo $$; exec sleep 600' &
    setsid sh -c 'echo $$; exec sleep 600' &
    (setsid sh -c '(sh -c \"echo \\$\\$; exec sleep 600\" &)' &)
    env -i sh -c 'echo $$; exec sleep 600' &
    (env -i sh -c 'echo $$; exec sleep 600' &)
    echo $$; exec sleep 600";
const MEMBERS: usize = 6;

const PLACES: [&str; 4] = ["", "--session", "--cgroup", "--tty"];

/// Killed when the test is over, if it is still there.
struct Member(Process);

impl Drop for Member {
    fn drop(&mut self) {
        if !self.0.is_gone() {
            self.0.kill();
        }
    }
}

fn members(running: &mut Running, count: usize) -> Vec<Member> {
    let mut members = Vec::new();
    while members.len() < count {
        members.push(Member(running.process()));
    }
    members
}

#[track_caller]
fn wait_until_gone(members: &[Member]) {
    for member in members {
        member.0.wait_until_gone();
    }
}

/// The processes that are not dead, with their arguments.
fn processes() -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| {
        let arguments = fs::read(format!("/proc/{id}/cmdline")).ok()?;
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        Some((id, arguments.trim_end().to_owned()))
    })
    .collect()
}

/// The guardian of this childminder.
fn guardian_of(id: u32) -> Option<u32> {
    let title = format!("guardian of {id}");
    let found = processes().into_iter().find(|(_, said)| *said == title);
    found.map(|(guardian, _)| guardian)
}

fn guardian(running: &Running) -> u32 {
    wait_until(|| guardian_of(running.id()).is_some());
    guardian_of(running.id()).expect("it is there")
}

fn is_there(id: u32) -> bool {
    Path::new(&format!("/proc/{id}")).exists()
}

/// The cgroup that childminder makes others in.
fn our_cgroup() -> String {
    let mounts = fs::read_to_string("/proc/mounts").expect("mounts");
    let v2 = mounts.lines().find(|line| line.contains(" cgroup2 "));
    let point = v2.and_then(|line| line.split(' ').nth(1)).expect("cgroup2");
    let own = fs::read_to_string("/proc/self/cgroup").expect("our cgroups");
    let own = own.lines().find_map(|line| line.strip_prefix("0::"));
    format!("{point}{}", own.expect("cgroup v2"))
}

/// The cgroups that childminders of these ids have made.
fn leaves(ids: &BTreeSet<u32>) -> Vec<String> {
    let names = fs::read_dir(our_cgroup()).expect("our cgroup").flatten();
    names
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| {
            let id = name.strip_prefix("childminder-");
            let id = id.and_then(|rest| rest.split('-').next()?.parse().ok());
            id.is_some_and(|id| ids.contains(&id))
        })
        .collect()
}

#[test]
fn the_whole_tree_dies_with_childminder() {
    for option in PLACES {
        let mut running = start(minding(option, TREE));
        let tree = members(&mut running, MEMBERS);
        let guardian = Member(Process::named(&guardian(&running).to_string()));
        let ids = BTreeSet::from([running.id()]);
        assert_eq!(leaves(&ids).len(), usize::from(option == "--cgroup"));
        running.signal(Signal::KILL);
        wait_until_gone(&tree);
        guardian.0.wait_until_gone();
        assert!(leaves(&ids).is_empty(), "{option}");
    }
}

#[test]
fn a_tree_below_another_childminder_dies_too() {
    let place = Place::new();
    let tree = text(&place.file("tree", TREE));
    for option in PLACES {
        let script = format!("echo $$; exec {BINARY} run {option} -- sh {tree}");
        // The outer one, or both.
        for kills_inner in [false, true] {
            let mut running = start(minding("", &format!("({script}); wait")));
            let inner = Member(running.process());
            let tree = members(&mut running, MEMBERS);
            let ids: BTreeSet<u32> = [inner.0.to_string().parse().expect("a number")].into();
            if kills_inner {
                inner.0.kill();
            }
            running.signal(Signal::KILL);
            inner.0.wait_until_gone();
            wait_until_gone(&tree);
            wait_until(|| ids.iter().all(|id| guardian_of(*id).is_none()));
            assert_eq!(leaves(&ids), [""; 0], "{option}");
        }
    }
}

/// The group of childminder, as a shell or a service manager kills it.
#[test]
fn the_whole_tree_dies_with_the_group_of_childminder() {
    for option in PLACES {
        let mut command = minding(option, TREE);
        command.process_group(0);
        let mut running = start(command);
        let tree = members(&mut running, MEMBERS);
        let group = Pid::from_raw(running.id().cast_signed()).expect("a process id");
        kill_process_group(group, Signal::KILL).expect("it runs");
        wait_until_gone(&tree);
    }
}

/// From the first moment on.
#[test]
fn at_no_moment_is_anything_left() {
    let mut random = Random::new();
    // It sleeps for 600 seconds, and nothing else sleeps so long.
    let mark = format!("600.{:09}77", random.below(1_000_000_000));
    let script = format!(
        "sleep {mark} & setsid sleep {mark} & (setsid sh -c 'sleep {mark} & exit' &); env -i sleep {mark} & exec sleep {mark}"
    );
    let mut ids = BTreeSet::new();
    for number in 0..200 {
        let mut command = minding(PLACES[number % PLACES.len()], &script);
        command
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("childminder");
        ids.insert(child.id());
        thread::sleep(Duration::from_micros(random.below(20_000)));
        let id = Pid::from_child(&child);
        if random.below(2) == 0 {
            kill_process(id, Signal::KILL).expect("it runs");
        } else {
            kill_process_group(id, Signal::KILL).expect("it runs");
        }
        child.wait().expect("its status");
    }
    let sleeper = format!("sleep {mark}");
    wait_until(|| {
        let left = processes();
        let is_ours = |said: &str| {
            let of = said.strip_prefix("guardian of ");
            said == sleeper || of.is_some_and(|id| id.parse().is_ok_and(|id| ids.contains(&id)))
        };
        !left.iter().any(|(_, said)| is_ours(said))
    });
    assert_eq!(leaves(&ids), [""; 0]);
}

#[test]
fn strangers_live_on() {
    let mut running = start(minding("", TREE));
    let tree = members(&mut running, MEMBERS);
    // Of the same session, and with the mark that an earlier process of the same id might have made.
    let forged = format!("{}.1.{}", running.id(), "0".repeat(32));
    let mut strangers =
        [piped(Command::new("sleep")), piped(Command::new("sleep"))].map(|mut command| {
            let command = command.arg("60").env("CHILDMINDER_CHILD", &forged);
            command.process_group(0).spawn().expect("sleep")
        });
    let guardian = Process::named(&guardian(&running).to_string());
    running.signal(Signal::KILL);
    wait_until_gone(&tree);
    guardian.wait_until_gone();
    for stranger in &mut strangers {
        let ended = stranger.try_wait().expect("a child");
        stranger.kill().expect("a child");
        stranger.wait().expect("a child");
        assert_eq!(ended, None);
    }
}

/// The ladder's SIGKILL, or another's, has ended the group already.
#[test]
fn what_has_left_the_group_dies_also_when_that_is_dead() {
    let script = "echo $$; setsid sh -c 'echo $$; exec sleep 600' & exec sleep 600";
    let mut running = start(minding("--drain 60s", script));
    let tree = members(&mut running, 2);
    let command = tree[0].0.to_string().parse().ok().and_then(Pid::from_raw);
    kill_process_group(command.expect("the command"), Signal::KILL).expect("it runs");
    wait_until(|| tree.iter().any(|member| member.0.is_gone()));
    running.signal(Signal::KILL);
    wait_until_gone(&tree);
}

#[test]
fn no_end_but_sigkill_leaves_a_guardian() {
    for (options, words, status) in [
        ("", &["true"][..], 0),
        ("", &["false"], 1),
        ("", &["/etc/passwd"], 126),
        ("", &["no-such-command"], 127),
        ("", &["sh", "-c", "kill -TERM $$"], 143),
        ("", &["sh", "-c", "kill -INT $$"], 130),
        ("--wall 100ms", &["sleep", "60"], 124),
        ("--report /dev/full", &["true"], 125),
        ("--report /no/such/place", &["true"], 125),
        ("--cgroup", &["true"], 0),
    ] {
        let running = start(minding_words(options, words));
        let id = running.id();
        let ended = running.finish();
        assert_eq!(ended.status, status, "{words:?}: {}", ended.stderr());
        assert_eq!(guardian_of(id), None, "{words:?}");
    }
    let mut running = start(minding("", "echo ready; exec sleep 600"));
    assert_eq!(running.line(), "ready");
    let guardian = guardian(&running);
    running.signal(Signal::TERM);
    assert_eq!(running.finish().status, 143);
    assert!(!is_there(guardian));
}

#[test]
fn the_guardian_holds_nothing_of_ours() {
    let place = Place::new();
    let mut command = minding("", "echo ready; exec sleep 600");
    command.current_dir(place.path(""));
    let mut running = start(command);
    assert_eq!(running.line(), "ready");
    let guardian = guardian(&running);
    let link = |name: &str| fs::read_link(format!("/proc/{guardian}/{name}")).expect("a link");
    assert_eq!(link("cwd"), Path::new("/"));
    let ours = |fd: u32| fs::read_link(format!("/proc/{}/fd/{fd}", running.id())).expect("a link");
    let ours = [0, 1, 2].map(ours);
    let fds = fs::read_dir(format!("/proc/{guardian}/fd")).expect("its descriptors");
    let fds: Vec<_> = fds
        .map(|fd| fs::read_link(fd.expect("one").path()).expect("a link"))
        .collect();
    assert_eq!(fds.len(), 3, "{fds:?}");
    assert!(!fds.iter().any(|fd| ours.contains(fd)), "{fds:?}");
    running.signal(Signal::TERM);
    running.finish();
}

#[test]
fn with_keep_all_lives_on_and_works() {
    for option in ["", "--session", "--cgroup", "--report {} --tail 0"] {
        let place = Place::new();
        let marker = text(&place.path("marker"));
        let option = format!("--keep {option}").replace("{}", &text(&place.path("report")));
        let daemon =
            format!("setsid sh -c 'exec <&3; echo $$; read go; echo daemon; echo >{marker}' &");
        let script =
            format!("exec 3<&0; {daemon} echo $$; read go; echo command; sleep 0.1; echo again");
        let mut command = minding(&option, &script);
        command.stdin(Stdio::piped());
        let mut running = start(command);
        let mut stdin = running.stdin();
        let tree = members(&mut running, 2);
        let mut stdout = running.take_stdout();
        let ids = BTreeSet::from([running.id()]);
        assert_eq!(guardian_of(running.id()), None);
        running.signal(Signal::KILL);
        drop(running);
        // Each reads a line, byte by byte.
        stdin.write_all(b"go\ngo\n").expect("they read");
        let mut said: Vec<_> = (&mut stdout)
            .lines()
            .map(|line| line.expect("a line"))
            .collect();
        said.sort();
        assert_eq!(said, ["again", "command", "daemon"], "{option}");
        wait_until_gone(&tree);
        assert!(place.path("marker").exists());
        for leaf in leaves(&ids) {
            let own = our_cgroup();
            wait_until(|| fs::remove_dir(Path::new(&own).join(&leaf)).is_ok());
        }
    }
}

#[test]
fn what_cannot_be_kept_is_refused() {
    for (options, option) in [
        ("--idle 5s", "--idle"),
        ("--first-output 5s", "--first-output"),
        ("--record no-such-file", "--record"),
        ("--report no-such-file", "--report"),
        ("--tty", "--tty"),
        ("--progress", "--progress"),
    ] {
        let ended = start(minding(&format!("--keep {options}"), "echo out")).finish();
        assert_eq!((ended.status, ended.stdout()), (125, ""), "{option}");
        let begin = format!("childminder: --keep does not go with {option}: ");
        assert!(ended.stderr().starts_with(&begin), "{}", ended.stderr());
        assert_eq!(ended.stderr().lines().count(), 1);
    }
    let ended = start(minding("--keep --report no-such-file", "echo out")).finish();
    assert!(
        ended.stderr().ends_with("add --tail 0\n"),
        "{}",
        ended.stderr()
    );
    for options in [
        "--idle 0",
        "--first-output 0",
        "--report /dev/null --tail 0",
    ] {
        start(minding(&format!("--keep {options}"), "exit 3"))
            .finish()
            .expect(3, "");
    }
}
