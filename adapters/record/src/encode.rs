//! From the core's types to the record's JSON: every field by name, what is off as null.

use std::time::Duration;

use childminder::{
    Action, Config, Error, Event, ExitStatus, FailureId, Instant, NotificationId, Signal, Stage,
};

use crate::json::Json;
use crate::names::Named;
use crate::run::Ticket;

/// The format's version.
pub(crate) const VERSION: u64 = 1;

pub(crate) fn header(name: &str, config: &Config) -> Json {
    Json::object([
        ("flight_record", VERSION.into()),
        ("name", Json::String(name.to_owned().into())),
        ("config", self::config(config)),
    ])
}

pub(crate) fn event(event: Event, ticket: Option<Ticket>) -> Json {
    let tagged = |name: &'static str| ("type", Json::from(name));
    let plain = |name| Json::object([tagged(name)]);
    let numbered = |name| match ticket {
        Some(ticket) => Json::object([tagged(name), ("id", ticket.number().into())]),
        None => plain(name),
    };
    match event {
        Event::Started => plain("started"),
        Event::Output { stream, bytes } => Json::object([
            tagged("output"),
            ("stream", stream.name().into()),
            ("bytes", bytes.into()),
        ]),
        Event::Progress => plain("progress"),
        Event::Tick => plain("tick"),
        Event::Notify => numbered("notify"),
        Event::NotifyDone { id, ok } => {
            Json::object([tagged("notify_done"), ("id", id.into()), ("ok", ok.into())])
        }
        Event::Fail => numbered("fail"),
        Event::Terminate => plain("terminate"),
        Event::Escalate => plain("escalate"),
        Event::SetIdleTimeout(limit) => Json::object([
            tagged("set_idle_timeout"),
            ("idle_timeout_ns", limit.into()),
        ]),
        Event::SetLadder(ladder) => {
            let stages = ladder.stages().map(Json::from).collect();
            Json::object([tagged("set_ladder"), ("ladder", Json::Array(stages))])
        }
        Event::OutputClosed => plain("output_closed"),
        Event::ChildExited(status) => Json::object([tagged("child_exited"), exit_field(status)]),
        Event::Suspended => plain("suspended"),
        Event::Resumed => plain("resumed"),
    }
}

/// The action, its times counted from `origin`.
pub(crate) fn action(action: Action, origin: Instant) -> Json {
    let tagged = |name: &'static str| ("type", Json::from(name));
    match action {
        Action::RecordError { error, first } => Json::object([
            tagged("record_error"),
            ("error", error.into()),
            ("first", first.into()),
        ]),
        Action::SendSignal { signal, target } => Json::object([
            tagged("send_signal"),
            ("signal", signal.into()),
            ("target", target.name().into()),
        ]),
        Action::DiscardNotifications { first, last } => Json::object([
            tagged("discard_notifications"),
            ("first", first.into()),
            ("last", last.into()),
        ]),
        Action::RunNotification { id, kind } => Json::object([
            tagged("run_notification"),
            ("id", id.into()),
            ("kind", kind.name().into()),
        ]),
        Action::ScheduleTimer(at) => Json::object([
            tagged("schedule_timer"),
            ("at_ns", at.map(|at| at.since(origin)).into()),
        ]),
        Action::Reap => Json::object([tagged("reap")]),
        Action::Finish(outcome) => Json::object([
            tagged("finish"),
            ("error", outcome.error.into()),
            ("exit", outcome.exit.into()),
            ("leaked", outcome.leaked.into()),
            ("terminated", outcome.terminated.into()),
        ]),
    }
}

fn config(config: &Config) -> Json {
    let ladder = config.ladder.stages().map(Json::from).collect();
    Json::object([
        ("idle_timeout_ns", config.idle_timeout.into()),
        (
            "first_output_timeout_ns",
            config.first_output_timeout.into(),
        ),
        ("run_timeout_ns", config.run_timeout.into()),
        (
            "notification_timeout_ns",
            config.notification_timeout.into(),
        ),
        ("heartbeat_interval_ns", config.heartbeat_interval.into()),
        ("drain_timeout_ns", config.drain_timeout.into()),
        ("activity", config.activity.name().into()),
        ("ladder", Json::Array(ladder)),
        ("sweep", config.sweep.into()),
    ])
}

fn exit_field(status: ExitStatus) -> (&'static str, Json) {
    match status {
        ExitStatus::Code(code) => ("code", code.into()),
        ExitStatus::Signal(signal) => ("signal", signal.into()),
        ExitStatus::Lost => ("lost", true.into()),
    }
}

impl From<Error> for Json {
    fn from(error: Error) -> Self {
        let tagged = |name: &'static str| ("type", Self::from(name));
        match error {
            Error::IdleTimeout => Self::object([tagged("idle_timeout")]),
            Error::FirstOutputTimeout => Self::object([tagged("first_output_timeout")]),
            Error::RunTimeout => Self::object([tagged("run_timeout")]),
            Error::Exit(status) => Self::object([tagged("exit"), exit_field(status)]),
            Error::Notification(id) => Self::object([tagged("notification"), ("id", id.into())]),
            Error::NotificationTimeout(id) => {
                Self::object([tagged("notification_timeout"), ("id", id.into())])
            }
            Error::External(id) => Self::object([tagged("external"), ("id", id.into())]),
            Error::Unkillable => Self::object([tagged("unkillable")]),
        }
    }
}

impl From<Stage> for Json {
    fn from(stage: Stage) -> Self {
        Self::object([
            ("signal", stage.signal.into()),
            ("target", stage.target.name().into()),
            ("wait_ns", stage.wait.into()),
        ])
    }
}

impl From<ExitStatus> for Json {
    fn from(status: ExitStatus) -> Self {
        Self::object([exit_field(status)])
    }
}

impl From<Signal> for Json {
    fn from(signal: Signal) -> Self {
        signal.number().into()
    }
}

impl From<NotificationId> for Json {
    fn from(id: NotificationId) -> Self {
        id.number().into()
    }
}

impl From<FailureId> for Json {
    fn from(id: FailureId) -> Self {
        id.number().into()
    }
}

/// Whole nanoseconds. The core takes what is longer than `u64` can say for `u64::MAX` as well.
impl From<Duration> for Json {
    fn from(span: Duration) -> Self {
        u64::try_from(span.as_nanos()).unwrap_or(u64::MAX).into()
    }
}
