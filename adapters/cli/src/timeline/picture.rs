//! Runs on one axis: what all drawings show.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::args::AlignArg;
use crate::failure::Failure;
use crate::timeline::axis::{Axis, Zero};
use crate::timeline::story::Story;
use crate::timeline::words::{self, Verdict};
use crate::words::{nanos, printable};

/// Runs on one axis.
pub(crate) struct Picture {
    pub(crate) title: String,
    /// What is to be known of it.
    pub(crate) notes: Vec<String>,
    pub(crate) axis: Axis,
    /// In the order of their starts.
    pub(crate) rows: Vec<Row>,
}

/// A run in its place.
pub(crate) struct Row {
    pub(crate) story: Story,
    /// Where it starts on the axis.
    pub(crate) start: u64,
    /// What tells it from the others.
    pub(crate) label: String,
    pub(crate) verdict: Verdict,
    /// Whether it was the first of several to fail.
    pub(crate) failed_first: bool,
}

impl Picture {
    /// Puts these on one axis, which are not none.
    pub(crate) fn new(stories: Vec<Story>, align: Option<AlignArg>) -> Result<Self, Failure> {
        let labels = Labels::of(&stories);
        let title = labels.title(stories.len());
        let (zero, mut notes) = zero(&stories, align)?;
        notes.extend(labels.note_on_hosts(zero));
        let mut rows: Vec<_> = stories
            .into_iter()
            .map(|story| Row {
                start: start(&story, zero),
                label: labels.label(&story),
                verdict: words::verdict(&story),
                failed_first: false,
                story,
            })
            .collect();
        rows.sort_by_key(|row| (row.start, row.story.started));
        mark_first_failure(&mut rows);
        let end = rows.iter().map(Row::end).max().unwrap_or(0);
        let length = end.max(1);
        Ok(Self {
            title,
            notes,
            axis: Axis { zero, length },
            rows,
        })
    }

    /// How high output stands where the axis is drawn in so many parts.
    pub(crate) fn scale(&self, parts: u64) -> Scale {
        let most = self.rows.iter().map(|row| {
            let flow = row
                .story
                .flow
                .clone()
                .with_at_least(self.axis.length / parts);
            let rates = flow.slices().iter().flat_map(|slice| slice.bytes);
            let rates = rates.map(|bytes| rate(bytes, flow.width()));
            rates.fold(1.0, f64::max)
        });
        Scale {
            most_per_second: most.fold(1.0, f64::max),
        }
    }
}

/// How high output stands in a lane.
pub(crate) struct Scale {
    /// What reaches the top, in bytes.
    pub(crate) most_per_second: f64,
}

impl Scale {
    /// What was written in this time, from 0 to 1: by the logarithm of bytes a second.
    pub(crate) fn height(&self, bytes: f64, time: u64) -> f64 {
        (rate(bytes, time).ln_1p() / self.most_per_second.ln_1p()).min(1.0)
    }
}

impl Row {
    /// Where a moment of the run is on the axis.
    pub(crate) fn at(&self, at: u64) -> u64 {
        self.start.saturating_add(at)
    }

    pub(crate) fn end(&self) -> u64 {
        self.at(self.story.end)
    }
}

/// Bytes a second.
#[expect(clippy::cast_precision_loss, reason = "it is for the eye")]
fn rate(bytes: f64, time: u64) -> f64 {
    bytes * 1e9 / time.max(1) as f64
}

/// What the axis begins with, and what is to be said of that.
fn zero(stories: &[Story], align: Option<AlignArg>) -> Result<(Zero, Vec<String>), Failure> {
    let starts = stories.iter().filter_map(|story| unix(story.started?));
    let earliest = starts.clone().min().unwrap_or(0);
    let without = stories.len() - starts.count();
    match align {
        Some(AlignArg::Start) => Ok((Zero::Start, Vec::new())),
        Some(AlignArg::Clock) if without > 0 => {
            let lacking = stories.iter().find(|story| story.started.is_none());
            let file = lacking.map_or("", |story| &story.file);
            Err(Failure::ours(format!(
                "{file} does not say when its run began (`started_unix_ns`), which --align clock needs: leave that out, and each run begins at 0"
            )))
        }
        None if without > 0 => {
            let some = without < stories.len();
            let note = some.then(|| {
                format!(
                    "{without} of {} runs do not say when they began, so each begins at 0.",
                    stories.len()
                )
            });
            Ok((Zero::Start, note.into_iter().collect()))
        }
        _ => Ok((Zero::Clock(earliest), Vec::new())),
    }
}

fn start(story: &Story, zero: Zero) -> u64 {
    match (zero, story.started.and_then(unix)) {
        (Zero::Clock(earliest), Some(started)) => started.saturating_sub(earliest),
        _ => 0,
    }
}

fn unix(time: SystemTime) -> Option<u64> {
    time.duration_since(UNIX_EPOCH).ok().map(nanos)
}

/// That one of several failed first is worth knowing: the others may have failed because of it.
fn mark_first_failure(rows: &mut [Row]) {
    if rows.len() < 2 {
        return;
    }
    let failures = rows.iter_mut().filter_map(|row| {
        let (at, _) = row.story.failure?;
        Some((row.at(at), row))
    });
    if let Some((_, row)) = failures.min_by_key(|(at, _)| *at) {
        row.failed_first = true;
    }
}

/// What runs have in common, which is said once, and what tells them from each other.
struct Labels {
    name: Option<String>,
    host: Option<String>,
    files: usize,
    /// Whether the names of all files end alike, so that no ending says anything.
    is_one_extension: bool,
    hosts: usize,
}

impl Labels {
    fn of(stories: &[Story]) -> Self {
        let count = |of: &dyn Fn(&Story) -> String| {
            let all: BTreeSet<_> = stories.iter().map(of).collect();
            all.len()
        };
        let hosts = count(&|story| story.host.clone().unwrap_or_default());
        let first = &stories[0];
        Self {
            name: (count(&|story| story.name.clone()) == 1).then(|| first.name.clone()),
            host: first.host.clone().filter(|_| hosts == 1),
            files: count(&|story| story.file.to_string()),
            is_one_extension: count(&|story| {
                let extension = Path::new(&*story.file).extension();
                format!("{extension:?}")
            }) == 1,
            hosts,
        }
    }

    fn title(&self, runs: usize) -> String {
        let runs = match runs {
            1 => String::new(),
            _ => format!("{runs} runs"),
        };
        let name = self.name.as_deref().map(printable);
        let told = match name {
            Some(name) if runs.is_empty() => name,
            Some(name) => format!("{runs} of {name}"),
            None => runs,
        };
        match (&self.host, self.hosts) {
            (Some(host), _) => format!("{told} on {}", printable(host)),
            (None, 1) => told,
            (None, hosts) => format!("{told} on {hosts} hosts"),
        }
    }

    fn label(&self, story: &Story) -> String {
        let path = Path::new(&*story.file);
        let file = if self.is_one_extension {
            path.file_stem()
        } else {
            path.file_name()
        };
        let file = file.map_or_else(
            || story.file.to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
        let host = story.host.clone().filter(|_| self.hosts > 1);
        let number = story.number.map(|number| format!("#{number}"));
        let name = self.name.is_none().then(|| story.name.clone());
        let is_one_file = self.files == 1;
        let parts = [(!is_one_file).then_some(file.clone()), host, number, name];
        let parts: Vec<_> = parts
            .into_iter()
            .flatten()
            .map(|part| printable(&part))
            .collect();
        if parts.is_empty() {
            return printable(&file);
        }
        parts.join(" · ")
    }

    /// Nothing can tell whether the clocks of two hosts agree.
    fn note_on_hosts(&self, zero: Zero) -> Option<String> {
        let is_by_clock = matches!(zero, Zero::Clock(_));
        (is_by_clock && self.hosts > 1).then(|| {
            format!(
                "The clocks of the {} hosts are taken as they are: if one is off, all lanes of its host are shifted by that.",
                self.hosts
            )
        })
    }
}
