//! Replaying: the same events again, and whether the same actions come.

use std::fmt;
use std::iter;

use childminder::{Event, Instant, Misuse, MonitorState};

use crate::action_type::ActionType;
use crate::encode;
use crate::recorded::RecordedAction;
use crate::run::{Run, Step};
use crate::ticket::Ticket;

/// Feeds the run's events to a fresh monitor, and returns the first step whose actions are not those
/// recorded.
///
/// The monitor is drained after every event. An event that it refuses is a step without actions, and
/// hands out no ticket.
///
/// ```
/// use childminder_record::{Reader, replay};
///
/// let record = r#"{"flight_record":1,"name":"example","config":{}}
/// {"at_ns":0,"event":{"type":"started"},"actions":[]}
/// {"at_ns":9,"event":{"type":"terminate"},"actions":[{"type":"send_signal","signal":15}]}"#;
/// let run = Reader::new(record.as_bytes()).next().expect("a run")?;
/// let difference = replay(&run).expect("the ladder begins with SIGINT");
///
/// assert_eq!(
///     difference.to_string(),
///     r#"run "example", line 3, step 2, at 9 ns: {"type":"terminate"}
///   expected {"type":"send_signal","signal":15}
///   came     {"type":"send_signal","signal":2,"target":"group"}
///            {"type":"schedule_timer","at_ns":5000000009}"#,
/// );
/// # Ok::<(), childminder_record::ReadError>(())
/// ```
pub fn replay(run: &Run) -> Option<Difference> {
    let mut monitor = MonitorState::new(run.config);
    run.steps.iter().zip(1..).find_map(|(step, number)| {
        let told = tell(&mut monitor, step.at, step.event);
        let (expected, came) = ticket_difference(step, told.ok().flatten())
            .or_else(|| actions_difference(run, step, &mut monitor))?;
        Some(Difference {
            run: run.name.clone(),
            line: step.line,
            step: number,
            at: step.at,
            event: encode::event(step.event, step.ticket).to_string(),
            expected,
            came,
            refused: told.err(),
        })
    })
}

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

/// What came of replaying many runs.
///
/// ```
/// use childminder_record::Summary;
///
/// let summary = Summary { runs: 1000, steps: 19413, differences: 0 };
/// assert_eq!(summary.to_string(), "1000 runs, 19413 steps, 0 differences");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many runs were replayed.
    pub runs: u64,
    /// How many steps these have, those after a difference included.
    pub steps: u64,
    /// How many of the runs differ.
    pub differences: u64,
}

impl Summary {
    /// [`replay`]s one more run and counts it.
    pub fn replay(&mut self, run: &Run) -> Option<Difference> {
        let difference = replay(run);
        self.runs += 1;
        self.steps += run.steps.len() as u64;
        self.differences += u64::from(difference.is_some());
        difference
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            runs,
            steps,
            differences,
        } = self;
        write!(f, "{runs} runs, {steps} steps, {differences} differences")
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
    let event = |ticket| vec![encode::event(step.event, ticket).to_string()];
    Some((event(step.ticket), event(ticket)))
}

fn actions_difference(run: &Run, step: &Step, monitor: &mut MonitorState) -> Option<Sides> {
    let expected: Vec<_> = step
        .actions
        .iter()
        .filter(|action| run.compares(action.kind()))
        .collect();
    let came: Vec<_> = iter::from_fn(|| monitor.poll_action())
        .filter(|action| run.compares(ActionType::of(*action)))
        .collect();
    let same = expected.len() == came.len()
        && iter::zip(&expected, &came).all(|(expected, came)| expected.matches(*came));
    (!same).then(|| {
        let came = came.into_iter().map(RecordedAction::from);
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
