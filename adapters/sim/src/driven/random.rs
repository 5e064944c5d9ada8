//! A handler that does anything.

use childminder::{Error, ExitStatus, Stream};
use childminder_driver::{Answer, Control, Failure, Handler, Job};

use crate::dice::Dice;
use crate::notification::Payload;
use crate::owner::Request;
use crate::random::{Wish, roll_wish};
use crate::scenario::Scenario;

/// A handler that, in any callback, may ask for anything, and answers notifications at once, later, from
/// another callback, with a failure, or not at all. All of it comes out of the scenario's seed.
#[derive(Debug)]
pub struct RandomHandler {
    dice: Dice,
    /// How many wishes it may still have: that comes to an end, so that its child does.
    wishes: u16,
    kept: Vec<Answer>,
}

impl RandomHandler {
    /// As the scenario's seed has it. About every other has no wishes.
    pub fn new(scenario: &Scenario) -> Self {
        let mut dice = scenario.dice(Scenario::HANDLER);
        let wishes = if dice.one_in(2) { 1 + dice.few(8) } else { 0 };
        Self {
            dice,
            wishes,
            kept: Vec::new(),
        }
    }

    fn think(&mut self, control: &mut Control<Payload>) {
        if !self.kept.is_empty() && self.dice.one_in(2) {
            let answer = self.kept.pop();
            if let Some(answer) = answer {
                self.answer(answer);
            }
        }
        while self.wishes > 0 && self.dice.one_in(3) {
            self.wishes -= 1;
            match roll_wish(&mut self.dice) {
                Wish::Hold(stream) => control.hold_output(stream),
                Wish::Release(stream) => control.release_output(stream),
                Wish::Close(stream) => control.close_output(stream),
                Wish::Request(request) => ask(control, request),
            }
        }
    }

    fn answer(&mut self, answer: Answer) {
        match self.dice.few(16) {
            0 => answer.fail("the handler says so"),
            1 => drop(answer),
            _ => answer.succeed(),
        }
    }
}

impl Handler for RandomHandler {
    type Notification = Payload;

    fn output(&mut self, control: &mut Control<Payload>, _: Stream, _: &[u8]) {
        self.think(control);
    }

    fn forwarded(&mut self, control: &mut Control<Payload>, _: Stream, _: usize, _: Option<&[u8]>) {
        self.think(control);
    }

    fn output_ended(&mut self, control: &mut Control<Payload>, _: Stream) {
        self.think(control);
    }

    fn exited(&mut self, control: &mut Control<Payload>, _: ExitStatus) {
        self.think(control);
    }

    fn notify(&mut self, control: &mut Control<Payload>, _: Job<Payload>, answer: Answer) {
        if self.dice.one_in(8) {
            self.kept.push(answer);
        } else {
            self.answer(answer);
        }
        self.think(control);
    }

    fn error(&mut self, control: &mut Control<Payload>, _: Error, _: bool, _: Option<Failure>) {
        self.think(control);
    }
}

fn ask(control: &mut Control<Payload>, request: Request) {
    match request {
        Request::Notify(payload) => control.notify(payload),
        Request::Progress => control.progress(),
        Request::Ready => control.ready(),
        Request::Fail => control.fail("the handler fails"),
        Request::Terminate => control.terminate(),
        Request::Escalate => control.escalate(),
        Request::Kill => control.kill(),
        Request::PassOn(signal, target) => control.pass_on(signal, target),
        Request::SetIdleTimeout(limit) => control.set_idle_timeout(limit),
        Request::SetLadder(ladder) => control.set_ladder(ladder),
        Request::Suspended => control.suspended(),
        Request::Resumed => control.resumed(),
    }
}
