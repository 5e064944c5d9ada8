//! Values as the Rust expressions that make them, so that a failing case can be pasted.

use std::time::Duration;

use childminder::{Config, Event, ExitStatus, Instant, Ladder, NotificationId, Signal, Stage};

use crate::op::{Case, Drain, Op, Wait, Whose};

/// A value that can be written as Rust.
pub trait Source {
    /// The expression that makes it.
    fn source(&self) -> String;
}

impl Source for Case {
    fn source(&self) -> String {
        let config = self.config.source();
        let ops: Vec<_> = self
            .ops
            .iter()
            .map(|op| format!("        {},\n", op.source()))
            .collect();
        format!(
            "Case {{\n    config: {config},\n    ops: vec![\n{}    ],\n}}",
            ops.concat()
        )
    }
}

impl Source for Op {
    fn source(&self) -> String {
        match self {
            Self::Tell(event) => format!("Op::Tell({})", event.source()),
            Self::Answer { whose, ok } => {
                format!("Op::Answer {{ whose: {}, ok: {ok} }}", whose.source())
            }
            Self::Wait(wait) => format!("Op::Wait({})", wait.source()),
            Self::Drain(drain) => format!("Op::Drain({})", drain.source()),
        }
    }
}

impl Source for Whose {
    fn source(&self) -> String {
        format!("Whose::{self:?}")
    }
}

impl Source for Wait {
    fn source(&self) -> String {
        match self {
            Self::JustBefore => "Wait::JustBefore".into(),
            Self::Until => "Wait::Until".into(),
            Self::JustAfter => "Wait::JustAfter".into(),
            Self::FarPast => "Wait::FarPast".into(),
            Self::For(span) => format!("Wait::For({})", span.source()),
            Self::Back(span) => format!("Wait::Back({})", span.source()),
        }
    }
}

impl Source for Drain {
    fn source(&self) -> String {
        format!("Drain::{self:?}")
    }
}

/// Names every option that is not the default.
impl Source for Config {
    fn source(&self) -> String {
        let default = Self::default();
        let timeouts = [
            ("idle_timeout", self.idle_timeout, default.idle_timeout),
            ("warn_timeout", self.warn_timeout, default.warn_timeout),
            (
                "first_output_timeout",
                self.first_output_timeout,
                default.first_output_timeout,
            ),
            ("run_timeout", self.run_timeout, default.run_timeout),
            (
                "notification_timeout",
                self.notification_timeout,
                default.notification_timeout,
            ),
            (
                "heartbeat_interval",
                self.heartbeat_interval,
                default.heartbeat_interval,
            ),
            ("drain_timeout", self.drain_timeout, default.drain_timeout),
            ("stray_timeout", self.stray_timeout, default.stray_timeout),
        ];
        let mut fields: Vec<_> = timeouts
            .into_iter()
            .filter(|(_, timeout, default)| timeout != default)
            .map(|(name, timeout, _)| format!("{name}: {}, ", timeout.source()))
            .collect();
        if self.activity != default.activity {
            fields.push(format!("activity: Activity::{:?}, ", self.activity));
        }
        if self.ladder != default.ladder {
            fields.push(format!("ladder: {}, ", self.ladder.source()));
        }
        if self.sweep != default.sweep {
            fields.push(format!("sweep: Sweep::{:?}, ", self.sweep));
        }
        if self.final_notification {
            fields.push("final_notification: true, ".to_owned());
        }
        format!("Config {{ {}..Config::default() }}", fields.concat())
    }
}

impl Source for Ladder {
    fn source(&self) -> String {
        let stages: Vec<_> = self.stages().map(|stage| stage.source()).collect();
        if stages.is_empty() {
            return "Ladder::NONE".into();
        }
        format!("Ladder::from([{}])", stages.join(", "))
    }
}

impl Source for Stage {
    fn source(&self) -> String {
        format!(
            "Stage {{ signal: {}, target: Target::{:?}, wait: {} }}",
            self.signal.source(),
            self.target,
            self.wait.source()
        )
    }
}

impl Source for Event {
    fn source(&self) -> String {
        let inner = match self {
            Self::Output { stream, bytes } => {
                format!("Output {{ stream: Stream::{stream:?}, bytes: {bytes} }}")
            }
            Self::NotifyDone { id, ok } => {
                format!("NotifyDone {{ id: {}, ok: {ok} }}", id.source())
            }
            Self::PassOn { signal, target } => format!(
                "PassOn {{ signal: {}, target: Target::{target:?} }}",
                signal.source()
            ),
            Self::SetIdleTimeout(timeout) => format!("SetIdleTimeout({})", timeout.source()),
            Self::SetLadder(ladder) => format!("SetLadder({})", ladder.source()),
            Self::ChildExited(status) => format!("ChildExited({})", status.source()),
            plain => format!("{plain:?}"),
        };
        format!("Event::{inner}")
    }
}

impl Source for ExitStatus {
    fn source(&self) -> String {
        match self {
            Self::Code(code) => format!("ExitStatus::Code({code})"),
            Self::Signal(signal) => format!("ExitStatus::Signal({})", signal.source()),
            Self::Lost => "ExitStatus::Lost".into(),
        }
    }
}

impl Source for Signal {
    fn source(&self) -> String {
        match *self {
            Self::HUP => "Signal::HUP".into(),
            Self::INT => "Signal::INT".into(),
            Self::QUIT => "Signal::QUIT".into(),
            Self::KILL => "Signal::KILL".into(),
            Self::TERM => "Signal::TERM".into(),
            other => format!("Signal::new({}).unwrap()", other.number()),
        }
    }
}

impl Source for NotificationId {
    fn source(&self) -> String {
        format!("NotificationId::new({}).unwrap()", self.number())
    }
}

impl Source for Instant {
    fn source(&self) -> String {
        format!("Instant({})", digits(self.0))
    }
}

impl Source for Duration {
    fn source(&self) -> String {
        if *self == Self::MAX {
            return "Duration::MAX".into();
        }
        match (self.as_secs(), self.subsec_nanos()) {
            (0, nanos) => format!("Duration::from_nanos({})", digits(nanos.into())),
            (secs, 0) => format!("Duration::from_secs({})", digits(secs)),
            (secs, nanos) => format!("Duration::new({}, {})", digits(secs), digits(nanos.into())),
        }
    }
}

impl<T: Source> Source for Option<T> {
    fn source(&self) -> String {
        match self {
            Some(value) => format!("Some({})", value.source()),
            None => "None".into(),
        }
    }
}

/// Digits in threes: `5_000_000_000`.
fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}
