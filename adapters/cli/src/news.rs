//! What the command of `--notify` is told, on its standard input: one JSON object.

use std::ffi::OsStr;

use childminder_terminal::Minded as _;
use serde_json::{Value, json};

use crate::beginning::Beginning;
use crate::event_loop::EventLoop;
use crate::owner::Minder;
use crate::plan::Plan;
use crate::report::tail_json;
use crate::words::nanos;

/// What tells of one run.
pub(crate) struct News<'a> {
    plan: &'a Plan,
    /// What a shell runs each time.
    pub(crate) line: &'a OsStr,
    /// Which run it is, among all of all machines.
    run: String,
}

impl<'a> News<'a> {
    /// The run begins now. None if nobody is to be told.
    pub(crate) fn of(plan: &'a Plan) -> Option<Self> {
        let line = plan.notify.as_deref()?;
        let beginning = Beginning::new();
        let millis = beginning.since_1970().as_millis();
        let run = format!("{}.{}.{millis}", beginning.host, std::process::id());
        Some(Self { plan, line, run })
    }

    pub(crate) fn heartbeat(&self, child: &EventLoop<Minder>) -> Value {
        self.of_event("heartbeat", child)
    }

    pub(crate) fn warning(&self, child: &EventLoop<Minder>) -> Value {
        self.of_event("warning", child)
    }

    /// With the whole report.
    pub(crate) fn end(&self, child: &EventLoop<Minder>, report: Value) -> Value {
        let mut news = self.of_event("end", child);
        news["report"] = report;
        news
    }

    fn of_event(&self, event: &str, child: &EventLoop<Minder>) -> Value {
        let minder = child.handler();
        json!({
            "event": event,
            "run": self.run,
            "command": self.plan.words(),
            "pid": child.child().id(),
            "elapsed_ns": minder.log.duration().0,
            "silent_ns": nanos(child.monitor().silence()),
            "bytes": minder.log.bytes,
            "tail": tail_json(&minder.tail),
        })
    }
}
