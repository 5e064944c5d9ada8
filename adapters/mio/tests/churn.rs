//! Many children, one after the other and side by side, leave nothing behind. Alone in its process,
//! since it counts the descriptors and the children of all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use childminder_mio::{Answer, Config, Control, Handler, Job, MindedChild, Stream};
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

const CHILDREN: usize = 200;
const AT_A_TIME: usize = 20;

#[test]
fn two_hundred_children_leave_no_descriptor_no_zombie_and_no_event() {
    let mut poll = Poll::new().expect("a poll");
    let mut events = Events::with_capacity(16);
    let before = open_descriptors();
    let mut children = BTreeMap::new();
    let mut tokens = (0..CHILDREN).map(Token);

    loop {
        let free = AT_A_TIME - children.len();
        for token in tokens.by_ref().take(free) {
            children.insert(token, spawn(&poll, token));
        }
        if children.is_empty() {
            break;
        }
        let soonest = children
            .values()
            .filter_map(MindedChild::poll_timeout)
            .min();
        poll.poll(&mut events, Some(soonest.unwrap_or(GUARD)))
            .expect("events");
        assert!(soonest.is_some() || !events.is_empty(), "nothing comes");

        // Several events of one child may come at once.
        let ready: BTreeSet<Token> = events.iter().map(Event::token).collect();
        for token in &ready {
            assert!(children.contains_key(token), "{token:?} has ended");
        }
        children.retain(|token, child| {
            if ready.contains(token) || child.poll_timeout() == Some(Duration::ZERO) {
                child.turn(poll.registry()).expect("a turn");
            }
            child.outcome().is_none() || !has_said_its_token(*token, child)
        });
    }

    poll.poll(&mut events, Some(Duration::ZERO))
        .expect("events");
    assert!(events.is_empty());
    assert_eq!(open_descriptors(), before);
    assert!(is_reaped(WaitId::All));
}

const GUARD: Duration = Duration::from_secs(30);

fn spawn(poll: &Poll, token: Token) -> MindedChild<Owner> {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("echo {}; exit 3", token.0)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child =
        MindedChild::spawn(&mut command, Config::default(), Owner::default()).expect("a child");
    child.control().notify(());
    poll.registry()
        .register(&mut child, token, Interest::READABLE)
        .expect("registered");
    child
}

fn has_said_its_token(token: Token, child: &MindedChild<Owner>) -> bool {
    let said = String::from_utf8_lossy(&child.handler().said);
    assert_eq!(said, format!("{}\n", token.0));
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    assert!(is_reaped(WaitId::Pid(pid.expect("a process id"))));
    true
}

fn is_reaped(children: WaitId<'_>) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(children, look), Err(Errno::CHILD))
}

fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("proc").count()
}

#[derive(Default)]
struct Owner {
    said: Vec<u8>,
}

impl Handler for Owner {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.said.extend(bytes);
    }

    fn notify(&mut self, _: &mut Control<()>, _: Job<()>, answer: Answer) {
        answer.done(true);
    }
}
