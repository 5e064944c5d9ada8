//! The signals that are delivered as they are.

use std::collections::BTreeMap;

use childminder::{Action, Event, Signal, Target};

use super::past::{Past, What, precedes};

impl Past<'_> {
    /// The signals that were told to be passed on and have not been polled, to the leader first, by
    /// their numbers. A target that is gone takes them with it.
    pub fn to_pass_on(self) -> Vec<Action> {
        let exit = self.exit().map(|(entry, _)| entry);
        let mut waiting: BTreeMap<(Target, Signal), usize> = BTreeMap::new();
        for (entry, what) in self.all() {
            match what {
                What::Told(Event::PassOn { signal, target }) => {
                    let gone = match target {
                        Target::Leader => self.given_up().or(exit),
                        Target::Group => self.child_over(),
                    };
                    if precedes(entry, gone) {
                        waiting.insert((target, signal), entry);
                    }
                }
                What::PassedOn(Action::SendSignal { signal, target }) => {
                    waiting.remove(&(target, signal));
                }
                _ => {}
            }
        }
        let is_gone = |target| match target {
            Target::Leader => exit.is_some(),
            Target::Group => self.reap().is_some(),
        };
        waiting
            .into_keys()
            .filter(|(target, _)| !is_gone(*target))
            .map(|(target, signal)| Action::SendSignal { signal, target })
            .collect()
    }

    /// Whether this is one of them, and no stage of the ladder comes first.
    pub fn is_next_passed_on(self, action: Action) -> bool {
        let sent = self
            .asked()
            .filter(|(_, action)| matches!(action, Action::SendSignal { .. }));
        let stages = self.signals().len() - usize::from(self.is_swept());
        sent.count() >= stages && self.to_pass_on().first() == Some(&action)
    }
}
