//! What a set costs, as far as it does not depend on the machine.

use std::fs;
use std::io::{self, PipeWriter, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use childminder::{Config, Deadline, Stream};
use childminder_driver::{ChildId, Control, Handler};
use childminder_mio::Children;
use childminder_unix::Relay;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getppid;

#[test]
fn a_line_among_many_silent_children_costs_three_calls() {
    let turn = calls_of("a_line_among_many_silent_children");
    assert_eq!(turn, ["epoll_pwait", "read", "epoll_pwait"]);
}

/// It is looked at first whether the child is still what it was: it may have left its group, and something else may have reaped
/// it.
#[test]
fn a_deadline_costs_seven_calls_with_the_kill() {
    let turn = calls_of("a_deadline_among_many");
    let kill = turn.iter().position(|name| name == "kill");
    assert!(kill.is_some_and(|place| place < 7), "{turn:?}");
}

/// No thread and, unseen, no copy: two calls a wait, and at most five a turn, for each piece of what a pipe holds.
#[test]
fn a_mebibyte_that_is_forwarded_costs_few_calls() {
    // A few reads are of the timer, and of an empty pipe.
    for (test, reads) in [
        ("a_mebibyte_is_forwarded_unseen", 8),
        ("a_mebibyte_is_forwarded_seen", 8 + 64),
    ] {
        let calls = calls_of(test);
        assert!(calls.len() <= 64 * 7, "{} calls", calls.len());
        let count = |wanted: &str| calls.iter().filter(|name| *name == wanted).count();
        assert!(count("splice") + count("tee") > 0, "{calls:?}");
        assert!(count("read") <= reads, "{} reads", count("read"));
        // A turn that leaves something over wakes its loop, by a write.
        assert!(count("write") <= 8, "{calls:?}");
        for absent in ["pwritev2", "clone", "clone3"] {
            assert_eq!(count(absent), 0, "{absent}");
        }
    }
}

/// The system calls of one turn in another test here, between two calls that nothing else makes.
fn calls_of(test: &str) -> Vec<String> {
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let us = std::env::current_exe().expect("this test");
    let traced = Command::new("strace")
        .args(["-f", "-b", "execve", "-o"])
        .arg(trace.path())
        .arg(us)
        .args(["--ignored", "--exact", test])
        .output()
        .expect("strace is installed");
    let said = String::from_utf8_lossy(&traced.stdout);
    assert!(traced.status.success(), "{said}");
    let calls = fs::read_to_string(trace.path()).expect("a trace");
    // Each line begins with the thread's number.
    let names = calls
        .lines()
        .filter_map(|line| line.split('(').next()?.split_whitespace().nth(1));
    let turn = names
        .skip_while(|name| *name != MARK)
        .skip(1)
        .take_while(|name| *name != MARK);
    turn.map(str::to_owned).collect()
}

#[test]
#[ignore = "run by another test, under strace"]
fn a_mebibyte_is_forwarded_unseen() {
    forward_a_mebibyte(Children::forward);
}

#[test]
#[ignore = "run by another test, under strace"]
fn a_mebibyte_is_forwarded_seen() {
    forward_a_mebibyte(Children::forward_seen);
}

type Forward = fn(&mut Children<Heard>, ChildId, Stream, Arc<Relay>) -> Option<()>;

/// There is room for all of it where it goes.
fn forward_a_mebibyte(forward: Forward) {
    const MEBIBYTE: usize = 1 << 20;
    let (mut reader, writer) = io::pipe().expect("a pipe");
    rustix::pipe::fcntl_setpipe_size(&writer, MEBIBYTE).expect("room");
    let relay = Relay::new(&writer, |event| panic!("{event:?}")).expect("a relay");
    drop(writer);
    let mut set = Children::new().expect("a set");
    let mut dd = Command::new("dd");
    dd.args(["if=/dev/zero", "bs=64k", "count=16", "status=none"])
        .stdout(Stdio::piped());
    let config = Config::default();
    let child = set.spawn(&mut dd, config, Heard(0)).expect("a child");
    forward(&mut set, child, Stream::Stdout, Arc::new(relay)).expect("in the set");
    let parent = getppid();
    while set.handler(child).is_some_and(|heard| heard.0 < MEBIBYTE) {
        let mut fds = [PollFd::new(&set, PollFlags::IN)];
        poll(&mut fds, None).expect("something to do");
        set.turn();
    }
    assert_eq!(getppid(), parent);
    while set.next_finished().is_none() {
        let mut fds = [PollFd::new(&set, PollFlags::IN)];
        poll(&mut fds, None).expect("something to do");
        set.turn();
    }
    let mut all = Vec::new();
    reader.read_to_end(&mut all).expect("all of it");
    assert_eq!(all.len(), MEBIBYTE);
}

/// The first look brings the line, the second shows that nothing is left: a loop that waits for edges will
/// get one for what comes next.
#[test]
#[ignore = "run by another test, under strace"]
fn a_line_among_many_silent_children() {
    let (mut set, silence) = silent_children();
    let mut cat = Command::new("cat");
    cat.stdin(Stdio::piped()).stdout(Stdio::piped());
    let writer = set.spawn(&mut cat, far(), Heard(0)).expect("a child");
    let mut stdin = set.take_stdin(writer).expect("piped");
    set.turn();

    stdin.write_all(b"a line\n").expect("written");
    marked_turn(&mut set);
    assert_eq!(set.handler(writer).map(|heard| heard.0), Some(7));
    drop(silence);
}

#[test]
#[ignore = "run by another test, under strace"]
fn a_deadline_among_many() {
    let (mut set, silence) = silent_children();
    let config = Config {
        run_timeout: Some(Duration::from_millis(20)),
        ..Config::default()
    };
    let mut sleep = Command::new("sleep");
    let limited = set.spawn(sleep.arg("60"), config, Heard(0));
    let limited = limited.expect("a child");
    set.turn();

    marked_turn(&mut set);
    let left = set.time_left(limited, Deadline::Run);
    assert_eq!(left, None, "it was due");
    drop(silence);
}

/// A turn, once there is something to do.
fn marked_turn(set: &mut Children<Heard>) {
    let mut fds = [PollFd::new(&*set, PollFlags::IN)];
    poll(&mut fds, None).expect("something to do");
    let parent = getppid();
    set.turn();
    assert_eq!(getppid(), parent);
}

/// Their input keeps them silent and alive.
fn silent_children() -> (Children<Heard>, PipeWriter) {
    let mut set = Children::new().expect("a set");
    let (reader, silence) = io::pipe().expect("a pipe");
    let mut cat = Command::new("cat");
    cat.stdout(Stdio::piped()).stderr(Stdio::piped());
    for _ in 0..40 {
        cat.stdin(reader.try_clone().expect("a descriptor"));
        set.spawn(&mut cat, far(), Heard(0)).expect("a child");
    }
    (set, silence)
}

fn far() -> Config {
    Config {
        idle_timeout: Some(Duration::from_secs(3600)),
        ..Config::default()
    }
}

const MARK: &str = "getppid";

struct Heard(usize);

impl Handler for Heard {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    fn forwarded(&mut self, _: &mut Control<()>, _: Stream, length: usize, _: Option<&[u8]>) {
        self.0 += length;
    }
}
