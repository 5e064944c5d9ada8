//! Deadlines and the ladder.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::process::Stdio;
use std::thread;

use rustix::process::Signal;

use crate::support::{
    LOITER, Process, assert_same, childminder, full_pipe, millis, minding, minding_words, numbers,
    run, start, through,
};

/// However slow, and though we are stopped meanwhile.
#[test]
fn a_reader_that_goes_on_reading_gets_it_all() {
    let script = "head -c 150000 /dev/zero; exec sleep 60";
    let mut running = start(minding("--wall 300ms --idle 600s", script));
    let mut stdout = running.take_stdout();
    let mut read = 0;
    let mut page = [0; 4096];
    while read < 40_000 {
        thread::sleep(millis(400));
        stdout.read_exact(&mut page).expect("a page");
        read += page.len();
    }
    // Until it is noticed that the last page was read.
    thread::sleep(millis(700));
    running.signal(Signal::STOP);
    thread::sleep(millis(4000));
    running.signal(Signal::CONT);
    thread::sleep(millis(500));
    read += stdout.read_to_end(&mut Vec::new()).expect("the rest");
    assert_eq!(read, 150_000);
    running.finish().expect(
        124,
        "childminder: sh: still running after 300ms (--wall); sent SIGINT; killed by SIGINT\n",
    );
}

/// What was not read is lost, and that is told.
#[test]
fn a_reader_that_stands_still_does_not_hold_up_the_end() {
    for command in [
        minding("--wall 300ms --idle 600s", "exec yes"),
        childminder(["timeout", "--idle", "60", "0.3", "yes"]),
    ] {
        let mut running = start(command);
        let unread = running.take_stdout();
        let ended = running.finish();
        assert_eq!(ended.status, 124);
        let lost = "cannot write to standard output: nobody has read the last ";
        assert!(ended.stderr().contains(lost), "{}", ended.stderr());
        drop(unread);
    }
}

/// Though the command has ended by itself, and there was room for all that it wrote.
#[test]
fn wall_bounds_the_wait_for_a_reader_too() {
    let head = ["head", "-c", "300000", "/dev/zero"];
    for command in [
        minding_words("--wall 1s --idle 600s", &head),
        childminder([&["timeout", "--idle", "600", "1"], &head[..]].concat()),
    ] {
        let mut running = start(command);
        let unread = running.take_stdout();
        let ended = running.finish();
        assert_eq!(ended.status, 125);
        let lost = "cannot write to standard output: nobody has read the last ";
        assert!(ended.stderr().contains(lost), "{}", ended.stderr());
        // Nothing is said of these three seconds but that they are no longer.
        assert!(ended.took > millis(1000), "{:?}", ended.took);
        assert!(ended.took < millis(6000), "{:?}", ended.took);
        drop(unread);
    }
}

/// Neither what the command wrote is read, nor what we say of that.
#[test]
fn wall_bounds_the_wait_for_every_reader() {
    let (_unread, full) = full_pipe();
    let mut command = minding("--wall 1s --idle 600s -v", "echo out; echo err >&2");
    command.stdout(full.try_clone().expect("a pipe"));
    command.stderr(full);
    let ended = start(command).finish();
    assert_eq!(ended.status, 125);
    assert!(ended.took < millis(6000), "{:?}", ended.took);
}

#[test]
fn a_reader_may_take_its_time_until_then() {
    let mut running = start(minding("--wall 60s --idle 600s", "echo $$; seq 1 100000"));
    running.process().wait_until_gone();
    thread::sleep(millis(4000));
    let ended = running.finish();
    ended.expect(0, "");
    assert_same(&ended.stdout, &numbers(100_000));
}

/// While the reader is waited for, and we are stopped.
#[test]
fn a_stop_puts_off_the_end_of_the_wait_for_a_reader() {
    let run = minding("--wall 1s --idle 600s", "echo $$; seq 1 100000");
    let mut running = start(through(&["setsid"], &run));
    running.process().wait_until_gone();
    running.stop_for(millis(5000));
    let ended = running.finish();
    ended.expect(0, "");
    assert_same(&ended.stdout, &numbers(100_000));
}

/// While the command ran, and we were stopped.
#[test]
fn a_stop_before_it_does_so_too() {
    let script = "echo $$; read go; seq 1 100000";
    let run = minding("--wall 3s --idle 600s", script);
    let mut command = through(&["setsid"], &run);
    command.stdin(Stdio::piped());
    let mut running = start(command);
    let child = running.process();
    running.stop_for(millis(3000));
    writeln!(running.stdin(), "go").expect("its input");
    child.wait_until_gone();
    // Of the limit there are almost three seconds left.
    thread::sleep(millis(4000));
    let ended = running.finish();
    ended.expect(0, "");
    assert_same(&ended.stdout, &numbers(100_000));
}

#[test]
fn words_of_ours_that_nobody_reads_hold_up_no_deadline() {
    for mut command in [
        childminder(["timeout", "-v", "0.3", "sleep", "60"]),
        minding(
            "-v --wall 300ms --grace 300ms",
            "trap '' INT; sleep 60 & wait; wait",
        ),
    ] {
        let (_unread, full) = full_pipe();
        command.stderr(full);
        let ended = start(command).finish();
        assert!([124, 137].contains(&ended.status), "{}", ended.status);
        assert!(ended.took < millis(7000), "{:?}", ended.took);
    }
}

#[test]
fn the_readme_s_example() {
    let ended = run("--idle 2s", "echo working; sleep 60");
    assert_eq!(ended.stdout(), "working\n");
    ended.expect(
        124,
        "childminder: sh: silent for 2s (--idle); sent SIGINT; killed by SIGINT\n",
    );
    ended.expect_took(millis(2000));
}

#[test]
fn a_child_that_ignores_sigint_is_killed_with_all_its_children() {
    let ended = run(
        "--idle 500ms --grace 500ms",
        "trap '' INT; sleep 600 & echo $!; sleep 600 & echo $!; echo $$; wait",
    );
    ended.expect(
        124,
        "childminder: sh: silent for 500ms (--idle); sent SIGINT, then SIGKILL; killed by SIGKILL\n",
    );
    ended.expect_took(millis(1000));
    let processes: Vec<_> = ended.stdout().lines().map(Process::named).collect();
    assert_eq!(processes.len(), 3);
    processes.iter().for_each(Process::wait_until_gone);
}

#[test]
fn what_the_child_leaves_behind_goes_with_it() {
    let ended = run("--idle 300ms", "(trap '' INT; sleep 600) & echo $!; wait");
    assert_eq!(ended.status, 124);
    Process::named(ended.stdout()).wait_until_gone();
}

#[test]
fn output_is_activity() {
    let ended = run(
        "--idle 2s",
        "for i in 1 2 3 4 5 6; do sleep 0.5; echo; done",
    );
    ended.expect(0, "");
}

#[test]
fn wall_ends_a_child_that_writes_into_nothing() {
    let mut command = minding("--wall 1s --idle 600s", "exec yes");
    command.stdout(File::create("/dev/null").expect("/dev/null"));
    let ended = start(command).finish();
    ended.expect(
        124,
        "childminder: sh: still running after 1s (--wall); sent SIGINT; killed by SIGINT\n",
    );
    ended.expect_took(millis(1000));
}

#[test]
fn wall_ends_a_child_whose_output_is_read() {
    let mut running = start(minding("--wall 1s --idle 600s", "exec yes"));
    let mut stdout = running.take_stdout();
    let reader = thread::spawn(move || io::copy(&mut stdout, &mut io::sink()).expect("read"));
    let ended = running.finish();
    assert_eq!(ended.status, 124);
    ended.expect_took(millis(1000));
    assert!(reader.join().expect("no panic") > 0);
}

#[test]
fn wall_ends_a_child_whose_output_nobody_reads() {
    let mut running = start(minding("--wall 500ms --idle 600s", "echo $$; exec yes"));
    running.process().wait_until_gone();
    assert_eq!(running.finish().status, 124);
}

#[test]
fn a_child_that_waits_for_its_reader_is_not_silent() {
    let running = start(minding("--idle 1s", "seq 1 1000000"));
    thread::sleep(millis(2500));
    let ended = running.finish();
    ended.expect(0, "");
    assert!(ended.stdout().ends_with("\n1000000\n"));
}

#[test]
fn the_first_output_may_be_late() {
    run("--first-output 300ms", "exec sleep 60").expect(
        124,
        "childminder: sh: no output within 300ms (--first-output); sent SIGINT; killed by SIGINT\n",
    );
}

#[test]
fn after_the_first_output_a_child_may_be_silent() {
    run("--first-output 2s", "echo >&2; sleep 2.2").expect(0, "\n");
}

#[test]
fn only_the_output_that_counts_is_activity() {
    let script = "while echo; do sleep 0.1; done";
    let ended = run("--idle 500ms --activity stderr", script);
    assert_eq!(ended.status, 124);
    let ended = run(
        "--idle 1s --activity stderr",
        "for i in 1 2 3 4 5 6; do sleep 0.25; echo >&2; done",
    );
    assert_eq!(ended.status, 0);
}

#[test]
fn a_longer_ladder_is_gone_through() {
    let ended = run(
        "--idle 300ms --ladder INT:100ms,HUP:100ms,KILL",
        "trap '' INT HUP; exec sleep 60",
    );
    ended.expect(
        124,
        "childminder: sh: silent for 300ms (--idle); sent SIGINT, then SIGHUP, then SIGKILL; killed by SIGKILL\n",
    );
}

#[test]
fn a_child_that_outlives_the_ladder_is_not_left_behind() {
    let mut running = start(minding(
        "--idle 300ms --ladder TERM:200ms",
        "trap '' TERM; echo $$; exec sleep 600",
    ));
    let id = running.line();
    let ended = running.finish();
    assert_eq!(ended.status, 125);
    let said = ended.stderr();
    assert!(
        said.starts_with("childminder: sh: silent for 300ms (--idle); sent SIGTERM at 0."),
        "{said}"
    );
    assert!(
        said.contains(&format!("; process {id} outlived the ladder; ")),
        "{said}"
    );
    Process::named(&id).wait_until_gone();
}

#[test]
fn a_child_that_ends_by_itself_when_asked_is_late_all_the_same() {
    let ended = run(
        "--idle 300ms",
        &format!("trap 'echo bye; exit 0' INT; {LOITER}"),
    );
    ended.expect(
        124,
        "childminder: sh: silent for 300ms (--idle); sent SIGINT; exit status 0\n",
    );
    assert_eq!(ended.stdout(), "bye\n");
}

#[test]
fn zero_is_no_deadline() {
    run("--idle 0 --wall 0 --first-output 0", "sleep 0.1").expect(0, "");
}
