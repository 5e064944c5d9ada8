//! Whatever is recorded is read back equal, and replays without a difference.

use std::iter;
use std::time::{Duration, UNIX_EPOCH};

use childminder::{
    Activity, Config, Event, ExitStatus, Instant, Ladder, MonitorState, NotificationId, Signal,
    Stage, Stream, Sweep, Target,
};
use childminder_record::{
    Finding, Header, Reader, RecordedAction, Recorder, Replay, Run, Step, Ticket, replay,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_record_is_read_back_equal_and_replays(
        name in any::<String>(),
        config in configs(),
        origin in 0..1_u64 << 50,
        moves in vec(moves(), 0..80),
    ) {
        let (text, steps) = record(&name, config, Instant(origin), &moves);
        let runs: Vec<_> = Reader::new(text.as_slice()).collect::<Result<_, _>>()?;
        let run = Run {
            name, number: None, host: None, started: None, line: 1, config, compare: None, steps, stopped_at: None,
        };
        prop_assert_eq!(&runs, &[run]);
        prop_assert_eq!(replay(&runs[0]), None);
    }

    #[test]
    fn a_header_is_read_back_equal(
        name in any::<String>(),
        host in option::of(any::<String>()),
        started in option::of(any::<u64>()),
        config in configs(),
    ) {
        let started = started.map(|nanos| UNIX_EPOCH + Duration::from_nanos(nanos));
        let mut header = Header::new(&name, &config);
        if let Some(host) = &host {
            header = header.on_host(host);
        }
        if let Some(started) = started {
            header = header.started_at(started);
        }
        let mut text = Vec::new();
        Recorder::with_header(&mut text, header).and_then(Recorder::finish).expect("memory");
        let run = Reader::new(text.as_slice()).next().expect("a run")?;
        prop_assert_eq!((&run.name, &run.host, run.started, run.config), (&name, &host, started, config));
    }

    /// Two recorders, one after the other, make one record.
    #[test]
    fn runs_follow_one_another(config in configs(), moves in vec(moves(), 0..20), count in 1..5_usize) {
        let (text, steps) = record("one of many", config, Instant::ZERO, &moves);
        let read: Vec<_> = Reader::new(text.repeat(count).as_slice()).collect::<Result<_, _>>()?;
        prop_assert_eq!(read.len(), count);
        for (index, run) in read.iter().enumerate() {
            prop_assert_eq!(run.steps.len(), steps.len());
            prop_assert_eq!(run.line, (index * (steps.len() + 1) + 1) as u64);
        }
    }

    /// Wherever a record is cut off, it is read and replayed as far as it goes, and said to be cut short.
    #[test]
    fn a_record_that_is_cut_off_is_never_misread(
        config in configs(),
        moves in vec(moves(), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let (text, steps) = record("cut off", config, Instant::ZERO, &moves);
        let header = text.split(|byte| *byte == b'\n').next().expect("a header").len();
        let text = &text[..cut.index(text.len())];
        let runs: Result<Vec<_>, _> = Reader::new(text).collect();
        let mut replayed = Replay::new(text);
        let found: Result<Vec<_>, _> = replayed.by_ref().collect();
        if text.len() < header {
            prop_assert!(runs.is_err() && found.is_err());
            return Ok(());
        }
        let (runs, found) = (runs?, found?);
        prop_assert_eq!(runs.len(), 1);
        let read = &runs[0].steps;
        prop_assert_eq!(read, &steps[..read.len()]);
        prop_assert_eq!(replayed.summary().steps, read.len() as u64);
        prop_assert_eq!(replayed.summary().differences, 0);
        let is_said = matches!(found.as_slice(), [Finding::CutShort(_)]);
        // The header and each step have a line; what follows them is torn.
        let lines = text.split_inclusive(|byte| *byte == b'\n').count();
        let is_torn = lines > read.len() + 1;
        prop_assert_eq!(is_said, runs[0].is_cut_short() || is_torn, "{:?}", found);
    }

    /// What the recorder merges decides the same as what it was told.
    #[test]
    fn outputs_are_merged_only_where_that_changes_nothing(
        config in configs(),
        moves in vec(chatter(), 0..80),
    ) {
        let told: Vec<_> = taken(config, &moves).collect();
        let (text, _) = record("chatter", config, Instant::ZERO, &moves);
        let run = Reader::new(text.as_slice()).next().expect("a run")?;
        prop_assert_eq!(replay(&run), None);
        let count: u64 = run.steps.iter().map(|step| step.count).sum();
        prop_assert_eq!(count, told.len() as u64);
        let mut told = told.iter();
        let mut is_first_output = true;
        for step in &run.steps {
            let merged: Vec<_> = told.by_ref().take(usize::try_from(step.count)?).collect();
            let Event::Output { stream, bytes } = step.event else {
                prop_assert_eq!(step.count, 1);
                continue;
            };
            let of_one: Vec<_> = merged.iter().map(|taken| match &taken.event {
                Event::Output { stream: same, bytes } if *same == stream => *bytes,
                event => panic!("{event:?} is in {step:?}"),
            }).collect();
            prop_assert_eq!(of_one.iter().sum::<u64>(), bytes);
            prop_assert_eq!(Some(step.at), merged.last().map(|taken| taken.at));
            prop_assert!(step.count == 1 || !is_first_output);
            prop_assert!(step.count == 1 || !of_one.contains(&0));
            is_first_output &= bytes == 0;
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        Reader::new(bytes.as_slice()).for_each(drop);
    }
}

/// So much later, or earlier if the clock is set back, this happens.
#[derive(Clone, Copy, Debug)]
struct Move(i64, Event);

/// An event that the monitor takes.
struct Taken {
    /// By a clock that may be set back.
    now: Instant,
    /// By the monitor's, counted from the start.
    at: Instant,
    event: Event,
}

/// What a monitor takes of these moves, after the start.
fn taken(config: Config, moves: &[Move]) -> impl Iterator<Item = Taken> {
    let mut monitor = MonitorState::new(config);
    let start = Instant(1 << 40);
    let (mut now, mut latest) = (start, start);
    let moves = iter::once(Move(0, Event::Started)).chain(moves.to_vec());
    moves.filter_map(move |Move(later, event)| {
        now = Instant(now.0.saturating_add_signed(later));
        monitor.handle(now, event).ok()?;
        while monitor.poll_action().is_some() {}
        latest = latest.max(now);
        let at = Instant(latest.0 - start.0);
        Some(Taken { now, at, event })
    })
}

/// Records a real monitor under what it takes of these moves, after the start: the text, and the steps that it must
/// be read back as.
fn record(name: &str, config: Config, origin: Instant, moves: &[Move]) -> (Vec<u8>, Vec<Step>) {
    let mut text = Vec::new();
    let mut recorder = Recorder::new(&mut text, name, &config).expect("memory");
    let mut monitor = MonitorState::new(config);
    // The same monitor by a clock that begins with the run, as the record's does.
    let mut twin = MonitorState::new(config);
    let mut steps: Vec<Step> = Vec::new();
    let mut first_output = None;
    for Taken { now, at, event } in taken(config, moves) {
        let now = Instant(origin.0 + now.0);
        let ticket = tell(&mut recorder, &mut monitor, now, event);
        while let Some(action) = monitor.poll_action() {
            recorder.action(action);
        }
        twin.handle(at, event).expect("it took that before");
        let actions = iter::from_fn(|| twin.poll_action()).map(RecordedAction::from);
        let step = Step {
            line: 2 + steps.len() as u64,
            at,
            event,
            count: 1,
            ticket,
            actions: actions.collect(),
        };
        let is_output = matches!(event, Event::Output { bytes: 1.., .. });
        let before = steps.len().checked_sub(1);
        if is_output && first_output.is_none() {
            first_output = Some(steps.len());
        } else if before != first_output
            && let Some(last) = steps.last_mut()
            && merge(last, &step)
        {
            continue;
        }
        steps.push(step);
    }
    recorder.finish().expect("memory");
    (text, steps)
}

/// Merges `next` into the step before, if the format allows it.
fn merge(last: &mut Step, next: &Step) -> bool {
    let (
        Event::Output { stream, bytes },
        Event::Output {
            stream: same,
            bytes: more,
        },
    ) = (last.event, next.event)
    else {
        return false;
    };
    if stream != same
        || bytes == 0
        || more == 0
        || !last.actions.is_empty()
        || !next.actions.is_empty()
    {
        return false;
    }
    last.event = Event::Output {
        stream,
        bytes: bytes + more,
    };
    last.at = next.at;
    last.count += next.count;
    true
}

/// Tells both, and returns the ticket if one was given.
fn tell(
    recorder: &mut Recorder<&mut Vec<u8>>,
    monitor: &mut MonitorState,
    now: Instant,
    event: Event,
) -> Option<Ticket> {
    let (written, ticket) = match event {
        Event::Notify => match monitor.notify(now) {
            Ok(id) => (recorder.notify(now, id), Some(Ticket::Notification(id))),
            Err(_) => (recorder.event(now, event), None),
        },
        Event::Fail => match monitor.fail(now) {
            Ok(id) => (recorder.fail(now, id), Some(Ticket::Failure(id))),
            Err(_) => (recorder.event(now, event), None),
        },
        _ => {
            let written = recorder.event(now, event);
            let _ = monitor.handle(now, event);
            (written, None)
        }
    };
    written.expect("memory");
    ticket
}

fn configs() -> impl Strategy<Value = Config> {
    let limits = (
        limits(),
        limits(),
        limits(),
        limits(),
        limits(),
        limits(),
        limits(),
    );
    let ends = (
        sweeps(),
        option::of((0..10_000_u64).prop_map(Duration::from_nanos)),
        any::<bool>(),
    );
    (limits, activities(), ladders(), ends).prop_map(
        |(limits, activity, ladder, (sweep, stray_timeout, final_notification))| Config {
            idle_timeout: limits.0,
            first_output_timeout: limits.1,
            run_timeout: limits.2,
            notification_timeout: limits.3,
            heartbeat_interval: limits.4,
            final_notification,
            drain_timeout: limits.5,
            warn_timeout: limits.6,
            activity,
            ladder,
            sweep,
            stray_timeout,
        },
    )
}

fn ladders() -> impl Strategy<Value = Ladder> {
    let stage = (signals(), targets(), limits()).prop_map(|(signal, target, wait)| Stage {
        signal,
        target,
        wait,
    });
    vec(stage, 0..=Ladder::MAX_STAGES)
        .prop_map(|stages| Ladder::new(&stages).expect("not too many"))
}

fn moves() -> impl Strategy<Value = Move> {
    let later = prop_oneof![8 => 0..3000_i64, 1 => -2000..0_i64];
    (later, events()).prop_map(|(later, event)| Move(later, event))
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        1 => Just(Event::Started),
        4 => (streams(), 0..3_u64).prop_map(|(stream, bytes)| Event::Output { stream, bytes }),
        1 => Just(Event::Progress),
        1 => Just(Event::Ready),
        9 => Just(Event::Tick),
        4 => Just(Event::Notify),
        4 => (1..5_u64, any::<bool>()).prop_map(|(number, ok)| {
            let id = NotificationId::new(number).expect("not zero");
            Event::NotifyDone { id, ok }
        }),
        1 => Just(Event::Fail),
        1 => Just(Event::Terminate),
        1 => Just(Event::Escalate),
        1 => Just(Event::Kill),
        1 => (signals(), targets()).prop_map(|(signal, target)| Event::PassOn { signal, target }),
        4 => (0..3_u64, 0..3_u64).prop_map(|(living, immune)| Event::StraysSeen { living, immune }),
        1 => Just(Event::StraysUnseen),
        1 => limits().prop_map(Event::SetIdleTimeout),
        1 => ladders().prop_map(Event::SetLadder),
        1 => Just(Event::OutputClosed),
        1 => any::<i32>().prop_map(|code| Event::ChildExited(ExitStatus::Code(code))),
        1 => Just(Event::ChildExited(ExitStatus::Code(0))),
        1 => signals().prop_map(|signal| Event::ChildExited(ExitStatus::Signal(signal))),
        1 => Just(Event::ChildExited(ExitStatus::Lost)),
        1 => Just(Event::Suspended),
        1 => Just(Event::Resumed),
    ]
}

/// Much output, of any kind, and little else.
fn chatter() -> impl Strategy<Value = Move> {
    let output = (0..2000_i64, streams(), 0..3_u64)
        .prop_map(|(later, stream, bytes)| Move(later, Event::Output { stream, bytes }));
    prop_oneof![6 => output, 1 => moves()]
}

/// Short enough to pass in a run, or so long that they never do.
fn limits() -> impl Strategy<Value = Option<Duration>> {
    let span = prop_oneof![9 => 0..10_000_u64, 1 => 0..1_u64 << 62];
    option::of(span.prop_map(Duration::from_nanos))
}

fn signals() -> impl Strategy<Value = Signal> {
    (1..=127_i32).prop_map(|number| Signal::new(number).expect("1 to 127"))
}

fn targets() -> impl Strategy<Value = Target> {
    prop_oneof![Just(Target::Leader), Just(Target::Group)]
}

fn streams() -> impl Strategy<Value = Stream> {
    prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)]
}

fn sweeps() -> impl Strategy<Value = Sweep> {
    prop_oneof![
        Just(Sweep::Never),
        Just(Sweep::Terminated),
        Just(Sweep::Always),
    ]
}

fn activities() -> impl Strategy<Value = Activity> {
    prop_oneof![
        Just(Activity::AnyOutput),
        Just(Activity::Stdout),
        Just(Activity::Stderr),
        Just(Activity::Explicit),
    ]
}
