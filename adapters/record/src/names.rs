//! What the record calls things: one table for both directions.

use childminder::{Activity, NotificationKind, Stream, Target};

use crate::run::ActionType;

pub(crate) trait Named: Copy + PartialEq + 'static {
    const NAMES: &'static [(&'static str, Self)];

    fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(name, _)| name)
    }

    fn named(wanted: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| *value)
    }
}

impl Named for Stream {
    const NAMES: &'static [(&'static str, Self)] =
        &[("stdout", Self::Stdout), ("stderr", Self::Stderr)];
}

impl Named for Target {
    const NAMES: &'static [(&'static str, Self)] =
        &[("leader", Self::Leader), ("group", Self::Group)];
}

impl Named for Activity {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("any", Self::AnyOutput),
        ("stdout", Self::Stdout),
        ("stderr", Self::Stderr),
        ("explicit", Self::Explicit),
    ];
}

impl Named for NotificationKind {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("requested", Self::Requested),
        ("heartbeat", Self::Heartbeat),
    ];
}

impl Named for ActionType {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("record_error", Self::RecordError),
        ("send_signal", Self::SendSignal),
        ("discard_notifications", Self::DiscardNotifications),
        ("run_notification", Self::RunNotification),
        ("schedule_timer", Self::ScheduleTimer),
        ("reap", Self::Reap),
        ("finish", Self::Finish),
    ];
}
