//! What a record holds, once read.

use std::fmt;

use childminder::{Action, Config, Event, FailureId, Instant, NotificationId};

use crate::encode;
use crate::json::Json;
use crate::names::Named;

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

/// What [`Event::Notify`] or [`Event::Fail`] is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ticket {
    /// What [`MonitorState::notify`](childminder::MonitorState::notify) returns.
    Notification(NotificationId),
    /// What [`MonitorState::fail`](childminder::MonitorState::fail) returns.
    Failure(FailureId),
}

impl Ticket {
    /// Its number.
    pub const fn number(self) -> u64 {
        match self {
            Self::Notification(id) => id.number(),
            Self::Failure(id) => id.number(),
        }
    }
}

/// What a record says of an action: its type, and some or all of its fields.
///
/// ```
/// use childminder::{Action, Signal, Target};
/// use childminder_record::{Reader, RecordedAction};
///
/// let record = r#"{"flight_record":1,"name":"example","config":{}}
///     {"at_ns":0,"event":{"type":"terminate"},"actions":[{"type":"send_signal","signal":2}]}"#;
/// let run = Reader::new(record.as_bytes()).next().expect("a run")?;
/// let recorded = &run.steps[0].actions[0];
///
/// let sent = Action::SendSignal { signal: Signal::INT, target: Target::Group };
/// assert!(recorded.matches(sent));
/// assert_eq!(recorded.to_string(), r#"{"type":"send_signal","signal":2}"#);
/// assert_eq!(
///     RecordedAction::from(sent).to_string(),
///     r#"{"type":"send_signal","signal":2,"target":"group"}"#,
/// );
/// # Ok::<(), childminder_record::ReadError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedAction {
    kind: ActionType,
    json: Json,
}

impl RecordedAction {
    /// An action whose JSON has been found right.
    pub(crate) fn decoded(kind: ActionType, json: Json) -> Self {
        Self { kind, json }
    }

    /// Its type.
    pub const fn kind(&self) -> ActionType {
        self.kind
    }

    /// Whether `action` is equal in every field that the record names.
    pub fn matches(&self, action: Action) -> bool {
        self.kind == ActionType::of(action) && self.json.covers(&Self::from(action).json)
    }
}

/// The action with all its fields.
impl From<Action> for RecordedAction {
    fn from(action: Action) -> Self {
        Self {
            kind: ActionType::of(action),
            json: encode::action(action, Instant::ZERO),
        }
    }
}

/// The action as JSON.
impl fmt::Display for RecordedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

/// The types of [`Action`], without their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionType {
    /// [`Action::RecordError`], `record_error` in the record.
    RecordError,
    /// [`Action::SendSignal`], `send_signal`.
    SendSignal,
    /// [`Action::DiscardNotifications`], `discard_notifications`.
    DiscardNotifications,
    /// [`Action::RunNotification`], `run_notification`.
    RunNotification,
    /// [`Action::ScheduleTimer`], `schedule_timer`.
    ScheduleTimer,
    /// [`Action::Reap`], `reap`.
    Reap,
    /// [`Action::Finish`], `finish`.
    Finish,
}

impl ActionType {
    /// The type of `action`.
    pub const fn of(action: Action) -> Self {
        match action {
            Action::RecordError { .. } => Self::RecordError,
            Action::SendSignal { .. } => Self::SendSignal,
            Action::DiscardNotifications { .. } => Self::DiscardNotifications,
            Action::RunNotification { .. } => Self::RunNotification,
            Action::ScheduleTimer(_) => Self::ScheduleTimer,
            Action::Reap => Self::Reap,
            Action::Finish(_) => Self::Finish,
        }
    }
}

/// Its name in the record.
impl fmt::Display for ActionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
