//! What a set keeps in memory, counted by the allocator.

#[path = "../../driver/tests/shared/counting.rs"]
mod counting;

use std::fs;
use std::io::{self, Write as _};
use std::time::Duration;

use childminder::{Config, MonitorState, Stream};
use childminder_driver::{Control, Handler};
use childminder_mio::Children;
use childminder_unix::{Command, Stdio};
use rustix::event::{PollFd, PollFlags, poll};

use counting::{allocated, allocations};

#[test]
fn an_idle_child_is_its_monitor_and_a_few_words_its_output_nothing_and_its_end_gives_all_back() {
    let mut set = Children::new().expect("a set");
    let (reader, silence) = io::pipe().expect("a pipe");
    let mut cat = Command::new("cat");
    cat.stdin(reader)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let config = Config {
        idle_timeout: Some(Duration::from_secs(3600)),
        ..Config::default()
    };
    // What grows by doubling is full now, and after as many again.
    let mut add = |set: &mut Children<Heard>, count| {
        for _ in 0..count {
            set.spawn(&mut cat, config, Heard(0)).expect("a child");
        }
    };
    add(&mut set, COUNT);
    set.turn();
    let (bytes, descriptors) = (allocated(), open_descriptors());
    add(&mut set, COUNT);
    set.turn();
    let bytes = (allocated() - bytes).div_ceil(COUNT);
    let monitor = size_of::<MonitorState>();
    assert!(
        bytes <= monitor + BESIDES,
        "{bytes} bytes, {monitor} of them its monitor"
    );
    let descriptors = open_descriptors() - descriptors;
    assert_eq!(descriptors, 3 * COUNT, "two pipes and a pidfd each");

    let mut writer = silence;
    let mut line = |set: &mut Children<Heard>| {
        writer.write_all(b"a line\n").expect("written");
        let mut fds = [PollFd::new(&*set, PollFlags::IN)];
        poll(&mut fds, None).expect("something to do");
        set.turn();
    };
    // Whoever reads it first says it.
    (0..8 * COUNT).for_each(|_| line(&mut set));
    let before = allocations();
    (0..COUNT).for_each(|_| line(&mut set));
    assert_eq!(allocations() - before, 0, "in {COUNT} lines");
    let heard = set
        .ids()
        .filter_map(|id| set.handler(id))
        .map(|heard| heard.0);
    assert_eq!(heard.sum::<usize>(), 9 * COUNT * "a line\n".len());

    let held = allocated();
    for child in set.ids().collect::<Vec<_>>() {
        set.kill(child);
    }
    while !set.is_empty() {
        let mut fds = [PollFd::new(&set, PollFlags::IN)];
        poll(&mut fds, None).expect("something to do");
        set.turn();
        while set.next_finished().is_some() {}
    }
    let given_back = held - allocated();
    let places = 2 * COUNT * monitor;
    assert!(
        given_back > places,
        "{given_back} of {places} bytes or more"
    );
}

/// A power of two.
const COUNT: usize = 32;

/// What a child takes besides its monitor: its process, its place in the set, its alarm, its handler.
const BESIDES: usize = 136;

struct Heard(usize);

impl Handler for Heard {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("proc").count()
}
