//! Where a child stands, what it dies of, and how else its exit is noticed.

use std::fs::{self, File};
use std::os::fd::OwnedFd;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::{
    Child, Command, Delivery, Inherited, JobChange, Place, Signals, SpawnOptions, Stdio, Watch,
    signals,
};
use nix::pty::openpty;
use rustix::process::{Pid, getpgid, getpgrp, getsid};

use crate::alone::again_in_a_process_of_its_own;
use crate::support::{Bystander, is_readable, read_line, state, wait_until_dead};
use crate::waits::{read_all, sh, wait_until};

#[test]
fn a_session_of_its_own() {
    let mut command = sh("exec sleep 1000");
    let start = SpawnOptions {
        place: Place::Session,
        ..SpawnOptions::default()
    };
    let mut child = Child::spawn_with(&mut command, &start).expect("a child");
    let pid = pid(&child);
    assert_eq!(getsid(Some(pid)), Ok(pid));
    assert_eq!(getpgid(Some(pid)), Ok(pid));
    let sent = child.signal(Signal::TERM, Target::Group).expect("sent");
    assert_eq!(sent, Delivery::Sent);
    assert_eq!(
        child.reap().expect("a status"),
        ExitStatus::Signal(Signal::TERM)
    );

    // The hook of the first time is there still.
    let mut again = Child::spawn_with(&mut command, &start).expect("the same again");
    again.signal(Signal::KILL, Target::Leader).expect("sent");
    again.reap().expect("a status");
}

#[test]
fn our_own_group_is_the_childs_when_asked_for_and_only_the_child_is_signalled() {
    let start = SpawnOptions {
        place: Place::Inherit,
        ..SpawnOptions::default()
    };
    let mut child = Child::spawn_with(&mut sh("exec sleep 1000"), &start).expect("a child");
    // rustix has no value for a group whose leader is out of sight, in a PID namespace.
    let group = nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(child.id().cast_signed())));
    assert_eq!(group, Ok(nix::unistd::getpgrp()));
    let sent = child.signal(Signal::TERM, Target::Group).expect("sent");
    assert_eq!(sent, Delivery::Sent);
    wait_until_dead(&child);
    // With a group of its own this would reach what is left of it; of ours, it must reach nobody.
    let sent = child.signal(Signal::TERM, Target::Group).expect("no error");
    assert_eq!(sent, Delivery::Gone);
    assert_eq!(
        child.reap().expect("a status"),
        ExitStatus::Signal(Signal::TERM)
    );
}

#[test]
fn a_terminal_of_its_own() {
    let pty = openpty(None, None).expect("a PTY");
    let mut command = Command::new("sh");
    command
        .args(["-c", "read line </dev/tty; exec test \"$line\" = hello"])
        .stdin(Stdio::from(pty.slave));
    let start = SpawnOptions {
        place: Place::Terminal,
        ..SpawnOptions::default()
    };
    let mut child = Child::spawn_with(&mut command, &start).expect("a child");
    rustix::io::write(&pty.master, b"hello\n").expect("a line typed");
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
}

#[test]
fn in_the_foreground_of_a_terminal_the_child_may_read_it() {
    let name = "starts::in_the_foreground_of_a_terminal_the_child_may_read_it";
    // The end of the terminal hangs up on the leader of its session.
    if again_in_a_process_of_its_own(name, &["--ignore-signal=HUP", "setsid", "--wait"]) {
        return;
    }
    let pty = openpty(None, None).expect("a PTY");
    rustix::process::ioctl_tiocsctty(&pty.slave).expect("our terminal");
    let terminal: OwnedFd = pty.slave.try_clone().expect("a copy");
    let start = SpawnOptions {
        place: Place::Foreground(terminal),
        ..SpawnOptions::default()
    };
    let mut command = Command::new("sh");
    command
        .args(["-c", "read line; exec test \"$line\" = hello"])
        .stdin(Stdio::from(pty.slave.try_clone().expect("a copy")));
    let mut child = Child::spawn_with(&mut command, &start).expect("a child");
    assert_eq!(rustix::termios::tcgetpgrp(&pty.slave), Ok(pid(&child)));
    rustix::io::write(&pty.master, b"hello\n").expect("a line typed");
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
}

#[test]
fn a_start_that_fails_does_not_take_the_foreground() {
    let name = "starts::a_start_that_fails_does_not_take_the_foreground";
    if again_in_a_process_of_its_own(name, &["--ignore-signal=HUP", "setsid", "--wait"]) {
        return;
    }
    let pty = openpty(None, None).expect("a PTY");
    rustix::process::ioctl_tiocsctty(&pty.slave).expect("our terminal");
    let start = SpawnOptions {
        place: Place::Foreground(pty.slave.try_clone().expect("a copy")),
        // It takes nobody in.
        cgroup: Some(File::open("/dev/null").expect("nothing").into()),
        ..SpawnOptions::default()
    };
    Child::spawn_with(&mut sh("exit 0"), &start).expect_err("no cgroup");
    assert_eq!(rustix::termios::tcgetpgrp(&pty.slave), Ok(getpgrp()));
}

#[test]
fn signals_that_we_ignore_are_at_their_defaults_in_the_child() {
    let name = "starts::signals_that_we_ignore_are_at_their_defaults_in_the_child";
    let ignoring = ["--ignore-signal=INT,QUIT,HUP,USR1,TSTP,PIPE,RTMIN+3"];
    if again_in_a_process_of_its_own(name, &ignoring) {
        return;
    }
    let mut child = Child::spawn(&mut sh("grep SigIgn /proc/self/status")).expect("a child");
    let ignored = read_all(&child.take_stdout().expect("its output"));
    child.reap().expect("a status");
    let ignored = ignored.trim_start_matches("SigIgn:").trim();
    let ignored = u64::from_str_radix(ignored, 16).expect("a mask");
    // Only the hangup, as `nohup` wants it. What the C library keeps for itself is no business of ours.
    assert_eq!(ignored & !(0b11 << 31), 1, "{ignored:x}");
}

#[test]
fn a_child_can_be_made_to_die_with_us() {
    let name = "starts::a_child_can_be_made_to_die_with_us";
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    for (kill_on_parent_death, spared) in [(true, false), (false, true)] {
        let (send, receive) = std::sync::mpsc::channel();
        // The parent is a thread, which ends without a drop of the child.
        std::thread::spawn(move || {
            let start = SpawnOptions {
                kill_on_parent_death,
                ..SpawnOptions::default()
            };
            let child = Child::spawn_with(&mut sh("exec sleep 1000"), &start).expect("a child");
            send.send(Bystander::of(child.id()))
                .expect("the test waits");
            std::mem::forget(child);
        })
        .join()
        .expect("the thread");
        let child = receive.recv().expect("a child");
        if spared {
            assert!(child.is_spared());
        } else {
            child.wait_until_dead();
        }
    }
}

#[test]
fn a_child_enters_its_cgroup_before_it_runs() {
    let own = fs::read_to_string("/proc/self/cgroup").expect("our cgroups");
    let own = own.lines().find_map(|line| line.strip_prefix("0::"));
    let Some(own) = own.map(str::trim) else {
        panic!("no cgroup v2 hierarchy: {own:?}");
    };
    let roots = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
    let root = roots
        .iter()
        .find(|root| fs::exists(format!("{root}/cgroup.procs")).unwrap_or(false))
        .expect("a mounted cgroup v2");
    let leaf = format!("{root}{own}/childminder-test-{}", std::process::id());
    fs::create_dir(&leaf).expect("a leaf");
    let procs = File::options()
        .write(true)
        .open(format!("{leaf}/cgroup.procs"))
        .expect("its list");
    let start = SpawnOptions {
        cgroup: Some(procs.into()),
        ..SpawnOptions::default()
    };
    let mut child = Child::spawn_with(&mut sh("cat /proc/self/cgroup"), &start).expect("a child");
    let said = read_all(&child.take_stdout().expect("its output"));
    child.reap().expect("a status");
    fs::remove_dir(&leaf).expect("an empty leaf");
    assert!(said.contains("childminder-test-"), "{said}");
}

/// With a large parent, a fork takes milliseconds.
#[test]
fn whatever_is_asked_for_nothing_is_forked() {
    let name = "starts::whatever_is_asked_for_nothing_is_forked";
    let trace = std::env::temp_dir().join(format!("childminder-trace-{}", std::process::id()));
    let to = trace.to_str().expect("text");
    let calls = "trace=fork,vfork,clone,clone3";
    let strace = ["--ignore-signal=INT", "strace", "-f", "-o", to, "-e", calls];
    if again_in_a_process_of_its_own(name, &strace) {
        let calls = fs::read_to_string(&trace).expect("a trace");
        fs::remove_file(&trace).expect("a trace");
        let children: Vec<_> = calls
            .lines()
            .filter(|call| call.contains("SIGCHLD") && call.contains("clone"))
            .collect();
        assert_eq!(children.len(), 4, "{calls}");
        for child in children {
            for shared in ["CLONE_VM|", "|CLONE_FILES|", "|CLONE_VFORK"] {
                assert!(child.contains(shared), "{calls}");
            }
        }
        return;
    }
    let placed = |place| SpawnOptions {
        place,
        kill_on_parent_death: true,
        cgroup: Some(File::create("/dev/null").expect("a file").into()),
        ..SpawnOptions::default()
    };
    for options in [
        SpawnOptions::default(),
        placed(Place::Group),
        placed(Place::Session),
        placed(Place::Inherit),
    ] {
        let mut child = Child::spawn_with(&mut Command::new("true"), &options).expect("a child");
        assert_eq!(child.reap().expect("a status"), ExitStatus::Code(0));
    }
}

/// As a shell's `trap '' PIPE` and a parent that blocks signals leave them.
#[test]
fn what_we_have_inherited_is_handed_on_when_asked_for() {
    let name = "starts::what_we_have_inherited_is_handed_on_when_asked_for";
    let inherited = ["--ignore-signal=PIPE,HUP,USR1", "--block-signal=TERM,USR2"];
    if again_in_a_process_of_its_own(name, &inherited) {
        return;
    }
    let bits = |numbers: &[u64]| numbers.iter().map(|number| 1 << (number - 1)).sum::<u64>();
    let masks = |options: &SpawnOptions| {
        let mut command = Command::new("grep");
        command.args(["-E", "Sig(Blk|Ign)", "/proc/self/status"]);
        let mut child = Child::spawn_with(command.stdout(Stdio::piped()), options);
        let child = child.as_mut().expect("a child");
        let said = read_all(&child.take_stdout().expect("its output"));
        child.reap().expect("a status");
        // Without those that the C library keeps for itself.
        let mask = |line: &str| {
            let mask = u64::from_str_radix(line.split('\t').nth(1)?, 16).ok()?;
            Some(mask & !(0b11 << 31))
        };
        said.lines()
            .map(|line| mask(line).expect("a mask"))
            .collect::<Vec<_>>()
    };
    assert_eq!(masks(&SpawnOptions::default()), [0, bits(&[1])]);
    let handed_on = |inherited| SpawnOptions {
        signals: Signals::As(inherited),
        ..SpawnOptions::default()
    };
    let all = Inherited::now().expect("no error");
    assert_eq!(
        masks(&handed_on(all)),
        [bits(&[12, 15]), bits(&[1, 10, 13])]
    );
    let fewer = all.with_default(Signal::HUP).with_unblocked(Signal::TERM);
    assert_eq!(masks(&handed_on(fewer)), [bits(&[12]), bits(&[10, 13])]);
}

#[test]
fn a_stop_and_a_continuation_are_told_once() {
    let mut child = Child::spawn(&mut sh("echo; exec sleep 1000")).expect("a child");
    read_line(&child.take_stdout().expect("its output"));
    assert_eq!(child.take_job_change().expect("no error"), None);
    let stop = signals::parse("STOP").expect("a signal");
    child.signal(stop, Target::Group).expect("sent");
    wait_until("it stops", || state(child.id()) == Some('T'));
    assert_eq!(
        child.take_job_change().expect("no error"),
        Some(JobChange::Stopped(stop))
    );
    assert_eq!(child.take_job_change().expect("no error"), None);
    child
        .signal(signals::parse("CONT").expect("a signal"), Target::Group)
        .expect("sent");
    wait_until("it goes on", || state(child.id()) != Some('T'));
    assert_eq!(
        child.take_job_change().expect("no error"),
        Some(JobChange::Continued)
    );
    child.signal(Signal::KILL, Target::Group).expect("sent");
    child.reap().expect("a status");
    assert_eq!(child.take_job_change().expect("no error"), None);
}

#[test]
fn without_pidfds_a_child_is_minded_all_the_same() {
    let start = SpawnOptions {
        watch: Watch::Sigchld,
        ..SpawnOptions::default()
    };
    let mut one = Child::spawn_with(&mut sh("exec sleep 1000"), &start).expect("a child");
    let mut other = Child::spawn_with(&mut sh("exit 7"), &start).expect("another");
    // Any child's death makes the descriptor readable.
    let status = || other.exit_status().expect("no error");
    wait_until("it dies", || status().is_some());
    assert_eq!(status(), Some(ExitStatus::Code(7)));
    assert!(
        is_readable(other.exit_fd()),
        "for another that waits for it"
    );
    // The exit of the one woke the other as well, until it looked.
    assert_eq!(one.exit_status().expect("no error"), None);
    assert_eq!(
        one.signal(Signal::TERM, Target::Leader).expect("sent"),
        Delivery::Sent
    );
    wait_until("its exit is told", || {
        is_readable(one.exit_fd()) && one.exit_status().expect("no error").is_some()
    });
    assert_eq!(
        one.reap().expect("a status"),
        ExitStatus::Signal(Signal::TERM)
    );
    assert_eq!(other.reap().expect("a status"), ExitStatus::Code(7));
    assert_eq!(
        one.signal(Signal::KILL, Target::Group).expect("no error"),
        Delivery::Gone
    );
}

#[test]
fn without_pidfds_an_ignored_sigchld_does_no_harm() {
    let name = "starts::without_pidfds_an_ignored_sigchld_does_no_harm";
    if again_in_a_process_of_its_own(name, &["--ignore-signal=CHLD"]) {
        return;
    }
    let start = SpawnOptions {
        watch: Watch::Sigchld,
        ..SpawnOptions::default()
    };
    let mut child = Child::spawn_with(&mut sh("exit 7"), &start).expect("a child");
    assert_eq!(child.reap().expect("a status"), ExitStatus::Code(7));
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a process id")
}
