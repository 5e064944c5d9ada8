//! What is kept of each report, and what all of them come to.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::facts::{Line, Report};

/// What has been read so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    runs: Vec<Run>,
    hosts: HashSet<Rc<str>>,
    /// Only of this one what it wrote is kept.
    first: Option<First>,
}

/// What is kept of a report.
#[derive(Debug)]
pub(super) struct Run {
    /// Of the report.
    pub(super) name: String,
    pub(super) host: Rc<str>,
    pub(super) started_unix_ns: u64,
    pub(super) status: u8,
    pub(super) measures: Measures,
    pub(super) failure: Option<Box<RunFailure>>,
}

/// What runs are compared by; `None` is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Measures {
    pub(super) duration_ns: Option<u64>,
    pub(super) longest_silence_ns: Option<u64>,
    pub(super) peak_memory_bytes: Option<u64>,
    pub(super) output_bytes: Option<u64>,
}

/// How a run failed.
#[derive(Debug)]
pub(super) struct RunFailure {
    pub(super) at_unix_ns: u64,
    /// The error's type; `None` if it is childminder that failed, when the command was over.
    pub(super) kind: Option<String>,
    pub(super) message: String,
    pub(super) asked_by: Option<String>,
    pub(super) oom_kills: u64,
}

/// The first to fail of those that failed by themselves.
#[derive(Debug)]
pub(super) struct First {
    index: usize,
    pub(super) command: Vec<String>,
    pub(super) tail: Vec<Line>,
}

impl Tally {
    pub(super) fn add(&mut self, name: String, report: Report) {
        let failure = RunFailure::of(&report);
        let index = self.runs.len();
        if let Some(failure) = &failure
            && failure.asked_by.is_none()
            && self
                .first
                .as_ref()
                .is_none_or(|first| failure.at_unix_ns < self.failed_at(first))
        {
            self.first = Some(First {
                index,
                command: report.command,
                tail: report.tail,
            });
        }
        let host = self.host(report.host);
        self.runs.push(Run {
            name,
            host,
            started_unix_ns: report.started_unix_ns,
            status: report.status,
            measures: Measures {
                duration_ns: Some(report.duration_ns),
                longest_silence_ns: report.longest_silence_ns,
                peak_memory_bytes: report.usage.map(|usage| usage.peak_memory_bytes),
                output_bytes: report.output_bytes,
            },
            failure: failure.map(Box::new),
        });
    }

    fn failed_at(&self, first: &First) -> u64 {
        let failure = self.runs[first.index].failure.as_ref();
        failure.map_or(u64::MAX, |failure| failure.at_unix_ns)
    }

    /// Each is kept once.
    fn host(&mut self, name: String) -> Rc<str> {
        if let Some(host) = self.hosts.get(name.as_str()) {
            return Rc::clone(host);
        }
        let host = Rc::from(name);
        self.hosts.insert(Rc::clone(&host));
        host
    }

    pub(super) fn digest(self, missing: Vec<String>, unreadable: usize) -> Digest {
        let mut failures: Vec<_> = (0..self.runs.len())
            .filter(|index| self.runs[*index].failure.is_some())
            .collect();
        // Those of one time stay in the order of their names.
        failures.sort_by_key(|index| {
            self.runs[*index]
                .failure
                .as_ref()
                .map(|failure| failure.at_unix_ns)
        });
        Digest {
            tally: self,
            failures,
            missing,
            unreadable,
        }
    }
}

impl RunFailure {
    fn of(report: &Report) -> Option<Self> {
        if report.status == 0 {
            return None;
        }
        let at_ns = report
            .error
            .as_ref()
            .map_or(report.duration_ns, |error| error.at_ns);
        let message = match &report.error {
            Some(error) => error.message.clone(),
            None => format!(
                "childminder exited with {} when the command was over",
                report.status
            ),
        };
        Some(Self {
            at_unix_ns: report.started_unix_ns.saturating_add(at_ns),
            kind: report.error.as_ref().map(|error| error.kind.clone()),
            message,
            asked_by: report.asked_by.clone(),
            oom_kills: report.tree.oom_kills,
        })
    }

    /// Why, for people.
    pub(super) fn reason(&self) -> String {
        let message = &self.message;
        match &self.asked_by {
            Some(signal) if self.kind.as_deref() == Some("exit") => {
                format!("ended by {signal} to childminder")
            }
            Some(signal) => format!("{message}, after {signal} to childminder"),
            None if self.oom_kills > 0 => format!("{message}, out of memory"),
            None => message.clone(),
        }
    }
}

/// What all reports come to.
#[derive(Debug)]
pub(super) struct Digest {
    tally: Tally,
    /// In the order of time.
    failures: Vec<usize>,
    /// The names of reports that seem to be missing.
    pub(super) missing: Vec<String>,
    pub(super) unreadable: usize,
}

/// What runs are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Duration,
    Silence,
    Memory,
    Output,
}

/// Runs that failed for one reason, at least one.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) reason: String,
    /// In the order in which they failed, and when.
    pub(super) runs: Vec<(&'a Run, u64)>,
}

impl Group<'_> {
    pub(super) fn first_at(&self) -> u64 {
        self.runs.first().map_or(0, |(_, at)| *at)
    }

    pub(super) fn last_at(&self) -> u64 {
        self.runs.last().map_or(0, |(_, at)| *at)
    }
}

impl Digest {
    pub(super) fn runs(&self) -> &[Run] {
        &self.tally.runs
    }

    pub(super) fn failed(&self) -> usize {
        self.failures.len()
    }

    pub(super) fn hosts(&self) -> usize {
        self.tally.hosts.len()
    }

    pub(super) fn first_started(&self) -> Option<u64> {
        self.runs().iter().map(|run| run.started_unix_ns).min()
    }

    /// The first to fail of those that failed by themselves.
    pub(super) fn first_to_fail(&self) -> Option<(&Run, &RunFailure, &First)> {
        let first = self.tally.first.as_ref()?;
        let run = &self.tally.runs[first.index];
        Some((run, run.failure.as_deref()?, first))
    }

    /// In the order of time.
    pub(super) fn failures(&self) -> impl Iterator<Item = (&Run, &RunFailure)> {
        let runs = self.failures.iter().map(|index| &self.tally.runs[*index]);
        runs.filter_map(|run| Some((run, run.failure.as_deref()?)))
    }

    /// All that failed but the first to fail, by reason, in the order of time.
    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        let first = self.first_to_fail().map(|(run, ..)| run);
        let mut groups: Vec<Group> = Vec::new();
        let mut known = HashMap::new();
        for (run, failure) in self.failures() {
            if first.is_some_and(|first| std::ptr::eq(first, run)) {
                continue;
            }
            let reason = failure.reason();
            let place = *known.entry(reason).or_insert_with_key(|reason| {
                groups.push(Group {
                    reason: reason.clone(),
                    runs: Vec::new(),
                });
                groups.len() - 1
            });
            groups[place].runs.push((run, failure.at_unix_ns));
        }
        groups
    }

    /// The runs with the most of this; those that have as much stay in the order of their names.
    pub(super) fn most(&self, measure: Measure, count: usize) -> Vec<&Run> {
        let known = self
            .runs()
            .iter()
            .filter(|run| run.measures.get(measure) > Some(0));
        let mut ranked: Vec<_> = known.collect();
        ranked.sort_by_key(|run| Reverse(run.measures.get(measure)));
        ranked.truncate(count);
        ranked
    }

    /// Of those that are known; of two in the middle, the lesser.
    pub(super) fn median(&self) -> Measures {
        let median = |measure| {
            let runs = self.runs().iter();
            let mut values: Vec<_> = runs.filter_map(|run| run.measures.get(measure)).collect();
            let middle = values.len().checked_sub(1)? / 2;
            Some(*values.select_nth_unstable(middle).1)
        };
        Measures {
            duration_ns: median(Measure::Duration),
            longest_silence_ns: median(Measure::Silence),
            peak_memory_bytes: median(Measure::Memory),
            output_bytes: median(Measure::Output),
        }
    }
}

impl Measures {
    pub(super) fn get(&self, measure: Measure) -> Option<u64> {
        match measure {
            Measure::Duration => self.duration_ns,
            Measure::Silence => self.longest_silence_ns,
            Measure::Memory => self.peak_memory_bytes,
            Measure::Output => self.output_bytes,
        }
    }
}
