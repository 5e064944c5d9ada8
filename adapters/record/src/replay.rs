//! Replaying: the same events again, and whether the same actions come.

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;
use std::mem;
use std::ops::AddAssign;

use childminder::{Action, Event, Instant, MonitorState};

use crate::difference::{Answer, Difference};
use crate::fault::{Fault, ReadError};
use crate::lines::{Line, Lines};
use crate::reader::no_run;
use crate::run::{Run, Step};

/// Replays a record while it is read: feeds each run's events to a fresh monitor, and tells of the steps whose
/// actions are not those recorded, at most one a run, and of runs whose record ends early. However long the record
/// and its runs are, no more than a line is held in memory.
///
/// The monitor is drained after every event. Beyond what is not of the format, these are faults of the record: a run
/// that does not begin with `started`, and an event that the monitor refuses. In a run with `compare`, though, which
/// was recorded of another program, such an event is a step without actions, and `finish` may be absent.
///
/// ```
/// use childminder_record::{Finding, Replay};
///
/// let record = r#"{"flight_record":1,"name":"example","config":{}}
/// {"at_ns":0,"event":{"type":"started"},"actions":[]}
/// {"at_ns":9,"event":{"type":"terminate"},"actions":[{"type":"send_signal","signal":15}]}
/// {"at_ns":10,"event":{"ty"#;
/// let mut replay = Replay::new(record.as_bytes());
/// let findings: Vec<_> = replay.by_ref().collect::<Result<_, _>>()?;
///
/// let [Finding::Difference(difference), Finding::CutShort(cut)] = &findings[..] else {
///     panic!("{findings:?}");
/// };
/// assert_eq!((difference.line, difference.step), (3, 2));
/// assert_eq!(
///     cut.to_string(),
///     r#"line 4: the record is cut short: run "example" has no `finish`"#,
/// );
/// assert_eq!(replay.summary().to_string(), "1 runs, 2 steps, 1 differences");
/// # Ok::<(), childminder_record::ReadError>(())
/// ```
#[derive(Debug)]
pub struct Replay<R> {
    lines: Lines<R>,
    /// The runs that have begun, and not ended, by their number. At most one has none.
    open: BTreeMap<Option<u64>, Replayed>,
    is_torn: bool,
    summary: Summary,
}

impl<R: BufRead> Replay<R> {
    /// Replays `input`.
    pub fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input),
            open: BTreeMap::new(),
            is_torn: false,
            summary: Summary::default(),
        }
    }

    /// What has been replayed so far. A run in which a fault has been found does not count, unless it differed before.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// After a fault, the runs that have not ended were not replayed to their end.
    fn forget_open(&mut self) {
        for run in mem::take(&mut self.open).values() {
            if !run.differs {
                self.summary.runs -= 1;
                self.summary.steps -= run.steps;
            }
        }
    }

    /// The next finding, as the iterator has it; on the way there, `watch` is shown all that is replayed.
    ///
    /// ```
    /// use childminder_record::{Replay, Scene};
    ///
    /// let record = r#"{"flight_record":1,"name":"example","config":{}}
    /// {"at_ns":0,"event":{"type":"started"},"actions":[]}
    /// {"at_ns":9,"event":{"type":"terminate"},"actions":[{"type":"send_signal"},{"type":"schedule_timer"}]}
    /// {"at_ns":9,"stopped":true}"#;
    /// let mut replay = Replay::new(record.as_bytes());
    /// let mut actions: Vec<childminder::Action> = Vec::new();
    /// while let Some(found) = replay.next_watched(|scene| {
    ///     if let Scene::Step { actions: answer, .. } = scene {
    ///         actions.extend(answer);
    ///     }
    /// }) {
    ///     found?;
    /// }
    /// assert_eq!(actions.len(), 2);
    /// # Ok::<(), childminder_record::ReadError>(())
    /// ```
    pub fn next_watched(
        &mut self,
        mut watch: impl FnMut(Scene<'_>),
    ) -> Option<Result<Finding, ReadError>> {
        let found = self.find(&mut watch).map_err(|fault| {
            self.forget_open();
            self.lines.error(fault)
        });
        found.transpose()
    }

    fn find(&mut self, watch: &mut impl FnMut(Scene<'_>)) -> Result<Option<Finding>, Fault> {
        while let Some(line) = self.lines.next()? {
            let found = match line {
                Line::Header(run) => {
                    self.summary.runs += 1;
                    watch(Scene::Header(&run));
                    let before = self.open.insert(run.number, Replayed::new(*run));
                    before.and_then(Replayed::cut_short)
                }
                Line::Step(number, step) => self.step(number, &step, watch)?,
                Line::Stopped(number, at) => {
                    let run = self.open.remove(&number).ok_or(no_run(number))?;
                    watch(Scene::Stopped { run: &run.run, at });
                    let line = self.lines.number();
                    let how = Cut::Stopped(run.run.name, at);
                    Some(Finding::CutShort(CutShort { line, how }))
                }
                Line::Torn => {
                    self.is_torn = true;
                    None
                }
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(self.last_finding())
    }

    fn step(
        &mut self,
        number: Option<u64>,
        step: &Step,
        watch: &mut impl FnMut(Scene<'_>),
    ) -> Result<Option<Finding>, Fault> {
        let run = self.open.get_mut(&number).ok_or(no_run(number))?;
        let steps = run.steps;
        let difference = run.step(step, watch);
        self.summary.steps += run.steps - steps;
        let difference = difference?;
        if number.is_some() && run.is_over {
            self.open.remove(&number);
        }
        self.summary.differences += u64::from(difference.is_some());
        Ok(difference.map(Finding::Difference))
    }

    /// When all lines have been read: what is to be said of one of the runs that are still open.
    fn last_finding(&mut self) -> Option<Finding> {
        let torn = self.is_torn.then_some(self.lines.number());
        while let Some((_, mut run)) = self.open.pop_first() {
            run.line = torn.unwrap_or(run.line);
            let found = run.cut_short();
            if found.is_some() {
                self.is_torn = false;
                return found;
            }
        }
        // The torn line is of a run of which nothing else is there, or of which no end is expected.
        let line = torn.filter(|_| mem::take(&mut self.is_torn))?;
        let how = Cut::InALine;
        Some(Finding::CutShort(CutShort { line, how }))
    }
}

/// What is found. The first error is the last item.
impl<R: BufRead> Iterator for Replay<R> {
    type Item = Result<Finding, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_watched(|_| {})
    }
}

/// What a replay shows while it goes on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Scene<'a> {
    /// A run begins. It has no steps: they are shown one at a time. Whichever run had its number before, or no number as
    /// this one, is over.
    Header(&'a Run),
    /// A step, after the monitor took its event. In a run that differs, the monitor goes on as it decides itself.
    Step {
        /// Without its steps.
        run: &'a Run,
        /// What the record says.
        step: &'a Step,
        /// What the monitor answered.
        actions: &'a [Action],
        /// The monitor as it is now.
        monitor: &'a MonitorState,
    },
    /// The record of a run was stopped.
    Stopped {
        /// Without its steps.
        run: &'a Run,
        /// When.
        at: Instant,
    },
}

/// What a replay has to tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A run went another way than recorded. Its later steps are not compared.
    Difference(Difference),
    /// The record of a run ends before the run did. Up to there it was replayed.
    CutShort(CutShort),
}

/// A record, or that of one of its runs, that ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutShort {
    /// The last line.
    pub line: u64,
    /// How it ends.
    pub how: Cut,
}

/// How a record ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The run of this name has no `finish`: its recorder was killed, or its disk was full.
    NoFinish(String),
    /// The run of this name says that it was recorded up to this time only.
    Stopped(String, Instant),
    /// In the middle of a line.
    InALine,
}

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, how } = self;
        match how {
            Cut::NoFinish(run) => write!(
                f,
                "line {line}: the record is cut short: run {run:?} has no `finish`"
            ),
            Cut::Stopped(run, at) => write!(
                f,
                "line {line}: the record of run {run:?} was stopped at {} ns, before the run ended",
                at.0
            ),
            Cut::InALine => write!(f, "line {line}: the record is cut short in this line"),
        }
    }
}

/// [`Replay`] of a run that is in memory: returns the first step whose actions are not those recorded, or whose event
/// the monitor refuses.
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
    let mut steps = run.steps.iter().zip(1..);
    steps.find_map(|(step, number)| Answer::of(&mut monitor, step).difference(run, step, number))
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

/// What came of more runs.
impl AddAssign for Summary {
    fn add_assign(&mut self, more: Self) {
        self.runs += more.runs;
        self.steps += more.steps;
        self.differences += more.differences;
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

/// A run of which some steps have been replayed.
#[derive(Debug)]
struct Replayed {
    /// Without its steps.
    run: Run,
    monitor: MonitorState,
    /// The latest line.
    line: u64,
    /// How many steps there were.
    steps: u64,
    /// The time of the latest.
    latest: Instant,
    differs: bool,
    is_over: bool,
}

impl Replayed {
    fn new(run: Run) -> Self {
        Self {
            monitor: MonitorState::new(run.config),
            line: run.line,
            run,
            steps: 0,
            latest: Instant::ZERO,
            differs: false,
            is_over: false,
        }
    }

    fn step(
        &mut self,
        step: &Step,
        watch: &mut impl FnMut(Scene<'_>),
    ) -> Result<Option<Difference>, Fault> {
        step.follows(self.latest)?;
        let event = step.event.name();
        if self.steps == 0 && step.event != Event::Started {
            return Err(Fault::NotStarted { event });
        }
        self.line = step.line;
        self.steps += 1;
        self.latest = step.at;
        self.is_over |= step.finishes();
        let answer = Answer::of(&mut self.monitor, step);
        let difference = if self.differs {
            None
        } else {
            answer.difference(&self.run, step, self.steps)
        };
        let refused = difference.as_ref().and_then(|found| found.refused);
        if let Some(misuse) = refused.filter(|_| self.run.compare.is_none()) {
            return Err(Fault::Refused { event, misuse });
        }
        self.differs |= difference.is_some();
        watch(Scene::Step {
            run: &self.run,
            step,
            actions: &answer.actions,
            monitor: &self.monitor,
        });
        Ok(difference)
    }

    /// Nothing more of it comes.
    fn cut_short(self) -> Option<Finding> {
        let is_cut = !self.is_over && self.run.compare.is_none();
        is_cut.then(|| {
            let line = self.line;
            let how = Cut::NoFinish(self.run.name);
            Finding::CutShort(CutShort { line, how })
        })
    }
}
