//! `childminder timeline`.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use crate::support::{BINARY, Ended, Place, childminder, minding_words, start, text, through};

/// Falls silent four seconds before its end, and is interrupted.
const SILENT: &str = r#"{"flight_record":1,"name":"make test","config":{"idle_timeout_ns":4000000000},"host":"node1","started_unix_ns":1795854687000000000}
{"at_ns":0,"event":{"type":"started"},"actions":[{"type":"schedule_timer","at_ns":4000000000}]}
{"at_ns":1000000000,"event":{"type":"output","bytes":10},"actions":[]}
{"at_ns":2000000000,"event":{"type":"output","bytes":100000},"actions":[]}
{"at_ns":6000000000,"event":{"type":"tick"},"actions":[{"type":"record_error","error":{"type":"idle_timeout"},"first":true},{"type":"send_signal","signal":2,"target":"group"},{"type":"schedule_timer","at_ns":11000000000}]}
{"at_ns":8000000000,"event":{"type":"output_closed"},"actions":[]}
{"at_ns":8000000000,"event":{"type":"child_exited","signal":2},"actions":[{"type":"send_signal","signal":9,"target":"group"},{"type":"schedule_timer","at_ns":null},{"type":"reap"},{"type":"finish","error":{"type":"idle_timeout"}}]}
"#;

/// Begins two seconds later on another host, is suspended, has two notifications, and ends well.
const WELL: &str = r#"{"flight_record":1,"name":"make test","config":{},"host":"node2","started_unix_ns":1795854689000000000}
{"at_ns":0,"event":{"type":"started"},"actions":[]}
{"at_ns":1000000000,"event":{"type":"suspended"},"actions":[]}
{"at_ns":2000000000,"event":{"type":"resumed"},"actions":[]}
{"at_ns":2500000000,"event":{"type":"notify","id":1},"actions":[{"type":"run_notification","id":1}]}
{"at_ns":3000000000,"event":{"type":"notify_done","id":1,"ok":true},"actions":[]}
{"at_ns":3500000000,"event":{"type":"output_closed"},"actions":[]}
{"at_ns":3500000000,"event":{"type":"child_exited","code":0},"actions":[{"type":"reap"},{"type":"finish","error":null}]}
"#;

fn timeline(args: &[&str]) -> Ended {
    let ended = start(childminder([&["timeline"], args].concat()));
    ended.finish()
}

/// What is drawn, which is right.
#[track_caller]
fn drawn(args: &[&str]) -> String {
    let ended = timeline(args);
    ended.expect(0, "");
    ended.stdout().to_owned()
}

#[test]
fn the_records_are_right() {
    let place = Place::new();
    let files = ["silent", "well"].map(|name| text(&place.path(name)));
    place.file("silent", SILENT);
    place.file(
        "well",
        WELL.replace(",{\"type\":\"schedule_timer\"}", "")
            .replace("{\"type\":\"schedule_timer\"}", ""),
    );
    let ended = start(childminder(["replay", &files[0], &files[1]])).finish();
    assert_eq!(ended.stdout(), "2 runs, 13 steps, 0 differences\n");
}

#[test]
fn a_run_is_a_line_and_what_is_drawn_in_it_is_explained() {
    let place = Place::new();
    let file = text(&place.file("a.jsonl", SILENT));
    assert_eq!(
        drawn(&[&file]),
        "\
make test on node1
Time is UTC, on 2026-11-28.
         │08:31:28      │08:31:30       │08:31:32      │08:31:34
a ·······▃·······█··············---------======!I··············   ✗ idle_timeout
· no output   - half of a deadline's time is over   = four fifths are
▁…█ output, logarithmic up to 745 kB/s   I SIGINT   ! deadline
"
    );
}

#[test]
fn runs_of_several_hosts_are_on_one_axis_by_their_clocks() {
    let place = Place::new();
    let one = text(&place.file("one.jsonl", SILENT));
    let two = text(&place.file("two.jsonl", WELL));
    let by_clock = "\
2 runs of make test on 2 hosts
Time is UTC, on 2026-11-28.
The clocks of the 2 hosts are taken as they are: if one is off, all lanes of its
host are shifted by that.
                            │08:31:30                  │08:31:35
one · node1 ·····▃····█··········-------=====!I·········   ✗ first: idle_timeout
two · node2            ·····░░░░░░░·n······                ✓ exit 0
";
    // In whatever order.
    for files in [[&*one, &two], [&two, &one]] {
        let shown = drawn(&files);
        assert!(shown.starts_with(by_clock), "{shown}");
        assert_eq!(drawn(&[&["--align", "clock"], &files[..]].concat()), shown);
    }

    let from_start = drawn(&["--align", "start", &one, &two]);
    assert!(
        from_start.contains("\nTime counts from the start of each run.\n"),
        "{from_start}"
    );
    assert!(
        from_start.contains("two · node2 ·····░░░░░░░·n······"),
        "{from_start}"
    );
    assert!(!from_start.contains("clocks"), "{from_start}");
}

#[test]
fn without_a_clock_each_run_begins_at_0_and_that_is_said() {
    let place = Place::new();
    let with = text(&place.file("with", SILENT));
    let without = text(&place.file(
        "without",
        WELL.replace(",\"started_unix_ns\":1795854689000000000", ""),
    ));
    let shown = drawn(&[&with, &without]);
    let note = "1 of 2 runs do not say when they began, so each begins at 0.";
    assert!(shown.contains(note), "{shown}");
    let ended = timeline(&["--align", "clock", &with, &without]);
    ended.expect(
        125,
        &format!("childminder: {without} does not say when its run began (`started_unix_ns`), which --align clock needs: leave that out, and each run begins at 0\n"),
    );
    assert_eq!(ended.stdout(), "");
}

#[test]
fn a_record_that_ends_early_is_drawn_as_far_as_it_goes() {
    let place = Place::new();
    let lines: Vec<_> = SILENT.lines().collect();
    let whole_lines = lines[..4].join("\n") + "\n";
    let stopped = format!("{whole_lines}{{\"at_ns\":3000000000,\"stopped\":true}}\n");
    for (contents, word) in [
        (whole_lines.clone(), "? cut short"),
        (format!("{whole_lines}{{\"at_ns"), "? cut short"),
        (stopped, "? record stopped"),
    ] {
        let shown = drawn(&[&text(&place.file("record", contents))]);
        assert!(shown.contains(word), "{shown}");
        assert!(
            shown.contains('~') && shown.contains("~ the record ends"),
            "{shown}"
        );
    }
    // Another program's record need not say how its run ended.
    let foreign = whole_lines.replacen(",\"config\"", ",\"compare\":[],\"config\"", 1);
    let shown = drawn(&[&text(&place.file("record", foreign))]);
    assert!(
        shown.contains("? no end") && !shown.contains('~'),
        "{shown}"
    );
}

#[test]
fn runs_that_share_a_record_have_a_lane_each() {
    let place = Place::new();
    let mut lines = Vec::new();
    for (number, record) in [(1, SILENT), (2, WELL)] {
        let numbered = |line: &str| line.replacen('{', &format!("{{\"run\":{number},"), 1);
        lines.push(record.lines().map(numbered).collect::<Vec<_>>());
    }
    let longest = lines.iter().map(Vec::len).max().expect("two");
    let mixed: String = (0..longest)
        .flat_map(|index| lines.iter().filter_map(move |lines| lines.get(index)))
        .flat_map(|line| [line, "\n"])
        .collect();
    let file = text(&place.file("shared", mixed));
    let shown = drawn(&["--align", "start", &file]);
    assert!(shown.contains("node1 · #1 ·····▃·····█"), "{shown}");
    assert!(shown.contains("node2 · #2 ·····░░░░░░░··n·····"), "{shown}");
}

#[test]
fn what_is_no_record_is_named_and_the_others_are_drawn() {
    let place = Place::new();
    let good = text(&place.file("good", SILENT));
    let bad = text(&place.file("bad", "hello\n"));
    let missing = text(&place.path("missing"));
    let ended = timeline(&[&missing, &bad, &good]);
    assert_eq!(ended.status, 125);
    let said = ended.stderr();
    assert!(
        said.starts_with(&format!("childminder: cannot read {missing}: No such file")),
        "{said}"
    );
    assert!(
        said.contains(&format!("\nchildminder: {bad}: line 1: not JSON at byte 1")),
        "{said}"
    );
    assert!(
        ended.stdout().contains("idle_timeout"),
        "{}",
        ended.stdout()
    );

    // With nothing to draw, nothing is drawn.
    let picture = text(&place.path("picture.svg"));
    let ended = timeline(&["-o", &picture, &bad]);
    assert_eq!((ended.status, ended.stdout()), (125, ""));
    assert!(!place.path("picture.svg").exists());
}

#[test]
fn a_dash_is_standard_input() {
    let mut command = childminder(["timeline", "-"]);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    running
        .stdin()
        .write_all(SILENT.as_bytes())
        .expect("its input");
    let ended = running.finish();
    ended.expect(0, "");
    assert!(
        ended.stdout().contains("standard input"),
        "{}",
        ended.stdout()
    );
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let place = Place::new();
    let file = text(&place.file("record", SILENT.repeat(2000)));
    let mut running = start(childminder(["timeline", &file]));
    let mut first = [0];
    let mut stdout = running.take_stdout();
    stdout.read_exact(&mut first).expect("the beginning");
    drop(stdout);
    running.finish().expect(0, "");
}

/// On a terminal of its own, with these variables. A CI's logs are in colour, whatever the terminal.
fn on_a_terminal(columns: u32, variables: &str, file: &str) -> String {
    let script =
        format!("stty cols {columns}; exec env -u CI {variables} {BINARY} timeline {file}");
    let inner = minding_words("--tty", &["sh", "-c", &script]);
    let ended = start(through(&["setsid", "--wait"], &inner)).finish();
    ended.expect(0, "");
    ended.stdout().replace('\r', "")
}

#[test]
fn a_terminal_is_filled_and_coloured_unless_that_is_not_wanted() {
    let place = Place::new();
    let file = text(&place.file("a.jsonl", SILENT));
    for columns in [40, 80, 200] {
        let plain = on_a_terminal(columns, "NO_COLOR=1 TERM=xterm", &file);
        assert!(!plain.contains('\x1b'), "{plain}");
        for line in plain.lines() {
            assert!(line.chars().count() <= columns as usize, "{line}");
        }
        let lane = plain
            .lines()
            .find(|line| line.starts_with("a "))
            .expect("a lane");
        assert_eq!(lane.chars().count(), columns as usize, "{lane}");
        assert_eq!(on_a_terminal(columns, "NO_COLOR= TERM=dumb", &file), plain);
        let coloured = on_a_terminal(columns, "-u NO_COLOR TERM=xterm", &file);
        assert!(coloured.contains("\x1b[1;31m!\x1b[0m"), "{coloured}");
        let mut parts = coloured.split('\x1b');
        let first = parts.next().expect("a part").to_owned();
        let rest = parts.map(|part| part.split_once('m').expect("a colour").1);
        assert_eq!(first + &rest.collect::<String>(), plain);
    }
}

#[test]
fn what_a_record_is_named_cannot_draw() {
    let place = Place::new();
    let name = r#""name":"<b>\u001b[31m\u202e&\"'\n""#;
    let hostile = SILENT.replace(r#""name":"make test""#, name);
    let file = text(&place.file("a.jsonl", hostile));
    let shown = drawn(&[&file]);
    assert!(!shown.contains(['\x1b', '\u{202e}']), "{shown}");
    assert!(
        shown.starts_with(r#"<b>\u{1b}[31m\u{202e}&"'\n on node1"#),
        "{shown}"
    );
    for ending in ["svg", "html"] {
        let picture = place.path(&format!("picture.{ending}"));
        assert_eq!(drawn(&["-o", &text(&picture), &file]), "");
        let written = fs::read_to_string(&picture).expect("a picture");
        assert!(written.contains(r"&lt;b&gt;\u{1b}[31m\u{202e}&amp;&quot;&#39;\n"));
        assert!(!written.contains("<b>\\"), "{written}");
    }
}

#[test]
fn a_picture_is_one_file_that_says_it_all() {
    let place = Place::new();
    let one = text(&place.file("one.jsonl", SILENT));
    let two = text(&place.file("two.jsonl", WELL));
    for ending in ["svg", "html"] {
        let picture = place.file(&format!("picture.{ending}"), "something older");
        assert_eq!(drawn(&["-o", &text(&picture), &one, &two]), "");
        let written = fs::read_to_string(&picture).expect("a picture");
        for said in [
            "2 runs of make test on 2 hosts",
            "Time is UTC, on 2026-11-28.",
            "The clocks of the 2 hosts are taken as they are",
            "one · node1",
            "two · node2",
            "idle_timeout",
            "first to fail",
            "exit 0",
            "08:31:30",
            "+6.000s (08:31:33.000): idle timeout: no activity after 4s",
            "+6.000s (08:31:33.000): stage 1 of the ladder: SIGINT to the group, for 2s",
            "+2.000s (08:31:29.000): silent for 6s",
            "+1.000s (08:31:30.000): suspended for 1s: every deadline waits",
            "+2.500s (08:31:31.500): notification (requested) took 500ms",
            "+8.000s (08:31:35.000): SIGKILL to what is left of the group",
            "+8.000s (08:31:35.000): ends: no activity within the idle timeout; killed by SIGINT; terminated",
        ] {
            assert!(written.contains(said), "{ending}: {said}");
        }
        for outside in [
            "http://", "https://", "@import", "src=", "url(\"", "href=\"/",
        ] {
            let others = written.replace("http://www.w3.org/2000/svg", "");
            assert!(!others.contains(outside), "{ending}: {outside}");
        }
        let left = place.names();
        assert!(left.iter().all(|name| !name.contains("tmp")), "{left:?}");
    }
    let well_formed = Command::new("python3")
        .args([
            "-c",
            "import sys, xml.dom.minidom as dom; dom.parse(sys.argv[1])",
        ])
        .arg(place.path("picture.svg"))
        .status();
    assert!(well_formed.expect("python3").success());
}

/// The longest times that there are, and what the fuzzer of the reader has found.
#[test]
fn whatever_is_a_record_can_be_drawn() {
    let place = Place::new();
    let last = u64::MAX;
    let started = format!("\"started_unix_ns\":{last}");
    let endless = SILENT
        .replace("\"started_unix_ns\":1795854687000000000", &started)
        .replace("\"at_ns\":8000000000", &format!("\"at_ns\":{last}"));
    let mut files = vec![
        text(&place.file("endless", endless)),
        text(&place.file("silent", SILENT)),
    ];
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/record");
    for seed in fs::read_dir(seeds).expect("the seeds") {
        files.push(text(&seed.expect("a seed").path()));
    }
    assert!(files.len() > 100);
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    for ending in ["svg", "html"] {
        let picture = text(&place.path(&format!("picture.{ending}")));
        for files in [&files[..2], &files] {
            let ended = timeline(&[&["-o", &picture], files].concat());
            let is_all = files.len() == 2;
            assert_eq!(ended.status, if is_all { 0 } else { 125 });
            assert!(!ended.stderr().contains("panicked"), "{}", ended.stderr());
            let written = fs::read_to_string(&picture).expect("a picture");
            assert!(!written.contains("NaN") && !written.contains("inf\""));
        }
    }
    let ended = timeline(&files);
    assert!(!ended.stderr().contains("panicked"), "{}", ended.stderr());
    assert!(ended.stdout().contains("✗ idle_timeout"));
}

#[test]
fn what_cannot_be_drawn_on_is_said_before_anything_is_read() {
    let place = Place::new();
    let missing = text(&place.path("missing"));
    for (output, said) in [
        ("picture.png", "write a name that ends in .html or .svg"),
        ("html", "write a name that ends in .html or .svg"),
        (
            "/no/such/place/picture.svg",
            "childminder: cannot write /no/such/place/picture.svg: No such file",
        ),
    ] {
        let ended = timeline(&["-o", output, &missing]);
        assert_eq!(ended.status, 125, "{output}");
        assert!(ended.stderr().contains(said), "{}", ended.stderr());
        assert!(!ended.stderr().contains("missing:"), "{}", ended.stderr());
    }
}

/// A thousand runs in little memory, of which some are long.
#[test]
fn memory_is_bounded() {
    let place = Place::new();
    let mut lines = SILENT.lines();
    let begin: Vec<_> = lines.by_ref().take(4).collect();
    let mut progress = String::new();
    for number in 0..200_000_u64 {
        let at = 2_000_000_000 + number * 1000;
        let event = r#""event":{"type":"progress"},"actions":[]"#;
        writeln!(progress, "{{\"at_ns\":{at},{event}}}").expect("memory");
    }
    let end: Vec<_> = lines.collect();
    let long = format!("{}\n{progress}{}\n", begin.join("\n"), end.join("\n"));
    let file = text(&place.file("long", long + &SILENT.repeat(1000)));
    let picture = text(&place.path("picture.html"));
    let little = ["sh", "-c", "ulimit -v 150000; exec \"$@\"", "sh"];
    let command = childminder(["timeline", "-o", &picture, &file]);
    let ended = start(through(&little, &command)).finish();
    ended.expect(0, "");
    let size = fs::metadata(&picture).expect("a picture").len();
    assert!(size < 8_000_000, "{size} bytes");
}
