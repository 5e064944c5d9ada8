//! Contestants that do the same, in interleaved rounds.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, Stdio};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// One job, done by several contestants, and the rows that tell of it.
pub(crate) struct Race {
    pub(crate) name: &'static str,
    /// What a sample tells, in its order.
    pub(crate) rows: Vec<Row>,
    pub(crate) contestants: Vec<Contestant>,
    /// On one processor, where more are of no use: it is steadier.
    pub(crate) pinned: bool,
    /// It takes part in each so-manieth round.
    pub(crate) every: usize,
    /// Said below the table: contestants that are missing, for instance, and why.
    pub(crate) notes: Vec<String>,
}

/// One line of the table.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) goal: Goal,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

/// What ours is to be: at most so much, or at least where more is better.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// So many times the floor.
    OfFloor(f64),
    /// So many times the best peer.
    OfPeers(f64),
    /// So many times this contestant.
    Of(&'static str, f64),
    /// A figure.
    Figure(f64),
}

pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    sample: Sample,
    samples: Vec<Vec<f64>>,
}

/// Takes one: a figure for each row, NaN where it has none.
pub(crate) type Sample = Box<dyn FnMut() -> io::Result<Vec<f64>>>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// What the kernel allows, in C.
    Floor,
    Peer,
    Ours,
    /// Neither: the job with nobody in between, or ours under other conditions.
    Beside,
}

impl Race {
    pub(crate) fn new(name: &'static str, rows: impl Into<Vec<Row>>) -> Self {
        Self {
            name,
            rows: rows.into(),
            contestants: Vec::new(),
            pinned: false,
            every: 1,
            notes: Vec::new(),
        }
    }

    pub(crate) fn pinned(mut self) -> Self {
        self.pinned = true;
        self
    }

    /// For what takes long.
    pub(crate) fn seldom(mut self) -> Self {
        self.every = 3;
        self
    }

    pub(crate) fn with(mut self, role: Role, name: &'static str, sample: Sample) -> Self {
        self.contestants.push(Contestant {
            name,
            role,
            sample,
            samples: Vec::new(),
        });
        self
    }

    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// A sample of each contestant, beginning with another one each time.
    pub(crate) fn run_round(&mut self, round: usize) -> io::Result<()> {
        if !round.is_multiple_of(self.every) {
            return Ok(());
        }
        let processors = sched_getaffinity(None)?;
        if self.pinned {
            sched_setaffinity(None, &last_of(&processors))?;
        }
        let count = self.contestants.len();
        let sampled = (0..count).try_for_each(|turn| {
            let contestant = &mut self.contestants[(round / self.every + turn) % count];
            let sample = (contestant.sample)().and_then(|sample| {
                if sample.len() == self.rows.len() {
                    return Ok(sample);
                }
                Err(io::Error::other(format!("{sample:?} are not its figures")))
            });
            let explained =
                |error| io::Error::other(format!("{}, {}: {error}", self.name, contestant.name));
            contestant.samples.push(sample.map_err(explained)?);
            Ok(())
        });
        sched_setaffinity(None, &processors)?;
        sampled
    }

    pub(crate) fn first(&self, role: Role) -> Option<&Contestant> {
        self.all(role).next()
    }

    pub(crate) fn all(&self, role: Role) -> impl Iterator<Item = &Contestant> {
        self.contestants
            .iter()
            .filter(move |contestant| contestant.role == role)
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Contestant> {
        self.contestants
            .iter()
            .find(|contestant| contestant.name == name)
    }
}

impl Contestant {
    /// The samples of one row, in the order of the rounds.
    pub(crate) fn figures(&self, row: usize) -> Vec<f64> {
        self.samples.iter().map(|sample| sample[row]).collect()
    }
}

/// A sample that a program prints, as figures between blanks.
pub(crate) fn printed_by(program: impl AsRef<OsStr>, args: Vec<OsString>) -> Sample {
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    Box::new(move || {
        let output = command.output()?;
        if !output.status.success() {
            return Err(io::Error::other(output.status.to_string()));
        }
        let figures = String::from_utf8_lossy(&output.stdout);
        let figures = figures.split_whitespace().map(str::parse);
        figures.collect::<Result<_, _>>().map_err(io::Error::other)
    })
}

/// The other processors serve whatever else runs.
fn last_of(processors: &CpuSet) -> CpuSet {
    let mut one = CpuSet::new();
    if let Some(last) = (0..CpuSet::MAX_CPU)
        .rev()
        .find(|cpu| processors.is_set(*cpu))
    {
        one.set(last);
    }
    one
}
