//! A child is not alone in its loop.

use std::io::{Read as _, Write as _};
use std::time::Instant;

use childminder::{Config, Error};
use childminder_driver::ChildId;
use childminder_mio::Children;
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

    while run.outcome().is_none() {
        run.step();
        let Owner { stdout, .. } = run.children.handler_mut(run.id).expect("in the set");
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
fn sets_under_different_tokens_share_a_loop_that_has_a_waker_too() {
    let mut poll = Poll::new().expect("a poll");
    let _waker = Waker::new(poll.registry(), Token(100)).expect("a waker");
    let mut sets: Vec<_> = (0..4).map(|token| family(&poll, Token(token))).collect();

    let begun = Instant::now();
    let mut events = Events::with_capacity(4);
    while sets.iter().any(|set| !has_ended(set)) {
        let left = GUARD.checked_sub(begun.elapsed()).expect("in time");
        let soonest = sets.iter().filter_map(Children::deadline).min();
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        sleep(
            &mut poll,
            &mut events,
            soonest.map_or(left, until).min(left),
        );
        for event in &events {
            sets[event.token().0].turn();
        }
    }
    for (token, set) in sets.iter().enumerate() {
        for id in set.ids() {
            let number = number(Token(token), id);
            let owner = set.handler(id).expect("in the set");
            assert_eq!(owner.text(), format!("{number}\n"));
            let exit = owner.outcome().exit.expect("an exit");
            assert_eq!(exit.to_string(), format!("exit status {number}"));
        }
    }
}

/// A set of two children that say their numbers, wait a little and exit with them.
fn family(poll: &Poll, token: Token) -> Children<Owner> {
    let mut set = Children::new().expect("a set");
    poll.registry()
        .register(&mut set, token, Interest::READABLE)
        .expect("registered");
    for id in [ChildId::FIRST, ChildId::FIRST.next()] {
        let number = number(token, id);
        let script = format!("echo {number}; sleep 0.{number}; exit {number}");
        let child = set.spawn(&mut sh(&script), patient(), Owner::new());
        assert_eq!(child.expect("a child"), id);
    }
    set
}

fn number(token: Token, child: ChildId) -> u64 {
    2 * token.0 as u64 + child.number()
}

fn has_ended(set: &Children<Owner>) -> bool {
    set.ids().all(|id| set.outcome(id).is_some())
}
