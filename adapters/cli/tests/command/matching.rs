//! `--activity-match`.

use crate::support::{Place, assert_same, childminder, millis, minding_words, numbers, run, start};

/// Says things all the time, and what counts six times, with 0.3 s between.
const CHATTY: &str = "
    (while :; do echo waiting; sleep 0.05; done) &
    for i in 1 2 3 4 5 6; do echo step $i; sleep 0.3; done
    wait";

#[test]
fn chatter_hides_no_hang() {
    for options in ["", "--tty"] {
        let place = Place::new();
        let options = format!("{options} --activity-match ^step --idle 1s");
        let ended = run(&place.options(&options), CHATTY);
        let said = "childminder: sh: no line matching /^step/ for 1s (--idle); ";
        assert!(ended.stderr().starts_with(said), "{}", ended.stderr());
        assert_eq!(ended.status, 124);
        assert!(ended.took > millis(2500), "{:?}", ended.took);
        let report = place.report();
        assert_eq!(report["error"]["type"], "idle_timeout");
        assert!(report["error"]["silent_ns"].as_u64() >= Some(1_000_000_000));
        place.replay();
    }
}

#[test]
fn a_stream_can_be_chosen() {
    let script = "for i in 1 2 3 4 5; do echo x; sleep 0.3; done";
    // Nothing else would have us look at what is written.
    let options = |which| format!("--activity {which} --activity-match x --idle 900ms -q --tail 0");
    for which in ["any", "stdout"] {
        run(&options(which), script).expect(0, "");
    }
    assert_eq!(run(&options("stderr"), script).status, 124);
    let script = "for i in 1 2 3 4 5; do echo x >&2; sleep 0.3; done";
    assert_eq!(run(&options("stderr"), script).status, 0);
    assert_eq!(run(&options("stdout"), script).status, 124);
}

#[test]
fn a_line_counts_when_it_is_complete() {
    let script = "sleep 0.6; printf step; sleep 0.6; echo; exec sleep 60";
    let place = Place::new();
    let ended = run(&place.options("--activity-match ^step$ --idle 1s"), script);
    assert_eq!(ended.status, 124);
    ended.expect_took(millis(1000));
    // Closing the output completes it.
    let script = "sleep 0.6; printf step; exec >&-; sleep 0.6; exec sleep 60";
    let options = "--activity stdout --activity-match ^step$ --idle 1s";
    let ended = run(options, script);
    assert_eq!(ended.status, 124);
    assert!(ended.took > millis(1600), "{:?}", ended.took);
}

/// All of it goes on, though no line ends.
#[test]
fn a_line_may_be_long() {
    let script = "head -c 30000000 /dev/zero; echo";
    let options = "--activity-match y --idle 60s -q --tail 0";
    let mut running = start(minding_words(options, &["sh", "-c", script]));
    let mut stdout = running.take_stdout();
    let length = std::io::copy(&mut stdout, &mut std::io::sink()).expect("all");
    assert_eq!(length, 30_000_001);
    running.finish().expect(0, "");
}

#[test]
fn nothing_is_lost() {
    let options = "--activity-match 99 --idle 60s -q --tail 0";
    let ended = run(options, "seq 1 500000");
    ended.expect(0, "");
    assert_same(&ended.stdout, &numbers(500_000));
}

#[test]
fn a_wrong_pattern_is_shown() {
    let ended = start(childminder([
        "run",
        "--activity-match",
        "step (",
        "--",
        "echo",
        "out",
    ]));
    let ended = ended.finish();
    assert_eq!((ended.status, ended.stdout()), (125, ""));
    let shown = "    step (\n         ^\nerror: unclosed group\n";
    assert!(ended.stderr().contains(shown), "{}", ended.stderr());
    assert!(ended.stderr().contains("--activity-match"));
}
