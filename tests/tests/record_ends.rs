//! How a record ends: with its runs, before them, or at a limit; and the faults that only a replay finds.

use std::io::{self, BufReader, Read};

use childminder::{Action, Config, Event, ExitStatus, Instant, MonitorState, Stream};
use childminder_record::{
    Cut, CutShort, Fault, Finding, Header, Reader, Recorded, Recorder, Replay, Scene, SharedRecord,
};

const HEADER: &str = r#"{"flight_record":1,"name":"example","config":{}}"#;
const STARTED: &str = r#"{"at_ns":0,"event":{"type":"started"},"actions":[]}"#;
const CLOSED: &str = r#"{"at_ns":7,"event":{"type":"output_closed"},"actions":[]}"#;
const EXITED: &str = r#"{"at_ns":8,"event":{"type":"child_exited","code":0},"actions":[{"type":"reap"},{"type":"finish"}]}"#;

#[test]
fn a_run_with_its_end_is_whole() {
    assert_eq!(ends(&[HEADER, STARTED, CLOSED, EXITED]), [""; 0]);
    let twice = [
        HEADER, STARTED, CLOSED, EXITED, HEADER, STARTED, CLOSED, EXITED,
    ];
    assert_eq!(ends(&twice), [""; 0]);
}

#[test]
fn a_run_without_its_end_is_cut_short() {
    let cut =
        |line| format!("line {line}: the record is cut short: run \"example\" has no `finish`");
    assert_eq!(ends(&[HEADER]), [cut(1)]);
    assert_eq!(ends(&[HEADER, STARTED, CLOSED]), [cut(3)]);
    assert_eq!(
        ends(&[HEADER, STARTED, HEADER, STARTED, CLOSED]),
        [cut(2), cut(5)]
    );

    let numbered = |line: &str, run| line.replacen('{', &format!("{{\"run\":{run},"), 1);
    let lines: Vec<_> = [
        (HEADER, 1),
        (HEADER, 2),
        (STARTED, 2),
        (STARTED, 1),
        (CLOSED, 1),
        (EXITED, 1),
    ]
    .map(|(line, run)| numbered(line, run))
    .into();
    assert_eq!(ends(&lines), [cut(3)]);
}

#[test]
fn a_record_of_another_program_need_not_finish() {
    let header = HEADER.replacen('{', "{\"compare\":[\"send_signal\"],", 1);
    assert_eq!(ends(&[&header, STARTED, CLOSED]), [""; 0]);
    // What our monitor would refuse is nothing.
    assert_eq!(ends(&[&header, STARTED, CLOSED, CLOSED]), [""; 0]);
    let torn = ends(&[&header, STARTED, &CLOSED[..20]]);
    assert_eq!(torn, ["line 3: the record is cut short in this line"]);
}

#[test]
fn a_line_that_is_cut_is_the_end() {
    let whole = [HEADER, STARTED, CLOSED, EXITED].join("\n");
    let cut = "line 4: the record is cut short: run \"example\" has no `finish`";
    for length in 1..EXITED.len() {
        let torn = &whole[..whole.len() - length];
        assert_eq!(found(torn), [cut], "{torn}");
        let (run, rest) = only_run(torn);
        assert!(run.is_cut_short() && rest == 0);
        assert_eq!(run.steps.len(), 2);
    }
    let torn = format!("{whole}\n{}", &HEADER[..HEADER.len() - 1]);
    assert_eq!(
        found(&torn),
        ["line 5: the record is cut short in this line"]
    );

    // Within a character of more than a byte.
    let torn = [
        whole.as_bytes(),
        b"\n{\"flight_record\":1,\"name\":\"\xe2\x80",
    ]
    .concat();
    let found: Vec<_> = Replay::new(torn.as_slice())
        .collect::<Result<_, _>>()
        .expect("a record");
    let [
        Finding::CutShort(CutShort {
            line: 5,
            how: Cut::InALine,
        }),
    ] = found[..]
    else {
        panic!("{found:?}");
    };
}

#[test]
fn a_line_that_is_cut_in_the_middle_of_a_record_is_no_line() {
    let record = [HEADER, &STARTED[..9], CLOSED].join("\n");
    assert_eq!(
        fault(&record),
        "line 2: not JSON at byte 9: the line ends too early; a line must be one whole JSON object"
    );
    let header = &HEADER[..HEADER.len() - 1];
    assert!(fault(header).starts_with("line 1: not JSON"));
}

#[test]
fn a_recorder_stops_at_its_limit() {
    for limit in (0..3000).step_by(7) {
        let mut text = Vec::new();
        let recorder = Recorder::new(&mut text, "limited", &Config::default());
        let mut recorder = recorder.expect("memory").limited(limit);
        live(&mut recorder);
        let was_stopped = recorder.is_stopped();
        let is_stopped = recorder.finish().expect("memory") == Recorded::Stopped;
        assert!(is_stopped || !was_stopped);
        let header = text
            .split(|byte| *byte == b'\n')
            .next()
            .expect("a header")
            .len() as u64;
        let least = header + 80;
        assert!(
            text.len() as u64 <= limit.max(least),
            "{limit}: {}",
            text.len()
        );

        let text = str::from_utf8(&text).expect("UTF-8");
        let found = found(text);
        assert_eq!(is_stopped, found.len() == 1, "{limit}: {found:?}");
        let (run, _) = only_run(text);
        assert_eq!(run.stopped_at.is_some(), is_stopped);
        if let Some(at) = run.stopped_at {
            let line = text.lines().count();
            assert_eq!(
                found[0],
                format!(
                    "line {line}: the record of run \"limited\" was stopped at {} ns, before the run ended",
                    at.0
                )
            );
            assert!(!run.is_cut_short());
        }
    }
}

#[test]
fn a_recorder_can_be_stopped() {
    let mut text = Vec::new();
    let record = SharedRecord::new(&mut text);
    let mut one = record.begin("one", &Config::default()).expect("memory");
    let mut two = record.begin("two", &Config::default()).expect("memory");
    one.event(Instant(3), Event::Started).expect("memory");
    one.event(Instant(5), Event::Tick).expect("memory");
    live(&mut two);
    // A run that has finished is whole.
    for recorder in [&mut two, &mut one] {
        recorder.stop().expect("memory");
        recorder.event(Instant(9), Event::Tick).expect("memory");
        recorder.action(Action::Reap);
        recorder.stop().expect("memory");
    }
    assert_eq!(two.finish().expect("memory"), Recorded::Whole);
    assert_eq!(one.finish().expect("memory"), Recorded::Stopped);
    drop(record);
    let text = str::from_utf8(&text).expect("UTF-8");
    assert_eq!(
        text.lines().last(),
        Some(r#"{"run":1,"at_ns":2,"stopped":true}"#)
    );
    assert_eq!(found(text).len(), 1);

    let more = format!(
        "{text}{}\n",
        r#"{"run":1,"at_ns":5,"event":{"type":"tick"},"actions":[]}"#
    );
    assert!(fault(&more).ends_with(
        "a step of run 1, which is not open; a run begins with its header and ends with `finish`"
    ));
}

#[test]
fn a_step_that_the_monitor_refuses_is_a_fault_of_the_record() {
    let refused = |line, event, why: &str| {
        format!(
            "line {line}: the event `{event}` makes no sense here: {why}; a record has only events that the monitor took"
        )
    };
    assert_eq!(
        fault(&[HEADER, STARTED, STARTED].join("\n")),
        refused(3, "started", "`Started` cannot come a second time")
    );
    assert_eq!(
        fault(&[HEADER, STARTED, CLOSED, EXITED, &CLOSED.replace('7', "8")].join("\n")),
        refused(
            5,
            "output_closed",
            "`OutputClosed` cannot come after the run has ended"
        )
    );
    let begins =
        |event| format!("line 2: the run begins with `{event}`; it must begin with `started`");
    assert_eq!(fault(&[HEADER, CLOSED].join("\n")), begins("output_closed"));
    let tick = r#"{"at_ns":0,"event":{"type":"tick"},"actions":[]}"#;
    assert_eq!(fault(&[HEADER, tick].join("\n")), begins("tick"));

    let error = Replay::new([HEADER, STARTED, STARTED].join("\n").as_bytes()).find_map(Result::err);
    let error = error.expect("a fault");
    assert!(matches!(error.fault, Fault::Refused { .. }));
    assert!(std::error::Error::source(&error).is_some());

    // Of a run in memory it is a difference, which has nothing to expect.
    let (run, _) = only_run(&[HEADER, STARTED, STARTED].join("\n"));
    let difference = childminder_record::replay(&run).expect("a refusal");
    assert_eq!(
        (
            difference.line,
            difference.expected.len(),
            difference.came.len()
        ),
        (3, 0, 0)
    );
    assert!(difference.refused.is_some());
}

#[test]
fn times_that_run_backwards_are_a_fault_of_the_record() {
    let later = STARTED.replace('0', "9");
    assert_eq!(
        fault(&[HEADER, &later, CLOSED].join("\n")),
        "line 3: `at_ns` is 7, and 9 in the step before; the times of a run must not run backwards"
    );
}

#[test]
fn a_difference_is_told_before_the_end_is_read() {
    let wrong = STARTED.replace("[]", r#"[{"type":"reap"}]"#);
    let begin = format!("{HEADER}\n{wrong}\n");
    let mut replay = Replay::new(BufReader::new(begin.as_bytes().chain(Endless)));
    let Some(Ok(Finding::Difference(difference))) = replay.next() else {
        panic!("there is one");
    };
    assert_eq!(difference.line, 2);
    assert_eq!(
        replay.summary().to_string(),
        "1 runs, 1 steps, 1 differences"
    );
}

/// Those of a run that differs too, which goes on as the monitor decides.
#[test]
fn a_replay_shows_every_step() {
    let record = concat!(
        r#"{"flight_record":1,"name":"a","run":1,"config":{}}"#,
        "\n",
        r#"{"run":1,"at_ns":0,"event":{"type":"started"},"actions":[{"type":"reap"}]}"#,
        "\n",
        r#"{"flight_record":1,"name":"b","run":2,"config":{}}"#,
        "\n",
        r#"{"run":1,"at_ns":5,"event":{"type":"terminate"},"actions":[]}"#,
        "\n",
        r#"{"run":1,"at_ns":6,"event":{"type":"started"},"actions":[]}"#,
        "\n",
        r#"{"run":2,"at_ns":7,"stopped":true}"#,
    );
    let mut shown = Vec::new();
    let mut replay = Replay::new(record.as_bytes());
    let mut found = 0;
    let mut watch = |scene: Scene<'_>| {
        shown.push(match scene {
            Scene::Header(run) => run.name.clone(),
            Scene::Step {
                run,
                step,
                actions,
                monitor,
            } => {
                let is_ending = monitor.is_terminating();
                format!("{} {} {} {is_ending}", run.name, step.line, actions.len())
            }
            Scene::Stopped { run, at } => format!("{} stopped {}", run.name, at.0),
            _ => "something else".to_owned(),
        });
    };
    while let Some(finding) = replay.next_watched(&mut watch) {
        finding.expect("a record");
        found += 1;
    }
    let steps = ["a 2 0 false", "b", "a 4 2 true", "a 5 0 true"];
    assert_eq!(shown, [&["a"], &steps[..], &["b stopped 7"]].concat());
    assert_eq!(found, 3, "it differs, and both end early");
}

#[test]
fn a_name_that_is_too_long_for_a_line_is_cut() {
    let name = "\u{1}é".repeat(1 << 20);
    let mut text = Vec::new();
    let config = Config::default();
    let header = Header::new(&name, &config).on_host(&name);
    drop(Recorder::with_header(&mut text, header).expect("memory"));
    let (run, _) = only_run(str::from_utf8(&text).expect("UTF-8"));
    for kept in [run.name, run.host.expect("a host")] {
        let kept = kept.strip_suffix('…').expect("it was cut");
        assert!(name.starts_with(kept));
        assert!(kept.len() > Recorder::<Vec<u8>>::LONGEST_NAME - 4);
    }
}

/// The whole life of a child that says much, on both streams.
fn live<W: io::Write>(recorder: &mut Recorder<W>) {
    let mut monitor = MonitorState::new(Config::default());
    let outputs = (0..20).map(|number| Event::Output {
        stream: Stream::ALL[number % 2],
        bytes: 5,
    });
    let end = [Event::OutputClosed, Event::ChildExited(ExitStatus::Code(0))];
    let events = [Event::Started].into_iter().chain(outputs).chain(end);
    for (at, event) in (0..).map(Instant).zip(events) {
        recorder.event(at, event).expect("memory");
        monitor.handle(at, event).expect("in order");
        while let Some(action) = monitor.poll_action() {
            recorder.action(action);
        }
    }
}

/// What a replay finds in these lines, none of which is a difference.
fn ends(lines: &[impl AsRef<str>]) -> Vec<String> {
    let lines: Vec<_> = lines.iter().map(AsRef::as_ref).collect();
    found(&lines.join("\n"))
}

#[track_caller]
fn found(record: &str) -> Vec<String> {
    let found = Replay::new(record.as_bytes()).map(|found| match found {
        Ok(Finding::CutShort(cut)) => cut.to_string(),
        Ok(Finding::Difference(difference)) => panic!("{difference}"),
        Err(error) => panic!("{error}"),
    });
    found.collect()
}

fn fault(record: &str) -> String {
    let error = Replay::new(record.as_bytes()).find_map(Result::err);
    error.expect("a fault").to_string()
}

/// The first run, and how many more there are.
fn only_run(record: &str) -> (childminder_record::Run, usize) {
    let mut runs = Reader::new(record.as_bytes());
    let run = runs.next().expect("a run").expect("a record");
    (run, runs.count())
}

/// Steps for ever.
struct Endless;

impl Read for Endless {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let tick = br#"{"at_ns":0,"event":{"type":"tick"},"actions":[]}"#;
        let step = [tick, &b"\n"[..]].concat();
        bytes[..step.len()].copy_from_slice(&step);
        Ok(step.len())
    }
}
