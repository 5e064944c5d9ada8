//! When the ladder starts, what it sends, and when it gives up.

use childminder::{Deadline, Event, Signal, Stage, Target};

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

/// What one move up the ladder came to.
struct Climb {
    reached: usize,
    sent: Option<Sent>,
}

/// What is left of the ladder once the child is to be killed.
const KILL: Stage = Stage {
    signal: Signal::KILL,
    target: Target::Group,
    wait: None,
};

impl Past<'_> {
    /// The stages of the ladder: what the owner set, or SIGKILL to the group once it has said so.
    pub fn stages(self) -> Vec<Stage> {
        match self.kill() {
            Some(_) => vec![KILL],
            None => self.stages_set(),
        }
    }

    /// When the owner had it killed, in place of what was left of the ladder. Only the first time can
    /// count: after it there is nothing to replace, or it came too late, and so does any other.
    pub fn kill(self) -> Option<usize> {
        let entry = self.first_told(Event::Kill)?;
        let before = self.before(entry);
        let is_under_way = before.ladder_start().is_some() && before.stages_set() == [KILL];
        (before.child_over().is_none() && !is_under_way).then_some(entry)
    }

    /// The latest that the owner set before the ladder started.
    pub fn stages_set(self) -> Vec<Stage> {
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

    /// The stages sent, in order.
    pub fn sent(self) -> Vec<Sent> {
        let climbed = self.climbed().into_iter();
        climbed.filter_map(|climb| climb.sent).collect()
    }

    /// How many stages have been left behind or sent.
    pub fn reached(self) -> usize {
        self.climbed().last().map_or(0, |climb| climb.reached)
    }

    /// How the ladder was climbed. The ladder moves when it starts, when a stage's wait is over, and
    /// when the owner is impatient; each move sends the next stage that can still arrive. Once the
    /// leader may be reaped, nothing moves.
    fn climbed(self) -> Vec<Climb> {
        let Some(start) = self.ladder_start() else {
            return Vec::new();
        };
        let exit = self.exit().map(|(entry, _)| entry);
        let output_end = self.output_end_by_itself().map(|(entry, _)| entry);
        let kill = self.kill();
        let set = self.stages_set().len();
        let mut stages = self.stages_set().into_iter().enumerate();
        let moves = self.all().filter(|(entry, what)| {
            let moves = [What::Told(Event::Escalate), What::Fired(Deadline::Stage)];
            let is_kill = Some(*entry) == kill;
            *entry == start || *entry > start && (moves.contains(what) || is_kill)
        });
        moves
            .filter(|(entry, _)| precedes(*entry, exit) || precedes(*entry, output_end))
            .map(|(entry, _)| {
                if Some(entry) == kill {
                    stages = vec![KILL].into_iter().enumerate();
                }
                let dead = !precedes(entry, exit);
                let next = stages.find(|(_, stage)| is_reachable(stage.target, dead));
                let length = if precedes(entry, kill) { set } else { 1 };
                Climb {
                    reached: length - stages.len(),
                    sent: next.map(|(index, stage)| Sent {
                        entry,
                        index,
                        stage,
                    }),
                }
            })
            .collect()
    }

    /// When the child was given up as unkillable: the wait of the last stage was over and it ran.
    pub fn given_up(self) -> Option<usize> {
        let exit = self.exit().map(|(entry, _)| entry);
        let last = self.stages().len().checked_sub(1)?;
        let kill = self.kill();
        let mut sent = self.sent().into_iter();
        let last =
            sent.find(|sent| sent.index == last && (kill.is_none() || kill <= Some(sent.entry)))?;
        self.all()
            .find(|(entry, what)| *entry > last.entry && *what == What::Fired(Deadline::Stage))
            .map(|(entry, _)| entry)
            .filter(|entry| precedes(*entry, exit))
    }

    /// Whether this entry asks for the ladder. Every error does but the child's own bad exit; a late
    /// answer is no error.
    fn asks_for_ladder(self, entry: usize, what: What) -> bool {
        match what {
            What::Told(Event::Terminate | Event::Escalate | Event::Kill | Event::Fail)
            | What::Fired(
                Deadline::Idle | Deadline::FirstOutput | Deadline::Run | Deadline::Notification,
            ) => true,
            What::Told(Event::NotifyDone { id, ok }) => !ok && !self.is_late_answer(entry, id),
            _ => false,
        }
    }
}
