//! An action, as a record has it.

use std::fmt;

use childminder::{Action, Instant};

use crate::action_type::ActionType;
use crate::encode;
use crate::json::Json;

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
