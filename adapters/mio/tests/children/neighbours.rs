//! A child is not alone in its loop.

use std::io::{Read as _, Write as _};
use std::time::Instant;

use childminder_mio::{Config, Error, MindedChild};
use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::support::{GUARD, Owner, Run, millis, patient, sh, sleep};

/// Three writers keep the pipe full, so that whoever reads until it is empty never stops.
#[test]
fn a_flood_starves_neither_the_deadlines_nor_the_neighbours() {
    let config = Config {
        run_timeout: Some(millis(400)),
        ..patient()
    };
    let mut run = Run::of("yes & yes & exec yes", config, Owner::new());
    let mut neighbours = Neighbours::serve(&run.poll);

    while run.child.outcome().is_none() {
        run.step();
        let Owner { stdout, .. } = run.child.handler_mut();
        assert!(stdout.len() <= 512 * 1024, "{} in a turn", stdout.len());
        stdout.clear();
        neighbours.take_turns(&run.events);
    }
    assert_eq!(run.owner().errors, [(Error::RunTimeout, true)]);
    assert!(neighbours.turns > 50, "{} turns", neighbours.turns);
}

/// Two streams that throw a byte to and fro.
struct Neighbours {
    pair: [(Token, UnixStream); 2],
    turns: usize,
}

impl Neighbours {
    fn serve(poll: &Poll) -> Self {
        let (one, other) = UnixStream::pair().expect("a pair");
        let mut pair = [(Token(1), one), (Token(2), other)];
        for (token, stream) in &mut pair {
            poll.registry()
                .register(stream, *token, Interest::READABLE)
                .expect("registered");
        }
        pair[0].1.write_all(b".").expect("written");
        Self { pair, turns: 0 }
    }

    fn take_turns(&mut self, events: &Events) {
        for (token, stream) in &mut self.pair {
            let mut byte = [0];
            if events.iter().any(|event| event.token() == *token) && stream.read(&mut byte).is_ok()
            {
                stream.write_all(&byte).expect("written");
                self.turns += 1;
            }
        }
    }
}

#[test]
fn children_under_different_tokens_share_a_loop_that_has_a_waker_too() {
    let mut poll = Poll::new().expect("a poll");
    let _waker = Waker::new(poll.registry(), Token(100)).expect("a waker");
    let mut children: Vec<_> = (0..8)
        .map(|number| {
            let script = format!("echo {number}; sleep 0.{number}; exit {number}");
            let mut child = MindedChild::spawn(&mut sh(&script), patient(), Owner::new()).unwrap();
            poll.registry()
                .register(&mut child, Token(number), Interest::READABLE)
                .expect("registered");
            child
        })
        .collect();

    let begun = Instant::now();
    let mut events = Events::with_capacity(4);
    while children.iter().any(|child| child.outcome().is_none()) {
        let left = GUARD.checked_sub(begun.elapsed()).expect("in time");
        let soonest = children.iter().filter_map(MindedChild::poll_timeout).min();
        let timeout = soonest.unwrap_or(left).min(left);
        sleep(&mut poll, &mut events, timeout);
        for event in &events {
            let child = &mut children[event.token().0];
            child.turn(poll.registry()).expect("a turn");
        }
    }
    for (number, child) in children.iter().enumerate() {
        assert_eq!(child.handler().text(), format!("{number}\n"));
        let exit = child.handler().outcome().exit.expect("an exit");
        assert_eq!(exit.to_string(), format!("exit status {number}"));
    }
}
