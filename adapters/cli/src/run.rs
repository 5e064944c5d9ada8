//! `childminder run`.
//!
//! A shell ends its loop or list only if the command that it runs dies of SIGINT. So where the minded command
//! did, we do too, if a shell may be waiting: we have a controlling terminal and did not begin the session.
//! Otherwise it is status 130.
//!
//! SIGKILL at the end of the ladder waits ten seconds, after which the command is given up with status 125, also
//! after a deadline: 124 says that a deadline ended the command, and it has not.
//!
//! We hear SIGINT though a script had it ignored, because a program that sends it to us means it.
//!
//! What is left by a run that ended by itself is not touched, but named, unless it is gone within a tenth of a
//! second. As process 1 we take every process along at the end, because the kernel would: this way the report can
//! name them.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Command;

use childminder::{Error, ExitStatus, Outcome, Signal, Stream, Target};
use childminder_unix::{Child, SpawnOptions, Strays, Watch, signals};
use signal_hook::consts::{SIGINT, SIGQUIT};

use crate::console::Console;
use crate::event_loop::EventLoop;
use crate::files::{ReportFile, flight_record};
use crate::owner::Owner;
use crate::plan::{Containment, OnOurDeath, Plan, Speech};
use crate::report::{self, Report};
use crate::signals::{ladder_beginning_with, passed_on, requests};
use crate::status::{self, NOT_FOUND, OURS};
use crate::terminal::Terminal;
use crate::words::complain;
use crate::{Failure, READER_PATIENCE};

type Loop = EventLoop<Owner>;

/// Runs and minds the command; returns the status to exit with.
pub(crate) fn run(plan: &Plan) -> Result<u8, Failure> {
    let record = flight_record(plan)?;
    let report = ReportFile::open(plan.report.as_deref())?;
    let begun = begin(plan, |event_loop| {
        let console = Console::new(|stream| event_loop.relay(stream))?;
        Ok(Owner::new(plan, console, record))
    });
    let (mut event_loop, mut terminal) = match begun {
        Ok(begun) => begun,
        Err(failure) => return Ok(not_begun(plan, &failure, &report)),
    };
    let mut outcome = event_loop.run(&mut terminal, |child, signal| take(child, signal, plan))?;
    terminal.take_back(&mut event_loop, &outcome);

    // The reader of a command that ended by itself may take its time.
    let patience = outcome.terminated.then_some(READER_PATIENCE);
    let given_up = event_loop.flush(|owner| owner.console.relays(), patience, ends_us)?;
    let owner = event_loop.handler_mut();
    owner.count_lost_output(&mut outcome);
    let status = conclude(plan, outcome, given_up, &mut event_loop, &report);
    // Only our own words can be lost now.
    event_loop.flush(|owner| owner.console.relays(), patience, ends_us)?;
    if let Some(loss) = event_loop.handler_mut().take_late_loss()
        && let ReportFile::Stream(_) = report
    {
        event_loop.handler_mut().console.say(&loss);
        let patience = Some(READER_PATIENCE);
        event_loop.flush(|owner| owner.console.relays(), patience, ends_us)?;
        return Ok(status::or_ours(status));
    }
    let interruption = interruption(&outcome, event_loop.handler());
    if let Some(signal) = interruption.filter(|_| given_up.is_none())
        && Terminal::is_of_a_shells_job()
    {
        signals::die_of(signal);
    }
    Ok(status)
}
