//! `--record`, of all kinds of runs.

use std::thread;

use crate::support::{Place, childminder, millis, minding, run, start, text};

#[test]
fn every_kind_of_run_replays() {
    for (options, script) in [
        ("", "exit 0"),
        ("", "exit 3"),
        ("", "kill -TERM $$"),
        ("", "seq 1 500000; seq 1 500000 >&2"),
        ("", "exec >&- 2>&-; sleep 0.2"),
        ("--idle 200ms", "exec sleep 60"),
        ("--idle 200ms --grace 200ms", "trap '' INT; exec sleep 60"),
        ("--first-output 200ms --wall 10m", "exec sleep 60"),
        ("--wall 300ms", "while echo; do sleep 0.02; done"),
        (
            "--ladder INT:0,TERM:1ns,HUP:1000000h,KILL:1ms --wall 200ms",
            "trap '' INT TERM HUP; sleep 0.5",
        ),
    ] {
        let place = Place::new();
        run(&place.options(options), script);
        assert!(place.replay() > 2, "{options} {script}");
    }
}

#[test]
fn a_run_with_a_slow_reader_replays() {
    let place = Place::new();
    let running = start(minding(&place.options("--idle 1s"), "seq 1 500000"));
    thread::sleep(millis(2500));
    assert_eq!(running.finish().status, 0);
    place.replay();
}

#[test]
fn the_record_is_named_for_the_command_and_replayed_by_us() {
    let place = Place::new();
    let record = text(&place.path("record"));
    run(&place.options(""), "exit 0");
    let written = std::fs::read_to_string(&record).expect("a record");
    assert!(
        written.starts_with(r#"{"flight_record":1,"name":"sh -c exit 0","config":{"#),
        "{written}"
    );
    let steps = place.replay();
    let ended = start(childminder(["replay", &record])).finish();
    ended.expect(0, "");
    assert_eq!(
        ended.stdout(),
        format!("1 runs, {steps} steps, 0 differences\n")
    );
}

#[test]
fn a_record_that_cannot_be_begun_costs_nothing_but_a_start() {
    let ended = run("--record /dev/full", "echo out");
    ended.expect(
        125,
        "childminder: cannot write /dev/full: No space left on device (os error 28)\n",
    );
    assert_eq!(ended.stdout(), "");
}
