//! When strays are looked for and killed, and what became of them.

use std::time::Duration;

use childminder::{Action, Deadline, Event, Instant, Signal, Strays, Target};

use super::past::{Past, What, precedes};

/// The search for strays.
#[derive(Clone, Debug, Default)]
pub struct Hunt {
    /// Every look, in order.
    pub looks: Vec<Look>,
    /// From when, and how long, strays are waited for: the earliest end counts.
    pub waits: Vec<(usize, Duration)>,
    /// When killing was decided on.
    pub kills: Vec<usize>,
    /// When it was over, and what it came to.
    pub end: Option<(usize, Strays)>,
}

/// One look for strays.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The entry that called for it.
    pub entry: usize,
    /// When the owner was asked.
    pub asked: Option<usize>,
    /// What it answered.
    pub answer: Option<Answer>,
}

/// What a look has shown.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// When.
    pub entry: usize,
    /// Whether any were alive.
    pub shows_any: bool,
    /// Whether another look is to follow.
    pub waits: bool,
}

impl Hunt {
    /// What became of the strays, if that is known.
    pub fn over(&self) -> Option<Strays> {
        self.end.map(|(_, fate)| fate)
    }

    /// What the latest look that was answered has shown.
    pub fn latest_answer(&self) -> Option<Answer> {
        self.looks.iter().rev().find_map(|look| look.answer)
    }

    /// Whether strays are looked for, or will be again.
    fn is_on(&self) -> bool {
        let is_clear = |look: &Look| look.answer.is_some_and(|answer| !answer.waits);
        self.end.is_none() && self.looks.last().is_some_and(|look| !is_clear(look))
    }

    fn look(&mut self, entry: usize) {
        self.looks.push(Look {
            entry,
            asked: None,
            answer: None,
        });
    }
}

impl Past<'_> {
    /// All that has come of strays.
    pub fn hunt(self) -> Hunt {
        let mut hunt = Hunt::default();
        let Some(patience) = self.config.stray_timeout else {
            return hunt;
        };
        let patience = patience.min(LONGEST);
        let swept = self.swept_since();
        let last = self.child_over();
        let early = self.early_look();
        for (entry, what) in self.all() {
            if hunt.end.is_some() {
                break;
            }
            let is_swept = swept.is_some_and(|since| since <= entry);
            match what {
                What::Told(Event::StraysUnseen) => hunt.end = Some((entry, Strays::Unknown)),
                What::Told(Event::StraysSeen { living, immune }) => {
                    let waits = living > 0 && !(is_swept && living <= immune);
                    let answer = Answer {
                        entry,
                        shows_any: living > 0,
                        waits,
                    };
                    let look = hunt.looks.last_mut();
                    let Some(look) =
                        look.filter(|look| look.asked.is_some() && look.answer.is_none())
                    else {
                        continue;
                    };
                    look.answer = Some(answer);
                    if waits && is_swept {
                        hunt.kills.push(entry);
                    } else if !waits && last.is_some_and(|last| last < entry) {
                        let fate = match living {
                            0 if hunt.kills.is_empty() => Strays::None,
                            0 => Strays::Killed,
                            _ => Strays::Survived,
                        };
                        hunt.end = Some((entry, fate));
                    } else if !waits {
                        hunt.waits.clear();
                    }
                }
                What::Told(Event::Escalate) if hunt.is_on() && !self.escalates_ladder(entry) => {
                    hunt.waits.push((entry, HURRIED));
                }
                What::Asked(Action::LookForStrays) => {
                    if let Some(look) = hunt.looks.last_mut() {
                        look.asked = Some(entry);
                    }
                }
                What::Fired(Deadline::StrayLook) => hunt.look(entry),
                What::Fired(Deadline::Strays) => {
                    let shows_any = hunt.latest_answer().is_some_and(|answer| answer.shows_any);
                    let fate = match (shows_any, is_swept) {
                        (false, _) => Strays::Unknown,
                        (true, true) => Strays::Survived,
                        (true, false) => Strays::Left,
                    };
                    hunt.end = Some((entry, fate));
                }
                _ => {}
            }
            if hunt.end.is_none() && last == Some(entry) {
                hunt.look(entry);
                if hunt.waits.is_empty() {
                    let most = self
                        .config
                        .drain_timeout
                        .unwrap_or(Duration::MAX)
                        .min(GRACE);
                    let patience = if is_swept {
                        patience
                    } else {
                        patience.min(most)
                    };
                    hunt.waits.push((entry, patience));
                }
            } else if hunt.end.is_none() && early == Some(entry) {
                hunt.look(entry);
                hunt.waits.push((entry, patience));
            }
        }
        hunt
    }

    /// The first of all looks, if it does not wait for the end of the child: the leader is dead, the
    /// ladder has sent SIGKILL to its group, and something still holds the output.
    pub fn early_look(self) -> Option<usize> {
        let (exit, _) = self.exit()?;
        self.swept_since()?;
        let mut sent = self.sent().into_iter();
        let kill = sent
            .find(|sent| (sent.stage.signal, sent.stage.target) == (Signal::KILL, Target::Group))?;
        let entry = exit.max(kill.entry);
        precedes(entry, self.child_over()).then_some(entry)
    }

    /// Whether killing strays is decided on and not polled.
    pub fn to_kill_strays(self) -> Option<Action> {
        let hunt = self.hunt();
        let latest = hunt.kills.last()?;
        let mut later = self.asked().filter(|(entry, _)| entry > latest);
        let is_polled = later.any(|(_, action)| action == Action::KillStrays);
        (hunt.end.is_none() && !is_polled).then_some(Action::KillStrays)
    }

    /// Whether a look is called for and not polled.
    pub fn to_look_for_strays(self) -> Option<Action> {
        let hunt = self.hunt();
        let look = hunt.looks.last()?;
        (hunt.end.is_none() && look.asked.is_none()).then_some(Action::LookForStrays)
    }

    /// The earliest end of the wait for strays.
    pub(super) fn strays_deadline(self) -> Option<Instant> {
        let hunt = self.hunt();
        if hunt.end.is_some() {
            return None;
        }
        let ends = hunt.waits.into_iter();
        ends.filter_map(|(entry, span)| self.due(entry, span)).min()
    }

    /// A while after the latest look has shown some: a millisecond at first, then twice as long each time,
    /// up to 64.
    pub(super) fn stray_look_deadline(self) -> Option<Instant> {
        let hunt = self.hunt();
        let answer = hunt.looks.last()?.answer.filter(|answer| answer.waits)?;
        if hunt.end.is_some() {
            return None;
        }
        let answers = hunt.looks.iter().filter_map(|look| look.answer);
        let before = answers.filter(|answer| answer.waits).count() - 1;
        let doublings = u32::try_from(before.min(6)).expect("at most six");
        self.due(answer.entry, Duration::from_millis(1 << doublings))
    }

    /// Whether impatience at this entry concerns the ladder.
    fn escalates_ladder(self, entry: usize) -> bool {
        let before = self.before(entry);
        let is_at_rest = before.ladder_start().is_none();
        let has_more = before.reached() < before.stages().len();
        before.child_over().is_none() && (is_at_rest || has_more)
    }
}

/// Even a wait without an end is a search.
const LONGEST: Duration = Duration::from_nanos(u64::MAX - 1);

const GRACE: Duration = Duration::from_millis(100);

const HURRIED: Duration = Duration::from_secs(1);
