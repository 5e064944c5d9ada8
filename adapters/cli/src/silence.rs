//! How long the command was silent at most.

use childminder::{Action, Activity, Event, Instant, Moment};

use crate::words::nanos;

/// The longest time without activity, as the idle deadline has it: from the start until the exit, or until the command was
/// being ended, and without the time for which it was stopped.
#[derive(Debug)]
pub(crate) struct LongestSilence {
    activity: Activity,
    nanos: u64,
    /// How long it has been silent by now.
    current: u64,
    now: Instant,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Suspended,
    Over,
}

impl LongestSilence {
    /// None yet; such output is activity.
    pub(crate) fn new(activity: Activity) -> Self {
        Self {
            activity,
            nanos: 0,
            current: 0,
            now: Instant::ZERO,
            state: State::Running,
        }
    }

    /// In nanoseconds.
    pub(crate) fn nanos(&self) -> u64 {
        self.nanos
    }

    /// This happened so long after the start. A signal is one of the ladder's.
    pub(crate) fn observe(&mut self, now: Instant, moment: Moment) {
        let passed = now.since(self.now);
        self.now = now;
        if self.state == State::Running {
            self.current = self.current.saturating_add(nanos(passed));
            self.nanos = self.nanos.max(self.current);
        }
        match moment {
            Moment::Event(Event::ChildExited(_)) | Moment::Action(Action::SendSignal { .. }) => {
                self.state = State::Over;
            }
            _ if self.state == State::Over => {}
            Moment::Event(Event::Suspended) => self.state = State::Suspended,
            Moment::Event(Event::Resumed) => self.state = State::Running,
            Moment::Event(event) if self.is_activity(event) => self.current = 0,
            _ => {}
        }
    }

    fn is_activity(&self, event: Event) -> bool {
        match event {
            Event::Output { stream, bytes } => bytes > 0 && self.activity.counts(stream),
            Event::Progress | Event::Ready => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use childminder::{ExitStatus, Signal, Stream, Target};

    use super::*;

    const STAGE: Moment = Moment::Action(Action::SendSignal {
        signal: Signal::INT,
        target: Target::Group,
    });

    fn output(stream: Stream, bytes: u64) -> Moment {
        Moment::Event(Event::Output { stream, bytes })
    }

    #[track_caller]
    fn expect(activity: Activity, story: &[(u64, Moment)], nanos: u64) {
        let mut longest = LongestSilence::new(activity);
        for (at, moment) in story {
            longest.observe(Instant(*at), *moment);
        }
        assert_eq!(longest.nanos(), nanos);
    }

    #[test]
    fn it_is_between_the_start_activity_and_the_end() {
        let exited = Moment::Event(Event::ChildExited(ExitStatus::Code(0)));
        let (out, err) = (output(Stream::Stdout, 1), output(Stream::Stderr, 1));
        let story = [(10, out), (15, err), (40, out), (50, exited), (99, out)];
        expect(Activity::AnyOutput, &story, 25);
        let killed = [(10, out), (20, STAGE), (60, STAGE), (70, exited)];
        expect(Activity::AnyOutput, &killed, 10);
        expect(Activity::Stdout, &story, 30);
        expect(Activity::Stderr, &story, 35);
        expect(Activity::Explicit, &story, 50);
        expect(Activity::AnyOutput, &story[..1], 10);
        let nothing = (30, output(Stream::Stdout, 0));
        expect(Activity::AnyOutput, &[(10, out), nothing], 20);
        for vouch in [Event::Progress, Event::Ready] {
            let story = [(10, Moment::Event(vouch)), (18, exited)];
            expect(Activity::Explicit, &story, 10);
        }
    }

    #[test]
    fn the_time_while_suspended_does_not_count() {
        let event = Moment::Event;
        let out = (100, output(Stream::Stdout, 1));
        for (then, nanos) in [
            (event(Event::Resumed), 50),
            (event(Event::Tick), 10),
            (STAGE, 10),
        ] {
            let story = [(10, event(Event::Suspended)), (60, then), out];
            expect(Activity::AnyOutput, &story, nanos);
        }
    }
}
