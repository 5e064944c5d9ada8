//! The small values that a monitor is told with and answers in, one by one: all there are of each
//! kind, or all up to the bound that its type sets and a little beyond.

use std::collections::HashSet;
use std::fmt::Display;
use std::num::NonZeroU64;
use std::time::Duration;

use childminder::{
    Action, Activity, Config, Deadline, Error, Event, ExitStatus, FailureId, Instant, Ladder,
    Misuse, MonitorState, NoSuchSignal, NotificationId, NotificationKind, Outcome, Signal, Stage,
    Strays, Stream, Sweep, Target, TooManyStages,
};

/// Checks all of them.
///
/// # Errors
///
/// What is wrong with one.
pub fn check() -> Result<(), String> {
    signals()?;
    ladders()?;
    tickets()?;
    statuses()?;
    times()?;
    activities()?;
    names()?;
    outcomes()?;
    states()?;
    passed_on()?;
    hunts()?;
    silence()?;
    words(&errors())?;
    words(&misuses())
}

fn signals() -> Result<(), String> {
    for number in -1..=256 {
        let made = Signal::new(number).map(Signal::number);
        let expected = (1..=127).contains(&number).then_some(number);
        holds(made == expected, "a signal is a number from 1 to 127")?;
        let tried = Signal::try_from(number).map(Signal::number);
        holds(
            tried == expected.ok_or(NoSuchSignal { number }),
            "trying is making",
        )?;
    }
    words(&[NoSuchSignal { number: 0 }, NoSuchSignal { number: 128 }])?;
    words(&(1..=127).filter_map(Signal::new).collect::<Vec<_>>())
}

fn ladders() -> Result<(), String> {
    for length in 0..=Ladder::MAX_STAGES + 1 {
        for target in [Target::Leader, Target::Group] {
            let stage = Stage {
                signal: Signal::TERM,
                target,
                wait: None,
            };
            let stages = vec![stage; length];
            match Ladder::new(&stages) {
                Ok(ladder) => {
                    holds(ladder.stages().eq(stages), "a ladder is its stages")?;
                    let group = length > 0 && target == Target::Group;
                    holds(ladder.addresses_group() == group, "it knows whom it is for")?;
                }
                Err(TooManyStages { given }) => {
                    holds(
                        given == length && length > Ladder::MAX_STAGES,
                        "a ladder is refused for its length alone",
                    )?;
                    words(&[TooManyStages { given }, TooManyStages { given: given + 1 }])?;
                }
            }
        }
    }
    let stages = [Signal::HUP, Signal::INT, Signal::TERM, Signal::KILL].map(|signal| Stage {
        signal,
        target: Target::Leader,
        wait: Some(Duration::from_nanos(1)),
    });
    let [one, two, three, four] = stages;
    for ladder in [
        Ladder::NONE,
        Ladder::from([one]),
        Ladder::from([one, two]),
        Ladder::from([one, two, three]),
        Ladder::from([one, two, three, four]),
    ] {
        let length = ladder.stages().count();
        let same = Ladder::new(&stages[..length]) == Ok(ladder);
        holds(same, "an array is the ladder of its stages")?;
    }
    let endless = Stage {
        wait: Some(Duration::from_nanos(u64::MAX)),
        ..one
    };
    let wait = Ladder::from([endless])
        .stages()
        .find_map(|stage| stage.wait);
    holds(wait.is_none(), "a wait of 584 years never ends")?;
    holds(Ladder::default() == Config::default().ladder, "one default")
}

fn tickets() -> Result<(), String> {
    for number in [0, 1, 2, u64::MAX] {
        let expected = (number > 0).then_some(number);
        let notification = NotificationId::new(number).map(NotificationId::number);
        let failure = FailureId::new(number).map(FailureId::number);
        holds(
            notification == expected && failure == expected,
            "a ticket is any number but zero",
        )?;
        let made = NonZeroU64::new(number);
        holds(
            made.map(NotificationId::from) == NotificationId::new(number)
                && made.map(FailureId::from) == FailureId::new(number),
            "a ticket is a number that is not zero",
        )?;
    }
    Ok(())
}

fn statuses() -> Result<(), String> {
    let statuses = [
        ExitStatus::Code(0),
        ExitStatus::Code(1),
        ExitStatus::Signal(Signal::HUP),
        ExitStatus::Lost,
    ];
    for exit in statuses {
        holds(
            exit.is_success() == (exit == ExitStatus::Code(0)),
            "code 0 is success",
        )?;
        let mut outcome = Outcome::default();
        outcome.error = (!exit.is_success()).then_some(Error::Exit(exit));
        outcome.exit = Some(exit);
        holds(
            outcome.is_success() == exit.is_success(),
            "no error is success",
        )?;
    }
    words(&statuses)
}

fn times() -> Result<(), String> {
    let spans = [0, 1, u64::MAX - 1, u64::MAX].map(Duration::from_nanos);
    for span in spans {
        let there = Instant::ZERO.after(span);
        holds(there.since(Instant::ZERO) == span, "there and back")?;
        holds(
            Instant::ZERO.since(there) == Duration::ZERO,
            "no time is negative",
        )?;
    }
    let beyond = Instant::ZERO.after(Duration::from_nanos(u64::MAX) + Duration::from_nanos(1));
    holds(beyond == Instant::FAR_FUTURE, "time has an end")?;
    let said = [0, 12_500_000_000, 1].map(|nanos| Instant(nanos).to_string());
    holds(said == ["0s", "12.5s", "0.000000001s"], "a time is seconds")
}

fn activities() -> Result<(), String> {
    let [stdout, stderr] = Stream::ALL;
    for (activity, counted) in [
        (Activity::AnyOutput, [true, true]),
        (Activity::Stdout, [true, false]),
        (Activity::Stderr, [false, true]),
        (Activity::Explicit, [false, false]),
    ] {
        let counts = [stdout, stderr].map(|stream| activity.counts(stream));
        holds(counts == counted, "what counts is what its name says")?;
    }
    Ok(())
}

/// What a flight record calls things: each by a name of its own.
fn names() -> Result<(), String> {
    words(&Stream::ALL)?;
    words(&[Target::Leader, Target::Group])?;
    words(&Stream::ALL.map(Stream::name))?;
    words(&[Target::Leader, Target::Group].map(Target::name))?;
    let kinds = [
        NotificationKind::Requested,
        NotificationKind::Heartbeat,
        NotificationKind::Final,
    ];
    words(&kinds.map(NotificationKind::name))?;
    let activities = [
        Activity::AnyOutput,
        Activity::Stdout,
        Activity::Stderr,
        Activity::Explicit,
    ];
    words(&activities.map(Activity::name))?;
    words(&[Sweep::Never, Sweep::Terminated, Sweep::Always].map(Sweep::name))?;
    words(&STRAYS.map(Strays::name))?;
    words(&errors().into_iter().map(Error::name).collect::<Vec<_>>())?;
    words(&events().iter().map(Event::name).collect::<Vec<_>>())
}

fn events() -> Vec<Event> {
    let [stream, _] = Stream::ALL;
    let id = NotificationId::FIRST;
    vec![
        Event::Started,
        Event::Output { stream, bytes: 1 },
        Event::Progress,
        Event::Ready,
        Event::Tick,
        Event::Notify,
        Event::NotifyDone { id, ok: true },
        Event::Fail,
        Event::Terminate,
        Event::Escalate,
        Event::Kill,
        Event::PassOn {
            signal: Signal::HUP,
            target: Target::Leader,
        },
        Event::StraysSeen {
            living: 1,
            immune: 0,
        },
        Event::StraysUnseen,
        Event::SetIdleTimeout(None),
        Event::SetLadder(Ladder::NONE),
        Event::OutputClosed,
        Event::ChildExited(ExitStatus::Lost),
        Event::Suspended,
        Event::Resumed,
    ]
}

/// Every outcome has words of its own.
fn outcomes() -> Result<(), String> {
    let mut outcomes = Vec::new();
    for (error, exit) in [
        (None, None),
        (Some(Error::Exit(ExitStatus::Lost)), Some(ExitStatus::Lost)),
        (Some(Error::IdleTimeout), Some(ExitStatus::Code(0))),
        (Some(Error::Unkillable), None),
    ] {
        for flags in 0..4 {
            let mut outcome = Outcome::default();
            (outcome.error, outcome.exit) = (error, exit);
            (outcome.terminated, outcome.leaked) = (flags & 1 > 0, flags & 2 > 0);
            outcomes.extend(STRAYS.into_iter().skip(1).map(|strays| {
                outcome.strays = strays;
                outcome
            }));
        }
    }
    words(&outcomes)
}

/// The states of a child that cannot be killed, and of one whose output leaks.
/// Signals of all numbers, those included that are in the upper half of the set that keeps them.
fn passed_on() -> Result<(), String> {
    let mut monitor = MonitorState::new(Config::default());
    holds(
        monitor.fail(Instant::ZERO) == Err(Misuse::NotStarted { event: "Fail" }),
        "nothing fails before the start",
    )?;
    tell(&mut monitor, Event::Started)?;
    let signals: Vec<_> = (1..=127).filter_map(Signal::new).collect();
    for signal in signals.iter().rev() {
        let (signal, target) = (*signal, Target::Group);
        tell(&mut monitor, Event::PassOn { signal, target })?;
    }
    let sent = std::iter::from_fn(|| monitor.poll_action()).map(|action| match action {
        Action::SendSignal { signal, .. } => Some(signal),
        _ => None,
    });
    holds(
        sent.eq(signals.into_iter().map(Some)),
        "each is passed on once, the lowest first",
    )
}

/// The hunt for strays where it takes longer than a search has time for, and where it ends before its kill is polled.
fn hunts() -> Result<(), String> {
    let hunting = || -> Result<MonitorState, String> {
        let mut monitor = MonitorState::new(Config {
            sweep: Sweep::Always,
            stray_timeout: Some(Duration::from_secs(60)),
            ..Config::default()
        });
        let exit = Event::ChildExited(ExitStatus::Code(0));
        for event in [Event::Started, Event::OutputClosed, exit] {
            tell(&mut monitor, event)?;
        }
        while monitor.poll_action().is_some() {}
        tell(
            &mut monitor,
            Event::StraysSeen {
                living: 1,
                immune: 0,
            },
        )?;
        Ok(monitor)
    };
    let mut hurried = hunting()?;
    tell(&mut hurried, Event::Escalate)?;
    holds(
        hurried.deadline(Deadline::Strays) == Some(Instant::ZERO.after(Duration::from_secs(1))),
        "impatience leaves a second",
    )?;
    let mut blinded = hunting()?;
    tell(&mut blinded, Event::StraysUnseen)?;
    let mut asked = std::iter::from_fn(|| blinded.poll_action());
    holds(
        !asked.any(|action| action == Action::KillStrays),
        "a kill is taken back with the hunt",
    )
}

/// It stands still with the clock, and begins anew with activity, whether or not the actions are polled.
fn silence() -> Result<(), String> {
    [false, true].into_iter().try_for_each(silence_if_polled)
}

fn silence_if_polled(polled: bool) -> Result<(), String> {
    let mut monitor = MonitorState::new(Config::default());
    let output = Event::Output {
        stream: Stream::Stdout,
        bytes: 1,
    };
    for (at, event, silence) in [
        (5, Event::Started, 0),
        (7, Event::Tick, 2),
        (8, Event::Suspended, 3),
        (20, Event::Resumed, 3),
        (21, output, 0),
        (23, Event::SetIdleTimeout(None), 2),
        (24, Event::Progress, 0),
        (26, Event::Tick, 2),
        (27, Event::Ready, 0),
    ] {
        let taken = monitor.handle(Instant(at), event);
        holds(taken.is_ok(), "the event makes sense")?;
        holds(
            monitor.silence() == Duration::from_nanos(silence),
            "silence is the running time since the latest activity",
        )?;
        while polled && monitor.poll_action().is_some() {}
    }
    Ok(())
}

fn tell(monitor: &mut MonitorState, event: Event) -> Result<(), String> {
    let told = monitor.handle(Instant::ZERO, event);
    told.map_err(|misuse| misuse.to_string())
}

fn states() -> Result<(), String> {
    let no_time = Some(Duration::ZERO);
    let kill = Stage {
        signal: Signal::KILL,
        target: Target::Group,
        wait: no_time,
    };
    let config = Config {
        ladder: Ladder::from([kill]),
        drain_timeout: no_time,
        stray_timeout: Some(Duration::MAX),
        ..Config::default()
    };
    let exit = Event::ChildExited(ExitStatus::Code(0));
    for (events, states) in [
        (&[][..], ["new", "open", "unsought"]),
        (&[Event::Started], ["running", "open", "unsought"]),
        (
            &[Event::Started, Event::OutputClosed],
            ["running", "closed", "unsought"],
        ),
        (&[Event::Started, exit], ["exited", "open", "unsought"]),
        (
            &[Event::Started, exit, Event::Tick],
            ["released", "leaked", "over"],
        ),
        (
            &[Event::Started, Event::Terminate, Event::Tick],
            ["given up", "leaked", "looking"],
        ),
    ] {
        let mut monitor = MonitorState::new(config);
        for event in events {
            let taken = monitor.handle(Instant::ZERO, *event);
            holds(taken.is_ok(), "the event makes sense")?;
        }
        holds(monitor.states() == states, "a state has its name")?;
    }
    Ok(())
}

/// Checks that each of `all` has words, and no other the same.
fn words(all: &[impl Display]) -> Result<(), String> {
    let mut said = HashSet::new();
    for value in all {
        let words = value.to_string();
        holds(!words.is_empty(), "everything has words")?;
        if let Some(words) = said.replace(words) {
            return Err(format!("two values read {words:?}"));
        }
    }
    Ok(())
}

fn errors() -> Vec<Error> {
    let notification = NotificationId::FIRST;
    let mut errors = vec![
        Error::IdleTimeout,
        Error::FirstOutputTimeout,
        Error::RunTimeout,
        Error::Exit(ExitStatus::Code(1)),
        Error::Notification(notification),
        Error::NotificationTimeout(notification),
        Error::Unkillable,
    ];
    errors.extend(FailureId::new(1).map(Error::External));
    errors
}

fn misuses() -> Vec<Misuse> {
    vec![
        Misuse::NotStarted { event: "Output" },
        Misuse::AlreadyStarted,
        Misuse::AlreadyExited,
        Misuse::OutputAlreadyClosed { event: "Output" },
        Misuse::NotInFlight(NotificationId::FIRST),
        Misuse::AlreadyFinished { event: "Output" },
    ]
}

/// In an outcome the first two have the same words: there is nothing to say.
const STRAYS: [Strays; 5] = [
    Strays::Unknown,
    Strays::None,
    Strays::Killed,
    Strays::Left,
    Strays::Survived,
];

fn holds(it: bool, says: &str) -> Result<(), String> {
    it.then_some(()).ok_or_else(|| says.to_owned())
}
