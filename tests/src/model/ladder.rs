//! When the ladder starts, what it sends, and when it gives up.

use childminder::{Deadline, Event, Stage};

use super::past::{Past, What, is_reachable, precedes};

/// A stage of the ladder, sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The entry that it is a consequence of.
    pub entry: usize,
    /// Which stage, from zero.
    pub index: usize,
    /// The stage itself.
    pub stage: Stage,
}

impl Past<'_> {
    /// The stages of the ladder: the latest that the owner set before it started.
    pub fn stages(self) -> Vec<Stage> {
        let start = self.ladder_start();
        let set = self.told().rev().find_map(|(entry, event)| match event {
            Event::SetLadder(ladder) if precedes(entry, start) => Some(ladder),
            _ => None,
        });
        set.unwrap_or(self.config.ladder).stages().collect()
    }

    /// When the ladder started: the first time that anything asked for it while somebody could be
    /// signalled, that is, while the child ran, or something held its output after the exit.
    pub fn ladder_start(self) -> Option<usize> {
        let start = self.start()?;
        let exit = self.exit().map(|(entry, _)| entry);
        let output_end = self.output_end_by_itself().map(|(entry, _)| entry);
        self.all()
            .filter(|(entry, what)| *entry > start && self.asks_for_ladder(*entry, *what))
            .map(|(entry, _)| entry)
            .find(|entry| precedes(*entry, exit) || precedes(*entry, output_end))
    }

    /// The stages sent, in order. The ladder moves when it starts, when a stage's wait is over, and
    /// when the owner is impatient; each move sends the next stage that can still arrive. Once the
    /// leader may be reaped, nothing moves.
    pub fn sent(self) -> Vec<Sent> {
        let Some(start) = self.ladder_start() else {
            return Vec::new();
        };
        let exit = self.exit().map(|(entry, _)| entry);
        let output_end = self.output_end_by_itself().map(|(entry, _)| entry);
        let mut stages = self.stages().into_iter().enumerate();
        let moves = self.all().filter(|(entry, what)| {
            let moves = [What::Told(Event::Escalate), What::Fired(Deadline::Stage)];
            *entry == start || *entry > start && moves.contains(what)
        });
        moves
            .filter(|(entry, _)| precedes(*entry, exit) || precedes(*entry, output_end))
            .filter_map(|(entry, _)| {
                let dead = !precedes(entry, exit);
                let (index, stage) = stages.find(|(_, stage)| is_reachable(stage.target, dead))?;
                Some(Sent {
                    entry,
                    index,
                    stage,
                })
            })
            .collect()
    }

    /// When the child was given up as unkillable: the wait of the last stage was over and it ran.
    pub fn given_up(self) -> Option<usize> {
        let exit = self.exit().map(|(entry, _)| entry);
        let last = self.stages().len().checked_sub(1)?;
        let last = self.sent().into_iter().find(|sent| sent.index == last)?;
        self.all()
            .find(|(entry, what)| *entry > last.entry && *what == What::Fired(Deadline::Stage))
            .map(|(entry, _)| entry)
            .filter(|entry| precedes(*entry, exit))
    }

    /// Whether this entry asks for the ladder. Every error does but the child's own bad exit; a late
    /// answer is no error.
    fn asks_for_ladder(self, entry: usize, what: What) -> bool {
        match what {
            What::Told(Event::Terminate | Event::Escalate | Event::Fail)
            | What::Fired(
                Deadline::Idle | Deadline::FirstOutput | Deadline::Run | Deadline::Notification,
            ) => true,
            What::Told(Event::NotifyDone { ok, .. }) => !ok && !self.is_late_answer(entry),
            _ => false,
        }
    }
}
