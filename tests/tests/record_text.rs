//! The exact text of a record: what is written today must be readable, and written, tomorrow.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use childminder::{
    Action, Activity, Config, Error, Event, ExitStatus, FailureId, Instant, Ladder, MonitorState,
    NotificationId, NotificationKind, Outcome, Signal, Stage, Strays, Stream, Sweep, Target,
};
use childminder_record::{Header, Reader, Recorder, replay};

/// The ancestor's example: it falls silent after a notification, and is interrupted.
const STALLED: &str = r#"{"flight_record":1,"name":"stalled","config":{"idle_timeout_ns":1000000000,"first_output_timeout_ns":null,"run_timeout_ns":null,"notification_timeout_ns":null,"heartbeat_interval_ns":null,"drain_timeout_ns":null,"activity":"any","ladder":[{"signal":2,"target":"leader","wait_ns":5000000000},{"signal":9,"target":"leader","wait_ns":null}],"sweep":"never","stray_timeout_ns":null,"final_notification":false,"warn_timeout_ns":null}}
{"at_ns":0,"event":{"type":"started"},"actions":[{"type":"schedule_timer","at_ns":1000000000}]}
{"at_ns":0,"event":{"type":"notify","id":1},"actions":[{"type":"run_notification","id":1,"kind":"requested"}]}
{"at_ns":5000000000,"event":{"type":"tick"},"actions":[{"type":"record_error","error":{"type":"idle_timeout"},"first":true},{"type":"send_signal","signal":2,"target":"leader"},{"type":"schedule_timer","at_ns":10000000000}]}
"#;

#[test]
fn a_run_is_written_to_the_letter() {
    // The caller's clock began long before the run.
    let start = Instant(77_000_000_000);
    let late = start.after(Duration::from_secs(5));
    let config = Config::launchpad(Duration::from_secs(1));
    let mut monitor = MonitorState::new(config);

    let text = recorded("stalled", &config, |recorder| {
        monitor.handle(start, Event::Started).expect("in order");
        recorder.event(start, Event::Started)?;
        drain(&mut monitor, recorder);
        let id = monitor.notify(start).expect("in order");
        recorder.notify(start, id)?;
        drain(&mut monitor, recorder);
        monitor.handle(late, Event::Tick).expect("in order");
        recorder.event(late, Event::Tick)?;
        drain(&mut monitor, recorder);
        Ok(())
    });

    assert_eq!(text, STALLED);
}

#[test]
fn the_text_is_read_back_and_replays() {
    let run = Reader::new(STALLED.as_bytes())
        .next()
        .expect("a run")
        .expect("the text is right");
    assert_eq!(run.config, Config::launchpad(Duration::from_secs(1)));
    assert_eq!(replay(&run), None);
}

#[test]
fn every_key_of_the_config_is_written() {
    let stage = Stage {
        signal: Signal::TERM,
        target: Target::Group,
        wait: Some(Duration::from_nanos(u64::MAX - 1)),
    };
    let config = Config {
        idle_timeout: Some(Duration::from_nanos(1)),
        first_output_timeout: Some(Duration::from_nanos(2)),
        run_timeout: Some(Duration::from_nanos(3)),
        notification_timeout: Some(Duration::from_nanos(4)),
        heartbeat_interval: Some(Duration::from_nanos(5)),
        final_notification: true,
        warn_timeout: Some(Duration::from_nanos(7)),
        drain_timeout: Some(Duration::ZERO),
        activity: Activity::Explicit,
        ladder: Ladder::from([stage]),
        sweep: Sweep::Always,
        stray_timeout: Some(Duration::from_nanos(6)),
    };
    assert_eq!(
        recorded("a \"name\"\n", &config, |_| Ok(())),
        concat!(
            r#"{"flight_record":1,"name":"a \"name\"\n","config":{"idle_timeout_ns":1,"#,
            r#""first_output_timeout_ns":2,"run_timeout_ns":3,"notification_timeout_ns":4,"#,
            r#""heartbeat_interval_ns":5,"drain_timeout_ns":0,"activity":"explicit","#,
            r#""ladder":[{"signal":15,"target":"group","wait_ns":18446744073709551614}],"#,
            r#""sweep":"always","stray_timeout_ns":6,"final_notification":true,"warn_timeout_ns":7}}"#,
            "\n"
        )
    );
}

#[test]
fn where_and_when_it_began_is_written_if_it_is_known() {
    let config = Config::launchpad(Duration::from_secs(1));
    let header = Header::new("x", &config);
    let after = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
    let before_1970 = UNIX_EPOCH - Duration::from_nanos(1);
    let too_late = after(u64::MAX) + Duration::from_nanos(1);
    let host = r#","host":"a \"node\"\n""#;
    for (header, written) in [
        (header, String::new()),
        (header.on_host("a \"node\"\n"), host.to_owned()),
        (
            header.started_at(after(1_700_000_000_123_456_789)),
            r#","started_unix_ns":1700000000123456789"#.to_owned(),
        ),
        (
            header
                .on_host("a \"node\"\n")
                .started_at(SystemTime::UNIX_EPOCH),
            format!("{host},\"started_unix_ns\":0"),
        ),
        (
            header.started_at(after(u64::MAX)),
            format!(",\"started_unix_ns\":{}", u64::MAX),
        ),
        (header.started_at(before_1970), String::new()),
        (header.started_at(too_late), String::new()),
    ] {
        let mut text = Vec::new();
        let recorder = Recorder::with_header(&mut text, header).expect("memory");
        recorder.finish().expect("memory");
        let text = String::from_utf8(text).expect("UTF-8");
        let (_, after_config) = text
            .split_once(r#""warn_timeout_ns":null}"#)
            .expect("it is last");
        assert_eq!(after_config, format!("{written}}}\n"));
    }
}

#[test]
fn every_event_has_its_text() {
    let id = NotificationId::FIRST;
    let stderr = Stream::Stderr;
    let limit = Duration::from_nanos(8);
    let texts = [
        (Event::Started, r#"{"type":"started"}"#),
        (
            Event::Output {
                stream: stderr,
                bytes: 3,
            },
            r#"{"type":"output","stream":"stderr","bytes":3}"#,
        ),
        (Event::Progress, r#"{"type":"progress"}"#),
        (Event::Ready, r#"{"type":"ready"}"#),
        (Event::Tick, r#"{"type":"tick"}"#),
        (Event::Notify, r#"{"type":"notify"}"#),
        (
            Event::NotifyDone { id, ok: false },
            r#"{"type":"notify_done","id":1,"ok":false}"#,
        ),
        (Event::Fail, r#"{"type":"fail"}"#),
        (Event::Terminate, r#"{"type":"terminate"}"#),
        (Event::Escalate, r#"{"type":"escalate"}"#),
        (Event::Kill, r#"{"type":"kill"}"#),
        (
            Event::PassOn {
                signal: Signal::HUP,
                target: Target::Leader,
            },
            r#"{"type":"pass_on","signal":1,"target":"leader"}"#,
        ),
        (
            Event::StraysSeen {
                living: 2,
                immune: 1,
            },
            r#"{"type":"strays_seen","living":2,"immune":1}"#,
        ),
        (Event::StraysUnseen, r#"{"type":"strays_unseen"}"#),
        (
            Event::SetIdleTimeout(Some(limit)),
            r#"{"type":"set_idle_timeout","idle_timeout_ns":8}"#,
        ),
        (
            Event::SetIdleTimeout(None),
            r#"{"type":"set_idle_timeout","idle_timeout_ns":null}"#,
        ),
        (
            Event::SetLadder(Config::launchpad(limit).ladder),
            r#"{"type":"set_ladder","ladder":[{"signal":2,"target":"leader","wait_ns":5000000000},{"signal":9,"target":"leader","wait_ns":null}]}"#,
        ),
        (Event::OutputClosed, r#"{"type":"output_closed"}"#),
        (
            Event::ChildExited(ExitStatus::Code(-1)),
            r#"{"type":"child_exited","code":-1}"#,
        ),
        (
            Event::ChildExited(ExitStatus::Signal(Signal::KILL)),
            r#"{"type":"child_exited","signal":9}"#,
        ),
        (
            Event::ChildExited(ExitStatus::Lost),
            r#"{"type":"child_exited","lost":true}"#,
        ),
        (Event::Suspended, r#"{"type":"suspended"}"#),
        (Event::Resumed, r#"{"type":"resumed"}"#),
    ];
    let text = recorded("events", &Config::default(), |recorder| {
        texts
            .iter()
            .try_for_each(|(event, _)| recorder.event(Instant::ZERO, *event))
    });
    let steps = texts.map(|(_, text)| format!(r#"{{"at_ns":0,"event":{text},"actions":[]}}"#));
    assert_eq!(lines_after_header(&text), steps);

    let run = Reader::new(text.as_bytes()).next().expect("a run");
    let read: Vec<_> = run
        .expect("as written")
        .steps
        .iter()
        .map(|step| step.event)
        .collect();
    assert_eq!(read, texts.map(|(event, _)| event));
}

#[test]
fn every_error_has_its_text() {
    let id = NotificationId::FIRST;
    let failure = FailureId::new(4).expect("not zero");
    let record_error = |error| Action::RecordError {
        error,
        first: false,
    };
    let killed = ExitStatus::Signal(Signal::KILL);
    check_texts(&[
        (
            record_error(Error::IdleTimeout),
            r#"{"type":"record_error","error":{"type":"idle_timeout"},"first":false}"#,
        ),
        (
            record_error(Error::FirstOutputTimeout),
            r#"{"type":"record_error","error":{"type":"first_output_timeout"},"first":false}"#,
        ),
        (
            record_error(Error::RunTimeout),
            r#"{"type":"record_error","error":{"type":"run_timeout"},"first":false}"#,
        ),
        (
            record_error(Error::Exit(ExitStatus::Code(3))),
            r#"{"type":"record_error","error":{"type":"exit","code":3},"first":false}"#,
        ),
        (
            record_error(Error::Exit(killed)),
            r#"{"type":"record_error","error":{"type":"exit","signal":9},"first":false}"#,
        ),
        (
            record_error(Error::Exit(ExitStatus::Lost)),
            r#"{"type":"record_error","error":{"type":"exit","lost":true},"first":false}"#,
        ),
        (
            record_error(Error::Notification(id)),
            r#"{"type":"record_error","error":{"type":"notification","id":1},"first":false}"#,
        ),
        (
            record_error(Error::NotificationTimeout(id)),
            r#"{"type":"record_error","error":{"type":"notification_timeout","id":1},"first":false}"#,
        ),
        (
            record_error(Error::External(failure)),
            r#"{"type":"record_error","error":{"type":"external","id":4},"first":false}"#,
        ),
        (
            record_error(Error::Unkillable),
            r#"{"type":"record_error","error":{"type":"unkillable"},"first":false}"#,
        ),
    ]);
}

#[test]
fn every_action_has_its_text() {
    let id = NotificationId::FIRST;
    let finish = |error, exit| {
        let mut outcome = Outcome::default();
        outcome.error = error;
        outcome.exit = exit;
        outcome.terminated = true;
        outcome.strays = Strays::Killed;
        Action::Finish(outcome)
    };
    check_texts(&[
        (
            Action::SendSignal {
                signal: Signal::HUP,
                target: Target::Group,
            },
            r#"{"type":"send_signal","signal":1,"target":"group"}"#,
        ),
        (Action::Warn, r#"{"type":"warn"}"#),
        (Action::KillStrays, r#"{"type":"kill_strays"}"#),
        (Action::LookForStrays, r#"{"type":"look_for_strays"}"#),
        (
            Action::DiscardNotifications {
                first: id,
                last: id,
            },
            r#"{"type":"discard_notifications","first":1,"last":1}"#,
        ),
        (
            Action::RunNotification {
                id,
                kind: NotificationKind::Heartbeat,
            },
            r#"{"type":"run_notification","id":1,"kind":"heartbeat"}"#,
        ),
        (
            Action::ScheduleTimer(Some(Instant(6))),
            r#"{"type":"schedule_timer","at_ns":6}"#,
        ),
        (
            Action::ScheduleTimer(None),
            r#"{"type":"schedule_timer","at_ns":null}"#,
        ),
        (Action::Reap, r#"{"type":"reap"}"#),
        (
            finish(None, Some(ExitStatus::Code(0))),
            r#"{"type":"finish","error":null,"exit":{"code":0},"leaked":false,"terminated":true,"strays":"killed"}"#,
        ),
        (
            finish(Some(Error::IdleTimeout), Some(ExitStatus::Lost)),
            r#"{"type":"finish","error":{"type":"idle_timeout"},"exit":{"lost":true},"leaked":false,"terminated":true,"strays":"killed"}"#,
        ),
        (
            finish(Some(Error::Unkillable), None),
            r#"{"type":"finish","error":{"type":"unkillable"},"exit":null,"leaked":false,"terminated":true,"strays":"killed"}"#,
        ),
    ]);
}

#[test]
fn each_step_is_written_whole_as_soon_as_the_next_begins() {
    let mut out = Flushed::default();
    let mut recorder = Recorder::new(&mut out, "dies", &Config::default()).expect("memory");
    recorder
        .event(Instant::ZERO, Event::Started)
        .expect("memory");
    recorder.event(Instant(1), Event::Tick).expect("memory");
    recorder.action(Action::Reap);
    // The process dies here: nothing of it is dropped.
    std::mem::forget(recorder);
    assert_eq!(out.whole_lines(), 2);
}

#[test]
fn a_recorder_that_is_dropped_writes_its_last_step() {
    let mut out = Flushed::default();
    let mut recorder = Recorder::new(&mut out, "panics", &Config::default()).expect("memory");
    recorder
        .event(Instant::ZERO, Event::Started)
        .expect("memory");
    drop(recorder);
    assert_eq!(out.whole_lines(), 2);
}

#[test]
fn outputs_that_follow_each_other_are_one_step() {
    let out = |at, bytes| (at, Stream::Stdout, bytes);
    let err = |at, bytes| (at, Stream::Stderr, bytes);
    let second = 1_000_000_000;
    for (outputs, steps) in [
        // The first stays alone.
        (vec![out(1, 5), out(2, 6)], vec!["1 stdout 5", "2 stdout 6"]),
        (
            vec![out(1, 5), out(2, 6), out(4, 7), out(9, 1)],
            vec!["1 stdout 5", "9 stdout 14 of 3"],
        ),
        // Those of the other stream are something between.
        (
            vec![out(1, 5), out(2, 6), err(3, 7), err(4, 8), out(5, 1)],
            vec!["1 stdout 5", "2 stdout 6", "4 stderr 15 of 2", "5 stdout 1"],
        ),
        // Nothing is no activity, whose time must not change.
        (
            vec![out(1, 5), out(2, 6), out(3, 0), out(4, 7), out(5, 8)],
            vec!["1 stdout 5", "2 stdout 6", "3 stdout 0", "5 stdout 15 of 2"],
        ),
        (
            vec![out(1, 0), out(2, 6), out(3, 7), out(4, 8)],
            vec!["1 stdout 0", "2 stdout 6", "4 stdout 15 of 2"],
        ),
        // For a second.
        (
            vec![
                out(1, 5),
                out(2, 6),
                out(second + 2, 7),
                out(second + 3, 8),
                out(second + 4, 9),
            ],
            vec![
                "1 stdout 5",
                "1000000002 stdout 13 of 2",
                "1000000004 stdout 17 of 2",
            ],
        ),
        (
            vec![out(1, 5), out(2, u64::MAX), out(3, 1)],
            vec!["1 stdout 5", "2 stdout 18446744073709551615", "3 stdout 1"],
        ),
    ] {
        let text = recorded("outputs", &Config::default(), |recorder| {
            recorder.event(Instant::ZERO, Event::Started)?;
            outputs.iter().try_for_each(|&(at, stream, bytes)| {
                recorder.event(Instant(at), Event::Output { stream, bytes })
            })
        });
        let run = Reader::new(text.as_bytes()).next().expect("a run");
        let read = run.expect("as written").steps.into_iter().skip(1);
        let read: Vec<_> = read
            .map(|step| {
                let Event::Output { stream, bytes } = step.event else {
                    panic!("{step:?}");
                };
                let of = match step.count {
                    1 => String::new(),
                    count => format!(" of {count}"),
                };
                format!("{} {} {bytes}{of}", step.at.0, stream.name())
            })
            .collect();
        assert_eq!(read, steps);
    }
}

#[test]
fn merged_outputs_have_their_text() {
    let text = recorded("outputs", &Config::default(), |recorder| {
        let stream = Stream::Stderr;
        (0..4).try_for_each(|at| recorder.event(Instant(at), Event::Output { stream, bytes: 3 }))
    });
    assert_eq!(
        lines_after_header(&text)[1],
        r#"{"at_ns":3,"event":{"type":"output","stream":"stderr","bytes":9,"count":3},"actions":[]}"#
    );
}

#[test]
fn an_output_that_something_came_of_is_not_merged() {
    let stream = Stream::Stdout;
    let text = recorded("outputs", &Config::default(), |recorder| {
        for at in 0..6 {
            recorder.event(Instant(at), Event::Output { stream, bytes: 1 })?;
            if at == 3 {
                recorder.action(Action::ScheduleTimer(None));
            }
        }
        Ok(())
    });
    let times: Vec<_> = lines_after_header(&text)
        .iter()
        .map(|line| &line[..11])
        .collect();
    assert_eq!(
        times,
        [
            "{\"at_ns\":0,",
            "{\"at_ns\":2,",
            "{\"at_ns\":3,",
            "{\"at_ns\":5,"
        ]
    );
}

#[test]
fn outputs_are_written_when_something_else_begins() {
    let mut out = Flushed::default();
    let mut recorder = Recorder::new(&mut out, "dies", &Config::default()).expect("memory");
    for at in 0..9 {
        let (stream, bytes) = (Stream::Stdout, 1);
        recorder
            .event(Instant(at), Event::Output { stream, bytes })
            .expect("memory");
    }
    recorder.event(Instant(9), Event::Tick).expect("memory");
    std::mem::forget(recorder);
    assert_eq!(out.whole_lines(), 3);
}

#[test]
fn an_error_of_the_output_is_told_once_and_nothing_is_written_twice() {
    let mut out = Full { room: 1 };
    let mut recorder = Recorder::new(&mut out, "full", &Config::default()).expect("room for it");
    recorder
        .event(Instant::ZERO, Event::Started)
        .expect("it is not written yet");
    let error = recorder.event(Instant::ZERO, Event::Tick).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(recorder.finish().is_err());
}

/// Keeps what was flushed.
#[derive(Default)]
struct Flushed {
    buffered: Vec<u8>,
    flushed: String,
}

impl Flushed {
    fn whole_lines(&self) -> usize {
        assert!(self.flushed.ends_with('\n'), "the last line is whole");
        self.flushed.lines().count()
    }
}

impl Write for Flushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffered.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = str::from_utf8(&self.buffered).expect("UTF-8");
        self.flushed.push_str(text);
        self.buffered.clear();
        Ok(())
    }
}

/// Takes a few writes and no more.
struct Full {
    room: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Each action is written as its text, and what is read back matches it and no other.
fn check_texts(texts: &[(Action, &str)]) {
    let text = recorded("actions", &Config::default(), |recorder| {
        recorder.event(Instant::ZERO, Event::Tick)?;
        for (action, _) in texts {
            recorder.action(*action);
        }
        Ok(())
    });
    let actions: Vec<_> = texts.iter().map(|(_, text)| *text).collect();
    let actions = actions.join(",");
    let step = format!(r#"{{"at_ns":0,"event":{{"type":"tick"}},"actions":[{actions}]}}"#);
    assert_eq!(lines_after_header(&text), [step]);

    let run = Reader::new(text.as_bytes()).next().expect("a run");
    let read = &run.expect("as written").steps[0].actions;
    for (index, recorded) in read.iter().enumerate() {
        for (other, (action, text)) in texts.iter().enumerate() {
            assert_eq!(
                recorded.matches(*action),
                index == other,
                "{recorded}, {text}"
            );
        }
    }
}

fn recorded(
    name: &str,
    config: &Config,
    run: impl FnOnce(&mut Recorder<&mut Vec<u8>>) -> io::Result<()>,
) -> String {
    let mut record = Vec::new();
    let mut recorder = Recorder::new(&mut record, name, config).expect("memory");
    run(&mut recorder).expect("memory");
    recorder.finish().expect("memory");
    String::from_utf8(record).expect("UTF-8")
}

fn drain(monitor: &mut MonitorState, recorder: &mut Recorder<&mut Vec<u8>>) {
    while let Some(action) = monitor.poll_action() {
        recorder.action(action);
    }
}

fn lines_after_header(text: &str) -> Vec<&str> {
    text.lines().skip(1).collect()
}
