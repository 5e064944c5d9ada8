//! The chronicle, and looking back in it.

use childminder::{Action, Config, Deadline, Event, ExitStatus, Instant, Target};

use super::deadlines::earliest;
use crate::history::{History, Seen};

/// Everything that happened, oldest first.
#[derive(Clone, Debug)]
pub struct Chronicle {
    config: Config,
    entries: Vec<Entry>,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When; never before the entry before.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The owner told of an event that made sense.
    Told(Event),
    /// A deadline fired, inside the `Tick` last told.
    Fired(Deadline),
    /// The owner polled an action.
    Asked(Action),
    /// The owner polled a signal that it had passed on.
    PassedOn(Action),
}

impl Chronicle {
    /// Nothing has happened.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            entries: Vec::new(),
        }
    }

    /// What happened in `history`, and how many entries there were at the end of each turn.
    pub fn of(history: &History) -> (Self, Vec<usize>) {
        let mut chronicle = Self::new(history.config);
        let mut ends = Vec::new();
        for turn in &history.turns {
            if turn.result.is_ok() {
                chronicle.tell(turn.at, turn.event);
            }
            for action in &turn.polled {
                chronicle.ask(*action);
            }
            ends.push(chronicle.entries.len());
        }
        (chronicle, ends)
    }

    /// The owner tells of `event`, which makes sense. A `Tick` fires what is due, the earliest first;
    /// each may make another due, or undue.
    pub fn tell(&mut self, at: Instant, event: Event) {
        let at = at.max(self.past().now());
        self.add(at, What::Told(event));
        if event != Event::Tick {
            return;
        }
        while let Some((_, deadline)) = self.past().next_deadline().filter(|(due, _)| *due <= at) {
            self.add(at, What::Fired(deadline));
        }
    }

    /// The owner polls `action`.
    pub fn ask(&mut self, action: Action) {
        let past = self.past();
        let is_passed_on = past.is_next_passed_on(action);
        let what = if is_passed_on {
            What::PassedOn(action)
        } else {
            What::Asked(action)
        };
        self.add(past.now(), what);
    }

    /// All of it, to look back in.
    pub fn past(&self) -> Past<'_> {
        Past {
            config: &self.config,
            entries: &self.entries,
        }
    }

    fn add(&mut self, at: Instant, what: What) {
        self.entries.push(Entry { at, what });
    }
}

/// The chronicle up to some moment. Entries are named by their index.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// What the monitor was made with.
    pub config: &'a Config,
    /// What happened, oldest first.
    pub entries: &'a [Entry],
}

impl<'a> Past<'a> {
    /// The first entries of it, so many of them.
    #[must_use]
    pub fn before(self, entry: usize) -> Self {
        Self {
            entries: &self.entries[..entry],
            ..self
        }
    }

    /// The time of the last entry.
    pub fn now(self) -> Instant {
        self.entries.last().map_or(Instant::ZERO, |entry| entry.at)
    }

    /// The time of an entry.
    pub fn at(self, entry: usize) -> Instant {
        self.entries[entry].at
    }

    /// The events told.
    pub fn told(self) -> impl DoubleEndedIterator<Item = (usize, Event)> + 'a {
        self.all().filter_map(|(index, what)| match what {
            What::Told(event) => Some((index, event)),
            _ => None,
        })
    }

    /// The actions polled.
    pub fn asked(self) -> impl DoubleEndedIterator<Item = (usize, Action)> + 'a {
        self.all().filter_map(|(index, what)| match what {
            What::Asked(action) => Some((index, action)),
            _ => None,
        })
    }

    /// The entries, numbered.
    pub fn all(self) -> impl DoubleEndedIterator<Item = (usize, What)> + 'a {
        let entries = self.entries.iter().enumerate();
        entries.map(|(index, entry)| (index, entry.what))
    }

    /// When `event` was first told.
    pub fn first_told(self, event: Event) -> Option<usize> {
        self.all()
            .find(|(_, what)| *what == What::Told(event))
            .map(|(index, _)| index)
    }

    /// When `deadline` first fired.
    pub fn first_fired(self, deadline: Deadline) -> Option<usize> {
        self.all()
            .find(|(_, what)| *what == What::Fired(deadline))
            .map(|(index, _)| index)
    }

    /// When the child started.
    pub fn start(self) -> Option<usize> {
        self.first_told(Event::Started)
    }

    /// When the leader exited, and how.
    pub fn exit(self) -> Option<(usize, ExitStatus)> {
        self.told().find_map(|(index, event)| match event {
            Event::ChildExited(status) => Some((index, status)),
            _ => None,
        })
    }

    /// Whether the child is alive and somebody still minds whether it is.
    pub fn is_running(self) -> bool {
        self.start().is_some() && self.exit().is_none() && self.given_up().is_none()
    }

    /// What the monitor should answer when asked.
    pub fn seen(self) -> Seen {
        let deadlines = self.deadlines();
        let next = earliest(deadlines);
        Seen {
            timeout: next.map(|(at, _)| at),
            reason: next.map(|(_, deadline)| deadline),
            deadlines,
            first_error: self.first_error().map(|(_, error)| error),
            terminating: self.ladder_start().is_some(),
            outcome: self.outcome(),
        }
    }

    /// The number of the ticket given for the last event, if that asked for one.
    pub fn ticket(self) -> Option<u64> {
        let number = match self.told().next_back()?.1 {
            Event::Notify => self.tickets().len(),
            Event::Fail => self
                .told()
                .filter(|(_, event)| *event == Event::Fail)
                .count(),
            _ => return None,
        };
        Some(number as u64)
    }
}

/// Whether `index` lies before an entry that may never have come.
pub fn precedes(index: usize, entry: Option<usize>) -> bool {
    entry.is_none_or(|entry| index < entry)
}

/// Whether a signal to this target can still arrive, the leader being dead or not.
pub fn is_reachable(target: Target, leader_is_dead: bool) -> bool {
    target == Target::Group || !leader_is_dead
}
