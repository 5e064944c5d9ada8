//! Whole lives of a child, as a string of bytes scripts them, and what must hold of the glue in each.
//!
//! The [`world`] is the child, its pipes and the clock, [`kernel`] what the glue sees of it, and
//! [`owner`] who asks and answers. The [`oracle`] watches: it knows of the glue what passes between it
//! and these, and nothing else.

mod kernel;
mod oracle;
mod owner;
mod script;
mod world;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use childminder::Config;

use crate::glue::Glue;
use crate::kernel::STREAMS;
use kernel::Scripted;
use oracle::Oracle;
use owner::{Asked, Owner};
use script::{Script, Step};
use world::{Happening, World};

/// Plays what these bytes stand for, to the end of the child.
///
/// # Panics
///
/// With the story so far, when something does not hold.
pub fn check(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let config = script.config();
    let piped = script.piped();
    let before = script.happening();
    let mut play = Play::new(config, piped, script, before);
    while !play.is_over() && !play.stage.borrow().script.is_over() {
        play.go_on();
    }
    play.come_to_an_end();
}

/// All but the glue.
#[derive(Debug)]
struct Stage {
    script: Script,
    world: World,
    oracle: Oracle,
}

type Shared = Rc<RefCell<Stage>>;

impl Stage {
    fn something_may_happen(&mut self) {
        if let Some(happening) = self.script.happening() {
            self.happens(happening);
        }
    }

    fn happens(&mut self, happening: Happening) {
        self.oracle.note(happening);
        if let Some(answered) = self.world.happens(happening) {
            self.oracle.answered(answered);
        }
    }

    fn turn_begins(&mut self) {
        self.oracle.turn_begins(&self.world);
        self.world.turn_begins();
    }

    fn turn_ends(&mut self, result: &io::Result<()>) {
        self.oracle.turn_ends(&self.world, result);
    }
}

struct Play {
    glue: Glue<Owner, Scripted>,
    stage: Shared,
}

impl Play {
    /// With what has happened before anybody looks.
    fn new(
        config: Config,
        piped: [bool; 2],
        script: Script,
        before: impl IntoIterator<Item = Happening>,
    ) -> Self {
        let stage = Rc::new(RefCell::new(Stage {
            oracle: Oracle::new(config),
            world: World::new(piped),
            script,
        }));
        for happening in before {
            stage.borrow_mut().happens(happening);
        }
        let glue = Glue::new(Scripted::new(&stage), config, Owner::new(&stage));
        let play = Self { glue, stage };
        play.look_at_the_timeout();
        play
    }

    fn go_on(&mut self) {
        let step = self.stage.borrow_mut().script.step();
        match step {
            Step::Poll => self.poll(),
            Step::TurnTooMany => self.turn(),
            Step::Sleep => self.sleep(),
            Step::Something => self.stage.borrow_mut().something_may_happen(),
            Step::Ask => {
                let asked = self.stage.borrow_mut().script.asked();
                self.ask(asked);
            }
        }
    }

    fn come_to_an_end(&mut self) {
        if !self.is_over() {
            self.let_it_end();
        }
        self.look_back();
        self.ask(Asked::Notify(0));
        self.turn();
        self.look_back();
    }

    /// From here on the child does what it must, and the loop hears of it as of anything else.
    fn let_it_end(&mut self) {
        for stream in STREAMS {
            self.ask(Asked::Release(stream));
        }
        let ending = self.stage.borrow().world.ending();
        for happening in ending {
            self.stage.borrow_mut().happens(happening);
        }
        let notifications = self.stage.borrow().oracle.notifications();
        for _ in 0..MOST_TURNS + notifications {
            if self.is_over() {
                return;
            }
            if self.sleeps_for_ever() {
                self.stage.borrow().oracle.breach("the loop is woken");
            }
            self.sleep();
        }
        self.stage.borrow().oracle.breach("it comes to an end");
    }

    fn ask(&mut self, asked: Asked) {
        let asked = self.stage.borrow_mut().oracle.asked(asked);
        asked.of(&mut self.glue.control);
        self.look_at_the_timeout();
    }

    fn look_back(&self) {
        let stage = self.stage.borrow();
        stage.oracle.over(&stage.world);
    }

    /// Until there is news, or the time is over.
    fn sleep(&mut self) {
        if let Some(timeout) = self.glue.poll_timeout() {
            let mut stage = self.stage.borrow_mut();
            if !stage.world.has_news() {
                stage.world.pass(timeout);
            }
        }
        self.poll();
    }

    fn sleeps_for_ever(&self) -> bool {
        self.glue.poll_timeout().is_none() && !self.stage.borrow().world.has_news()
    }

    fn poll(&mut self) {
        self.stage.borrow_mut().world.tell_news();
        self.turn();
    }

    fn turn(&mut self) {
        self.stage.borrow_mut().turn_begins();
        let result = self.glue.turn(&());
        self.stage.borrow_mut().turn_ends(&result);
        self.look_at_the_timeout();
    }

    fn look_at_the_timeout(&self) {
        let timeout = self.glue.poll_timeout();
        let stage = self.stage.borrow();
        let open = self.glue.control.len();
        stage.oracle.sleeps(&stage.world, timeout, open);
    }

    fn is_over(&self) -> bool {
        self.glue.monitor.outcome().is_some()
    }
}

/// More than it takes when all that is left is to read what is there; notifications take one each.
const MOST_TURNS: usize = 100;

#[cfg(test)]
mod tests {
    use std::fs;

    use childminder::{Deadline, ExitStatus, Stream};

    use super::*;

    /// More than one turn reads, from a child whose exit status somebody else has taken.
    #[test]
    fn what_was_written_comes_before_a_death_whose_status_is_lost() {
        let burst = Happening::Wrote {
            stream: Stream::Stdout,
            bytes: 200_000,
        };
        let mut play = play([burst, Happening::Vanished]);
        play.come_to_an_end();
    }

    /// The loop has heard of the death, and will not hear of it again.
    #[test]
    fn a_turn_goes_on_when_the_registry_refuses_something() {
        let died = Happening::Died {
            status: ExitStatus::Code(0),
            closing: [true, false],
        };
        let mut play = play([died]);
        play.stage.borrow_mut().world.deregistering_fails = true;
        play.poll();
        let told = &play.glue.monitor;
        assert!(told.deadline(Deadline::Drain).is_some(), "the exit is told");
        play.come_to_an_end();
    }

    fn play<const N: usize>(before: [Happening; N]) -> Play {
        Play::new(Config::default(), [true; 2], Script::new(&[]), before)
    }

    #[test]
    fn what_the_fuzzer_found_worth_keeping() {
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/glue");
        let mut replayed = 0;
        for seed in fs::read_dir(seeds).expect("a directory of seeds") {
            let seed = seed.expect("a seed").path();
            println!("{}", seed.display());
            check(&fs::read(seed).expect("a seed"));
            replayed += 1;
        }
        assert!(replayed > 0, "no seeds in {seeds}");
    }
}
