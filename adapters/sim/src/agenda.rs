//! What will happen, and when.

use crate::notification::Answer;

/// The future, the latest first, so that the next thing is popped off the end. It holds a dozen
/// entries at the most, so that to insert one is to shift a few, and no heap is needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda(Vec<(u64, Coming)>);

/// Something that will happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coming {
    /// A process goes on with its script, or with its reaction to a signal. It is void if the process
    /// has meanwhile begun a later `act`.
    Acts { process: usize, act: u32 },
    /// A notification is answered.
    Answer(Answer),
    /// The owner asks for the next thing on its list.
    Request,
    /// The clock that the supervisor sees is set.
    ClockSet,
    /// The supervisor is woken for nothing.
    Spurious,
    /// The machine is shut down: whatever lives is killed, whatever hangs is answered.
    Shutdown,
}

impl Agenda {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is planned for the same moment happens in the order of planning.
    pub(crate) fn plan(&mut self, at: u64, coming: Coming) {
        let later = self.0.iter().rposition(|(when, _)| *when > at);
        self.0
            .insert(later.map_or(0, |index| index + 1), (at, coming));
    }

    pub(crate) fn next_at(&self) -> Option<u64> {
        self.0.last().map(|(at, _)| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<(u64, Coming)> {
        self.0.pop()
    }

    pub(crate) fn has_answers(&self) -> bool {
        let is_answer = |(_, coming): &(u64, Coming)| matches!(coming, Coming::Answer(_));
        self.0.iter().any(is_answer)
    }

    /// The next answer, before its time.
    pub(crate) fn take_answer(&mut self) -> Option<Answer> {
        let is_answer = |(_, coming): &(u64, Coming)| matches!(coming, Coming::Answer(_));
        let next = self.0.iter().rposition(is_answer)?;
        match self.0.remove(next) {
            (_, Coming::Answer(answer)) => Some(answer),
            _ => None,
        }
    }
}
