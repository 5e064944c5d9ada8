//! What many silent children cost: memory, descriptors, and the turn of one that writes.
//!
//! `cargo bench -p childminder-mio`

use std::fs;
use std::io::{self, PipeWriter, Write as _};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use childminder::{Config, Stream};
use childminder_driver::{ChildId, Control, Handler};
use childminder_mio::Children;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MANY: usize = 5_000;
const LINES: usize = 2_000;

#[derive(Default)]
struct Heard(usize);

impl Handler for Heard {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

fn main() {
    allow_many_descriptors();
    let mut alone = Set::new(1);
    let (memory, descriptors) = (resident(), open_descriptors());
    let mut among = Set::new(MANY);
    let each = |after: usize, before: usize| after.saturating_sub(before) / MANY;
    println!("{MANY} idle children, each:");
    println!("  {:>6} bytes resident", each(resident(), memory));
    println!("  {:>6} descriptors", each(open_descriptors(), descriptors));

    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..LINES {
        times[0].push(alone.line());
        times[1].push(among.line());
    }
    let [alone, among] = times.map(median);
    println!("the turn in which one child writes a line:");
    println!("  {alone:>6.0?} alone");
    println!("  {among:>6.0?} among {MANY} silent ones");
    println!("  {:>6.2} times", among.as_secs_f64() / alone.as_secs_f64());
}

struct Set {
    children: Children<Heard>,
    writer: ChildId,
    stdin: ChildStdin,
    /// The standard input of all others, which keeps them silent and alive.
    _silence: PipeWriter,
}

impl Set {
    fn new(count: usize) -> Self {
        let mut children = Children::new().expect("a set");
        let config = Config {
            idle_timeout: Some(Duration::from_secs(3600)),
            ..Config::default()
        };
        let mut command = Command::new("cat");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let writer = children
            .spawn(&mut command, config, Heard::default())
            .expect("a child");
        let (reader, silence) = io::pipe().expect("a pipe");
        for _ in 1..count {
            command.stdin(reader.try_clone().expect("a descriptor"));
            let silent = children.spawn(&mut command, config, Heard::default());
            silent.expect("a child");
        }
        children.turn();
        Self {
            stdin: children.take_stdin(writer).expect("piped"),
            children,
            writer,
            _silence: silence,
        }
    }

    /// How long the turn took that brought it.
    fn line(&mut self) -> Duration {
        let heard = |set: &Self| set.children.handler(set.writer).map(|heard| heard.0);
        let before = heard(self);
        self.stdin.write_all(b"a line\n").expect("written");
        let mut fds = [PollFd::new(&self.children, PollFlags::IN)];
        poll(&mut fds, None).expect("something to do");
        let begun = Instant::now();
        self.children.turn();
        let took = begun.elapsed();
        assert!(heard(self) > before, "the line came in this turn");
        took
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("proc");
    let pages: usize = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("pages");
    pages * 4096
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("proc").count()
}

fn allow_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, all).expect("as many as are allowed");
}
