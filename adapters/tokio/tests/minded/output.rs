//! Output comes whole, apart and no faster than it is read.

use std::fs;

use childminder_tokio::childminder::{Config, Error, ExitStatus, Signal};
use tokio::io::AsyncReadExt as _;

use crate::support::{
    first_line, millis, minder, on_both, outcome, patient, read_to_end, sh, spawn, until,
};

#[test]
fn a_flood_comes_whole() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "head -c 50000000 /dev/zero", patient());
        let mut output = child.take_stdout().expect("it is piped");
        let (mut total, mut buffer) = (0, vec![0; 100_000]);
        loop {
            match output.read(&mut buffer).await.expect("it cannot fail") {
                0 => break,
                length => total += length,
            }
        }
        assert_eq!(total, 50_000_000);
        assert!(outcome(&mut child).await.is_success());
    });
}

#[test]
fn both_streams_come_apart() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "echo out; echo err >&2; echo put", patient());
        let stdout = read_to_end(child.take_stdout()).await;
        let stderr = read_to_end(child.take_stderr()).await;
        assert_eq!(
            (&stdout[..], &stderr[..]),
            (&b"out\nput\n"[..], &b"err\n"[..])
        );
        assert!(outcome(&mut child).await.is_success());
    });
}

#[test]
fn what_is_not_piped_cannot_be_taken() {
    on_both(async |minder| {
        let mut command = sh("exit 0");
        command.stdout(std::process::Stdio::null());
        let mut child = minder.spawn(&mut command, patient()).expect("a child");
        assert!(child.take_stdout().is_none());
        assert!(child.take_stderr().is_some() && child.take_stderr().is_none());
        assert!(child.take_stdin().is_some() && child.take_stdin().is_none());
    });
}

#[test]
fn a_reader_that_does_not_read_holds_the_child_up_and_its_silence_is_forgiven() {
    on_both(async |minder| {
        let config = Config {
            idle_timeout: Some(millis(100)),
            ..patient()
        };
        let script = format!("exec head -c {FLOOD} /dev/zero");
        let mut child = spawn(&minder, &script, config);
        let output = child.take_stdout();
        // Many times what the flood would take, and ten idle timeouts.
        let mut clock = spawn(&minder, "sleep 1", patient());
        assert!(outcome(&mut clock).await.is_success());
        let written = written_by(child.id());
        assert!(
            (64 * 1024..512 * 1024).contains(&written),
            "{written} bytes"
        );

        assert_eq!(read_to_end(output).await.len(), FLOOD);
        let outcome = outcome(&mut child).await;
        assert!(outcome.is_success() && !outcome.leaked, "{outcome:?}");
    });
}

#[test]
fn a_child_is_silent_again_when_its_reader_has_caught_up() {
    on_both(async |minder| {
        let config = Config {
            idle_timeout: Some(millis(100)),
            ..patient()
        };
        let script = format!("head -c {FLOOD} /dev/zero; sleep 1000");
        let mut child = spawn(&minder, &script, config);
        let output = read_to_end(child.take_stdout()).await;
        assert_eq!(output.len(), FLOOD);
        let outcome = outcome(&mut child).await;
        assert_eq!(outcome.error, Some(Error::IdleTimeout));
    });
}

#[test]
fn a_reader_that_is_late_delays_no_end_and_loses_nothing() {
    on_both(async |minder| {
        // More than is taken unread from a living child: the rest stays in the pipe.
        let mut child = spawn(&minder, "head -c 120000 /dev/zero", patient());
        let output = child.take_stdout();
        let outcome = child
            .handle()
            .outcome()
            .await
            .expect("the runtime is there");
        assert!(outcome.is_success() && !outcome.leaked, "{outcome:?}");
        drop(child);
        assert_eq!(read_to_end(output).await.len(), 120_000);
    });
}

#[test]
fn output_that_nobody_took_does_not_delay_the_outcome() {
    on_both(async |minder| {
        let script = format!("cat; head -c {FLOOD} /dev/zero >&2; head -c {FLOOD} /dev/zero");
        let mut child = spawn(&minder, &script, patient());
        assert!(outcome(&mut child).await.is_success());
        let kept = read_to_end(child.take_stdout()).await;
        assert_eq!(kept.len(), 64 * 1024, "the last of it");
    });
}

#[test]
fn an_output_that_is_dropped_closes_the_pipe() {
    on_both(async |minder| {
        let mut child = spawn(&minder, "exec yes", patient());
        assert_eq!(first_line(&mut child).await, "y");
        let outcome = outcome(&mut child).await;
        let pipe = Signal::new(13).expect("SIGPIPE");
        assert_eq!(outcome.exit, Some(ExitStatus::Signal(pipe)));
    });
}

#[test]
fn an_output_outlives_the_runtime() {
    for runtime in crate::support::runtimes() {
        let output = runtime.block_on(async {
            let mut child = spawn(&minder(), "echo hello", patient());
            let handle = child.handle().clone();
            let output = child.take_stdout();
            assert!(handle.outcome().await.expect("the end").is_success());
            until(|| handle.errors().is_empty()).await;
            output
        });
        drop(runtime);
        let [other, _] = crate::support::runtimes();
        assert_eq!(other.block_on(read_to_end(output)), b"hello\n");
    }
}

const FLOOD: usize = 5_000_000;

fn written_by(pid: u32) -> usize {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).expect("proc");
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.expect("it is told").parse().expect("a number")
}
