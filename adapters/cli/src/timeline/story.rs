//! What the record of a run means, found by watching its replay: never more of it in memory than can be drawn.

use std::rc::Rc;
use std::time::SystemTime;

use childminder::{
    Action, Config, Deadline, Error, Event, ExitStatus, Instant, Ladder, MonitorState,
    NotificationId, NotificationKind, Outcome, Signal, Stage, Target,
};
use childminder_record::{Recorder, Run, Step};

use crate::timeline::flow::{Armed, Flow};
use crate::timeline::mark::{Answer, Kind, Mark, Request, Track, What};
use crate::words::nanos;

/// A run as it is drawn. Times are nanoseconds from its start.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// Where its record is.
    pub(crate) file: Rc<str>,
    pub(crate) name: String,
    /// Its number, where runs share a record.
    pub(crate) number: Option<u64>,
    pub(crate) host: Option<String>,
    pub(crate) started: Option<SystemTime>,
    pub(crate) config: Config,
    pub(crate) flow: Flow,
    tracks: [Track; Kind::ALL.len()],
    /// How much was written, to each stream.
    pub(crate) bytes: [u64; 2],
    pub(crate) exit: Option<(u64, ExitStatus)>,
    /// The first error, and when it was noticed.
    pub(crate) failure: Option<(u64, Error)>,
    pub(crate) ending: Ending,
    /// The end, as far as it is known.
    pub(crate) end: u64,
    /// Whether it was recorded of another program, which need not tell of its end.
    pub(crate) is_foreign: bool,
    /// When it began to differ from what was recorded.
    pub(crate) differs_from: Option<u64>,
    now: Now,
}

/// How a record of a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With the run's end.
    Finished(Outcome),
    /// The recorder stopped before.
    Stopped,
    /// Before, and without a word.
    CutShort,
}

/// How things stand after the latest step.
#[derive(Clone, Debug)]
struct Now {
    /// The time of the latest activity.
    active: u64,
    /// The deadlines that approach.
    armed: [Option<Armed>; Deadline::ALL.len()],
    is_suspended: bool,
    /// What goes on.
    suspension: Option<Mark>,
    stage: Option<Mark>,
    notification: Option<(u64, NotificationId, NotificationKind)>,
    /// The ladder, and how many of its stages have been reached.
    ladder: Ladder,
    reached: usize,
}

impl Story {
    pub(crate) fn new(run: &Run, file: &Rc<str>) -> Self {
        Self {
            file: Rc::clone(file),
            name: run.name.clone(),
            number: run.number,
            host: run.host.clone(),
            started: run.started,
            config: run.config,
            flow: Flow::new(),
            tracks: Default::default(),
            bytes: [0; 2],
            exit: None,
            failure: None,
            ending: Ending::CutShort,
            end: 0,
            is_foreign: run.compare.is_some(),
            differs_from: None,
            now: Now {
                active: 0,
                armed: [None; Deadline::ALL.len()],
                is_suspended: false,
                suspension: None,
                stage: None,
                notification: None,
                ladder: run.config.ladder,
                reached: 0,
            },
        }
    }

    pub(crate) fn track(&self, kind: Kind) -> &Track {
        &self.tracks[kind as usize]
    }

    /// One more step.
    pub(crate) fn step(&mut self, step: &Step, actions: &[Action], monitor: &MonitorState) {
        let at = step.at.0;
        let quiet_until = self.quiet_until(step);
        self.burn(quiet_until, at);
        self.told(step, quiet_until);
        for action in actions {
            self.answered(at, step.event, *action);
        }
        if self.exit.is_none_or(|(exit, _)| exit == at) {
            self.listen(quiet_until, at, monitor);
        }
        self.watch_suspension(at, monitor);
        let drain = self.now.armed[Deadline::Drain as usize];
        if step.event == Event::Tick
            && drain.is_some_and(|drain| drain.due <= at)
            && monitor.deadline(Deadline::Drain).is_none()
        {
            self.fired(at, Deadline::Drain);
        }
        self.rearm(at, monitor);
        self.end = at;
    }

    /// The recorder stopped.
    pub(crate) fn stop(&mut self, at: Instant) {
        let at_last = at.0.max(self.end);
        self.burn(at_last, at_last);
        self.end = self.end.max(at.0);
        self.ending = Ending::Stopped;
    }

    /// Nothing more of it comes.
    pub(crate) fn close(&mut self) {
        let end = self.end;
        let going_on = [self.now.stage.take(), self.now.suspension.take()];
        for mark in going_on.into_iter().flatten() {
            self.push(mark.until(end));
        }
        self.end_notification(end, Answer::None);
        if self.exit.is_none() {
            self.end_silence(end);
        }
    }

    fn push(&mut self, mark: Mark) {
        let track = &mut self.tracks[mark.what.kind() as usize];
        if mark.what == What::Silence {
            track.push_if_long(mark);
        } else {
            track.push(mark);
        }
    }

    fn mark(&mut self, at: u64, what: What) {
        self.push(Mark::at(at, what));
    }

    /// Until when nothing happened. Outputs that the record has merged came in the last second before the step; when,
    /// it does not say.
    fn quiet_until(&self, step: &Step) -> u64 {
        let at = step.at.0;
        match step.event {
            Event::Output { .. } if step.count > 1 => at
                .saturating_sub(nanos(Recorder::<Vec<u8>>::LONGEST_MERGE))
                .max(self.end),
            _ => at,
        }
    }

    /// Time passes, and fuses burn; that of the idle deadline until there is activity.
    fn burn(&mut self, quiet_until: u64, at: u64) {
        if self.now.is_suspended {
            return;
        }
        for deadline in APPROACHING {
            if let Some(armed) = self.now.armed[deadline as usize] {
                let until = match deadline {
                    Deadline::Idle => quiet_until,
                    _ => at,
                };
                self.flow.burn(self.end, until, deadline, armed);
            }
        }
    }

    fn told(&mut self, step: &Step, quiet_until: u64) {
        let at = step.at.0;
        match step.event {
            Event::Output { stream, bytes } => {
                let total = &mut self.bytes[stream as usize];
                *total = total.saturating_add(bytes);
                self.flow.write(quiet_until, at, stream, bytes);
            }
            Event::Progress => self.mark(at, What::Progress),
            Event::Ready => self.mark(at, What::Ready),
            Event::NotifyDone { id, ok } => {
                let is_late = self.now.notification.is_some_and(|(_, now, _)| now != id);
                if !is_late {
                    let answer = if ok { Answer::Success } else { Answer::Failure };
                    self.end_notification(at, answer);
                }
            }
            Event::Fail => self.mark(at, What::Failed),
            Event::Terminate => self.mark(at, What::Asked(Request::Terminate)),
            Event::Escalate => self.mark(at, What::Asked(Request::Escalate)),
            Event::Kill => {
                self.mark(at, What::Asked(Request::Kill));
                self.now.ladder = Ladder::from([KILL]);
                self.now.reached = 0;
            }
            Event::SetIdleTimeout(_) => self.mark(at, What::Changed),
            Event::SetLadder(ladder) => {
                self.mark(at, What::Changed);
                if self.now.reached == 0 {
                    self.now.ladder = ladder;
                }
            }
            Event::ChildExited(status) => {
                self.exit.get_or_insert((at, status));
                self.end_stage(at);
            }
            Event::StraysSeen { living, .. } if living > 0 => self.mark(at, What::Strays(living)),
            _ => {}
        }
    }

    fn answered(&mut self, at: u64, event: Event, action: Action) {
        match action {
            Action::RecordError { error, first } => {
                if first {
                    self.failure.get_or_insert((at, error));
                }
                match error {
                    Error::IdleTimeout => self.fired(at, Deadline::Idle),
                    Error::FirstOutputTimeout => self.fired(at, Deadline::FirstOutput),
                    Error::RunTimeout => self.fired(at, Deadline::Run),
                    Error::NotificationTimeout(_) => self.end_notification(at, Answer::TimedOut),
                    Error::Unkillable => self.mark(at, What::Unkillable),
                    _ => {}
                }
            }
            Action::Warn => self.mark(at, What::Warned),
            Action::SendSignal { signal, target } => {
                if matches!(event, Event::PassOn { .. }) {
                    self.mark(at, What::PassedOn { signal, target });
                } else if self.is_sweep(at, event, action) {
                    self.mark(at, What::Swept);
                } else {
                    self.begin_stage(at, signal, target);
                }
            }
            Action::KillStrays => self.mark(at, What::StraysKilled),
            Action::RunNotification { id, kind } => {
                self.end_notification(at, Answer::TimedOut);
                self.now.notification = Some((at, id, kind));
            }
            Action::Finish(outcome) => self.ending = Ending::Finished(outcome),
            _ => {}
        }
    }

    /// Whether this is SIGKILL to what is left of the group, after the exit: a stage would have been waited for, or
    /// asked for.
    fn is_sweep(&self, at: u64, event: Event, action: Action) -> bool {
        let kill = Action::SendSignal {
            signal: Signal::KILL,
            target: Target::Group,
        };
        let stage = self.now.armed[Deadline::Stage as usize];
        let is_stage_over = event == Event::Tick && stage.is_some_and(|stage| stage.due <= at);
        let is_asked_for = matches!(event, Event::Terminate | Event::Escalate | Event::Kill);
        action == kill && self.exit.is_some() && !is_stage_over && !is_asked_for
    }

    fn begin_stage(&mut self, at: u64, signal: Signal, target: Target) {
        self.end_stage(at);
        let stages = self.now.ladder.stages().zip(1..).skip(self.now.reached);
        let number = stages
            .filter(|(stage, _)| (stage.signal, stage.target) == (signal, target))
            .map(|(_, number)| number)
            .next();
        self.now.reached = number.unwrap_or(self.now.reached + 1);
        let what = What::Stage {
            number: self.now.reached,
            signal,
            target,
        };
        self.now.stage = Some(Mark::at(at, what));
    }

    fn end_stage(&mut self, at: u64) {
        if let Some(stage) = self.now.stage.take() {
            self.push(stage.until(at));
        }
    }

    fn end_notification(&mut self, at: u64, answer: Answer) {
        if let Some((since, _, kind)) = self.now.notification.take() {
            let what = What::Notification { kind, answer };
            self.push(Mark::at(since, what).until(at));
        }
    }

    /// Whether this step was activity, which ends a silence.
    fn listen(&mut self, quiet_until: u64, at: u64, monitor: &MonitorState) {
        if monitor.silence().is_zero() {
            self.end_silence(quiet_until);
            self.now.active = at;
        } else if self.exit.is_some() {
            self.end_silence(at);
        }
    }

    fn end_silence(&mut self, at: u64) {
        if at > self.now.active {
            self.push(Mark::at(self.now.active, What::Silence).until(at));
            self.now.active = at;
        }
    }

    fn watch_suspension(&mut self, at: u64, monitor: &MonitorState) {
        match (monitor.is_suspended(), self.now.suspension) {
            (true, None) => self.now.suspension = Some(Mark::at(at, What::Suspension)),
            (false, Some(mark)) => {
                self.push(mark.until(at));
                self.now.suspension = None;
            }
            _ => {}
        }
    }

    /// Which deadlines approach from now on.
    fn rearm(&mut self, at: u64, monitor: &MonitorState) {
        let was_suspended = self.now.is_suspended;
        self.now.is_suspended = monitor.is_suspended();
        if self.now.is_suspended {
            return;
        }
        for deadline in Deadline::ALL {
            let before = self.now.armed[deadline as usize];
            let due = monitor.deadline(deadline).map(|due| due.0);
            let armed = match (before, due) {
                (Some(before), Some(due)) if before.due == due => continue,
                // The time that it was suspended does not count.
                (Some(before), Some(due)) if was_suspended => Some(Armed {
                    since: before.since.saturating_add(due.saturating_sub(before.due)),
                    due,
                }),
                (_, due) => due.map(|due| Armed { since: at, due }),
            };
            self.now.armed[deadline as usize] = armed;
        }
    }

    fn fired(&mut self, at: u64, deadline: Deadline) {
        let armed = self.now.armed[deadline as usize];
        let limit = armed.map(|armed| armed.due.saturating_sub(armed.since));
        self.mark(at, What::Fired { deadline, limit });
    }
}

/// The deadlines whose approach is drawn: those that end a run which goes on.
pub(crate) const APPROACHING: [Deadline; 3] =
    [Deadline::Idle, Deadline::FirstOutput, Deadline::Run];

/// All that is left of a ladder when a child is to be killed at once.
const KILL: Stage = Stage {
    signal: Signal::KILL,
    target: Target::Group,
    wait: None,
};

#[cfg(test)]
mod tests;
