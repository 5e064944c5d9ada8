//! Handlers under the driver that ships: each test reads like the rule it shows.

use std::io;
use std::time::Duration;

use childminder::{Config, Error, ExitStatus, Outcome, Signal, Stream};
use childminder_driver::{Answer, Control, Discarded, Failure, Handler, Job, Trigger};
use childminder_sim::{
    Driven, Lived, Moment, NotLived, Pace, Payload, Reply, Request, Rule, Scenario, Script, Seen,
    Simulator, Weather, live,
};

#[test]
fn what_is_printed_is_delivered() {
    for trigger in [Trigger::Level, Trigger::Edge] {
        let child = Script::new()
            .prints(Stream::Stdout, "one\n")
            .sleeps(SECOND)
            .prints(Stream::Stderr, "two\n")
            .prints(Stream::Stdout, "three")
            .exits(0);
        let scenario = Scenario::new(&child).with_weather(Weather {
            trigger,
            ..Weather::FINE
        });
        let lived = lives(&scenario, Diary::default());
        assert_eq!(lived.handler.of(Stream::Stdout), b"one\nthree");
        assert_eq!(lived.handler.of(Stream::Stderr), b"two\n");
        assert!(lived.report.outcome.is_success());
    }
}

/// By whatever way each piece of the output goes.
#[test]
fn what_is_forwarded_counts_like_what_is_read() {
    let mut simulator = Simulator::new();
    for seed in 0..3_000 {
        let scenario = Scenario::random(seed);
        let mut driven = Driven::random(&scenario).forwarding(seed);
        if let Err(violation) = simulator.run(&scenario, &mut driven) {
            panic!("{violation}");
        }
    }
}

/// On the edge, the end has none of its own when there was something before it that is not read.
#[test]
fn on_the_edge_a_short_read_is_not_the_end() {
    let child = Script::new()
        .prints(Stream::Stdout, "a long line\n")
        .closes(Stream::Stdout)
        .closes(Stream::Stderr)
        .sleeps(SECOND)
        .exits(0);
    let scenario = Scenario::new(&child).with_weather(Weather {
        trigger: Trigger::Edge,
        short_reads: true,
        ..Weather::FINE
    });
    let lived = lives(&scenario, Diary::default());
    assert_eq!(lived.handler.of(Stream::Stdout), b"a long line\n");
    assert_eq!(
        lived.report.turns, 2,
        "one for the output, one for the exit"
    );
}

#[test]
fn on_the_edge_what_a_budget_leaves_is_read_in_the_next_turn() {
    let child = Script::new().writes(Stream::Stdout, 200_000).exits(0);
    let scenario = Scenario::new(&child)
        .with_weather(Weather {
            trigger: Trigger::Edge,
            ..Weather::FINE
        })
        .with_pace(Pace {
            budget: 1,
            ..Pace::EVEN
        });
    let lived = lives(&scenario, Diary::default());
    assert_eq!(lived.handler.of(Stream::Stdout).len(), 200_000);
}

#[test]
fn an_interrupted_read_is_begun_again() {
    let child = Script::new().prints(Stream::Stdout, "hello").exits(0);
    let scenario = Scenario::new(&child).with_weather(Weather {
        interrupts: 1,
        ..Weather::FINE
    });
    let lived = lives(&scenario, Diary::default());
    assert!(lived.report.coverage.has(Seen::Interrupted));
    assert!(lived.report.outcome.is_success());
    assert_eq!(lived.handler.of(Stream::Stdout), b"hello");
}

#[test]
fn a_lost_exit_is_an_error_that_says_why() {
    let lived = lives(&thief(), Diary::default());
    assert_eq!(lived.report.outcome.exit, Some(ExitStatus::Lost));
    assert_eq!(
        lived.handler.told,
        [
            format!("exited: {}", ExitStatus::Lost),
            lost_with_its_reason(),
            "finished".to_owned()
        ]
    );
    let reaps = |(_, moment)| moment == Moment::Reaps;
    assert!(!lived.report.trace.moments().any(reaps));
}

/// Its error came without them once, because what the handler had asked for came in between.
#[test]
fn a_lost_exit_keeps_its_reason_while_the_handlers_wishes_are_carried_out() {
    let wishful = Diary {
        asks_at_exit: |control| control.progress(),
        ..Diary::default()
    };
    let lived = lives(&thief(), wishful);
    assert_eq!(lived.handler.told[1], lost_with_its_reason());
}

fn lost_with_its_reason() -> String {
    format!(
        "error: {} (something else has reaped the child)",
        ExitStatus::Lost
    )
}

/// Half of one byte was none, and such a turn read nothing.
#[test]
fn a_budget_of_one_byte_reads_standard_output() {
    let child = Script::new().prints(Stream::Stdout, "x").hangs();
    let scenario = Scenario::new(&child).with_config(idle()).with_pace(Pace {
        budget: 1,
        ..Pace::EVEN
    });
    let lived = lives(&scenario, Diary::default());
    assert!(lived.report.turns < 10);
}

/// While it is held, nothing is read, until the deadline that the output could put off.
#[test]
fn held_output_is_delivered_before_the_deadline_that_it_puts_off() {
    let child = Script::new()
        .prints(Stream::Stdout, "first")
        .sleeps(SECOND)
        .prints(Stream::Stdout, "second")
        .sleeps(12 * SECOND)
        .exits(0);
    let holds = Diary {
        asks_at_output: |control| control.hold_output(Stream::Stdout),
        ..Diary::default()
    };
    let lived = lives(&Scenario::new(&child).with_config(idle()), holds);
    assert_eq!(lived.handler.pieces[1].0, b"second");
    let reads: Vec<_> = reads(&lived).collect();
    assert_eq!(reads, [Duration::ZERO, IDLE]);
    assert!(lived.report.outcome.is_success(), "it was not silent");
}

#[test]
fn an_answer_that_fails_is_told_with_its_words() {
    let scenario = Scenario::new(&Script::new().sleeps(SECOND).exits(0))
        .at(Duration::ZERO, Request::Notify(Payload(1)))
        .answering(&[Reply::after(SECOND)]);
    let refuses = Diary {
        answers: |answer| answer.fail("the endpoint said 503"),
        ..Diary::default()
    };
    let lived = lives(&scenario, refuses);
    assert_eq!(
        lived.handler.told,
        [
            "notify: notification 1",
            "exited: exit status 0",
            "error: notification 1 failed (the endpoint said 503)",
            "finished"
        ]
    );
}

#[test]
fn a_failure_is_told_with_its_words() {
    let child = Script::new().prints(Stream::Stdout, "x").hangs();
    let fails = Diary {
        asks_at_output: |control| control.fail("the disk is full"),
        ..Diary::default()
    };
    let lived = lives(&Scenario::new(&child), fails);
    assert_eq!(
        lived.handler.told[0],
        "error: failure 1 outside the child (the disk is full)"
    );
}

#[test]
fn a_child_that_cannot_be_started_gives_its_handler_back() {
    let scenario = Scenario::new(&Script::new()).cannot_start(io::ErrorKind::NotFound);
    match live(&scenario, Diary::default()) {
        Err(NotLived::Spawn { error, handler }) => {
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert_eq!(handler.told, [""; 0], "it was never called");
        }
        other => panic!("{:?}", other.map(|lived| lived.report)),
    }
}

/// They are carried out in their order, before the next callback.
#[test]
fn requests_from_inside_a_callback_are_carried_out_in_order() {
    let child = Script::new().prints(Stream::Stdout, "x").hangs();
    let asks = Diary {
        asks_at_output: |control| {
            control.notify("first".into());
            control.notify("second".into());
            control.terminate();
        },
        ..Diary::default()
    };
    let lived = lives(&Scenario::new(&child), asks);
    assert_eq!(
        lived.handler.told,
        [
            "notify: first",
            "notify: second",
            "exited: killed by SIGINT",
            "error: killed by SIGINT",
            "finished"
        ]
    );
    assert_eq!(
        lived.report.outcome.exit,
        Some(ExitStatus::Signal(Signal::INT))
    );
}

#[test]
fn what_the_owner_asks_for_after_the_end_comes_back() {
    let scenario = Scenario::new(&Script::new().exits(0)).at(SECOND, Request::Notify(Payload(1)));
    let lived = lives(&scenario, Diary::default());
    assert_eq!(
        lived.handler.told,
        [
            "exited: exit status 0",
            "finished",
            "discarded: notification 1"
        ]
    );
}

/// With no drain timeout, a handler that holds for ever has no end.
#[test]
fn a_handler_that_holds_output_for_ever_is_found_out() {
    let config = Config {
        drain_timeout: None,
        ..Config::default()
    };
    let child = Script::new()
        .prints(Stream::Stdout, "x")
        .sleeps(SECOND)
        .exits(0);
    let holds = Diary {
        asks_at_output: |control| control.hold_output(Stream::Stdout),
        ..Diary::default()
    };
    match live(&Scenario::new(&child).with_config(config), holds) {
        Err(NotLived::Violation(violation)) => assert_eq!(violation.rule, Rule::Stalls),
        other => panic!("{:?}", other.map(|lived| lived.report)),
    }
}

#[test]
fn a_stream_that_is_not_captured_never_ends() {
    let child = Script::new().prints(Stream::Stderr, "x").exits(0);
    let scenario = Scenario::new(&child).without(Stream::Stderr);
    let lived = lives(&scenario, Diary::default());
    assert_eq!(lived.handler.ended, [Stream::Stdout]);
    assert_eq!(lived.handler.of(Stream::Stderr), b"");
}

/// Writes its callbacks down, and asks and answers as each test wants it.
struct Diary {
    pieces: Vec<(Vec<u8>, Stream)>,
    ended: Vec<Stream>,
    told: Vec<String>,
    asks_at_output: fn(&mut Control<String>),
    asks_at_exit: fn(&mut Control<String>),
    answers: fn(Answer),
}

impl Default for Diary {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            ended: Vec::new(),
            told: Vec::new(),
            asks_at_output: |_| {},
            asks_at_exit: |_| {},
            answers: Answer::succeed,
        }
    }
}

impl Diary {
    fn of(&self, stream: Stream) -> Vec<u8> {
        let pieces = self.pieces.iter().filter(|(_, of)| *of == stream);
        pieces.flat_map(|(bytes, _)| bytes).copied().collect()
    }
}

impl Handler for Diary {
    type Notification = String;

    fn output(&mut self, control: &mut Control<String>, stream: Stream, bytes: &[u8]) {
        self.pieces.push((bytes.to_vec(), stream));
        (self.asks_at_output)(control);
    }

    fn output_ended(&mut self, _: &mut Control<String>, stream: Stream) {
        self.ended.push(stream);
    }

    fn exited(&mut self, control: &mut Control<String>, status: ExitStatus) {
        self.told.push(format!("exited: {status}"));
        (self.asks_at_exit)(control);
    }

    fn notify(&mut self, _: &mut Control<String>, job: Job<String>, answer: Answer) {
        let what = match job {
            Job::Requested(what) => what,
            _ => "heartbeat".into(),
        };
        self.told.push(format!("notify: {what}"));
        (self.answers)(answer);
    }

    fn error(&mut self, _: &mut Control<String>, error: Error, _: bool, failure: Option<Failure>) {
        let words = failure.map_or_else(String::new, |failure| format!(" ({failure})"));
        self.told.push(format!("error: {error}{words}"));
    }

    fn discarded(&mut self, what: Discarded<String>) {
        if let Discarded::Notification(what) = what {
            self.told.push(format!("discarded: {what}"));
        }
    }

    fn finished(&mut self, _: Outcome) {
        self.told.push("finished".into());
    }
}

#[track_caller]
fn lives(scenario: &Scenario, diary: Diary) -> Lived<Diary> {
    match live(scenario, diary) {
        Ok(lived) => lived,
        Err(error) => panic!("{error}"),
    }
}

/// When standard output was read.
fn reads(lived: &Lived<Diary>) -> impl Iterator<Item = Duration> {
    let moments = lived.report.trace.moments();
    moments.filter_map(|(at, moment)| match moment {
        Moment::Reads { .. } => Some(Duration::from_nanos(at)),
        _ => None,
    })
}

fn thief() -> Scenario {
    Scenario::new(&Script::new().sleeps(SECOND).exits(0)).with_weather(Weather {
        lost_exit: true,
        ..Weather::FINE
    })
}

fn idle() -> Config {
    Config {
        idle_timeout: Some(IDLE),
        ..Config::default()
    }
}

const SECOND: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(10);
