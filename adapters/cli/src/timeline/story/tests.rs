use std::time::Duration;

use childminder::{NotificationId, Stream, Sweep};

use super::*;
use crate::timeline::read;
use crate::timeline::words::{moment, sentence};

/// What is told of a run to which this happens, at so many seconds. It is recorded as it would be.
fn story(config: &Config, events: &[(u64, Event)]) -> Story {
    let mut monitor = MonitorState::new(*config);
    let mut text = Vec::new();
    let mut recorder = Recorder::new(&mut text, "run", config).expect("memory");
    for (seconds, event) in [(0, Event::Started)].iter().chain(events) {
        let at = Instant(seconds * 1_000_000_000);
        monitor.handle(at, *event).expect("in order");
        recorder.event(at, *event).expect("memory");
        while let Some(action) = monitor.poll_action() {
            recorder.action(action);
        }
    }
    recorder.finish().expect("memory");
    let mut stories = Vec::new();
    read("record", text.as_slice(), &mut stories).expect("a record");
    let [story] = <[Story; 1]>::try_from(stories).expect("one run");
    assert_eq!(story.differs_from, None);
    story
}

/// The marks of this kind, in words.
fn told(story: &Story, kind: Kind) -> Vec<String> {
    let marks = story.track(kind).marks().iter();
    let told = marks.map(|mark| format!("{} {}", moment(mark.at), sentence(mark)));
    told.collect()
}

fn output(bytes: u64) -> Event {
    Event::Output {
        stream: Stream::Stdout,
        bytes,
    }
}

fn stage(signal: Signal, seconds: u64) -> Stage {
    Stage {
        signal,
        target: Target::Group,
        wait: Some(Duration::from_secs(seconds)),
    }
}

fn idle(seconds: u64) -> Config {
    Config {
        idle_timeout: Some(Duration::from_secs(seconds)),
        ..Config::default()
    }
}

#[test]
fn a_ladder_is_told_by_its_stages_and_the_sweep_is_none() {
    let config = Config {
        ladder: Ladder::from([
            stage(Signal::INT, 5),
            stage(Signal::TERM, 5),
            stage(Signal::KILL, 9),
        ]),
        ..Config::default()
    };
    let story = story(
        &config,
        &[
            (1, Event::Terminate),
            (2, Event::Escalate),
            (7, Event::Tick),
            (8, Event::ChildExited(ExitStatus::Signal(Signal::KILL))),
            (9, Event::OutputClosed),
        ],
    );
    assert_eq!(
        told(&story, Kind::Stage),
        [
            "+1.000s stage 1 of the ladder: SIGINT to the group, for 1s",
            "+2.000s stage 2 of the ladder: SIGTERM to the group, for 5s",
            "+7.000s stage 3 of the ladder: SIGKILL to the group, for 1s",
        ]
    );
    assert_eq!(
        told(&story, Kind::Request),
        ["+1.000s asked to end", "+2.000s asked to end, impatiently"]
    );
    assert_eq!(
        told(&story, Kind::Strays),
        ["+9.000s SIGKILL to what is left of the group"]
    );
}

/// What holds the output may be in the group: a stage comes after the exit, too.
#[test]
fn a_stage_after_the_exit_is_a_stage() {
    let config = Config {
        ladder: Ladder::from([stage(Signal::INT, 2), stage(Signal::KILL, 9)]),
        sweep: Sweep::Never,
        ..Config::default()
    };
    let story = story(
        &config,
        &[
            (1, Event::Terminate),
            (2, Event::ChildExited(ExitStatus::Code(0))),
            (3, Event::Tick),
            (4, Event::OutputClosed),
        ],
    );
    assert_eq!(
        told(&story, Kind::Stage),
        [
            "+1.000s stage 1 of the ladder: SIGINT to the group, for 1s",
            "+3.000s stage 2 of the ladder: SIGKILL to the group, for 1s",
        ]
    );
}

#[test]
fn to_be_killed_at_once_is_a_ladder_of_its_own() {
    let config = Config::default();
    let story = story(
        &config,
        &[
            (1, Event::Terminate),
            (2, Event::Kill),
            (3, Event::OutputClosed),
            (3, Event::ChildExited(ExitStatus::Signal(Signal::KILL))),
        ],
    );
    let stages = told(&story, Kind::Stage);
    assert_eq!(
        stages[1],
        "+2.000s stage 1 of the ladder: SIGKILL to the group, for 1s"
    );
}

#[test]
fn no_fuse_burns_while_the_run_is_suspended() {
    let story = story(
        &idle(4),
        &[
            (1, output(10)),
            (2, Event::Suspended),
            (10, Event::Resumed),
            (13, Event::Tick),
        ],
    );
    assert_eq!(
        told(&story, Kind::Suspension),
        ["+2.000s suspended for 8s: every deadline waits"]
    );
    assert_eq!(
        told(&story, Kind::Deadline),
        ["+13.000s idle timeout: no activity after 4s"]
    );
    let width = story.flow.width();
    let passed = |millis: u64| {
        let slice = usize::try_from(millis * 1_000_000 / width).expect("small");
        story.flow.slices()[slice]
            .fuse
            .map_or(0, |(passed, _)| passed)
    };
    // A slice is some 30 ms.
    assert!((230..=250).contains(&passed(1_950)), "{}", passed(1_950));
    assert_eq!(passed(6_000), 0);
    assert!((500..=510).contains(&passed(11_000)), "{}", passed(11_000));
    assert_eq!(passed(13_000), 1000);
}

#[test]
fn a_notification_that_takes_too_long_is_over_then() {
    let config = Config {
        notification_timeout: Some(Duration::from_secs(2)),
        final_notification: true,
        ..Config::default()
    };
    let second = NotificationId::new(2).expect("a ticket");
    let story = story(
        &config,
        &[
            (1, Event::Notify),
            (3, Event::Tick),
            (4, Event::OutputClosed),
            (4, Event::ChildExited(ExitStatus::Signal(Signal::INT))),
            (
                5,
                Event::NotifyDone {
                    id: NotificationId::FIRST,
                    ok: true,
                },
            ),
            (
                6,
                Event::NotifyDone {
                    id: second,
                    ok: true,
                },
            ),
        ],
    );
    assert_eq!(
        told(&story, Kind::Notification),
        [
            "+1.000s notification (requested) timed out after 2s",
            "+4.000s notification (final) took 2s",
        ]
    );
    assert_eq!(story.failure.map(|(at, _)| at), Some(3_000_000_000));
}

#[test]
fn silence_is_what_is_no_activity_and_merged_output_is_none() {
    let record = r#"{"flight_record":1,"name":"x","config":{"activity":"stdout"}}
{"at_ns":0,"event":{"type":"started"},"actions":[]}
{"at_ns":4000000000,"event":{"type":"output","stream":"stderr","bytes":5},"actions":[]}
{"at_ns":6000000000,"event":{"type":"output","bytes":5},"actions":[]}
{"at_ns":9000000000,"event":{"type":"output","bytes":100,"count":50},"actions":[]}
{"at_ns":9000000000,"stopped":true}
"#;
    let mut stories = Vec::new();
    read("record", record.as_bytes(), &mut stories).expect("a record");
    let story = &stories[0];
    assert_eq!(
        told(story, Kind::Silence),
        ["+0.000000s silent for 6s", "+6.000s silent for 2s"]
    );
    assert_eq!(story.bytes, [105, 5]);
    let written = story
        .flow
        .slices()
        .iter()
        .filter(|slice| slice.bytes[0] > 0.0);
    // The last second, and the moment before that.
    let second = 1_000_000_000 / story.flow.width();
    let count = written.count() as u64;
    assert!((second..second + 4).contains(&count), "{count} of {second}");
}
