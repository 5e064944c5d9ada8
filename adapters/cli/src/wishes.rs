//! Which signals are one wish.

use std::time::{Duration, Instant};

use childminder::Signal;
use childminder_unix::{Arrival, Origin};

use crate::signals::asks_to_end;

/// Tells of each signal that asks for the end whether it begins the end, or is impatience, or only an echo.
///
/// One wish often comes as several signals: coreutils' `timeout` sends SIGTERM to us and then to our group, a shell or a
/// service manager sends SIGHUP together with SIGTERM, and a parent sends on what the terminal has sent to us already.
/// So a signal from a process is part of a wish that began within the last [`MOMENT`]. What is typed at a terminal comes
/// from the kernel, once, and always counts. SIGHUP is never impatience.
///
/// **A hangup waits** for the rest of its moment before it begins the end, since a SIGTERM may come with it, and the
/// command shall get one of them, the same in either order. With a SIGHUP that it ignores, or that has it read its
/// configuration, it would not know what its grace is for.
///
/// **The command may get its part first**, and be dead before we hear of it: what ends a whole tree, as systemd and Slurm do,
/// signals one process after the other. So where such a signal was its end, [the handler](crate::owner::Minder) waits a moment
/// for ours: a run that was asked to end takes its daemons along.
///
/// **The moment ends with a look.** Our own clock says when a signal was read, not when it was sent. If we were stopped
/// or starved in between, both may have waited for us. So the moment is over when we have looked after it, and what is
/// found in that look is still part of the wish. [`next_look`](Self::next_look) says when that is to be.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    latest: Latest,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Begin the end, with this signal.
    Begins(Signal),
    /// Go on to the next stage at once; this signal says so.
    Escalates(Signal),
}

/// The latest wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Latest {
    #[default]
    None,
    /// A hangup has come, and waits.
    Hangup(Instant),
    /// One was made, and the rest of it may still come.
    Fresh(Instant),
    /// Its moment is over.
    Past,
}

impl Wishes {
    /// These have been read together, perhaps none.
    pub(crate) fn hear(&mut self, arrivals: &[Arrival], now: Instant) -> Option<Wish> {
        let requests = || {
            arrivals
                .iter()
                .filter(|arrival| asks_to_end(arrival.signal))
        };
        let request = requests().find(|arrival| arrival.signal != Signal::HUP);
        let typed = requests()
            .find(|arrival| arrival.signal != Signal::HUP && arrival.origin == Origin::Kernel);
        let (latest, wish) = match (self.latest, request, typed) {
            (Latest::None | Latest::Hangup(_), Some(request), _) => {
                (Latest::Fresh(now), Some(Wish::Begins(request.signal)))
            }
            (Latest::None, None, _) if requests().next().is_some() => (Latest::Hangup(now), None),
            (Latest::Hangup(at), None, _) if is_over(at, now) => {
                (Latest::Past, Some(Wish::Begins(Signal::HUP)))
            }
            (Latest::Fresh(_), _, Some(request)) | (Latest::Past, Some(request), _) => {
                (Latest::Fresh(now), Some(Wish::Escalates(request.signal)))
            }
            (Latest::Fresh(at), ..) if is_over(at, now) => (Latest::Past, None),
            (latest, ..) => (latest, None),
        };
        self.latest = latest;
        wish
    }

    /// Whether a hangup waits.
    pub(crate) fn are_of_a_hangup(&self) -> bool {
        matches!(self.latest, Latest::Hangup(_))
    }

    /// When to [hear](Self::hear) again, though nothing comes.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        match self.latest {
            Latest::Hangup(at) | Latest::Fresh(at) => Some(at + MOMENT),
            Latest::None | Latest::Past => None,
        }
    }
}

/// Leaves out a signal that comes a second time at once, from a process: to us and to our group.
#[derive(Debug, Default)]
pub(crate) struct Echoes {
    latest: Option<(Signal, Instant)>,
}

impl Echoes {
    /// Whether this signal is only the echo of the latest one.
    pub(crate) fn is_echo(&mut self, arrival: Arrival, now: Instant) -> bool {
        let is_same = |(signal, at)| signal == arrival.signal && !is_over(at, now);
        let is_echo = arrival.origin != Origin::Kernel && self.latest.is_some_and(is_same);
        if !is_echo {
            self.latest = Some((arrival.signal, now));
        }
        is_echo
    }
}

fn is_over(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) >= MOMENT
}

/// How long after the first signal of a wish the rest of it may come. Two processes that a shell starts one after the
/// other are much closer.
pub(crate) const MOMENT: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    const TYPED: Origin = Origin::Kernel;
    const ONE: Origin = Origin::Process(1);
    const OTHER: Origin = Origin::Process(2);

    /// When, in milliseconds; what has come; what it means.
    type Look<'a> = (u64, &'a [(Signal, Origin)], Option<Wish>);

    /// That each of these looks means what it says.
    #[track_caller]
    fn expect(looks: &[Look<'_>]) {
        let start = Instant::now();
        let mut wishes = Wishes::default();
        for (millis, found, expected) in looks {
            let now = start + Duration::from_millis(*millis);
            let arrivals: Vec<_> = found
                .iter()
                .map(|(signal, origin)| Arrival::new(*signal, *origin))
                .collect();
            assert_eq!(wishes.hear(&arrivals, now), *expected, "at {millis}");
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a look returns it")]
    fn begins(signal: Signal) -> Option<Wish> {
        Some(Wish::Begins(signal))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as a look returns it")]
    fn escalates(signal: Signal) -> Option<Wish> {
        Some(Wish::Escalates(signal))
    }

    #[test]
    fn a_signal_to_us_and_to_our_group_is_one_wish() {
        expect(&[
            (0, &[(Signal::TERM, ONE)], begins(Signal::TERM)),
            (1, &[(Signal::TERM, ONE)], None),
            (2, &[(Signal::TERM, OTHER)], None),
            (199, &[(Signal::INT, OTHER)], None),
            (200, &[], None),
            (201, &[(Signal::TERM, ONE)], escalates(Signal::TERM)),
            (202, &[(Signal::TERM, ONE)], None),
        ]);
    }

    #[test]
    fn what_is_typed_counts_each_time() {
        expect(&[
            (0, &[(Signal::INT, TYPED)], begins(Signal::INT)),
            // Our parent sends it on.
            (0, &[(Signal::INT, ONE)], None),
            (1, &[(Signal::INT, TYPED)], escalates(Signal::INT)),
            (1, &[(Signal::INT, ONE)], None),
            (2, &[(Signal::QUIT, TYPED)], escalates(Signal::QUIT)),
        ]);
    }

    #[test]
    fn what_is_read_together_is_one_wish() {
        let (hangup, typed) = ((Signal::HUP, ONE), (Signal::INT, TYPED));
        expect(&[
            (0, &[hangup, (Signal::TERM, ONE)], begins(Signal::TERM)),
            (1000, &[], None),
        ]);
        expect(&[
            (0, &[typed, (Signal::QUIT, TYPED)], begins(Signal::INT)),
            (1, &[], None),
        ]);
    }

    #[test]
    fn a_hangup_waits_for_what_comes_with_it() {
        for millis in [1, 199, 200, 5000] {
            expect(&[
                (0, &[(Signal::HUP, ONE)], None),
                (1, &[(Signal::HUP, OTHER)], None),
                (millis, &[(Signal::TERM, ONE)], begins(Signal::TERM)),
                (millis, &[(Signal::HUP, ONE)], None),
                (millis + 200, &[], None),
                (millis + 300, &[(Signal::HUP, ONE)], None),
                (
                    millis + 300,
                    &[(Signal::TERM, ONE)],
                    escalates(Signal::TERM),
                ),
            ]);
        }
    }

    #[test]
    fn a_hangup_alone_begins_when_its_moment_is_over() {
        expect(&[
            (0, &[(Signal::HUP, TYPED)], None),
            (199, &[], None),
            (200, &[], begins(Signal::HUP)),
            (201, &[(Signal::HUP, ONE)], None),
            (202, &[(Signal::TERM, ONE)], escalates(Signal::TERM)),
        ]);
    }

    /// We were stopped, or starved.
    #[test]
    fn what_is_found_by_the_first_look_after_the_moment_may_have_come_in_it() {
        expect(&[
            (0, &[(Signal::TERM, ONE)], begins(Signal::TERM)),
            (5000, &[(Signal::TERM, OTHER)], None),
            (5001, &[(Signal::TERM, ONE)], escalates(Signal::TERM)),
        ]);
    }

    #[test]
    fn other_signals_are_no_wishes() {
        expect(&[
            (0, &[(Signal::KILL, ONE)], None),
            (1, &[(Signal::TERM, ONE)], begins(Signal::TERM)),
        ]);
    }

    #[test]
    fn the_moment_is_looked_after() {
        let now = Instant::now();
        let mut wishes = Wishes::default();
        assert_eq!(wishes.next_look(), None);
        wishes.hear(&[Arrival::new(Signal::TERM, ONE)], now);
        assert_eq!(wishes.next_look(), Some(now + MOMENT));
        wishes.hear(&[], now + MOMENT);
        assert_eq!(wishes.next_look(), None);
    }

    #[test]
    fn only_the_same_signal_is_an_echo() {
        let now = Instant::now();
        let mut echoes = Echoes::default();
        for (millis, signal, origin, is_echo) in [
            (0, Signal::TERM, ONE, false),
            (1, Signal::TERM, OTHER, true),
            (2, Signal::TERM, TYPED, false),
            (3, Signal::INT, ONE, false),
            (4, Signal::TERM, ONE, false),
            (203, Signal::TERM, ONE, true),
            (204, Signal::TERM, ONE, false),
        ] {
            let at = now + Duration::from_millis(millis);
            let arrival = Arrival::new(signal, origin);
            assert_eq!(echoes.is_echo(arrival, at), is_echo, "at {millis}");
        }
    }
}
