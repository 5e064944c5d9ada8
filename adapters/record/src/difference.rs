//! Whether the monitor answers what was recorded.

use std::fmt;
use std::iter;

use childminder::{Action, Event, Instant, Misuse, MonitorState};

use crate::action_type::ActionType;
use crate::encode;
use crate::recorded::RecordedAction;
use crate::run::{Run, Step};
use crate::ticket::Ticket;

/// A step at which a replay left the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The run's name.
    pub run: String,
    /// The step's line in the record.
    pub line: u64,
    /// The step's number in the run, counted from 1.
    pub step: u64,
    /// The step's time.
    pub at: Instant,
    /// The step's event, as JSON.
    pub event: String,
    /// The actions recorded, as JSON; the event, if the difference is in its ticket.
    pub expected: Vec<String>,
    /// The actions that came, or the event with the ticket that it was given.
    pub came: Vec<String>,
    /// Why the monitor refused the event, if it did.
    pub refused: Option<Misuse>,
}

/// Several lines, without a newline at the end.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "run {:?}, line {}, step {}, at {} ns: {}",
            self.run, self.line, self.step, self.at.0, self.event
        )?;
        write_side(f, "expected", &self.expected)?;
        write_side(f, "came", &self.came)?;
        match self.refused {
            Some(misuse) => write!(f, "\n  refused  {misuse}"),
            None => Ok(()),
        }
    }
}

/// What the monitor answers to a step.
pub(crate) struct Answer {
    told: Result<Option<Ticket>, Misuse>,
    pub(crate) actions: Vec<Action>,
}

impl Answer {
    /// Tells the monitor of the step, and drains it.
    pub(crate) fn of(monitor: &mut MonitorState, step: &Step) -> Self {
        Self {
            told: tell(monitor, step.at, step.event),
            actions: iter::from_fn(|| monitor.poll_action()).collect(),
        }
    }

    pub(crate) fn difference(&self, run: &Run, step: &Step, number: u64) -> Option<Difference> {
        let refused = self.told.err();
        let (expected, came) = ticket_difference(step, self.told.ok().flatten())
            .or_else(|| actions_difference(run, step, &self.actions))
            .or_else(|| {
                let is_misuse = refused.is_some() && run.compare.is_none();
                is_misuse.then(Sides::default)
            })?;
        Some(Difference {
            run: run.name.clone(),
            line: step.line,
            step: number,
            at: step.at,
            event: encode::event(step.event, step.count, step.ticket).to_string(),
            expected,
            came,
            refused,
        })
    }
}

fn tell(monitor: &mut MonitorState, at: Instant, event: Event) -> Result<Option<Ticket>, Misuse> {
    match event {
        Event::Notify => monitor.notify(at).map(Ticket::Notification).map(Some),
        Event::Fail => monitor.fail(at).map(Ticket::Failure).map(Some),
        _ => monitor.handle(at, event).map(|()| None),
    }
}

/// What was expected, and what came.
type Sides = (Vec<String>, Vec<String>);

fn ticket_difference(step: &Step, ticket: Option<Ticket>) -> Option<Sides> {
    if step.ticket.is_none() || step.ticket == ticket {
        return None;
    }
    let event = |ticket| vec![encode::event(step.event, step.count, ticket).to_string()];
    Some((event(step.ticket), event(ticket)))
}

fn actions_difference(run: &Run, step: &Step, came: &[Action]) -> Option<Sides> {
    let expected: Vec<_> = step
        .actions
        .iter()
        .filter(|action| run.compares(action.kind()))
        .collect();
    let came: Vec<_> = came
        .iter()
        .filter(|action| run.compares(ActionType::of(**action)))
        .collect();
    let same = expected.len() == came.len()
        && iter::zip(&expected, &came).all(|(expected, came)| expected.matches(**came));
    (!same).then(|| {
        let came = came.into_iter().map(|action| RecordedAction::from(*action));
        (
            expected.iter().map(ToString::to_string).collect(),
            came.map(|action| action.to_string()).collect(),
        )
    })
}

/// One action a line, beside its heading.
fn write_side(f: &mut fmt::Formatter<'_>, heading: &str, actions: &[String]) -> fmt::Result {
    let nothing = ["nothing".to_owned()];
    let lines = if actions.is_empty() {
        &nothing
    } else {
        actions
    };
    let headings = iter::once(heading).chain(iter::repeat(""));
    iter::zip(headings, lines).try_for_each(|(heading, line)| write!(f, "\n  {heading:<8} {line}"))
}
