//! What a record holds, once read.

use childminder::{Config, Event, Instant};

use crate::action_type::ActionType;
use crate::recorded::RecordedAction;
use crate::ticket::Ticket;

/// One run of a record: its header and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What its header calls it.
    pub name: String,
    /// Its number in the record, if that has runs that overlap.
    pub number: Option<u64>,
    /// The line of its header, counted from 1.
    pub line: u64,
    /// What the monitor was made with.
    pub config: Config,
    /// The only types of actions to compare; `None` is all.
    pub compare: Option<Vec<ActionType>>,
    /// What happened, in order.
    pub steps: Vec<Step>,
}

impl Run {
    /// Whether its latest step has finished it.
    pub(crate) fn has_finished(&self) -> bool {
        let latest = self.steps.last();
        latest.is_some_and(|step| {
            let mut kinds = step.actions.iter().map(RecordedAction::kind);
            kinds.any(|kind| kind == ActionType::Finish)
        })
    }

    /// Whether actions of this type are compared.
    pub fn compares(&self, kind: ActionType) -> bool {
        self.compare
            .as_ref()
            .is_none_or(|compared| compared.contains(&kind))
    }
}

/// One event, and the actions that came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its line, counted from 1.
    pub line: u64,
    /// When, counted from the run's start.
    pub at: Instant,
    /// What the monitor was told.
    pub event: Event,
    /// The ticket that a `Notify` or `Fail` was given, if the record says.
    pub ticket: Option<Ticket>,
    /// What the monitor answered.
    pub actions: Vec<RecordedAction>,
}
