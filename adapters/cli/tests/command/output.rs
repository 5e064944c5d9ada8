//! Output on its way through.

use std::fs::File;
use std::io::{self, Write as _};
use std::process::Stdio;
use std::thread;

use rustix::process::Signal;

use crate::support::{
    Place, Process, Running, WATCHED, assert_same, millis, minding, minding_words, numbers,
    read_all, run, start, text, wait_until,
};

#[test]
fn both_streams_come_whole_at_once() {
    let ended = run(WATCHED, "seq 1 6500000 & seq 1 6500000 >&2; wait");
    let expected = numbers(6_500_000);
    assert!(expected.len() > 50_000_000);
    assert_eq!(ended.status, 0);
    assert_same(&ended.stdout, &expected);
    assert_same(&ended.stderr, &expected);
}

/// Nothing watches it, so it is not ours to pass on: a daemon keeps it, and the run does not wait for that.
#[test]
fn what_nothing_watches_is_not_touched() {
    let place = Place::new();
    let path = place.path("out");
    let script = "(exec 2>&-; sleep 3; echo late) & echo first; ls /proc/$PPID/task | wc -l";
    let mut command = minding("-q", script);
    command.stdout(File::create(&path).expect("a file"));
    let ended = start(command).finish();
    let written = || std::fs::read_to_string(&path).expect("text");
    // The one thread is that of the loop.
    assert_eq!(written(), "first\n1\n");
    ended.expect(0, "");
    wait_until(|| written() == "first\n1\nlate\n");
}

#[test]
fn standard_input_is_the_child_s() {
    let mut command = minding_words("", &["cat"]);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let mut stdin = running.stdin();
    let sent = numbers(1_000_000);
    let writer = {
        let sent = sent.clone();
        thread::spawn(move || stdin.write_all(&sent).expect("it is read"))
    };
    assert_same(&running.finish().stdout, &sent);
    writer.join().expect("no panic");
}

#[test]
fn every_byte_goes_to_its_own_stream_unchanged() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..=255).cycle().skip(1).step_by(7).take(100_001).collect();
    let mut command = minding(WATCHED, "tee /dev/stderr");
    command.stdin(File::open(place.file("bytes", &bytes)).expect("a file"));
    let ended = start(command).finish();
    assert_same(&ended.stdout, &bytes);
    assert_same(&ended.stderr, &bytes);
    let ended = run(WATCHED, "echo out; echo err >&2");
    assert_eq!((ended.stdout(), ended.stderr()), ("out\n", "err\n"));
}

#[test]
fn a_reader_that_left_ends_the_child_as_without_us() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let mut command = minding_words(WATCHED, &["yes"]);
    command.stdout(writer);
    start(command).finish().expect(141, "");
}

/// Whichever of the two is found out first, and whether before the child's end or after it.
#[test]
fn both_readers_may_have_left() {
    for _ in 0..100 {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let mut command = minding(WATCHED, "echo out; echo err >&2");
        command.stdout(writer.try_clone().expect("a pipe"));
        command.stderr(writer);
        let ended = start(command).finish();
        assert!(matches!(ended.status, 0 | 141), "{}", ended.status);
    }
}

#[test]
fn a_child_that_ignores_sigpipe_sees_the_error() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let mut command = minding(
        WATCHED,
        "trap '' PIPE; while echo x; do :; done 2>&-; exit 7",
    );
    command.stdout(writer);
    start(command).finish().expect(7, "");
}

#[test]
fn standard_error_without_a_reader_is_no_trouble() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let mut command = minding("--idle 300ms", "echo out; exec sleep 60");
    command.stderr(writer);
    let ended = start(command).finish();
    assert_eq!((ended.status, ended.stdout()), (124, "out\n"));
}

#[test]
fn a_slow_reader_gets_everything() {
    let running = start(minding("--drain 200ms --idle 600s", "seq 1 1000000"));
    thread::sleep(millis(1000));
    let ended = running.finish();
    ended.expect(0, "");
    assert_same(&ended.stdout, &numbers(1_000_000));
}

#[test]
fn a_stream_that_nobody_reads_does_not_hold_up_the_other() {
    let mut running = start(minding(WATCHED, "seq 1 1000000 >&2 & echo out; wait"));
    assert_eq!(running.line(), "out");
    assert_same(&running.finish().stderr, &numbers(1_000_000));

    let (reader, writer) = io::pipe().expect("a pipe");
    let mut command = minding(WATCHED, "seq 1 1000000 >&2 & echo out; wait");
    command.stderr(writer);
    let mut running = start(command);
    assert_eq!(running.line(), "out");
    assert_same(&read_all_then_finish(reader, running), &numbers(1_000_000));
}

#[test]
fn a_pipe_that_does_not_block_is_waited_for() {
    let (reader, writer) = io::pipe().expect("a pipe");
    rustix::io::ioctl_fionbio(&writer, true).expect("not blocking");
    let mut command = minding(WATCHED, "seq 1 1000000");
    command.stdout(writer);
    let running = start(command);
    thread::sleep(millis(300));
    assert_same(&read_all_then_finish(reader, running), &numbers(1_000_000));
}

#[test]
fn output_that_cannot_be_written_is_our_failure() {
    let lost = "cannot write to standard output: No space left on device";
    for script in ["echo", "exec yes", "echo; exec sleep 60"] {
        let place = Place::new();
        let mut command = minding(&place.options(""), script);
        command.stdout(full());
        let ended = start(command).finish();
        assert_eq!(ended.status, 125, "{script}");
        let said = format!("childminder: sh: {lost}");
        assert!(ended.stderr().starts_with(&said), "{}", ended.stderr());
        let report = place.report();
        assert_eq!(report["status"], 125);
        assert_eq!(report["error"]["type"], "external");
        let message = report["error"]["message"].as_str().expect("a message");
        assert!(message.starts_with(lost), "{message}");
        place.replay();
    }
}

/// The child is gone before its only line can be found to have nowhere to go, or it is not.
#[test]
fn output_is_not_lost_unnoticed_at_the_end() {
    for _ in 0..50 {
        let mut command = minding_words(WATCHED, &["echo"]);
        command.stdout(full());
        assert_eq!(start(command).finish().status, 125);
    }
    let mut command = minding(WATCHED, "echo >&2");
    command.stderr(full());
    assert_eq!(start(command).finish().status, 125);
}

#[test]
fn a_grandchild_may_hold_the_output_for_a_while() {
    let place = Place::new();
    for status in [0, 3] {
        let ended = run(
            &place.options("--drain 200ms"),
            &format!("sleep 20 & echo $!; exit {status}"),
        );
        let holder = Process::named(ended.stdout());
        holder.kill();
        let said = format!(
            "childminder: sh: its output is still held open; left running: sleep ({holder})\n"
        );
        ended.expect(status, &said);
        ended.expect_took(millis(200));
        assert_eq!(place.report()["leaked"], true);
        place.replay();
    }
}

#[test]
fn what_a_grandchild_writes_in_time_is_passed_on() {
    let ended = run(
        "--drain 10s --idle 600s",
        "(sleep 2.2; echo late) & echo early",
    );
    assert_eq!(ended.stdout(), "early\nlate\n");
    ended.expect(0, "");
}

#[test]
fn the_last_word_is_ours() {
    let script = "seq 1 100000; seq 1 100000 >&2; kill -TERM $$";
    let last = |said: &[u8]| {
        let said = str::from_utf8(said).expect("text");
        let line = said.lines().next_back().expect("a line");
        line.starts_with("childminder: sh: killed by SIGTERM; ") && said.ends_with('\n')
    };
    let ended = run(WATCHED, script);
    assert_eq!(ended.status, 143);
    assert!(last(&ended.stderr));

    let (reader, writer) = io::pipe().expect("a pipe");
    let mut command = minding(WATCHED, script);
    command.stdout(writer.try_clone().expect("a pipe"));
    command.stderr(writer);
    let both = read_all_then_finish(reader, start(command));
    assert!(last(&both));
}

#[test]
fn our_line_is_a_line_of_its_own() {
    let ours = "childminder: sh: killed by SIGTERM";
    run(WATCHED, "printf 'no newline' >&2; kill -TERM $$")
        .expect(143, &format!("no newline\n{ours}\n"));
    run(WATCHED, "echo a newline >&2; kill -TERM $$").expect(143, &format!("a newline\n{ours}\n"));
    let ended = run(
        "-v --wall 300ms --idle 600s",
        "printf 'no newline' >&2; exec sleep 60",
    );
    let said = ended.stderr();
    assert!(said.starts_with("no newline\nchildminder: "), "{said}");
    assert!(!said.contains("\n\n"), "{said}");

    for (script, written) in [("printf foo", "foo\n{\n"), ("echo foo", "foo\n{\n")] {
        let ended = run("--report -", script);
        assert!(ended.stdout().starts_with(written), "{}", ended.stdout());
    }

    let (reader, writer) = io::pipe().expect("a pipe");
    let mut command = minding(WATCHED, "printf 'no newline'; kill -TERM $$");
    command.stdout(writer.try_clone().expect("a pipe"));
    command.stderr(writer);
    let both = read_all_then_finish(reader, start(command));
    let both = str::from_utf8(&both).expect("text");
    assert!(both.starts_with(&format!("no newline\n{ours}; ")), "{both}");
}

#[test]
fn names_do_not_break_our_line() {
    let place = Place::new();
    let dies = place.program("a\nb\u{1b}[2J", "#!/bin/sh\nkill -TERM $$\n");
    start(minding_words("", &[&text(&dies)]))
        .finish()
        .expect(143, "childminder: a\\nb\\u{1b}[2J: killed by SIGTERM\n");
    let plain = place.program("it's \"é\" \\", "#!/bin/sh\nkill -TERM $$\n");
    start(minding_words("", &[&text(&plain)]))
        .finish()
        .expect(143, "childminder: it's \"é\" \\: killed by SIGTERM\n");

    let stays = place.program(
        "c\nd\u{7}",
        "#!/bin/sh\necho $$\nwhile :; do sleep 60; done\n",
    );
    let script = format!("setsid '{}' & exec sleep 60", text(&stays));
    let mut command = minding("-v --drain 50ms", &script);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let id = running.line();
    running.signal(Signal::TERM);
    let ended = running.finish();
    let said = ended.stderr();
    let killed = format!("childminder: killed c\\nd\\u{{7}} ({id}), which had left the group\n");
    assert!(said.contains(&killed), "{said}");
}

#[test]
fn nothing_is_done_while_there_is_nothing_to_do() {
    let nothing_to_do = [
        "sleep 60",
        "exec >&- 2>&-; sleep 60",
        "exec yes",              // which nobody reads
        "sleep 5 & exit",        // which leaves its output open
        "seq 1 20000; sleep 60", // more than fits in a pipe
    ];
    let running: Vec<_> = nothing_to_do
        .iter()
        .map(|script| start(minding("--drain 5s --idle 600s", script)))
        .collect();
    let ticks = || running.iter().map(Running::ticks);
    let quiet = || {
        let before: Vec<_> = ticks().collect();
        thread::sleep(millis(300));
        ticks()
            .zip(before)
            .all(|(after, before)| after - before < 5)
    };
    assert!((0..10).any(|_| quiet()));
    for running in running {
        running.signal(Signal::TERM);
        running.finish();
    }
}

fn full() -> File {
    File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full")
}

/// What came through the pipe, from the childminder that has its only other end.
fn read_all_then_finish(reader: io::PipeReader, running: Running) -> Vec<u8> {
    let bytes = read_all(reader);
    running.finish();
    bytes
}
