//! `--report` and `--tail`.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::support::{
    Place, Process, WATCHED, json, millis, minding, minding_words, numbers, run, start, text,
    through,
};

#[test]
fn a_report_tells_everything() {
    let place = Place::new();
    run(
        &place.options("--idle 300ms"),
        "echo one; echo two >&2; exec sleep 60",
    );
    let report = place.report();
    let (error, signals) = (&report["error"], &report["signals"]);
    assert_eq!(
        report["command"],
        json!(["sh", "-c", "echo one; echo two >&2; exec sleep 60"])
    );
    assert_eq!(report["status"], 124);
    assert_eq!(error["type"], "idle_timeout");
    assert_eq!(error["message"], "silent for 300ms (--idle)");
    assert_eq!(
        report["exit"],
        json!({ "signal": 2, "name": "SIGINT", "dumped_core": false })
    );
    assert_eq!(report["terminated"], true);
    assert_eq!(report["leaked"], false);
    assert_eq!(signals[0]["name"], "SIGINT");
    assert_eq!(signals[0]["signal"], 2);
    assert_eq!(signals[0]["target"], "group");
    assert_eq!(report["later_errors"], json!([]));
    let nanos = |value: &Value| value.as_u64().expect("nanoseconds");
    assert_eq!(nanos(&signals[0]["at_ns"]), nanos(&error["at_ns"]));
    assert!(nanos(&error["silent_ns"]) >= 300_000_000);
    assert_eq!(
        nanos(&error["at_ns"]),
        nanos(&report["last_output_ns"]) + nanos(&error["silent_ns"])
    );
    assert!(nanos(&report["duration_ns"]) >= nanos(&error["at_ns"]));
}

#[test]
fn a_report_of_success() {
    let place = Place::new();
    run(&place.options(""), "exit 0");
    let report = place.report();
    assert_eq!(report["status"], 0);
    assert_eq!(report["error"], Value::Null);
    assert_eq!(report["exit"], json!({ "code": 0 }));
    assert_eq!(report["terminated"], false);
    assert_eq!(report["last_output_ns"], Value::Null);
    assert_eq!(report["signals"], json!([]));
    assert_eq!(report["tail"], json!([]));
}

#[test]
fn what_the_command_used_is_told() {
    let place = Place::new();
    // What was used before us, by children that our parent had, is not the command's.
    let busy = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done";
    let run = minding(&place.options(""), busy);
    let words = "dd if=/dev/zero of=/dev/null bs=300M count=1 2>&-; exec \"$@\"";
    let ended = start(through(&["sh", "-c", words, "sh"], &run)).finish();
    ended.expect(0, "");
    let usage = &place.report()["usage"];
    let number = |name: &str| usage[name].as_u64().expect("a number");
    assert!(number("user_ns") > 1_000_000, "{usage}");
    assert!(number("peak_memory_bytes") > 100_000, "{usage}");
    assert!(number("peak_memory_bytes") < 200_000_000, "{usage}");
}

#[test]
fn a_core_is_told() {
    let place = Place::new();
    let script = format!(
        "cd {}; ulimit -c unlimited; kill -SEGV $$",
        place.path("").display()
    );
    let plain = Command::new("sh").args(["-c", &script]).status();
    let dumps = plain.expect("sh").core_dumped();
    let core = if dumps { " (core dumped)" } else { "" };
    let said = format!("childminder: sh: killed by SIGSEGV{core}\n");
    run(&place.options(""), &script).expect(139, &said);
    assert_eq!(place.report()["exit"]["dumped_core"], dumps);

    let without = run(&place.options(""), "ulimit -c 0; kill -SEGV $$");
    without.expect(139, "childminder: sh: killed by SIGSEGV\n");
    assert_eq!(place.report()["exit"]["dumped_core"], false);
}

#[test]
fn a_child_that_is_given_up_has_neither_an_exit_nor_a_usage_and_survives() {
    let place = Place::new();
    let options = place.options("--idle 300ms --ladder TERM:200ms --tail 0");
    let ended = run(&options, "trap '' TERM; echo $$; exec sleep 60");
    let report = place.report();
    assert_eq!(ended.status, 125);
    assert_eq!(report["status"], 125);
    assert_eq!(report["error"]["type"], "idle_timeout");
    assert_eq!(report["later_errors"][0]["type"], "unkillable");
    assert_eq!(report["exit"], Value::Null);
    assert_eq!(report["usage"], Value::Null);
    let leader = Process::named(ended.stdout());
    let pid: u32 = leader.to_string().parse().expect("a number");
    assert_eq!(report["pid"], pid);
    let survivors = json!([{ "pid": pid, "name": "sleep" }]);
    assert_eq!(report["tree"]["survivors"], survivors);
}

#[test]
fn a_command_that_cannot_be_run_is_reported() {
    let expect = |report: &Value, status: i32, message: &str| {
        assert_eq!(report["status"], status);
        assert_eq!(report["error"]["type"], "not_run");
        assert_eq!(report["error"]["message"], message);
        assert_eq!(report["exit"], Value::Null);
        assert_eq!(report["pid"], Value::Null);
        assert_eq!(report["tree"]["survivors"], json!([]));
    };
    let place = Place::new();
    let words = ["no-such-command"];
    let said = "no such command: \"no-such-command\" (not in PATH)";
    let ended = start(minding_words(&place.options(""), &words)).finish();
    ended.expect(127, &format!("childminder: {said}\n"));
    expect(&place.report(), 127, said);

    let ended = start(minding_words("--report -", &words)).finish();
    assert_eq!(ended.status, 127);
    expect(&json(&ended.stdout), 127, said);

    start(minding_words(&place.options("--session"), &["/"])).finish();
    let said = "cannot run \"/\": Permission denied (os error 13)";
    expect(&place.report(), 126, said);
}

/// With whatever number of descriptors.
#[test]
fn too_few_descriptors_are_our_failure() {
    let mut failures = 0;
    for most in 5..40 {
        let place = Place::new();
        let limit = format!("ulimit -n {most}; exec \"$@\"");
        let report = text(&place.path("report"));
        let run = minding_words(&format!("--report {report}"), &["true"]);
        let ended = start(through(&["sh", "-c", &limit, "sh"], &run)).finish();
        let said = ended.stderr();
        assert!(matches!(ended.status, 0 | 125), "{most}: {said}");
        if ended.status == 125 && place.path("report").exists() {
            failures += 1;
            let error = &place.report()["error"];
            assert_eq!(error["type"], "not_run");
            let message = error["message"].as_str().expect("a message");
            assert_eq!(said, format!("childminder: {message}\n"));
        }
    }
    assert!(failures > 1);
}

#[test]
fn a_child_that_somebody_else_reaped_has_no_exit() {
    let place = Place::new();
    let inject = "inject=waitid:error=ECHILD:when=1+";
    let words = ["strace", "-o", "/dev/null", "-e", inject];
    let run = minding(&place.options(""), "exit 3");
    let ended = start(through(&words, &run)).finish();
    assert_eq!(ended.status, 125);
    let said = ended.stderr();
    assert!(!said.contains("exit status -1"), "{said}");
    let report = place.report();
    assert_eq!(report["exit"], Value::Null);
    assert_eq!(report["error"]["type"], "exit");
    let message = report["error"]["message"].as_str();
    assert!(
        message.is_some_and(|why| why.contains("exit status is lost")),
        "{message:?}"
    );
    assert_eq!(report["tree"]["survivors"], json!([]));
}

#[test]
fn what_was_said_last_is_quoted() {
    let last = |said: &str| {
        let mut parts = said.split("; ");
        let last = parts.find(|part| part.starts_with("last said "));
        last.expect("its last words").to_owned()
    };
    let bar = "for i in $(seq 60); do printf 'p %s%%\\r' $i; done; kill -TERM $$";
    assert_eq!(last(run(WATCHED, bar).stderr()), "last said \"p 60%\"");

    let script = "printf 'step 1... '; read go; echo 'error: disk full' >&2; kill -TERM $$";
    let mut command = minding(WATCHED, script);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let mut stdout = running.take_stdout();
    let mut step = [0; 10];
    stdout.read_exact(&mut step).expect("a step");
    writeln!(running.stdin(), "go").expect("its input");
    let ended = running.finish();
    assert_eq!(last(ended.stderr()), "last said \"error: disk full\"");
}

/// What it says when it is interrupted does not tell where it hung.
#[test]
fn what_was_said_before_a_silence_is_quoted_too() {
    let script =
        "trap 'echo cleaning up; exit 3' INT; echo importing; while :; do sleep 0.05; done";
    let ended = run("--idle 300ms", script);
    let said = ended.stderr();
    let quoted = "; last said \"importing\", then \"cleaning up\"; ";
    assert!(said.contains(quoted), "{said}");
}

#[test]
fn only_what_counts_as_activity_ends_a_silence() {
    let place = Place::new();
    let nanos = |value: &Value| value.as_u64().expect("nanoseconds");
    let options = place.options("--activity stdout --idle 500ms");
    run(
        &options,
        "echo one; while :; do echo two >&2; sleep 0.05; done",
    );
    let report = place.report();
    let error = &report["error"];
    assert_eq!(error["message"], "silent for 500ms (--idle)");
    assert!(nanos(&error["silent_ns"]) >= 500_000_000, "{error}");
    let last_activity = nanos(&error["at_ns"]) - nanos(&error["silent_ns"]);
    assert!(nanos(&report["last_output_ns"]) > last_activity);

    run(
        &place.options("--activity stderr --wall 300ms"),
        "echo one; exec sleep 60",
    );
    let error = &place.report()["error"];
    assert_eq!(error["silent_ns"], error["at_ns"]);
}

#[test]
fn on_our_own_streams_it_is_in_line_with_the_rest() {
    let place = Place::new();
    let file = place.path("file");
    let script = "seq 1 1000; seq 1 1000 >&2; kill -TERM $$";
    let create = || File::create(&file).expect("a file");
    let split = |written: &str| {
        let rest = written.strip_prefix(str::from_utf8(&numbers(1000)).expect("text"));
        let (report, rest) = rest.expect("the output").split_once("\n}\n").expect("JSON");
        assert_eq!(json(format!("{report}}}").as_bytes())["status"], 143);
        rest.to_owned()
    };
    let written = || fs::read_to_string(&file).expect("text");
    for path in ["/dev/stdout".to_owned(), text(&file)] {
        let mut command = minding(&format!("--report {path}"), script);
        command.stdout(create());
        start(command).finish();
        assert_eq!(split(&written()), "");
    }
    let mut command = minding("--report /dev/stderr", script);
    command.stderr(create());
    start(command).finish();
    let rest = split(&written());
    assert!(rest.starts_with("childminder: sh: killed by "), "{rest}");

    // A pipe too is the same under another name.
    let ended = run("--report /dev/stdout", "printf foo");
    assert!(ended.stdout().starts_with("foo\n{\n"), "{}", ended.stdout());

    // With both streams in one place, the last word is the sentence.
    for _ in 0..50 {
        let mut command = minding("--report -", "kill -TERM $$");
        let both = create();
        command.stdout(both.try_clone().expect("a file"));
        command.stderr(both);
        start(command).finish();
        assert!(written().contains("\n}\nchildminder: "), "{}", written());
    }

    // What was there before does not stay.
    let old = place.file("old", "x".repeat(100_000));
    run(&format!("--report {}", text(&old)), "exit 3");
    assert_eq!(json(&fs::read(old).expect("a report"))["status"], 3);
}

#[test]
fn the_one_line_tells_what_people_ask_first() {
    let script = "echo working >&2; trap '' INT; while :; do sleep 60; done";
    let ended = run("--idle 300ms -k 200ms", script);
    let said = ended.stderr().lines().next_back().expect("a line");
    let parts: Vec<_> = said.split("; ").collect();
    let [why, sent, end, last, used] = parts[..] else {
        panic!("{said}");
    };
    assert_eq!(why, "childminder: sh: silent for 300ms (--idle)");
    let (interrupted, killed) = sent.split_once(", then ").expect("two stages");
    let seconds = |part: &str, name: &str| {
        let at = part.strip_prefix(name).and_then(|at| at.strip_suffix('s'));
        at.and_then(|at| at.parse::<f64>().ok()).expect("a time")
    };
    let first = seconds(interrupted, "sent SIGINT at ");
    let second = seconds(killed, "SIGKILL at ");
    assert!((0.3..2.0).contains(&first), "{said}");
    assert!((first + 0.19..4.0).contains(&second), "{said}");
    assert_eq!(end, "killed by SIGKILL");
    assert_eq!(last, "last said \"working\"");
    assert!(
        used.starts_with("used 0.0") && used.ends_with(" MiB"),
        "{said}"
    );
}

#[test]
fn the_status_is_the_one_we_exit_with() {
    let place = Place::new();
    for (script, error) in [
        ("exit 3", "exit"),
        ("kill -TERM $$", "exit"),
        ("sleep 60", "run_timeout"),
    ] {
        let ended = run(&place.options("--wall 500ms"), script);
        assert_eq!(place.report()["status"], ended.status, "{script}");
        assert_eq!(place.report()["error"]["type"], error, "{script}");
    }
}

#[test]
fn on_standard_output_it_follows_what_the_child_wrote() {
    let ended = run("--report -", "seq 1 100000");
    let (output, report) = ended.stdout().split_once("\n{\n").expect("a report");
    assert!(output.ends_with("\n99999\n100000"));
    assert_eq!(json(format!("{{\n{report}").as_bytes())["status"], 0);
}

/// A pager takes its time, and a pipe is full.
#[test]
fn on_standard_output_it_waits_for_its_reader() {
    let mut running = start(minding("--report -", "yes | head -c 65536"));
    let mut stdout = running.take_stdout();
    thread::sleep(millis(4000));
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).expect("all of it");
    running.finish().expect(0, "");
    assert_eq!(json(&output[65536..])["status"], 0);
}

#[test]
fn the_tail_is_the_last_lines() {
    let tail = |options: &str, script: &str| {
        let place = Place::new();
        run(&place.options(options), script);
        place.report()["tail"].clone()
    };
    let line = |stream: &str, text: &str| json!({ "stream": stream, "text": text });
    assert_eq!(
        tail("--tail 2", "echo a; echo b; sleep 0.1; printf c >&2"),
        json!([line("stdout", "b"), line("stderr", "c")])
    );
    assert_eq!(tail("--tail 0", "echo a"), json!([]));
    let ten: Vec<_> = (91..=100).map(|n| line("stdout", &n.to_string())).collect();
    assert_eq!(tail("", "seq 1 100"), json!(ten));
}

#[test]
fn a_report_that_cannot_be_written_costs_nothing_but_a_start() {
    let place = Place::new();
    let marker = text(&place.path("marker"));
    for option in ["--report", "--record"] {
        let ended = run(
            &format!("{option} /no/such/file"),
            &format!("echo > {marker}"),
        );
        ended.expect(
            125,
            "childminder: cannot write /no/such/file: No such file or directory (os error 2)\n",
        );
        assert!(!place.path("marker").exists());
    }
}

#[test]
fn a_report_that_does_not_fit_is_our_failure() {
    let said = "childminder: cannot write the report: No space left on device (os error 28)\n";
    run("--report /dev/full", "exit 0").expect(125, said);
    run("--report /dev/full", "exit 3").expect(3, said);
    start(minding_words("--report /dev/full", &["/no/such"]))
        .finish()
        .expect(
            127,
            &format!("childminder: no such command: \"/no/such\"\n{said}"),
        );

    let full = || {
        let full = File::options().write(true).open("/dev/full");
        full.expect("/dev/full")
    };
    let mut command = minding("--report -", "exit 0");
    command.stdout(full());
    start(command).finish().expect(
        125,
        "childminder: cannot write to standard output: No space left on device (os error 28)\n",
    );
    let mut command = minding("--report -", "printf words >&2");
    command.stdout(full());
    start(command).finish().expect(
        125,
        "words\nchildminder: cannot write to standard output: No space left on device (os error 28)\n",
    );
    let mut command = minding("--report /dev/stderr", "exit 0");
    command.stderr(full());
    assert_eq!(start(command).finish().status, 125);
}

#[test]
fn last_words_are_words() {
    let said = |script: &str| {
        run(WATCHED, &format!("{script}; kill -KILL $$"))
            .stderr()
            .to_owned()
    };
    for binary in [
        "echo text; head -c 40 /dev/zero",
        "printf 'a\\001\\002\\003b\\n'",
        "printf '\\200\\201\\202\\203abc'",
    ] {
        let said = said(binary);
        assert!(
            said.starts_with("childminder: sh: killed by SIGKILL; used "),
            "{said}"
        );
    }
    for (words, told) in [
        (
            "printf '\\033[31mred\\033[0m'",
            "\"\\u{1b}[31mred\\u{1b}[0m\"",
        ),
        ("printf 'a\\tb, caf\\351'", "\"a\\tb, caf\u{fffd}\""),
    ] {
        let said = said(words);
        assert!(said.contains(&format!("; last said {told}; ")), "{said}");
    }
}

/// What an earlier run has reported stays until there is another report.
#[test]
fn a_report_appears_whole_or_not_at_all() {
    let place = Place::new();
    let old = || fs::read_to_string(place.path("report")).expect("the old one");
    place.file("report", "old");
    let report = text(&place.path("report"));
    let options = format!("--report {report}");

    let mut running = start(minding(&options, "echo $$; exec sleep 60"));
    running.line();
    assert_eq!(old(), "old");
    running.signal(rustix::process::Signal::KILL);
    drop(running);
    assert_eq!(
        (old().as_str(), place.names()),
        ("old", vec!["report".to_owned()])
    );

    let limit = ["sh", "-c", "ulimit -f 1; exec \"$@\"", "sh"];
    let words = "seq 1 1000";
    let command = minding(&format!("{options} --tail 1000"), words);
    let ended = start(through(&limit, &command)).finish();
    assert_eq!(ended.status, 125);
    // Where coverage is measured, more is said.
    let said = "childminder: cannot write the report: File too large (os error 27)\n";
    assert!(ended.stderr().starts_with(said), "{}", ended.stderr());
    assert_eq!(
        (old().as_str(), place.names()),
        ("old", vec!["report".to_owned()])
    );

    run(&options, "exit 3");
    assert_eq!(place.report()["status"], 3);
    assert_eq!(place.names(), ["report"]);
}

#[test]
fn a_report_that_was_not_there_is_not_begun_before_the_end() {
    let place = Place::new();
    let report = place.path("report");
    let mut running = start(minding(
        &format!("--report {}", text(&report)),
        "echo; exec sleep 60",
    ));
    running.line();
    assert!(!report.exists());
    drop(running);
    run(&format!("--report {}", text(&report)), "exit 3");
    let file = place.file("file", "");
    let mode = |path| fs::metadata(path).expect("a file").permissions().mode();
    assert_eq!(mode(&report), mode(&file), "by the umask");
}

#[test]
fn a_report_keeps_the_mode_of_the_file_and_the_link_to_it() {
    let place = Place::new();
    let target = place.file("target", "old");
    let report = place.path("report");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).expect("our file");
    // Of a link that is not absolute.
    std::os::unix::fs::symlink("target", &report).expect("a link");
    run(&format!("--report {}", text(&report)), "exit 3");
    assert_eq!(place.report()["status"], 3);
    assert_eq!(fs::read_link(&report).expect("a link"), Path::new("target"));
    let mode = fs::metadata(&target).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);

    std::os::unix::fs::symlink("new", place.path("other")).expect("a link");
    run(
        &format!("--report {}", text(&place.path("other"))),
        "exit 4",
    );
    let new = fs::read(place.path("new")).expect("a report");
    assert_eq!(json(&new)["status"], 4);
    assert_eq!(place.names(), ["new", "other", "report", "target"]);
}

/// A directory that is not ours to write, a mount: then it is written as it stands.
#[test]
fn a_file_that_cannot_be_replaced_is_overwritten() {
    let replacing = "inject=rename,renameat,renameat2:error=EBUSY";
    let place = Place::new();
    place.file("report", "x".repeat(100_000));
    let options = format!("--report {}", text(&place.path("report")));
    let inode = || fs::metadata(place.path("report")).expect("a file").ino();
    let before = inode();
    let words = ["strace", "-o", "/dev/null", "-e", replacing];
    let ended = start(through(&words, &minding(&options, "exit 3"))).finish();
    ended.expect(3, "");
    assert_eq!(place.report()["status"], 3);
    assert_eq!(
        (inode(), place.names()),
        (before, vec!["report".to_owned()])
    );
}

#[test]
fn a_descriptor_that_names_a_file_is_written_to() {
    let place = Place::new();
    let report = text(&place.file("report", ""));
    let inode = || fs::metadata(place.path("report")).expect("a file").ino();
    let before = inode();
    let script = format!("exec 9>{report}; exec \"$@\"");
    let command = minding("--report /dev/fd/9", "exit 3");
    let ended = start(through(&["sh", "-c", &script, "sh"], &command)).finish();
    ended.expect(3, "");
    assert_eq!(place.report()["status"], 3);
    assert_eq!(inode(), before, "the descriptor's owner sees it");
}

#[test]
fn many_lines_of_a_tail_stay_small() {
    let place = Place::new();
    let little = ["sh", "-c", "ulimit -v 300000; exec \"$@\"", "sh"];
    let command = minding(&place.options("--tail 1000000"), "yes | head -n 1000000");
    let ended = start(through(&little, &command)).finish();
    ended.expect(0, "");
    let tail = place.report();
    assert_eq!(tail["tail"].as_array().expect("lines").len(), 65_536);
}
