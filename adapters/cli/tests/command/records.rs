//! `--record`, of all kinds of runs.

use std::fs::{self, File};
use std::thread;
use std::time::SystemTime;

use childminder_record::Reader;
use rustix::process::Signal;
use rustix::system::uname;

use crate::support::{Place, childminder, millis, minding, run, start, text, through, wait_until};

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
    let written = fs::read_to_string(&record).expect("a record");
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
fn the_record_says_where_and_when_the_run_began() {
    let place = Place::new();
    let before = SystemTime::now();
    run(&place.options(""), "exit 0");
    let after = SystemTime::now();
    let file = File::open(place.path("record")).expect("a record");
    let run = Reader::new(std::io::BufReader::new(file)).next();
    let run = run.expect("a run").expect("a record");
    let host = uname().nodename().to_string_lossy().into_owned();
    assert_eq!(run.host, Some(host));
    let started = run.started.expect("a time");
    assert!(before <= started && started <= after);
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

/// It has a reader that does not read. No deadline and no signal waits for that.
#[test]
fn a_reader_that_sleeps_holds_up_nothing() {
    let chatter = "while :; do echo out; echo err >&2; done";
    for option in ["--record", "--report"] {
        let place = Place::new();
        let (fifo, _asleep) = place.fifo("fifo");
        let options = format!("{option} {fifo} --tail 100000 --wall 1s");
        let ended = run(&options, "seq 1 100000; exec sleep 60");
        assert_eq!(ended.status, 124, "{option}");
        if option == "--record" {
            // All of it fits into the pipe.
            continue;
        }
        let said = ended.stderr();
        assert!(
            said.contains("cannot write the report: nobody has read the last "),
            "{said}"
        );
        ended.expect_took(millis(3500));
    }

    let place = Place::new();
    let (fifo, _asleep) = place.fifo("fifo");
    let ended = run(&format!("--record {fifo} --wall 1s"), chatter);
    let said = ended
        .stderr()
        .lines()
        .next_back()
        .expect("a line")
        .to_owned();
    assert_eq!(ended.status, 124);
    assert!(
        said.starts_with("childminder: cannot write the flight record: nobody has read the last "),
        "{said}"
    );
    ended.expect_took(millis(3500));
}

#[test]
fn a_signal_ends_the_wait_for_a_reader_that_sleeps() {
    for (option, script) in [
        (
            "--record",
            "for i in $(seq 100); do echo $i; sleep 0.005; echo $i >&2; sleep 0.005; done; echo end",
        ),
        ("--report", "seq 1 100000; echo end"),
    ] {
        let place = Place::new();
        let (fifo, _asleep) = place.fifo("fifo");
        let mut running = start(minding(&format!("{option} {fifo} --tail 100000"), script));
        while running.line() != "end" {}
        // It waits for the reader of a command that has ended by itself, until then.
        thread::sleep(millis(500));
        running.signal(Signal::TERM);
        let ended = running.finish();
        let status = if option == "--record" { 143 } else { 125 };
        assert_eq!(ended.status, status, "{option}");
        let said = ended.stderr();
        assert!(
            said.contains("nobody has read the last "),
            "{option}: {said}"
        );
    }
}

#[test]
fn two_that_would_be_one_file_are_refused() {
    let place = Place::new();
    let marker = text(&place.path("marker"));
    let at = |name: &str| text(&place.path(name));
    std::os::unix::fs::symlink(at("new"), at("link")).expect("a link");
    place.file("old", "old");
    fs::hard_link(at("old"), at("hard")).expect("a link");
    for (record, report) in [
        ("new", "new"),
        ("new", "link"),
        ("link", "new"),
        ("old", "old"),
        ("old", "hard"),
    ] {
        let options = format!("--record {} --report {}", at(record), at(report));
        let ended = run(&options, &format!("echo > {marker}"));
        let said = format!(
            "childminder: --record and --report are one file, {}: give each a file of its own\n",
            at(report)
        );
        ended.expect(125, &said);
        assert!(!place.path("new").exists(), "{record} {report}");
        assert_eq!(fs::read(at("old")).expect("a file"), b"old");
    }
    assert!(!place.path("marker").exists());
}

#[test]
fn a_file_that_is_one_of_our_streams_is_refused() {
    let place = Place::new();
    let file = place.file("file", "input");
    let path = text(&file);
    let expect = |command, said: &str| {
        let ended = start(command).finish();
        assert_eq!((ended.status, ended.stdout()), (125, ""));
        if !ended.stderr.is_empty() {
            assert_eq!(ended.stderr(), format!("childminder: {said}\n"));
        }
        assert_eq!(fs::read_to_string(&file).expect("text"), "input");
    };
    let own = "give each a file of its own";
    let open = || {
        File::options()
            .read(true)
            .append(true)
            .open(&file)
            .expect("a file")
    };
    let record = || minding(&format!("--record {path}"), "echo out");

    let mut command = record();
    command.stdout(open());
    expect(
        command,
        &format!("--record and standard output are one file, {path}: {own}"),
    );
    let mut command = record();
    command.stdin(open());
    expect(
        command,
        &format!("--record and standard input are one file, {path}: {own}"),
    );
    let mut command = minding(&format!("--report {path}"), "echo out");
    command.stdin(open());
    expect(
        command,
        &format!("--report and standard input are one file, {path}: {own}"),
    );
    for (name, stream) in [
        ("/dev/stdout", "standard output"),
        ("/dev/stderr", "standard error"),
    ] {
        let said = format!("--record and {stream} are one file, {name}: {own}");
        expect(minding(&format!("--record {name}"), "echo out"), &said);
    }
    expect(
        minding("--record -", "echo out"),
        "--record - would mix the record into standard output, which is the command's: name a file",
    );

    // The words for standard error go there.
    let mut command = record();
    command.stderr(open());
    start(command).finish();
    let said =
        format!("inputchildminder: --record and standard error are one file, {path}: {own}\n");
    assert_eq!(fs::read_to_string(&file).expect("text"), said);
}

#[test]
fn the_null_device_is_everybodys() {
    let mut command = minding("--record /dev/null --report /dev/null", "exit 3");
    command.stdout(
        File::options()
            .write(true)
            .open("/dev/null")
            .expect("it is there"),
    );
    start(command).finish().expect(3, "");
}

#[test]
fn a_record_whose_writer_was_killed_is_cut_short() {
    let place = Place::new();
    let record = text(&place.path("record"));
    let script = "while :; do echo out; echo err >&2; sleep 0.01; done";
    let running = start(minding(&format!("--record {record}"), script));
    let steps = || {
        fs::read(&record)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n')
            .count()
    };
    wait_until(|| steps() > 10);
    running.signal(Signal::KILL);
    drop(running);
    let ended = start(childminder(["replay", &record])).finish();
    assert_eq!(ended.status, 0);
    assert!(
        ended.stdout().ends_with(" steps, 0 differences\n"),
        "{}",
        ended.stdout()
    );
    assert!(
        ended.stderr().ends_with("has no `finish`\n"),
        "{}",
        ended.stderr()
    );
}

#[test]
fn a_record_that_hits_a_limit_of_the_system_is_our_failure_and_cut_short() {
    let place = Place::new();
    let script = "for i in $(seq 100); do echo $i; echo $i >&2; done";
    // The log of the command goes into pipes, which have no such limit.
    let limit = ["sh", "-c", "ulimit -f 2; exec \"$@\"", "sh"];
    let record = text(&place.path("record"));
    let command = minding(&format!("--record {record}"), script);
    let ended = start(through(&limit, &command)).finish();
    assert_eq!(ended.status, 125);
    let said = "childminder: cannot write the flight record: File too large (os error 27)\n";
    assert!(ended.stderr().contains(said), "{}", ended.stderr());
    let ended = start(childminder(["replay", &record])).finish();
    assert_eq!(ended.status, 0);
    assert!(
        ended.stderr().ends_with("has no `finish`\n"),
        "{}",
        ended.stderr()
    );
    assert!(ended.stdout().starts_with("1 runs, "), "{}", ended.stdout());
}

#[test]
fn small_outputs_make_a_small_record() {
    let place = Place::new();
    let script = "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); echo; done";
    run(&place.options(""), script).expect(0, "");
    place.replay();
    let record = fs::read(place.path("record")).expect("a record");
    let runs: Vec<_> = Reader::new(record.as_slice())
        .collect::<Result<_, _>>()
        .expect("a record");
    let bytes = runs[0].steps.iter().map(|step| match step.event {
        childminder::Event::Output { bytes, .. } => bytes,
        _ => 0,
    });
    assert_eq!(bytes.sum::<u64>(), 20_000);
    assert!(record.len() < 10_000, "{} bytes", record.len());
}
