//! Many children, one after the other and side by side, leave nothing behind. Alone in its process,
//! since it counts the descriptors and the children of all of it.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use childminder::{Config, Stream};
use childminder_driver::{Answer, ChildId, Control, Handler, Job};
use childminder_mio::Children;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

const CHILDREN: usize = 200;
const AT_A_TIME: usize = 20;

#[test]
fn two_hundred_children_leave_no_descriptor_no_zombie_and_no_event() {
    let mut poll = Poll::new().expect("a poll");
    let mut events = Events::with_capacity(16);
    let mut children = Children::new().expect("a set");
    poll.registry()
        .register(&mut children, Token(0), Interest::READABLE)
        .expect("registered");
    let before = open_descriptors();
    let mut pids = BTreeMap::new();
    let mut numbers = 0..CHILDREN;

    loop {
        let free = AT_A_TIME - children.len();
        for number in numbers.by_ref().take(free) {
            let id = spawn(&mut children, number);
            let child = children.child(id).expect("in the set");
            pids.insert(id, child.id());
        }
        if children.is_empty() {
            break;
        }
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        let timeout = children.deadline().map(until);
        poll.poll(&mut events, Some(timeout.unwrap_or(GUARD)))
            .expect("events");
        assert!(timeout.is_some() || !events.is_empty(), "nothing comes");
        children.turn();
        while let Some((id, _, owner)) = children.next_finished() {
            assert_has_said_its_number(&owner);
            let pid = pids.remove(&id).expect("it ends once");
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            assert!(is_reaped(WaitId::Pid(pid.expect("a process id"))));
        }
    }

    assert_eq!(pids, BTreeMap::<ChildId, u32>::new());
    poll.poll(&mut events, Some(Duration::ZERO))
        .expect("events");
    assert!(events.is_empty());
    assert_eq!(open_descriptors(), before);
    assert!(is_reaped(WaitId::All));
}

const GUARD: Duration = Duration::from_secs(30);

fn spawn(children: &mut Children<Owner>, number: usize) -> ChildId {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("echo {number}; exit 3")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let owner = Owner {
        number,
        said: Vec::new(),
    };
    let id = children
        .spawn(&mut command, Config::default(), owner)
        .expect("a child");
    children.control(id).expect("in the set").notify(());
    id
}

fn assert_has_said_its_number(owner: &Owner) {
    let said = String::from_utf8_lossy(&owner.said);
    assert_eq!(said, format!("{}\n", owner.number));
}

fn is_reaped(children: WaitId<'_>) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(children, look), Err(Errno::CHILD))
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("proc").count()
}

struct Owner {
    number: usize,
    said: Vec<u8>,
}

impl Handler for Owner {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.said.extend(bytes);
    }

    fn notify(&mut self, _: &mut Control<()>, _: Job<()>, answer: Answer) {
        answer.succeed();
    }
}
