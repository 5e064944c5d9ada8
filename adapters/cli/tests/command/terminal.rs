//! At a terminal: who has it, and what stops whom.

use std::fs::{self, File};
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use childminder::{ExitStatus, Signal, Target};
use childminder_unix::{Child, JobChange, signals};
use rustix::termios::LocalModes;

use crate::seat::{Alone, CTRL_C, CTRL_Z, Leader, Shell, as_leader, wait_until};
use crate::support::{LOITER, Place, Process, Random, fields, times};

/// How a shell may come to run something: by itself, before others, behind others, in a script.
const WAYS: [(&str, &str); 4] = [
    ("", ""),
    ("", " | cat"),
    ("true | ", ""),
    ("sh -c '", "; exit $?'"),
];

/// A shell that starts something is stopped late, if Ctrl-Z comes between its fork and its exec (`vfork(2)`).
const STAY: &str = "exec sleep 600";

/// A script that is run by its name, so that how it is quoted is no matter.
fn script(place: &Place, text: &str) -> String {
    place.file("script", text).display().to_string()
}

#[test]
fn a_password_is_read_from_the_terminal() {
    let place = Place::new();
    let script = script(
        &place,
        "read -s -p password: x </dev/tty; echo; echo \"got <$x>\"",
    );
    let mut shell = Shell::new();
    for (before, after) in WAYS {
        shell.line(&format!("{before}$CM run -- bash {script}{after}"));
        shell.terminal.shows("password:");
        shell.terminal.types("secret\n");
        let shown = shell.terminal.shows("got <secret>");
        assert_eq!(shown.matches("secret").count(), 1, "{shown}");
        shell.prompt();
    }
}

#[test]
fn ctrl_c_goes_to_the_child_from_the_terminal() {
    let mut shell = Shell::new();
    shell.line(&format!(
        "$CM run -v -- sh -c 'trap \"echo h''it; exit 3\" INT; echo go''ing; {LOITER}'"
    ));
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_C);
    shell.terminal.shows("hit");
    let shown = shell.prompt();
    assert!(!shown.contains("SIGINT"), "{shown}");
    shell.expect_status(3);
}

#[test]
fn ctrl_c_ends_a_loop_around_us_too() {
    let mut shell = Shell::new();
    for words in ["run", "run --idle 60s", "run --tty", "timeout 60"] {
        shell.line(&format!(
            "for i in 1 2 3; do $CM {words} sh -c 'echo turn''$0; {STAY}' $i; done"
        ));
        shell.terminal.shows("turn1");
        shell.terminal.types(CTRL_C);
        let shown = shell.prompt();
        assert!(!shown.contains("turn2"), "{words}: {shown}");
        shell.expect_status(130);
    }
}

#[test]
fn ctrl_c_in_a_pipeline_comes_by_way_of_us() {
    let mut shell = Shell::new();
    shell.line(&format!(
        "$CM run -- sh -c 'trap \"echo h''it; exit 3\" INT; echo go''ing; {LOITER}' | (trap '' INT; cat)"
    ));
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_C);
    // What we say takes another way to the terminal than what the child says.
    let shown = shell.prompt();
    assert!(shown.contains("hit"), "{shown}");
    assert!(shown.contains("childminder got SIGINT"), "{shown}");
}

/// However quick it is.
#[test]
fn a_second_ctrl_c_is_impatience() {
    let mut shell = Shell::new();
    shell.line(&format!(
        "$CM run --grace 600s -- sh -c 'trap \"echo h''it\" INT; echo go''ing; {LOITER}' | (trap '' INT; cat)"
    ));
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_C);
    shell.terminal.shows("hit");
    shell.terminal.types(CTRL_C);
    let shown = shell.prompt();
    assert!(shown.contains("then SIGKILL"), "{shown}");
}

/// The kernel tells both that the terminal asks, and `timeout --foreground` tells us once more.
#[test]
fn a_ctrl_c_that_our_parent_sends_on_is_no_second_one() {
    let mut shell = Shell::new();
    shell.line(&format!(
        "timeout --foreground 60 $CM run --grace 60s -- sh -c 'trap \"echo h''it; sleep 0.1; echo sav''ed; exit 3\" INT; echo go''ing; {LOITER}' | (trap '' INT; cat)"
    ));
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_C);
    shell.terminal.shows("hit");
    let shown = shell.prompt();
    assert!(shown.contains("saved"), "{shown}");
}

/// Where the command has no terminal, the kernel would stop us alone.
#[test]
fn ctrl_z_stops_a_command_in_a_session_of_its_own_too() {
    let mut shell = Shell::new();
    shell.line("$CM run --wall 60s --session -- sh -c 'echo id''=$$.; exec sleep 600'");
    shell.terminal.shows("id=");
    let child = shell.terminal.shows(".");
    let child = child.trim_end_matches('.').to_owned();
    shell.terminal.types(CTRL_Z);
    shell.terminal.shows("Stopped");
    shell.prompt();
    wait_until("it stops", || state(&child) == 'T');
    shell.line("fg");
    wait_until("it goes on", || state(&child) != 'T');
    shell.terminal.types(CTRL_C);
    shell.prompt();
}

#[test]
fn a_program_that_fills_the_screen_has_the_terminal_unless_its_output_is_watched() {
    let place = Place::new();
    let script = script(
        &place,
        "for fd in 0 1 2; do test -t $fd && printf $fd >>$1; done; echo >>$1",
    );
    let said = place.path("said").display().to_string();
    let mut shell = Shell::new();
    for (options, terminals) in [
        ("", "012"),
        ("--wall 60s --idle 0", "012"),
        ("--idle 60s", "0"),
        ("--idle 60s --activity stdout", "02"),
        ("--idle 60s --activity stderr", "01"),
        ("--first-output 60s", "0"),
        ("--report /dev/null", "0"),
        ("--record /dev/null", "0"),
        ("--tty --idle 60s", "012"),
    ] {
        shell.line(&format!("$CM run {options} -- sh {script} {said}"));
        shell.prompt();
        let text = fs::read_to_string(&said).expect("what it said");
        assert_eq!(text, format!("{terminals}\n"), "{options}");
        fs::remove_file(&said).expect("a file");
    }
    shell.line(&format!("$CM run -- sh {script} {said} & wait"));
    shell.prompt();
    assert_eq!(fs::read_to_string(&said).expect("what it said"), "012\n");
}

/// In each of the ways, the shell sees the whole job stop at once.
#[test]
fn ctrl_z_stops_both_of_us_until_we_are_continued() {
    let place = Place::new();
    let script = script(
        &place,
        "echo $PPID $$ >$1; echo going; read go <$1.go; echo went on",
    );
    let ids = place.path("ids");
    let go = place.path("ids.go");
    nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    // Both ends of it, so that nobody waits for the other.
    let go = File::options().read(true).write(true).open(&go);
    let mut go = go.expect("a pipe");
    let mut shell = Shell::new();
    for (before, after) in WAYS {
        let arg = ids.display();
        shell.line(&format!("{before}$CM run -- sh {script} {arg}{after}"));
        shell.terminal.shows("going");
        let text = fs::read_to_string(&ids).expect("the ids");
        let (us, child) = text.trim().split_once(' ').expect("two ids");
        shell.terminal.types(CTRL_Z);
        shell.terminal.shows("Stopped");
        shell.prompt();
        // A script that runs us stops by itself, and its shell sees that first.
        wait_until("both stop", || (state(us), state(child)) == ('T', 'T'));
        shell.line("fg");
        go.write_all(b"go\n").expect("room");
        shell.terminal.shows("went on");
        shell.prompt();
    }
}

/// A pager shows the first page, or somebody holds the output.
#[test]
fn ctrl_z_stops_us_when_the_command_has_ended_too() {
    let mut shell = Shell::new();
    for line in [
        "$CM run --idle 60s -- seq 100000 | sh -c 'sleep 0.3; echo go''ing; exec sleep 60'",
        "$CM timeout --idle 60 60 seq 100000 | sh -c 'sleep 0.3; echo go''ing; exec sleep 60'",
        "$CM run --drain 60s --report /dev/null -- sh -c 'sleep 60 & (sleep 0.3; echo go''ing) &'",
    ] {
        shell.line(line);
        shell.terminal.shows("going");
        shell.terminal.types(CTRL_Z);
        shell.terminal.shows("Stopped");
        shell.prompt();
        shell.line("kill %%; fg; wait");
        shell.prompt();
    }
}

#[test]
fn the_clocks_stand_while_we_are_stopped() {
    let mut shell = Shell::new();
    shell.line("$CM run --wall 4s -- sh -c 'echo go''ing; read x; echo got \"<$x>\"; exit 5'");
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_Z);
    shell.terminal.shows("Stopped");
    shell.prompt();
    // This is about time.
    thread::sleep(Duration::from_millis(4500));
    shell.line("fg");
    shell.terminal.types("in time\n");
    shell.terminal.shows("got <in time>");
    shell.prompt();
    shell.expect_status(5);
}

#[test]
fn a_deadline_ends_a_child_that_goes_on_in_the_background() {
    let mut shell = Shell::new();
    shell.line(&format!(
        "$CM run --wall 3s -- sh -c 'echo go''ing; {STAY}'"
    ));
    shell.terminal.shows("going");
    shell.terminal.types(CTRL_Z);
    shell.terminal.shows("Stopped");
    shell.prompt();
    shell.line("bg; wait %1; echo status''=$?.");
    // The child has not got the terminal, which bash has.
    shell.terminal.shows("still running after 3s");
    shell.terminal.shows("status=124.");
    shell.prompt();
}

#[test]
fn a_child_in_the_background_that_reads_is_stopped_with_us_and_continued_with_fg() {
    let mut shell = Shell::new();
    shell.line("$CM run -- sh -c 'read x </dev/tty; echo got \"<$x>\"' &");
    shell.prompt();
    loop {
        shell.line("jobs");
        let shown = shell.prompt();
        if shown.contains("Stopped") {
            break;
        }
        assert!(shown.contains("Running"), "{shown}");
    }
    shell.line("fg");
    shell.terminal.types("now\n");
    shell.terminal.shows("got <now>");
    shell.prompt();
}

/// The shell would not see it, and so nobody would continue us.
#[test]
fn a_script_in_the_background_does_not_stop_with_a_child_that_reads() {
    let mut shell = Shell::new();
    for command in ["run --wall 500ms", "timeout .5"] {
        shell.line(&format!(
            "bash -c '$CM {command} cat; echo status''=$?.' & wait"
        ));
        shell.terminal.shows("status=124.");
        shell.prompt();
    }
    shell.line("$CM timeout .5 cat & wait $!; echo status''=$?.");
    shell.terminal.shows("status=124.");
    shell.prompt();
}

#[test]
fn a_child_that_waits_for_the_terminal_gets_it_with_fg() {
    let mut shell = Shell::new();
    shell.line("$CM timeout 60 sh -c 'echo id''=$$.; read x </dev/tty; echo got \"<$x>\"' &");
    shell.terminal.shows("id=");
    let child = shell.terminal.shows(".");
    let child = child.trim_end_matches('.');
    wait_until("it waits", || state(child) == 'T');
    shell.line("fg");
    shell.terminal.types("now\n");
    shell.terminal.shows("got <now>");
    shell.prompt();
}

#[test]
fn a_stop_does_not_keep_a_ladder_from_its_end() {
    let mut shell = Shell::new();
    shell.line(&format!(
        "$CM run --wall 500ms --grace 60s -- sh -c 'trap \"echo as''ked; kill -STOP \\$\\$; exit 7\" INT; {LOITER}'"
    ));
    shell.terminal.shows("asked");
    shell.terminal.shows("exit status 7");
    shell.prompt();
    shell.expect_status(124);
}

/// The terminal's foreground and modes are what they were, whatever became of the child that changed them.
#[test]
fn the_terminal_is_left_as_it_was() {
    let name = "terminal::the_terminal_is_left_as_it_was";
    as_leader(name, |mut leader| {
        let dirty = format!("stty -echo -icanon; echo $$; {LOITER}");
        let clean = "old=$(stty -g); stty -echo; stty $old; echo $$";
        for (options, script, ending, status) in [
            ("", clean, Ending::None, 0),
            ("", &dirty, Ending::OfUs, 143),
            ("", &dirty, Ending::OfChild, 137),
            ("--wall 1s", &dirty, Ending::None, 124),
            ("--wall 1s --idle 30s", &dirty, Ending::None, 124),
        ] {
            let words: Vec<_> = options.split_whitespace().collect();
            let args = [&["run", "-q"], &words[..], &["--", "sh", "-c", script]].concat();
            unchanged_by(&mut leader, |leader| {
                let mut us = leader.starts(args);
                let child = leader.terminal.shows("\n");
                match ending {
                    Ending::None => {}
                    Ending::OfUs => {
                        us.signal(Signal::TERM, Target::Leader).expect("sent");
                    }
                    Ending::OfChild => Process::named(&child).kill(),
                }
                assert_eq!(us.reap().expect("a status"), ExitStatus::Code(status));
            });
        }
        // The place in the foreground is taken before it turns out that there is nothing to run.
        let place = Place::new();
        let file = script(&place, "");
        for (command, status) in [("/no/such/command", 127), (file.as_str(), 126)] {
            unchanged_by(&mut leader, |leader| {
                let mut us = leader.starts(["run", "--", command]);
                assert_eq!(us.reap().expect("a status"), ExitStatus::Code(status));
            });
        }
    });
}

/// As in a shell: to change the modes may be what a command is for.
#[test]
fn a_command_that_ends_by_itself_may_leave_other_modes() {
    let name = "terminal::a_command_that_ends_by_itself_may_leave_other_modes";
    as_leader(name, |mut leader| {
        let before = leader.terminal.modes();
        let mut us = leader.starts(["run", "--", "stty", "-echo"]);
        assert_eq!(us.reap().expect("a status"), ExitStatus::Code(0));
        assert_ne!(leader.terminal.modes().local_modes, before.local_modes);
    });
}

/// Typed before, while and after the command is spawned.
#[test]
fn a_stop_at_the_start_neither_hangs_nor_is_lost() {
    let name = "terminal::a_stop_at_the_start_neither_hangs_nor_is_lost";
    as_leader(name, |mut leader| {
        let place = Place::new();
        let mut random = Random::new();
        let report = place.path("report").display().to_string();
        for args in [
            &["run", "--wall", "60", "--", "sleep", "0.01"][..],
            &["run", "--report", &report, "--", "sleep", "0.01"],
            &["timeout", "60", "sleep", "0.01"],
            &["timeout", "--foreground", "60", "sleep", "0.01"],
        ] {
            for _ in 0..times(25) {
                let mut us = leader.starts(args);
                thread::sleep(Duration::from_micros(random.below(5_000)));
                leader.terminal.types(CTRL_Z);
                wait_until("it ends, or stops and goes on", || {
                    if let Ok(Some(JobChange::Stopped(_))) = us.take_job_change() {
                        leader.puts_into_foreground(&us);
                        us.signal(signals::parse("CONT").expect("a signal"), Target::Group)
                            .expect("sent");
                    }
                    us.exit_status().expect("no error").is_some()
                });
                assert_eq!(
                    us.reap().expect("a status"),
                    ExitStatus::Code(0),
                    "{args:?}"
                );
            }
        }
    });
}

/// `stty tostop`: a process that writes from the background is stopped, unless it blocks the signal for that.
#[test]
fn what_we_say_is_shown_while_the_command_has_a_terminal_that_stops_others() {
    let name = "terminal::what_we_say_is_shown_while_the_command_has_a_terminal_that_stops_others";
    as_leader(name, |mut leader| {
        let mut modes = leader.terminal.modes();
        modes.local_modes |= LocalModes::TOSTOP;
        leader.terminal.set_modes(&modes);
        let mut us = leader.starts(["run", "-v", "--wall", "300ms", "--", "sleep", "60"]);
        leader.terminal.shows("sending SIGINT");
        assert_eq!(us.reap().expect("a status"), ExitStatus::Code(124));
    });
}

/// The shell gets its modes back with the stop, and the child its own with the continuation.
#[test]
fn a_stop_hands_the_terminal_back_and_a_continuation_lends_it_again() {
    let name = "terminal::a_stop_hands_the_terminal_back_and_a_continuation_lends_it_again";
    as_leader(name, |mut leader| {
        let before = leader.terminal.modes();
        let script = format!("stty -echo; echo $$; {STAY}");
        let mut us = leader.starts(["run", "--", "sh", "-c", &script]);
        let child = leader.terminal.shows("\n");
        let changed = leader.terminal.modes();
        leader.terminal.types(CTRL_Z);
        wait_until("we stop", || halt(&us).is_some());
        assert_eq!(leader.terminal.foreground(), leader.last);
        assert_eq!(leader.terminal.modes().local_modes, before.local_modes);

        us.signal(signals::parse("CONT").expect("a signal"), Target::Leader)
            .expect("sent");
        wait_until("the child has the terminal", || {
            let foreground = leader.terminal.foreground();
            foreground.is_some_and(|group| group.to_string() == child.trim())
        });
        assert_eq!(leader.terminal.modes().local_modes, changed.local_modes);
        us.signal(Signal::TERM, Target::Leader).expect("sent");
        us.reap().expect("a status");
    });
}

/// Nobody would continue us, so we do not stop. (The leader's own parent is in another session.)
#[test]
fn where_no_shell_minds_us_ctrl_z_is_nothing() {
    let mut alone = Alone::starts(&[
        "run",
        "--",
        "sh",
        "-c",
        "trap 'echo continued' CONT; echo going; read x; read x; echo \"got <$x>\"",
    ]);
    alone.terminal.shows("going");
    alone.terminal.types(CTRL_Z);
    alone.terminal.shows("continued");
    alone.terminal.types("one\ntwo\n");
    alone.terminal.shows("got <");
}

enum Ending {
    None,
    OfUs,
    OfChild,
}

#[track_caller]
fn unchanged_by(leader: &mut Leader, does: impl FnOnce(&mut Leader)) {
    let before = leader.terminal.modes();
    does(leader);
    let after = leader.terminal.modes();
    assert_eq!(
        (after.input_modes, after.output_modes, after.local_modes),
        (before.input_modes, before.output_modes, before.local_modes)
    );
    // The last one that was started, who had it when it was started.
    assert_eq!(leader.terminal.foreground(), leader.last);
}

fn halt(child: &Child) -> Option<JobChange> {
    child.take_job_change().expect("no error")
}

/// The letter of `proc_pid_stat(5)`.
fn state(id: &str) -> char {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
    let state = fields(&stat).next().and_then(|state| state.chars().next());
    state.expect("a state")
}
