//! From the record's JSON to the core's types, strictly.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use childminder::{
    Activity, Config, Event, ExitStatus, FailureId, Instant, Ladder, NotificationId,
    NotificationKind, Signal, Stage, Strays, Stream, Sweep, Target,
};

use crate::action_type::ActionType;
use crate::fields::{Decoded, Fields, Misshapen, items};
use crate::json::Json;
use crate::names::Named;
use crate::recorded::RecordedAction;
use crate::run::{Run, Step};
use crate::ticket::Ticket;

/// The version that a header says it is of; `None` if the line is no header.
pub(crate) fn version(json: &Json) -> Decoded<Option<&Json>> {
    Fields::of(json)?.optional("flight_record", Ok)
}

pub(crate) fn header(json: &Json, line: u64) -> Decoded<Run> {
    let mut fields = Fields::of(json)?;
    fields.required("flight_record", |_| Ok(()))?;
    let name = fields.required("name", string)?.to_owned();
    let config = fields.required("config", config)?;
    let compare = fields.optional("compare", |json| items(json, name_of))?;
    let number = fields.optional("run", run_number)?;
    let host = fields.optional("host", string)?.map(str::to_owned);
    let started = fields.optional("started_unix_ns", unix_time)?;
    fields.end()?;
    Ok(Run {
        name,
        number,
        host,
        started,
        line,
        config,
        compare,
        steps: Vec::new(),
        stopped_at: None,
    })
}

/// Whether the line says that the record of a run was stopped.
pub(crate) fn is_stop(json: &Json) -> Decoded<bool> {
    Ok(Fields::of(json)?.has("stopped"))
}

/// The run whose record was stopped, and when.
pub(crate) fn stop(json: &Json) -> Decoded<(Option<u64>, Instant)> {
    let mut fields = Fields::of(json)?;
    let at = fields.required("at_ns", instant)?;
    fields.required("stopped", just_true)?;
    let number = fields.optional("run", run_number)?;
    fields.end()?;
    Ok((number, at))
}

/// A step, and the number of its run, if it has one.
pub(crate) fn step(json: &Json, line: u64) -> Decoded<(Option<u64>, Step)> {
    let mut fields = Fields::of(json)?;
    let at = fields.required("at_ns", instant)?;
    let Told {
        event,
        count,
        ticket,
    } = fields.required("event", event)?;
    let actions = fields.required("actions", |json| items(json, action))?;
    let number = fields.optional("run", run_number)?;
    fields.end()?;
    let step = Step {
        line,
        at,
        event,
        count,
        ticket,
        actions,
    };
    Ok((number, step))
}

fn config(json: &Json) -> Decoded<Config> {
    let default = Config::default();
    let mut fields = Fields::of(json)?;
    let idle_timeout = limit(&mut fields, "idle_timeout_ns")?.flatten();
    let first_output_timeout = limit(&mut fields, "first_output_timeout_ns")?.flatten();
    let run_timeout = limit(&mut fields, "run_timeout_ns")?.flatten();
    let notification_timeout = limit(&mut fields, "notification_timeout_ns")?.flatten();
    let heartbeat_interval = limit(&mut fields, "heartbeat_interval_ns")?.flatten();
    let drain_timeout = limit(&mut fields, "drain_timeout_ns")?.unwrap_or(default.drain_timeout);
    let activity = fields
        .optional("activity", |json| or_off(json, Activity::Explicit, name_of))?
        .unwrap_or(default.activity);
    let ladder = fields.optional("ladder", ladder)?.unwrap_or(default.ladder);
    let sweep = fields
        .optional("sweep", |json| or_off(json, Sweep::Never, sweep))?
        .unwrap_or(if ladder.addresses_group() {
            default.sweep
        } else {
            Sweep::Never
        });
    let stray_timeout = limit(&mut fields, "stray_timeout_ns")?.flatten();
    let final_notification = fields
        .optional("final_notification", |json| or_off(json, false, boolean))?
        .unwrap_or(default.final_notification);
    let warn_timeout = limit(&mut fields, "warn_timeout_ns")?.flatten();
    fields.end()?;
    Ok(Config {
        idle_timeout,
        warn_timeout,
        first_output_timeout,
        run_timeout,
        notification_timeout,
        heartbeat_interval,
        final_notification,
        drain_timeout,
        activity,
        ladder,
        sweep,
        stray_timeout,
    })
}

/// Absent, off, or this long.
#[expect(clippy::option_option, reason = "absent is not always off")]
fn limit(fields: &mut Fields<'_>, key: &'static str) -> Decoded<Option<Option<Duration>>> {
    fields.optional(key, |json| nullable(json, duration))
}

/// Records once had a boolean here.
fn sweep(json: &Json) -> Decoded<Sweep> {
    match json {
        Json::Bool(true) => Ok(Sweep::Terminated),
        Json::Bool(false) => Ok(Sweep::Never),
        _ => name_of(json),
    }
}

fn ladder(json: &Json) -> Decoded<Ladder> {
    let stages = or_off(json, Vec::new(), |json| items(json, stage))?;
    Ladder::new(&stages).map_err(|_| {
        let most = Ladder::MAX_STAGES;
        Misshapen::value(json, format!("a list of at most {most} stages"))
    })
}

fn stage(json: &Json) -> Decoded<Stage> {
    let mut fields = Fields::of(json)?;
    let stage = Stage {
        signal: fields.required("signal", signal)?,
        target: fields.required("target", name_of)?,
        wait: limit(&mut fields, "wait_ns")?.flatten(),
    };
    fields.end()?;
    Ok(stage)
}

/// What the monitor was told.
struct Told {
    event: Event,
    count: u64,
    ticket: Option<Ticket>,
}

fn event(json: &Json) -> Decoded<Told> {
    let mut fields = Fields::of(json)?;
    let mut ticket = None;
    let mut count = 1;
    let event = match fields.required("type", string)? {
        "started" => Event::Started,
        "output" => {
            count = fields.optional("count", outputs)?.unwrap_or(1);
            let stream = fields.optional("stream", name_of)?;
            Event::Output {
                stream: stream.unwrap_or(Stream::Stdout),
                bytes: fields.optional("bytes", bytes)?.unwrap_or(1),
            }
        }
        "progress" => Event::Progress,
        "ready" => Event::Ready,
        "tick" => Event::Tick,
        "notify" => {
            ticket = fields
                .optional("id", notification)?
                .map(Ticket::Notification);
            Event::Notify
        }
        "notify_done" => Event::NotifyDone {
            id: fields.required("id", notification)?,
            ok: fields.required("ok", boolean)?,
        },
        "fail" => {
            ticket = fields.optional("id", failure)?.map(Ticket::Failure);
            Event::Fail
        }
        "terminate" => Event::Terminate,
        "escalate" => Event::Escalate,
        "kill" => Event::Kill,
        "pass_on" => Event::PassOn {
            signal: fields.required("signal", signal)?,
            target: fields.required("target", name_of)?,
        },
        "set_idle_timeout" => Event::SetIdleTimeout(
            fields.required("idle_timeout_ns", |json| nullable(json, duration))?,
        ),
        "set_ladder" => Event::SetLadder(fields.required("ladder", ladder)?),
        "output_closed" => Event::OutputClosed,
        "child_exited" => Event::ChildExited(one_exit(&mut fields)?),
        "strays_seen" => Event::StraysSeen {
            living: fields.required("living", strays)?,
            immune: fields.required("immune", strays)?,
        },
        "strays_unseen" => Event::StraysUnseen,
        "suspended" => Event::Suspended,
        "resumed" => Event::Resumed,
        _ => fields.required("type", |json| {
            Err(Misshapen::value(json, one_of(EVENTS.iter().copied())))
        })?,
    };
    fields.end()?;
    Ok(Told {
        event,
        count,
        ticket,
    })
}

/// The fields that a recorded action names must be right; those it does not name are left open.
fn action(json: &Json) -> Decoded<RecordedAction> {
    let mut fields = Fields::of(json)?;
    let kind = fields.required("type", name_of)?;
    match kind {
        ActionType::RecordError => {
            fields.optional("error", error)?;
            fields.optional("first", boolean)?;
        }
        ActionType::SendSignal => {
            fields.optional("signal", signal)?;
            fields.optional("target", name_of::<Target>)?;
        }
        ActionType::DiscardNotifications => {
            fields.optional("first", notification)?;
            fields.optional("last", notification)?;
        }
        ActionType::RunNotification => {
            fields.optional("id", notification)?;
            fields.optional("kind", name_of::<NotificationKind>)?;
        }
        ActionType::ScheduleTimer => {
            fields.optional("at_ns", |json| nullable(json, instant))?;
        }
        ActionType::Warn
        | ActionType::KillStrays
        | ActionType::LookForStrays
        | ActionType::Reap => {}
        ActionType::Finish => {
            fields.optional("error", |json| nullable(json, error))?;
            fields.optional("exit", |json| nullable(json, exit))?;
            fields.optional("leaked", boolean)?;
            fields.optional("terminated", boolean)?;
            fields.optional("strays", name_of::<Strays>)?;
        }
    }
    fields.end()?;
    Ok(RecordedAction::decoded(kind, json.clone()))
}

fn error(json: &Json) -> Decoded<()> {
    let mut fields = Fields::of(json)?;
    match fields.required("type", string)? {
        "idle_timeout" | "first_output_timeout" | "run_timeout" | "unkillable" => {}
        "exit" => {
            some_exit(&mut fields)?;
        }
        "notification" | "notification_timeout" => {
            fields.optional("id", notification)?;
        }
        "external" => {
            fields.optional("id", failure)?;
        }
        _ => fields.required("type", |json| {
            Err(Misshapen::value(json, one_of(ERRORS.iter().copied())))
        })?,
    }
    fields.end()
}

fn exit(json: &Json) -> Decoded<ExitStatus> {
    let mut fields = Fields::of(json)?;
    let status = one_exit(&mut fields)?;
    fields.end()?;
    Ok(status)
}

fn one_exit(fields: &mut Fields<'_>) -> Decoded<ExitStatus> {
    some_exit(fields)?.ok_or_else(|| fields.misshapen(AN_EXIT))
}

fn some_exit(fields: &mut Fields<'_>) -> Decoded<Option<ExitStatus>> {
    let named = ["code", "signal", "lost"].into_iter();
    if named.filter(|key| fields.has(key)).count() > 1 {
        return Err(fields.misshapen(AN_EXIT));
    }
    let code = fields.optional("code", code)?.map(ExitStatus::Code);
    let signal = fields.optional("signal", signal)?.map(ExitStatus::Signal);
    let lost = fields.optional("lost", just_true)?;
    let lost = lost.map(|()| ExitStatus::Lost);
    Ok(code.or(signal).or(lost))
}

fn nullable<'a, T>(
    json: &'a Json,
    decode: impl FnOnce(&'a Json) -> Decoded<T>,
) -> Decoded<Option<T>> {
    match json {
        Json::Null => Ok(None),
        _ => decode(json).map(Some),
    }
}

fn or_off<'a, T>(
    json: &'a Json,
    off: T,
    decode: impl FnOnce(&'a Json) -> Decoded<T>,
) -> Decoded<T> {
    Ok(nullable(json, decode)?.unwrap_or(off))
}

fn name_of<T: Named>(json: &Json) -> Decoded<T> {
    let named = match json {
        Json::String(name) => T::named(name),
        _ => None,
    };
    named.ok_or_else(|| Misshapen::value(json, one_of(T::ALL.iter().map(|value| value.name()))))
}

fn string(json: &Json) -> Decoded<&str> {
    match json {
        Json::String(text) => Ok(text),
        _ => Err(Misshapen::value(json, "a string")),
    }
}

fn boolean(json: &Json) -> Decoded<bool> {
    match json {
        Json::Bool(value) => Ok(*value),
        _ => Err(Misshapen::value(json, "true or false")),
    }
}

fn instant(json: &Json) -> Decoded<Instant> {
    whole(json, "a time in whole nanoseconds").map(Instant)
}

fn unix_time(json: &Json) -> Decoded<SystemTime> {
    let since = whole(json, "a time in whole nanoseconds since 1970")?;
    Ok(UNIX_EPOCH + Duration::from_nanos(since))
}

fn duration(json: &Json) -> Decoded<Duration> {
    whole(json, "a duration in whole nanoseconds, or null").map(Duration::from_nanos)
}

fn bytes(json: &Json) -> Decoded<u64> {
    whole(json, "a number of bytes")
}

fn outputs(json: &Json) -> Decoded<u64> {
    match whole(json, OUTPUTS)? {
        0 => Err(Misshapen::value(json, OUTPUTS)),
        count => Ok(count),
    }
}

fn strays(json: &Json) -> Decoded<u64> {
    whole(json, "a number of strays")
}

fn run_number(json: &Json) -> Decoded<u64> {
    match whole(json, RUN_NUMBER)? {
        0 => Err(Misshapen::value(json, RUN_NUMBER)),
        number => Ok(number),
    }
}

fn notification(json: &Json) -> Decoded<NotificationId> {
    NotificationId::new(whole(json, TICKET)?).ok_or_else(|| Misshapen::value(json, TICKET))
}

fn failure(json: &Json) -> Decoded<FailureId> {
    FailureId::new(whole(json, TICKET)?).ok_or_else(|| Misshapen::value(json, TICKET))
}

fn signal(json: &Json) -> Decoded<Signal> {
    small(json)
        .and_then(Signal::new)
        .ok_or_else(|| Misshapen::value(json, "a signal's number, 1 to 127"))
}

fn code(json: &Json) -> Decoded<i32> {
    small(json).ok_or_else(|| Misshapen::value(json, "an exit code, a whole number of 32 bits"))
}

fn just_true(json: &Json) -> Decoded<()> {
    match json {
        Json::Bool(true) => Ok(()),
        _ => Err(Misshapen::value(json, "true")),
    }
}

fn whole(json: &Json, wanted: &'static str) -> Decoded<u64> {
    match json {
        Json::Number(number) => number.as_u64(),
        _ => None,
    }
    .ok_or_else(|| Misshapen::value(json, wanted))
}

fn small(json: &Json) -> Option<i32> {
    match json {
        Json::Number(number) => i32::try_from(number.as_i64()?).ok(),
        _ => None,
    }
}

fn one_of(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.map(|name| format!("\"{name}\"")).collect();
    format!("one of {}", names.join(", "))
}

const AN_EXIT: &str = "one with exactly one of `code`, `signal` and `lost`";

const OUTPUTS: &str = "a number of outputs, 1 or more";

const RUN_NUMBER: &str = "a run's number, 1 or more";

const TICKET: &str = "a ticket's number, 1 or more";

const EVENTS: [&str; 20] = [
    "started",
    "output",
    "progress",
    "ready",
    "tick",
    "notify",
    "notify_done",
    "fail",
    "terminate",
    "escalate",
    "kill",
    "pass_on",
    "set_idle_timeout",
    "set_ladder",
    "output_closed",
    "child_exited",
    "strays_seen",
    "strays_unseen",
    "suspended",
    "resumed",
];

const ERRORS: [&str; 8] = [
    "idle_timeout",
    "first_output_timeout",
    "run_timeout",
    "exit",
    "notification",
    "notification_timeout",
    "external",
    "unkillable",
];
