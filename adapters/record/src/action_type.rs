//! The types of actions, and their names.

use std::fmt;

use childminder::Action;

use crate::names::Named;

/// The types of [`Action`], without their fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionType {
    /// [`Action::RecordError`], `record_error` in the record.
    RecordError,
    /// [`Action::Warn`], `warn`.
    Warn,
    /// [`Action::SendSignal`], `send_signal`.
    SendSignal,
    /// [`Action::KillStrays`], `kill_strays`.
    KillStrays,
    /// [`Action::LookForStrays`], `look_for_strays`.
    LookForStrays,
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
            Action::Warn => Self::Warn,
            Action::SendSignal { .. } => Self::SendSignal,
            Action::KillStrays => Self::KillStrays,
            Action::LookForStrays => Self::LookForStrays,
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

impl Named for ActionType {
    const ALL: &'static [Self] = &[
        Self::RecordError,
        Self::Warn,
        Self::SendSignal,
        Self::KillStrays,
        Self::LookForStrays,
        Self::DiscardNotifications,
        Self::RunNotification,
        Self::ScheduleTimer,
        Self::Reap,
        Self::Finish,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::RecordError => "record_error",
            Self::Warn => "warn",
            Self::SendSignal => "send_signal",
            Self::KillStrays => "kill_strays",
            Self::LookForStrays => "look_for_strays",
            Self::DiscardNotifications => "discard_notifications",
            Self::RunNotification => "run_notification",
            Self::ScheduleTimer => "schedule_timer",
            Self::Reap => "reap",
            Self::Finish => "finish",
        }
    }
}
