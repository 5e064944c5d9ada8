//! What a captured run does, whatever its form: each case takes the form as a function.

use std::io::{self, ErrorKind};
use std::process::Command;
use std::time::Duration;

use childminder::{
    Config, Error, ExitStatus, Ladder, Outcome, Signal, Stage, Strays, Sweep, Target,
};
use childminder_driver::Captured;

use crate::alone::again_in_a_process_of_its_own;

/// Runs a command to its end.
pub(crate) type Form = fn(&mut Command, Config, Captured) -> io::Result<Captured>;

/// A test of each case, in the module `$module`, which has the form `$form`.
macro_rules! cases {
    ($module:literal, $form:path) => {
        $crate::capturing::cases! { @ $form;
            what_it_wrote_and_how_it_ended_come_back,
            many_megabytes_go_through,
            both_streams_are_read_while_input_is_written,
            without_input_there_is_nothing_to_read,
            a_child_that_closes_its_input_at_once_succeeds,
            a_child_that_never_reads_is_ended_when_it_is_silent,
            more_than_is_kept_is_left_out_and_counted,
            more_than_the_whole_may_be_ends_the_child,
            what_holds_the_output_is_given_up,
            what_cannot_be_run_is_named,
            a_whole_life_is_limited,
        }

        #[test]
        fn nothing_that_it_started_is_left() {
            let name = concat!($module, "::nothing_that_it_started_is_left");
            $crate::capturing::nothing_that_it_started_is_left($form, name);
        }
    };
    (@ $form:path; $($case:ident,)*) => {
        $(
            #[test]
            fn $case() {
                $crate::capturing::$case($form);
            }
        )*
    };
}

pub(crate) use cases;

pub(crate) fn what_it_wrote_and_how_it_ended_come_back(form: Form) {
    let script = "read line; echo \"<$line>\"; echo one >&2; echo two >&2; exit 3";
    let captured = captured(form, script, patient(), whole().with_input("hello\n"));
    assert_eq!(captured.stdout().to_string(), "<hello>\n");
    assert_eq!(captured.stderr().to_string(), "one\ntwo\n");
    assert_eq!(outcome(&captured).exit, Some(ExitStatus::Code(3)));
    let failure = captured.check().expect_err("a failure").to_string();
    assert_eq!(failure, "sh: exit status 3; standard error:\none\ntwo");
}

pub(crate) fn many_megabytes_go_through(form: Form) {
    let input: Vec<u8> = (0..=250).cycle().take(16 << 20).collect();
    let captured = captured(form, "exec cat", patient(), whole().with_input(&input[..]));
    let captured = captured.check().expect("a success");
    let output = captured.stdout().bytes().expect("all of it");
    assert!(*output == input, "{} of {}", output.len(), input.len());
}

pub(crate) fn both_streams_are_read_while_input_is_written(form: Form) {
    let input = vec![b'x'; 2 << 20];
    let script = "exec tee /dev/stderr";
    let captured = captured(form, script, patient(), whole().with_input(&input[..]));
    for stream in [captured.stdout(), captured.stderr()] {
        assert!(stream.bytes().is_some_and(|bytes| *bytes == input));
    }
    assert!(captured.is_success());
}

pub(crate) fn without_input_there_is_nothing_to_read(form: Form) {
    for captured_as in [whole(), whole().with_input("")] {
        let captured = captured(form, "cat; echo done", patient(), captured_as);
        assert!(captured.is_success());
        assert_eq!(captured.stdout().to_string(), "done\n");
    }
}

pub(crate) fn a_child_that_closes_its_input_at_once_succeeds(form: Form) {
    let input = vec![b'x'; 4 << 20];
    let script = "exec <&-; echo done";
    let captured = captured(form, script, patient(), whole().with_input(input));
    let captured = captured.check().expect("a success");
    assert_eq!(captured.stdout().to_string(), "done\n");
    assert!(captured.errors().is_empty());
}

pub(crate) fn a_child_that_never_reads_is_ended_when_it_is_silent(form: Form) {
    let config = Config {
        idle_timeout: Some(Duration::from_millis(200)),
        ..patient()
    };
    let input = vec![b'x'; 4 << 20];
    let captured = captured(form, "exec sleep 1000", config, whole().with_input(input));
    assert_eq!(outcome(&captured).error, Some(Error::IdleTimeout));
    let signal = Some(ExitStatus::Signal(Signal::TERM));
    assert_eq!(outcome(&captured).exit, signal);
    let failure = captured.check().expect_err("a failure").to_string();
    assert_eq!(failure, "sh: no activity within the idle timeout");
}

pub(crate) fn more_than_is_kept_is_left_out_and_counted(form: Form) {
    let script = "echo begin; head -c 10000000 /dev/zero; echo end";
    let captured = captured(form, script, patient(), Captured::new(6, 4));
    let captured = captured.check().expect("a success");
    assert_eq!(captured.stdout().head(), b"begin\n");
    assert_eq!(captured.stdout().tail(), b"end\n");
    assert_eq!(captured.stdout().omitted(), 10_000_000);
}

pub(crate) fn more_than_the_whole_may_be_ends_the_child(form: Form) {
    let captured = captured(form, "exec yes", patient(), Captured::whole(100_000));
    let outcome = outcome(&captured);
    assert!(matches!(outcome.error, Some(Error::External(_))));
    assert!(outcome.terminated);
    assert_eq!(captured.stdout().head().len(), 100_000);
    let words = "it wrote more than 100000 bytes to stdout";
    assert_eq!(captured.errors().to_string(), words);
}

pub(crate) fn what_holds_the_output_is_given_up(form: Form) {
    let config = Config {
        drain_timeout: Some(Duration::from_millis(50)),
        ..patient()
    };
    let captured = captured(form, "sleep 1000 & echo $!", config, whole());
    let daemon = captured.stdout().to_string();
    let killed = Command::new("kill").arg(daemon.trim()).status();
    assert!(killed.expect("kill").success(), "it was left alive");
    assert!(outcome(&captured).leaked);
    assert!(captured.is_success());
}

pub(crate) fn what_cannot_be_run_is_named(form: Form) {
    let refused = form(&mut Command::new("/nowhere"), patient(), whole());
    let error = refused.expect_err("nothing is there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let words = error.to_string();
    assert!(words.starts_with("/nowhere: cannot be run: "), "{words}");
}

pub(crate) fn a_whole_life_is_limited(form: Form) {
    let config = Config {
        run_timeout: Some(Duration::from_millis(200)),
        ..patient()
    };
    let captured = captured(form, "echo begun; exec yes >/dev/null", config, whole());
    assert_eq!(outcome(&captured).error, Some(Error::RunTimeout));
    assert_eq!(captured.stdout().to_string(), "begun\n");
}

/// Orphans are a matter of the whole process.
pub(crate) fn nothing_that_it_started_is_left(form: Form, name: &str) {
    if again_in_a_process_of_its_own(name, &[]) {
        return;
    }
    let config = Config {
        sweep: Sweep::Always,
        stray_timeout: Some(Duration::from_secs(20)),
        drain_timeout: Some(Duration::ZERO),
        ..patient()
    };
    // It goes on when the daemon has left the group and closed this pipe; the daemon holds standard error.
    let daemon = "daemon=$(setsid sh -c 'echo $$; exec sleep 1000 >&2' &)";
    let script = format!("{daemon}; echo $daemon; sleep 1000 & echo $!");
    let captured = captured(form, &script, config, whole());
    assert!(captured.is_success());
    assert_eq!(outcome(&captured).strays, Strays::Killed);
    let pids = captured.stdout().to_string();
    assert_eq!(pids.lines().count(), 2, "{pids}");
    for pid in pids.lines() {
        let found = Command::new("kill").args(["-0", pid]).output();
        let is_alive = found.expect("kill").status.success();
        assert!(!is_alive, "{pid} is alive");
    }
}

fn captured(form: Form, script: &str, config: Config, captured: Captured) -> Captured {
    let mut command = Command::new("sh");
    let run = form(command.args(["-c", script]), config, captured);
    run.expect("it can be run")
}

fn outcome(captured: &Captured) -> Outcome {
    captured.outcome().expect("it has ended")
}

/// More than any case writes.
fn whole() -> Captured {
    Captured::whole(64 << 20)
}

/// Not SIGINT: a shell that runs the tests in the background has it ignored.
pub(crate) fn patient() -> Config {
    let stage = |signal, wait| Stage {
        signal,
        target: Target::Group,
        wait,
    };
    let first = stage(Signal::TERM, Some(Duration::from_secs(5)));
    Config {
        drain_timeout: None,
        ladder: Ladder::from([first, stage(Signal::KILL, None)]),
        ..Config::default()
    }
}
