//! What a record holds, once read.

use std::time::SystemTime;

use childminder::{Config, Event, Instant};

use crate::action_type::ActionType;
use crate::fault::Fault;
use crate::recorded::RecordedAction;
use crate::ticket::Ticket;

/// One run of a record: its header and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// What its header calls it.
    pub name: String,
    /// Its number in the record, if that has runs that overlap.
    pub number: Option<u64>,
    /// Where it ran, if the record says.
    pub host: Option<String>,
    /// When it began, by the clock of its host, if the record says.
    pub started: Option<SystemTime>,
    /// The line of its header, counted from 1.
    pub line: u64,
    /// What the monitor was made with.
    pub config: Config,
    /// The only types of actions to compare; `None` is all. Such a run was recorded of another program
    /// than our monitor: it need not finish, and an event that the monitor refuses is nothing.
    pub compare: Option<Vec<ActionType>>,
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// When its recorder stopped, if it did so before the run's end.
    pub stopped_at: Option<Instant>,
}

impl Run {
    /// Whether its record lacks its end: it has no `finish`, though it was to be recorded whole. A run
    /// whose recorder stopped is not cut short, but says so.
    pub fn is_cut_short(&self) -> bool {
        let is_whole = self.stopped_at.is_some() || self.steps.iter().any(Step::finishes);
        !is_whole && self.compare.is_none()
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
    /// How many events this stands for: more than one only where outputs were merged.
    pub count: u64,
    /// The ticket that a `Notify` or `Fail` was given, if the record says.
    pub ticket: Option<Ticket>,
    /// What the monitor answered.
    pub actions: Vec<RecordedAction>,
}

impl Step {
    /// Whether it is the run's end.
    pub(crate) fn finishes(&self) -> bool {
        let mut kinds = self.actions.iter().map(RecordedAction::kind);
        kinds.any(|kind| kind == ActionType::Finish)
    }

    /// It must not be earlier than the step before.
    pub(crate) fn follows(&self, before: Instant) -> Result<(), Fault> {
        if self.at < before {
            return Err(Fault::TimeRunsBackwards {
                at: self.at,
                before,
            });
        }
        Ok(())
    }
}
