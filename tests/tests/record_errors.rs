//! What the reader takes, and how it says what it does not.

use std::fmt::Write as _;
use std::io::{self, BufReader, Read};
use std::time::Duration;

use childminder::{Activity, Config, Event, Instant, Ladder, Signal, Stage, Stream, Sweep, Target};
use childminder_record::{Fault, ReadError, Reader, Run, Wrong};

const HEADER: &str = r#"{"flight_record":1,"name":"example","config":{}}"#;

#[test]
fn a_header_that_is_not_of_the_format() {
    check_first_line(&[
        ("", "the record is empty; it must begin with a header"),
        ("\n \n", "the record is empty; it must begin with a header"),
        (
            r#"{"flight_record":2,"title":"later"}"#,
            "version 2 of the flight record; only version 1 can be read",
        ),
        (
            r#"{"flight_record":"1","name":"x","config":{}}"#,
            r#"version "1" of the flight record; only version 1 can be read"#,
        ),
        (
            r#"{"flight_record":1,"config":{}}"#,
            "the key `name` is missing",
        ),
        (
            r#"{"flight_record":1,"name":"x"}"#,
            "the key `config` is missing",
        ),
        (
            r#"{"flight_record":1,"name":7,"config":{}}"#,
            "`name` is 7; it must be a string",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"colour":1}"#,
            "the format has no key `colour`; here it has `flight_record`, `name`, `config`, `compare`, `run`, `host`, `started_unix_ns`",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"name":"y"}"#,
            "the key `name` is there twice; it must be there once",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"compare":["reap","sleep"]}"#,
            "`compare[1]` is \"sleep\"; it must be one of \"record_error\", \"warn\", \"send_signal\", \"kill_strays\", \"look_for_strays\", \
             \"discard_notifications\", \"run_notification\", \"schedule_timer\", \"reap\", \"finish\"",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"compare":null}"#,
            "`compare` is null; it must be a list",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"host":7}"#,
            "`host` is 7; it must be a string",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"started_unix_ns":"2026-01-01"}"#,
            "`started_unix_ns` is \"2026-01-01\"; it must be a time in whole nanoseconds since 1970",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"started_unix_ns":-1}"#,
            "`started_unix_ns` is -1; it must be a time in whole nanoseconds since 1970",
        ),
        (
            r#"{"flight_record":1,"name":"x","config":{},"started_unix_ns":18446744073709551616}"#,
            "`started_unix_ns` is 1.8446744073709552e+19; it must be a time in whole nanoseconds since 1970",
        ),
    ]);
}

#[test]
fn a_config_that_is_not_of_the_format() {
    check_lines(
        1,
        |config| format!(r#"{{"flight_record":1,"name":"x","config":{config}}}"#),
        &[
            ("[]", "`config` is []; it must be an object"),
            (
                r#"{"idle_timeout_ns":"5s"}"#,
                r#"`config.idle_timeout_ns` is "5s"; it must be a duration in whole nanoseconds, or null"#,
            ),
            (
                r#"{"run_timeout_ns":1.5}"#,
                "`config.run_timeout_ns` is 1.5; it must be a duration in whole nanoseconds, or null",
            ),
            (
                r#"{"drain_timeout_ns":-1}"#,
                "`config.drain_timeout_ns` is -1; it must be a duration in whole nanoseconds, or null",
            ),
            (
                r#"{"idle_timeout":5}"#,
                "the format has no key `config.idle_timeout`; here it has `idle_timeout_ns`, \
                 `first_output_timeout_ns`, `run_timeout_ns`, `notification_timeout_ns`, \
                 `heartbeat_interval_ns`, `drain_timeout_ns`, `activity`, `ladder`, `sweep`, `stray_timeout_ns`, \
                 `final_notification`, `warn_timeout_ns`",
            ),
            (
                r#"{"activity":"all"}"#,
                r#"`config.activity` is "all"; it must be one of "any", "stdout", "stderr", "explicit""#,
            ),
            (
                r#"{"final_notification":1}"#,
                "`config.final_notification` is 1; it must be true or false",
            ),
            (
                r#"{"sweep":0}"#,
                "`config.sweep` is 0; it must be one of \"never\", \"terminated\", \"always\"",
            ),
            (r#"{"ladder":9}"#, "`config.ladder` is 9; it must be a list"),
            (
                r#"{"ladder":[{"signal":2,"target":"leader"},{"signal":128,"target":"leader"}]}"#,
                "`config.ladder[1].signal` is 128; it must be a signal's number, 1 to 127",
            ),
            (
                r#"{"ladder":[{"signal":0,"target":"leader"}]}"#,
                "`config.ladder[0].signal` is 0; it must be a signal's number, 1 to 127",
            ),
            (
                r#"{"ladder":[{"signal":4294967298,"target":"leader"}]}"#,
                "`config.ladder[0].signal` is 4294967298; it must be a signal's number, 1 to 127",
            ),
            (
                r#"{"ladder":[{"signal":"INT","target":"leader"}]}"#,
                r#"`config.ladder[0].signal` is "INT"; it must be a signal's number, 1 to 127"#,
            ),
            (
                r#"{"ladder":[{"signal":2}]}"#,
                "the key `config.ladder[0].target` is missing",
            ),
            (
                r#"{"ladder":[{"signal":2,"target":"child"}]}"#,
                r#"`config.ladder[0].target` is "child"; it must be one of "leader", "group""#,
            ),
            (
                r#"{"ladder":[{"signal":2,"target":"leader","wait":5}]}"#,
                "the format has no key `config.ladder[0].wait`; here it has `signal`, `target`, `wait_ns`",
            ),
        ],
    );
}

#[test]
fn a_ladder_of_more_than_four_stages() {
    let stages = [r#"{"signal":2,"target":"leader"}"#; 5].join(",");
    let record = format!(r#"{{"flight_record":1,"name":"x","config":{{"ladder":[{stages}]}}}}"#);
    let error = read_error(record.as_bytes());
    assert_eq!(error.line, 1);
    assert!(
        error
            .to_string()
            .ends_with("…; it must be a list of at most 4 stages"),
        "{error}"
    );
}

#[test]
fn a_line_that_is_not_a_step() {
    check_second_line(&[
        (
            "{\"at_ns\":0,\n",
            "not JSON at byte 11: the line ends too early; a line must be one whole JSON object",
        ),
        (
            "at_ns: 0",
            "not JSON at byte 1: expected value; a line must be one whole JSON object",
        ),
        (
            "{} {}",
            "not JSON at byte 4: trailing characters; a line must be one whole JSON object",
        ),
        ("[]", "the line is []; it must be an object"),
        (
            r#"[0,{"type":"tick"},[]]"#,
            r#"the line is [0,{"type":"tick"},[]]; it must be an object"#,
        ),
        ("null", "the line is null; it must be an object"),
        ("{}", "the key `at_ns` is missing"),
        (r#"{"at_ns":0,"actions":[]}"#, "the key `event` is missing"),
        (
            r#"{"at_ns":0,"event":{"type":"tick"}}"#,
            "the key `actions` is missing",
        ),
        (
            r#"{"at_ns":1.0,"event":{"type":"tick"},"actions":[]}"#,
            "`at_ns` is 1.0; it must be a time in whole nanoseconds",
        ),
        (
            r#"{"at_ns":1e3,"event":{"type":"tick"},"actions":[]}"#,
            "`at_ns` is 1000.0; it must be a time in whole nanoseconds",
        ),
        (
            r#"{"at_ns":0,"event":{"type":"tick"},"actions":[],"note":""}"#,
            "the format has no key `note`; here it has `at_ns`, `event`, `actions`, `run`",
        ),
        (
            r#"{"at_ns":0,"at_ns":1,"event":{"type":"tick"},"actions":[]}"#,
            "the key `at_ns` is there twice; it must be there once",
        ),
        (
            r#"{"at_ns":0,"stopped":false}"#,
            "`stopped` is false; it must be true",
        ),
        (
            r#"{"at_ns":0,"stopped":true,"actions":[]}"#,
            "the format has no key `actions`; here it has `at_ns`, `stopped`, `run`",
        ),
        (
            r#"{"at_ns":0,"event":{"type":"tick"},"actions":{}}"#,
            "`actions` is {}; it must be a list",
        ),
    ]);
}

#[test]
fn a_time_that_64_bits_cannot_hold() {
    let step = r#"{"at_ns":18446744073709551616,"event":{"type":"tick"},"actions":[]}"#;
    let sentence = read_error(format!("{HEADER}\n{step}").as_bytes()).to_string();
    assert!(
        sentence.starts_with("line 2: `at_ns` is 1.8446"),
        "{sentence}"
    );
}

#[test]
fn an_event_that_is_not_of_the_format() {
    check_lines(
        2,
        |event| format!("{HEADER}\n{{\"at_ns\":0,\"event\":{event},\"actions\":[]}}"),
        &[
            (r#""tick""#, r#"`event` is "tick"; it must be an object"#),
            (
                r#"["tick"]"#,
                r#"`event` is ["tick"]; it must be an object"#,
            ),
            ("{}", "the key `event.type` is missing"),
            (
                r#"{"type":"tock"}"#,
                "`event.type` is \"tock\"; it must be one of \"started\", \"output\", \"progress\", \
                 \"ready\", \"tick\", \"notify\", \"notify_done\", \"fail\", \"terminate\", \"escalate\", \"kill\", \"pass_on\", \
                 \"set_idle_timeout\", \"set_ladder\", \"output_closed\", \"child_exited\", \"strays_seen\", \
                 \"strays_unseen\", \"suspended\", \"resumed\"",
            ),
            (
                r#"{"type":"tick","id":1}"#,
                "the format has no key `event.id`; here it has `type`",
            ),
            (
                r#"{"type":"output","stream":"stdin"}"#,
                r#"`event.stream` is "stdin"; it must be one of "stdout", "stderr""#,
            ),
            (
                r#"{"type":"output","bytes":"many"}"#,
                r#"`event.bytes` is "many"; it must be a number of bytes"#,
            ),
            (
                r#"{"type":"notify","id":0}"#,
                "`event.id` is 0; it must be a ticket's number, 1 or more",
            ),
            (
                r#"{"type":"fail","id":null}"#,
                "`event.id` is null; it must be a ticket's number, 1 or more",
            ),
            (
                r#"{"type":"notify_done","id":1}"#,
                "the key `event.ok` is missing",
            ),
            (
                r#"{"type":"notify_done","ok":true}"#,
                "the key `event.id` is missing",
            ),
            (
                r#"{"type":"notify_done","id":1,"ok":"yes"}"#,
                r#"`event.ok` is "yes"; it must be true or false"#,
            ),
            (
                r#"{"type":"set_idle_timeout"}"#,
                "the key `event.idle_timeout_ns` is missing",
            ),
            (
                r#"{"type":"pass_on","signal":10}"#,
                "the key `event.target` is missing",
            ),
            (
                r#"{"type":"pass_on","target":"group"}"#,
                "the key `event.signal` is missing",
            ),
            (
                r#"{"type":"strays_seen","living":1}"#,
                "the key `event.immune` is missing",
            ),
            (
                r#"{"type":"strays_seen","living":-1,"immune":0}"#,
                "`event.living` is -1; it must be a number of strays",
            ),
            (
                r#"{"type":"child_exited"}"#,
                r#"`event` is {"type":"child_exited"}; it must be one with exactly one of `code`, `signal` and `lost`"#,
            ),
            (
                r#"{"type":"child_exited","code":0,"signal":9}"#,
                "`event` is {\"type\":\"child_exited\",\"code\":0,\"signal\":9}; \
                 it must be one with exactly one of `code`, `signal` and `lost`",
            ),
            (
                r#"{"type":"child_exited","code":0,"lost":true}"#,
                "`event` is {\"type\":\"child_exited\",\"code\":0,\"lost\":true}; \
                 it must be one with exactly one of `code`, `signal` and `lost`",
            ),
            (
                r#"{"type":"child_exited","lost":false}"#,
                "`event.lost` is false; it must be true",
            ),
            (
                r#"{"type":"child_exited","code":2147483648}"#,
                "`event.code` is 2147483648; it must be an exit code, a whole number of 32 bits",
            ),
        ],
    );
}

#[test]
fn a_count_that_is_not_of_the_format() {
    check_lines(
        2,
        |event| format!("{HEADER}\n{{\"at_ns\":0,\"event\":{event},\"actions\":[]}}"),
        &[
            (
                r#"{"type":"output","count":0}"#,
                "`event.count` is 0; it must be a number of outputs, 1 or more",
            ),
            (
                r#"{"type":"progress","count":2}"#,
                "the format has no key `event.count`; here it has `type`",
            ),
        ],
    );
}

#[test]
fn an_action_that_is_not_of_the_format() {
    check_lines(
        2,
        |action| {
            format!(
                "{HEADER}\n{{\"at_ns\":0,\"event\":{{\"type\":\"tick\"}},\"actions\":\
                 [{{\"type\":\"reap\"}},{action}]}}"
            )
        },
        &[
            ("7", "`actions[1]` is 7; it must be an object"),
            ("{}", "the key `actions[1].type` is missing"),
            (
                r#"{"type":"kill"}"#,
                "`actions[1].type` is \"kill\"; it must be one of \"record_error\", \"warn\", \"send_signal\", \"kill_strays\", \"look_for_strays\", \
                 \"discard_notifications\", \"run_notification\", \"schedule_timer\", \"reap\", \"finish\"",
            ),
            (
                r#"{"type":"reap","pid":1}"#,
                "the format has no key `actions[1].pid`; here it has `type`",
            ),
            (
                r#"{"type":"send_signal","signal":-9}"#,
                "`actions[1].signal` is -9; it must be a signal's number, 1 to 127",
            ),
            (
                r#"{"type":"run_notification","kind":"beat"}"#,
                r#"`actions[1].kind` is "beat"; it must be one of "requested", "heartbeat", "final""#,
            ),
            (
                r#"{"type":"schedule_timer","at_ns":"soon"}"#,
                r#"`actions[1].at_ns` is "soon"; it must be a time in whole nanoseconds"#,
            ),
            (
                r#"{"type":"record_error","error":null}"#,
                "`actions[1].error` is null; it must be an object",
            ),
            (
                r#"{"type":"record_error","error":{"type":"bad"}}"#,
                "`actions[1].error.type` is \"bad\"; it must be one of \"idle_timeout\", \
                 \"first_output_timeout\", \"run_timeout\", \"exit\", \"notification\", \
                 \"notification_timeout\", \"external\", \"unkillable\"",
            ),
            (
                r#"{"type":"finish","error":{"type":"external","id":-1}}"#,
                "`actions[1].error.id` is -1; it must be a ticket's number, 1 or more",
            ),
            (
                r#"{"type":"finish","exit":{"core":true}}"#,
                r#"`actions[1].exit` is {"core":true}; it must be one with exactly one of `code`, `signal` and `lost`"#,
            ),
            (
                r#"{"type":"finish","exit":{"code":0,"core":true}}"#,
                "the format has no key `actions[1].exit.core`; here it has `code`, `signal`, `lost`",
            ),
            (
                r#"{"type":"finish","strays":"dead"}"#,
                "`actions[1].strays` is \"dead\"; it must be one of \"unknown\", \"none\", \"killed\", \
                 \"left\", \"survived\"",
            ),
            (
                r#"{"type":"finish","leaked":null}"#,
                "`actions[1].leaked` is null; it must be true or false",
            ),
        ],
    );
}

#[test]
fn a_step_before_any_header() {
    let record = r#"{"at_ns":0,"event":{"type":"tick"},"actions":[]}"#;
    let error = read_error(format!("\n{record}\n{HEADER}").as_bytes());
    assert_eq!(
        error.to_string(),
        "line 2: a step before any header; a run must begin with its header, which has `flight_record`"
    );
}

#[test]
fn a_step_of_a_run_that_is_not_open() {
    let header = r#"{"flight_record":1,"run":2,"name":"x","config":{}}"#;
    let tick = |run| format!(r#"{{"run":{run},"at_ns":0,"event":{{"type":"tick"}},"actions":[]}}"#);
    let error = read_error(format!("{header}\n{}\n{}", tick(2), tick(3)).as_bytes());
    assert_eq!(
        error.to_string(),
        "line 3: a step of run 3, which is not open; a run begins with its header and ends with `finish`"
    );

    let finish = r#"{"run":2,"at_ns":0,"event":{"type":"tick"},"actions":[{"type":"finish"}]}"#;
    let error = read_error(format!("{header}\n{finish}\n{}", tick(2)).as_bytes());
    assert!(matches!(error.fault, Fault::StepOfNoRun { number: 2 }));

    let unnumbered = r#"{"at_ns":0,"event":{"type":"tick"},"actions":[]}"#;
    let error = read_error(format!("{header}\n{unnumbered}").as_bytes());
    assert!(matches!(error.fault, Fault::StepBeforeHeader));

    let error = read_error(header.replace('2', "0").as_bytes());
    assert_eq!(
        error.to_string(),
        "line 1: `run` is 0; it must be a run's number, 1 or more"
    );
}

#[test]
fn bytes_that_are_not_utf_8() {
    let error = read_error(&[HEADER.as_bytes(), b"\n{\"\xff\":1}"].concat());
    assert_eq!(
        error.to_string(),
        "line 2: not UTF-8 from byte 3 on; a record is JSON lines in UTF-8"
    );
}

#[test]
fn an_input_that_cannot_be_read() {
    let input = HEADER.as_bytes().chain(&b"\n"[..]).chain(Broken);
    let error = Reader::new(BufReader::new(input))
        .find_map(Result::err)
        .expect("an error");
    assert_eq!(
        error.to_string(),
        "line 2: cannot be read: the disk is gone"
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_line_without_an_end() {
    for bytes in [b'\0', b'x', b' '] {
        for before in ["", &format!("{HEADER}\n")] {
            let mut endless = BufReader::new(Counted(bytes, 0));
            let input = before.as_bytes().chain(&mut endless);
            let error = Reader::new(input).find_map(Result::err).expect("an error");
            let line = 1 + before.lines().count();
            assert_eq!(
                error.to_string(),
                format!("line {line}: longer than 1048576 bytes; no line of a record is")
            );
            let read = endless.get_ref().1;
            assert!(read < 2 * Reader::<&[u8]>::LONGEST_LINE, "{read}");
        }
    }
}

#[test]
fn a_line_may_be_as_long_as_that() {
    let longest = usize::try_from(Reader::<&[u8]>::LONGEST_LINE).expect("a length");
    let blanks = " ".repeat(longest - HEADER.len());
    for end in ["", "\n"] {
        assert!(read(&format!("{HEADER}{blanks}{end}")).steps.is_empty());
        let error = read_error(format!("{HEADER}{blanks} {end}").as_bytes());
        assert!(matches!(error.fault, Fault::TooLong));
    }
}

#[test]
fn a_time_that_runs_backwards() {
    let tick = |at| format!(r#"{{"at_ns":{at},"event":{{"type":"tick"}},"actions":[]}}"#);
    let error = read_error(format!("{HEADER}\n{}\n{}\n{}", tick(5), tick(5), tick(4)).as_bytes());
    assert_eq!(
        error.to_string(),
        "line 4: `at_ns` is 4, and 5 in the step before; the times of a run must not run backwards"
    );
    assert_eq!(
        read(&format!("{HEADER}\n{}\n{HEADER}\n{}", tick(5), tick(4)))
            .steps
            .len(),
        1
    );
}

#[test]
fn the_facts_of_a_fault_can_be_had_without_its_sentence() {
    let error = read_error(r#"{"flight_record":1,"name":"x","config":{"sweep":1}}"#.as_bytes());
    let Fault::Form { path, wrong } = error.fault else {
        panic!("{error}");
    };
    assert_eq!(path, "config.sweep");
    assert_eq!(
        wrong,
        Wrong::Value {
            found: "1".to_owned(),
            wanted: "one of \"never\", \"terminated\", \"always\"".to_owned()
        }
    );
}

#[test]
fn the_runs_before_an_error_are_read_and_nothing_after_it() {
    let record = format!("{HEADER}\n{HEADER}\n{HEADER}\n{{}}\n{HEADER}\n");
    let lines: Vec<_> = Reader::new(record.as_bytes())
        .take(10)
        .map(|run| run.map(|run| run.line).map_err(|error| error.line))
        .collect();
    assert_eq!(lines, [Ok(1), Ok(2), Err(4)]);
}

#[test]
fn a_run_is_read_without_the_runs_that_follow() {
    let endless = (0..).map(|_| io::Cursor::new(format!("{HEADER}\n")));
    let runs = Reader::new(BufReader::new(Chained(endless, io::Cursor::default()))).take(1000);
    assert_eq!(runs.flatten().count(), 1000);
}

#[test]
fn blank_lines_and_carriage_returns_mean_nothing() {
    let tick = r#"{"at_ns":3,"event":{"type":"tick"},"actions":[]}"#;
    let run = read(&format!("\r\n{HEADER}\r\n \t\n\n{tick}\r\n\n"));
    assert_eq!((run.line, run.steps.len()), (2, 1));
    let step = &run.steps[0];
    assert_eq!(
        (step.line, step.at, step.event),
        (5, Instant(3), Event::Tick)
    );
}

#[test]
fn what_a_config_does_not_say() {
    let absent = Config {
        notification_timeout: None,
        ..Config::default()
    };
    assert_eq!(config("{}"), absent);
    let nulls = r#"{"idle_timeout_ns":null,"first_output_timeout_ns":null,"run_timeout_ns":null,
        "notification_timeout_ns":null,"heartbeat_interval_ns":null,"drain_timeout_ns":null,
        "activity":null,"ladder":null,"sweep":null,"stray_timeout_ns":null,"final_notification":null,"warn_timeout_ns":null}"#;
    let off = Config {
        notification_timeout: None,
        drain_timeout: None,
        activity: Activity::Explicit,
        ladder: Ladder::NONE,
        sweep: Sweep::Never,
        ..Config::default()
    };
    assert_eq!(config(&nulls.replace('\n', "")), off);
}

#[test]
fn an_absent_sweep_is_on_if_the_ladder_addresses_the_group() {
    let leader = r#"{"ladder":[{"signal":2,"target":"leader"}]}"#;
    let both = r#"{"ladder":[{"signal":2,"target":"leader"},{"signal":9,"target":"group"}]}"#;
    assert_eq!(config(leader).sweep, Sweep::Never);
    assert_eq!(config(both).sweep, Sweep::Terminated);
    assert_eq!(config(r#"{"ladder":[]}"#).sweep, Sweep::Never);
}

#[test]
fn a_sweep_may_be_a_boolean() {
    assert_eq!(config(r#"{"sweep":true}"#).sweep, Sweep::Terminated);
    assert_eq!(config(r#"{"sweep":false}"#).sweep, Sweep::Never);
    assert_eq!(config(r#"{"sweep":"always"}"#).sweep, Sweep::Always);
}

#[test]
fn the_config_of_the_ancestor() {
    let text = r#"{"idle_timeout_ns":1000000000,"ladder":[{"signal":2,"target":"leader","wait_ns":5000000000},{"signal":9,"target":"leader","wait_ns":null}],"drain_timeout_ns":null}"#;
    assert_eq!(config(text), Config::launchpad(Duration::from_secs(1)));
}

#[test]
fn a_ladder_of_four_stages() {
    let mut stages = String::new();
    for signal in [1, 2, 15] {
        write!(
            stages,
            r#"{{"signal":{signal},"target":"leader","wait_ns":{signal}}},"#
        )
        .expect("a string takes it");
    }
    let read = config(&format!(
        r#"{{"ladder":[{stages}{{"signal":127,"target":"group"}}]}}"#
    ));
    let last = Stage {
        signal: Signal::new(127).expect("a signal"),
        target: Target::Group,
        wait: None,
    };
    assert_eq!(read.ladder.stages().count(), 4);
    assert_eq!(read.ladder.stages().last(), Some(last));
}

#[test]
fn output_may_lack_its_stream_and_its_bytes() {
    let output = |fields| {
        let text = format!(r#"{{"at_ns":0,"event":{{"type":"output"{fields}}},"actions":[]}}"#);
        read(&format!("{HEADER}\n{text}")).steps[0].event
    };
    let stream = Stream::Stdout;
    assert_eq!(output(""), Event::Output { stream, bytes: 1 });
    assert_eq!(output(r#","bytes":0"#), Event::Output { stream, bytes: 0 });
    let stream = Stream::Stderr;
    assert_eq!(
        output(r#","stream":"stderr""#),
        Event::Output { stream, bytes: 1 }
    );
}

fn check_first_line(table: &[(&str, &str)]) {
    check_lines(1, str::to_owned, table);
}

fn check_second_line(table: &[(&str, &str)]) {
    check_lines(2, |line| format!("{HEADER}\n{line}"), table);
}

/// Each entry is a part of a record, and what the reader says of its line.
#[track_caller]
fn check_lines(line: u64, record: impl Fn(&str) -> String, table: &[(&str, &str)]) {
    for (part, sentence) in table {
        let error = read_error(record(part).as_bytes());
        // The end of a record of blank lines is where the header is missed.
        let line = line.max(part.matches('\n').count() as u64);
        assert_eq!(
            error.to_string(),
            format!("line {line}: {sentence}"),
            "of {part}"
        );
        assert_eq!(error.line, line);
    }
}

#[track_caller]
fn read_error(record: &[u8]) -> ReadError {
    let mut results: Vec<_> = Reader::new(record).take(10).collect();
    let last = results.pop().expect("a run or an error");
    assert!(
        results.iter().all(Result::is_ok),
        "the error is the last item"
    );
    last.expect_err("the record is at fault")
}

fn read(record: &str) -> Run {
    let run = Reader::new(record.as_bytes()).next().expect("a run");
    run.unwrap_or_else(|error| panic!("{error}"))
}

fn config(config: &str) -> Config {
    read(&format!(
        r#"{{"flight_record":1,"name":"x","config":{config}}}"#
    ))
    .config
}

/// A byte for ever, and how many of it were read.
struct Counted(u8, u64);

impl Read for Counted {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        bytes.fill(self.0);
        self.1 += bytes.len() as u64;
        Ok(bytes.len())
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}

/// One input after the other.
struct Chained<I, R>(I, R);

impl<I: Iterator<Item = R>, R: Read> Read for Chained<I, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.1.read(bytes)? {
                0 => match self.0.next() {
                    Some(next) => self.1 = next,
                    None => return Ok(0),
                },
                count => return Ok(count),
            }
        }
    }
}
