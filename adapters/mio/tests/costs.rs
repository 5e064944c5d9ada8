//! What a set costs, as far as it does not depend on the machine.

use std::fs;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use childminder::{Config, Stream};
use childminder_driver::{Control, Handler};
use childminder_mio::Children;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::getppid;

/// The system calls of one turn, between two calls that nothing else makes.
#[test]
fn a_line_among_many_silent_children_costs_three_calls() {
    let trace = tempfile::NamedTempFile::new().expect("a file");
    let test = std::env::current_exe().expect("this test");
    let traced = Command::new("strace")
        .args(["-f", "-b", "execve", "-o"])
        .arg(trace.path())
        .arg(test)
        .args(["--ignored", "--exact", "a_line_among_many_silent_children"])
        .output()
        .expect("strace is installed");
    let said = String::from_utf8_lossy(&traced.stdout);
    assert!(traced.status.success(), "{said}");

    let calls = fs::read_to_string(trace.path()).expect("a trace");
    // Each line begins with the thread's number.
    let names = calls
        .lines()
        .filter_map(|line| line.split('(').next()?.split_whitespace().nth(1));
    let turn: Vec<&str> = names
        .skip_while(|name| *name != MARK)
        .skip(1)
        .take_while(|name| *name != MARK)
        .collect();
    assert_eq!(turn, ["epoll_pwait", "read", "epoll_pwait"], "{said}");
}

/// The first look brings the line, the second shows that nothing is left: a loop that waits for edges will
/// get one for what comes next.
#[test]
#[ignore = "run by another test, under strace"]
fn a_line_among_many_silent_children() {
    let mut set = Children::new().expect("a set");
    let config = Config {
        idle_timeout: Some(Duration::from_secs(3600)),
        ..Config::default()
    };
    let (reader, silence) = io::pipe().expect("a pipe");
    let mut cat = Command::new("cat");
    cat.stdout(Stdio::piped()).stderr(Stdio::piped());
    for _ in 0..40 {
        cat.stdin(reader.try_clone().expect("a descriptor"));
        set.spawn(&mut cat, config, Heard(0)).expect("a child");
    }
    cat.stdin(Stdio::piped());
    let writer = set.spawn(&mut cat, config, Heard(0)).expect("a child");
    let mut stdin = set.take_stdin(writer).expect("piped");
    set.turn();

    stdin.write_all(b"a line\n").expect("written");
    let mut fds = [PollFd::new(&set, PollFlags::IN)];
    poll(&mut fds, None).expect("something to do");
    let parent = getppid();
    set.turn();
    assert_eq!(getppid(), parent);
    assert_eq!(set.handler(writer).map(|heard| heard.0), Some(7));
    drop(silence);
}

const MARK: &str = "getppid";

struct Heard(usize);

impl Handler for Heard {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}
