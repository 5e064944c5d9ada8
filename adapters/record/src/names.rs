//! What the record calls things, in both directions.

use childminder::{Activity, NotificationKind, Stream, Target};

use crate::run::ActionType;

pub(crate) trait Named: Copy + 'static {
    const ALL: &'static [Self];

    fn name(self) -> &'static str;

    fn named(wanted: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|value| value.name() == wanted)
    }
}

impl Named for Stream {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for Target {
    const ALL: &'static [Self] = &[Self::Leader, Self::Group];

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for Activity {
    const ALL: &'static [Self] = &[Self::AnyOutput, Self::Stdout, Self::Stderr, Self::Explicit];

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for NotificationKind {
    const ALL: &'static [Self] = &[Self::Requested, Self::Heartbeat];

    fn name(self) -> &'static str {
        self.name()
    }
}

impl Named for ActionType {
    const ALL: &'static [Self] = &[
        Self::RecordError,
        Self::SendSignal,
        Self::DiscardNotifications,
        Self::RunNotification,
        Self::ScheduleTimer,
        Self::Reap,
        Self::Finish,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::RecordError => "record_error",
            Self::SendSignal => "send_signal",
            Self::DiscardNotifications => "discard_notifications",
            Self::RunNotification => "run_notification",
            Self::ScheduleTimer => "schedule_timer",
            Self::Reap => "reap",
            Self::Finish => "finish",
        }
    }
}
