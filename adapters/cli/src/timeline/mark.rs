//! What happens now and then in a run, and is drawn as a thing of its own.

use childminder::{Deadline, NotificationKind, Signal, Target};

/// Something that happened, at a moment or for a while. Times are nanoseconds from the run's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) at: u64,
    /// Its end; the same moment, if it took no time.
    pub(crate) until: u64,
    /// How many it stands for, where there were too many to keep each.
    pub(crate) count: u64,
    pub(crate) what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// For a while, nothing counted as activity.
    Silence,
    /// For a while, every deadline waited.
    Suspension,
    /// A stage of the ladder, until the next or the end.
    Stage {
        number: usize,
        signal: Signal,
        target: Target,
    },
    /// A signal that was passed on as it was.
    PassedOn {
        signal: Signal,
        target: Target,
    },
    /// SIGKILL to what was left of the group.
    Swept,
    /// A deadline was over; this long it was, if it is one that is set.
    Fired {
        deadline: Deadline,
        limit: Option<u64>,
    },
    /// The owner was warned of a silence.
    Warned,
    /// The owner wanted the child to end.
    Asked(Request),
    /// Something failed outside.
    Failed,
    /// A notification ran.
    Notification {
        kind: NotificationKind,
        answer: Answer,
    },
    /// The child said that it is ready.
    Ready,
    /// The child, or its owner, vouched for progress.
    Progress,
    /// This many strays were alive.
    Strays(u64),
    StraysKilled,
    /// The child had outlived the ladder.
    Unkillable,
    /// The idle timeout or the ladder was set anew.
    Changed,
}

/// How an owner asks for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Terminate,
    Escalate,
    Kill,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Success,
    Failure,
    TimedOut,
    /// The record ends before.
    None,
}

/// What may be drawn as one, because it is of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Silence,
    Suspension,
    Stage,
    Signal,
    Deadline,
    Request,
    Word,
    Notification,
    Strays,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Silence,
        Self::Suspension,
        Self::Stage,
        Self::Signal,
        Self::Deadline,
        Self::Request,
        Self::Word,
        Self::Notification,
        Self::Strays,
    ];
}

impl What {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Silence => Kind::Silence,
            Self::Suspension => Kind::Suspension,
            Self::Stage { .. } => Kind::Stage,
            Self::PassedOn { .. } => Kind::Signal,
            Self::Fired { .. } | Self::Warned | Self::Unkillable => Kind::Deadline,
            Self::Asked(_) | Self::Failed => Kind::Request,
            Self::Ready | Self::Progress | Self::Changed => Kind::Word,
            Self::Notification { .. } => Kind::Notification,
            Self::Strays(_) | Self::StraysKilled | Self::Swept => Kind::Strays,
        }
    }

    /// Which of two is worth telling.
    pub(crate) fn weight(self) -> u64 {
        match self {
            Self::Strays(living) => living.max(1),
            Self::StraysKilled | Self::Unkillable => u64::MAX,
            Self::Fired { .. } | Self::Ready | Self::Failed | Self::Asked(_) => 3,
            Self::Notification { answer, .. } if answer != Answer::Success => 3,
            Self::Warned => 2,
            Self::Changed => 1,
            _ => 0,
        }
    }
}

impl Mark {
    pub(crate) fn at(at: u64, what: What) -> Self {
        Self {
            at,
            until: at,
            count: 1,
            what,
        }
    }

    pub(crate) fn until(self, until: u64) -> Self {
        Self {
            until: until.max(self.at),
            ..self
        }
    }

    /// One for both: where it takes place, how many, and what is worth telling.
    fn absorb(&mut self, next: &Self) {
        self.until = self.until.max(next.until);
        self.count = self.count.saturating_add(next.count);
        if next.what.weight() > self.what.weight() {
            self.what = next.what;
        }
    }
}

/// Marks of one kind, in the order of time. Where there are too many, those that lie near each other become one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Track {
    marks: Vec<Mark>,
    /// What is nearer than this to the mark before it is one with it, in nanoseconds.
    grain: u64,
}

impl Track {
    const MOST: usize = 128;

    pub(crate) fn marks(&self) -> &[Mark] {
        &self.marks
    }

    pub(crate) fn push(&mut self, mark: Mark) {
        self.take(mark);
        if self.marks.len() > Self::MOST {
            self.thin(Self::MOST / 2);
        }
    }

    /// Of silences, which are many and short, the longest.
    pub(crate) fn push_if_long(&mut self, mark: Mark) {
        let length = |mark: &Mark| mark.until - mark.at;
        if self.marks.len() >= LONGEST_SILENCES {
            let shortest = self.marks.iter().enumerate();
            let Some((index, shortest)) = shortest.min_by_key(|(_, mark)| length(mark)) else {
                return;
            };
            if length(shortest) >= length(&mark) {
                return;
            }
            self.marks.remove(index);
        }
        self.marks.push(mark);
    }

    /// Makes at most this many of them.
    pub(crate) fn thin(&mut self, most: usize) {
        while self.marks.len() > most.max(1) {
            self.grain = self.grain.saturating_mul(2).max(1);
            for mark in std::mem::take(&mut self.marks) {
                self.take(mark);
            }
        }
    }

    fn take(&mut self, mark: Mark) {
        match self.marks.last_mut() {
            Some(last) if mark.at.saturating_sub(last.until) < self.grain => last.absorb(&mark),
            _ => self.marks.push(mark),
        }
    }
}

/// How many of a run's silences are kept.
const LONGEST_SILENCES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_marks_become_few_that_stand_for_all() {
        let mut track = Track::default();
        for number in 0..10_000 {
            let answer = if number == 5_000 {
                Answer::Failure
            } else {
                Answer::Success
            };
            let kind = NotificationKind::Heartbeat;
            let what = What::Notification { kind, answer };
            track.push(Mark::at(number * 1_000, what).until(number * 1_000 + 10));
        }
        assert!(track.marks().len() <= Track::MOST);
        let count: u64 = track.marks().iter().map(|mark| mark.count).sum();
        assert_eq!(count, 10_000);
        let failed = track.marks().iter().filter(|mark| mark.what.weight() > 0);
        assert_eq!(
            failed.count(),
            1,
            "the failure is not lost among the others"
        );
        track.thin(1);
        let [mark] = track.marks() else {
            panic!("{track:?}");
        };
        assert_eq!((mark.at, mark.until), (0, 9_999_010));
    }

    #[test]
    fn the_longest_silences_are_kept() {
        let mut track = Track::default();
        for number in 0..1_000 {
            let length = number % 100;
            let silence = Mark::at(number * 1_000, What::Silence);
            track.push_if_long(silence.until(number * 1_000 + length));
        }
        let marks = track.marks();
        assert_eq!(marks.len(), LONGEST_SILENCES);
        assert!(marks.iter().all(|mark| mark.until - mark.at >= 96));
        assert!(marks.is_sorted_by_key(|mark| mark.at));
    }
}
