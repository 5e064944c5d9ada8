//! Whatever is recorded is read back equal, and replays without a difference.

use std::iter;
use std::time::Duration;

use childminder::{
    Activity, Config, Event, ExitStatus, Instant, Ladder, MonitorState, NotificationId, Signal,
    Stage, Stream, Sweep, Target,
};
use childminder_record::{Reader, RecordedAction, Recorder, Run, Step, Ticket, replay};
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
        prop_assert_eq!(&runs, &[Run { name, number: None, line: 1, config, compare: None, steps }]);
        prop_assert_eq!(replay(&runs[0]), None);
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

    /// No line makes the reader panic, and what is cut off anywhere is an error or a shorter record.
    #[test]
    fn a_record_that_is_cut_off_is_never_misread(
        config in configs(),
        moves in vec(moves(), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let (text, steps) = record("cut off", config, Instant::ZERO, &moves);
        let text = &text[..cut.index(text.len())];
        if let Ok(runs) = Reader::new(text).collect::<Result<Vec<_>, _>>() {
            prop_assert_eq!(runs.len(), 1);
            prop_assert_eq!(&runs[0].steps, &steps[..runs[0].steps.len()]);
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

/// Records a real monitor under these moves, after the start: the text, and the steps that it must
/// be read back as.
fn record(name: &str, config: Config, origin: Instant, moves: &[Move]) -> (Vec<u8>, Vec<Step>) {
    let mut text = Vec::new();
    let mut recorder = Recorder::new(&mut text, name, &config).expect("memory");
    let mut monitor = MonitorState::new(config);
    // The same monitor by a clock that begins with the run, as the record's does.
    let mut twin = MonitorState::new(config);
    let mut steps = Vec::new();
    let mut now = origin;
    for (line, Move(later, event)) in (2..).zip([&Move(0, Event::Started)].into_iter().chain(moves))
    {
        now = Instant(now.0.saturating_add_signed(*later));
        let at = Instant(now.0.saturating_sub(origin.0));
        let ticket = tell(&mut recorder, &mut monitor, now, *event);
        while let Some(action) = monitor.poll_action() {
            recorder.action(action);
        }
        // A refusal is recorded as well: the event, and no actions.
        let _ = twin.handle(at, *event);
        let actions = iter::from_fn(|| twin.poll_action()).map(RecordedAction::from);
        steps.push(Step {
            line,
            at,
            event: *event,
            ticket,
            actions: actions.collect(),
        });
    }
    recorder.finish().expect("memory");
    (text, steps)
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
    let limits = (limits(), limits(), limits(), limits(), limits(), limits());
    let ends = (
        sweeps(),
        option::of((0..10_000_u64).prop_map(Duration::from_nanos)),
    );
    (limits, activities(), ladders(), ends).prop_map(
        |(limits, activity, ladder, (sweep, stray_timeout))| Config {
            idle_timeout: limits.0,
            first_output_timeout: limits.1,
            run_timeout: limits.2,
            notification_timeout: limits.3,
            heartbeat_interval: limits.4,
            drain_timeout: limits.5,
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
