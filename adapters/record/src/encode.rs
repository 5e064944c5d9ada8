//! From the core's types to the record's JSON: every field by name, what is off as null.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use childminder::{
    Action, Config, Error, Event, ExitStatus, FailureId, Instant, NotificationId, Signal, Stage,
};

use crate::header::Header;
use crate::json::Json;
use crate::ticket::Ticket;

/// The format's version.
pub(crate) const VERSION: u64 = 1;

/// A run's header, with its number where runs overlap in one record.
pub(crate) fn header(header: &Header<'_>, number: Option<u64>) -> Json {
    let text = |text| Json::String(shortened(text).into());
    let fields = [
        Some(("flight_record", VERSION.into())),
        number.map(|number| ("run", number.into())),
        Some(("name", text(header.name))),
        Some(("config", config(header.config))),
        header.host.map(|host| ("host", text(host))),
        header
            .started
            .and_then(unix_nanos)
            .map(|nanos| ("started_unix_ns", nanos.into())),
    ];
    Json::object(fields.into_iter().flatten())
}

/// An event, or as many outputs as `count` says, merged.
pub(crate) fn event(event: Event, count: u64, ticket: Option<Ticket>) -> Json {
    let tagged = ("type", Json::from(event.name()));
    match event {
        Event::Output { stream, bytes } => {
            let stream = ("stream", stream.name().into());
            let bytes = ("bytes", bytes.into());
            if count == 1 {
                Json::object([tagged, stream, bytes])
            } else {
                Json::object([tagged, stream, bytes, ("count", count.into())])
            }
        }
        Event::NotifyDone { id, ok } => {
            Json::object([tagged, ("id", id.into()), ("ok", ok.into())])
        }
        Event::PassOn { signal, target } => Json::object([
            tagged,
            ("signal", signal.into()),
            ("target", target.name().into()),
        ]),
        Event::SetIdleTimeout(limit) => Json::object([tagged, ("idle_timeout_ns", limit.into())]),
        Event::SetLadder(ladder) => {
            let stages = ladder.stages().map(Json::from).collect();
            Json::object([tagged, ("ladder", Json::Array(stages))])
        }
        Event::ChildExited(status) => Json::object([tagged, exit_field(status)]),
        Event::StraysSeen { living, immune } => {
            Json::object([tagged, ("living", living.into()), ("immune", immune.into())])
        }
        _ => match ticket {
            Some(ticket) => Json::object([tagged, ("id", ticket.number().into())]),
            None => Json::object([tagged]),
        },
    }
}

/// The line that says that the record of a run was stopped.
pub(crate) fn stop(at: u64, number: Option<u64>) -> Json {
    let at = ("at_ns", at.into());
    let stopped = ("stopped", true.into());
    match number {
        Some(number) => Json::object([("run", number.into()), at, stopped]),
        None => Json::object([at, stopped]),
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
        Action::Warn => Json::object([tagged("warn")]),
        Action::SendSignal { signal, target } => Json::object([
            tagged("send_signal"),
            ("signal", signal.into()),
            ("target", target.name().into()),
        ]),
        Action::KillStrays => Json::object([tagged("kill_strays")]),
        Action::LookForStrays => Json::object([tagged("look_for_strays")]),
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
            ("strays", outcome.strays.name().into()),
        ]),
    }
}

/// What the format can say.
fn unix_nanos(time: SystemTime) -> Option<u64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// A name that fits into a line, even if JSON needs six bytes for each of its own.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let end = (0..=LONGEST_NAME)
        .rev()
        .find(|end| name.is_char_boundary(*end));
    format!("{}…", &name[..end.unwrap_or(0)])
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
        ("sweep", config.sweep.name().into()),
        ("stray_timeout_ns", config.stray_timeout.into()),
        ("final_notification", config.final_notification.into()),
        ("warn_timeout_ns", config.warn_timeout.into()),
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
        let tagged = ("type", Self::from(error.name()));
        match error {
            Error::Exit(status) => Self::object([tagged, exit_field(status)]),
            Error::Notification(id) | Error::NotificationTimeout(id) => {
                Self::object([tagged, ("id", id.into())])
            }
            Error::External(id) => Self::object([tagged, ("id", id.into())]),
            _ => Self::object([tagged]),
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

/// How much of a run's name is written, and of its host's, in bytes.
pub(crate) const LONGEST_NAME: usize = 64 * 1024;
