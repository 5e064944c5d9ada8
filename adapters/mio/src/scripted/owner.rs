//! Who asks, and answers.

use childminder::{Error, Event, Instant, Outcome, Stream};

use super::{Shared, Stage};
use crate::{Answer, Control, Discarded, Failure, Handler, Job, Moment};

/// An owner that goes by the script. The notifications are numbered.
#[derive(Debug)]
pub(super) struct Owner {
    stage: Shared,
}

/// One request. The script leaves the numbers to the oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Notify(usize),
    Fail(usize),
    Told(Event),
    Hold(Stream),
    Release(Stream),
    Close(Stream),
}

/// How a notification is answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reply {
    Now {
        ok: bool,
    },
    Later,
    /// The answer is dropped, which is one.
    Never,
}

/// A failure with the number that it is known by.
#[derive(Debug)]
pub(super) struct Numbered(pub(super) usize);

impl std::fmt::Display for Numbered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failure {}", self.0)
    }
}

impl std::error::Error for Numbered {}

impl Asked {
    pub(super) fn of(self, control: &mut Control<usize>) {
        match self {
            Self::Notify(number) => control.notify(number),
            Self::Fail(number) => control.fail(Numbered(number)),
            Self::Hold(stream) => control.hold_output(stream),
            Self::Release(stream) => control.release_output(stream),
            Self::Close(stream) => control.close_output(stream),
            Self::Told(Event::Progress) => control.progress(),
            Self::Told(Event::Terminate) => control.terminate(),
            Self::Told(Event::Escalate) => control.escalate(),
            Self::Told(Event::Suspended) => control.suspended(),
            Self::Told(Event::Resumed) => control.resumed(),
            Self::Told(Event::SetIdleTimeout(timeout)) => control.set_idle_timeout(timeout),
            Self::Told(Event::SetLadder(ladder)) => control.set_ladder(ladder),
            Self::Told(event) => unreachable!("nobody can ask for {event:?}"),
        }
    }
}

impl Owner {
    pub(super) fn new(stage: &Shared) -> Self {
        Self {
            stage: Shared::clone(stage),
        }
    }

    fn think(&self, control: &mut Control<usize>) {
        loop {
            let mut stage = self.stage.borrow_mut();
            let Some(asked) = stage.script.afterthought() else {
                return;
            };
            stage.oracle.asked(asked).of(control);
        }
    }
}

impl Handler for Owner {
    type Notification = usize;

    fn output(&mut self, control: &mut Control<usize>, stream: Stream, bytes: &[u8]) {
        let mut stage = self.stage.borrow_mut();
        stage.oracle.delivered(stream, bytes);
        drop(stage);
        self.think(control);
        self.stage.borrow_mut().oracle.holds_now();
    }

    fn output_ended(&mut self, control: &mut Control<usize>, stream: Stream) {
        let mut stage = self.stage.borrow_mut();
        let Stage { world, oracle, .. } = &mut *stage;
        oracle.output_ended(world, stream);
        drop(stage);
        self.think(control);
    }

    fn notify(&mut self, control: &mut Control<usize>, job: Job<usize>, answer: Answer) {
        let mut stage = self.stage.borrow_mut();
        let Stage {
            script,
            world,
            oracle,
        } = &mut *stage;
        oracle.handed_out(job, answer.id());
        match script.reply() {
            Reply::Now { ok } => oracle.answered(world.answer(answer, ok)),
            Reply::Never => {
                oracle.answered((answer.id(), false));
                world.drop_answer(answer);
            }
            Reply::Later => world.owed.push(answer),
        }
        drop(stage);
        self.think(control);
    }

    fn error(
        &mut self,
        control: &mut Control<usize>,
        error: Error,
        first: bool,
        failure: Option<Failure>,
    ) {
        let mut stage = self.stage.borrow_mut();
        stage.oracle.recorded(error, first, failure.as_deref());
        drop(stage);
        self.think(control);
    }

    fn discarded(&mut self, what: Discarded<usize>) {
        let mut stage = self.stage.borrow_mut();
        match what {
            Discarded::Notification(number) => stage.oracle.discarded(number),
            Discarded::Failure(failure) => stage.oracle.failure_known(&*failure),
        }
    }

    fn finished(&mut self, outcome: Outcome) {
        self.stage.borrow_mut().oracle.finished(outcome);
    }

    fn observe(&mut self, at: Instant, moment: Moment) {
        let mut stage = self.stage.borrow_mut();
        let Stage { world, oracle, .. } = &mut *stage;
        oracle.told(world, at, moment);
    }
}
