//! An owner whose child speaks commands, as in the example `puller` of childminder-mio.

use std::time::Duration;

use childminder_driver::Calls;
use childminder_tokio::childminder::{Activity, Config};
use childminder_tokio::{Child, Failure, Minder};
use tokio::io::AsyncReadExt as _;

use crate::support::{GUARD, millis, on_both, outcome, patient, sh};

/// What was reported, and what went wrong first.
async fn pull(minder: &Minder, script: &str, idle: Duration) -> (Vec<String>, Option<String>) {
    let config = Config {
        idle_timeout: Some(idle),
        run_timeout: Some(idle * 10),
        activity: Activity::Explicit,
        ..patient()
    };
    let mut child = minder.spawn(&mut sh(script), config).expect("sh");
    let mut reported = Vec::new();
    let heard = hear(&mut child, &mut reported).await;
    // The child may have ended long ago, when it hears of no failure any more.
    let failure = heard.err().map(|why| {
        let words = why.to_string();
        child.fail(why);
        words
    });
    outcome(&mut child).await;
    let error = child.errors().first().map(ToString::to_string);
    (reported, failure.or(error))
}

async fn hear(child: &mut Child, reported: &mut Vec<String>) -> Result<(), Failure> {
    let mut stdout = child.take_stdout().expect("it is piped");
    let mut calls = Calls::new(10_000, &[("progressMade", 1), ("log", 1)]);
    let mut buffer = vec![0; 4096];
    loop {
        let mut said = Vec::new();
        let length = stdout.read(&mut buffer).await?;
        let pushed = calls.push(&buffer[..length], |call| match call.name() {
            "progressMade" => child.progress(),
            _ => said.push(call.to_string()),
        });
        for command in said {
            report(command, reported).await?;
        }
        pushed?;
        if length == 0 {
            return Ok(calls.finish()?);
        }
    }
}

async fn report(command: String, reported: &mut Vec<String>) -> Result<(), Failure> {
    tokio::task::yield_now().await;
    let is_full = command == "log full";
    reported.push(command);
    if is_full {
        return Err("the disk is full".into());
    }
    Ok(())
}

#[test]
fn a_child_that_speaks_commands_is_minded_by_the_same_parts() {
    on_both(async |minder| {
        let good = "printf 3:log,5:hello,12:progressMade,1:x,";
        let unknown = "printf 3:log,2:on,4:stop,; sleep 1000";
        let full = "printf 3:log,4:full,3:log,2:on,; sleep 1000";
        let unfinished = "printf 3:log,4:he";
        let cases: [(_, &[&str], _); 4] = [
            (good, &["log hello"], None),
            (unknown, &["log on"], Some("unknown command: \"stop\"")),
            (full, &["log full"], Some("the disk is full")),
            (
                unfinished,
                &[],
                Some("the output ended within a netstring: \"4:he\""),
            ),
        ];
        for (script, expected, words) in cases {
            let (reported, error) = pull(&minder, script, GUARD).await;
            assert_eq!(error.as_deref(), words, "by {script}");
            assert_eq!(reported, expected, "by {script}");
        }
    });
}

#[test]
fn commands_that_are_no_progress_do_not_put_the_idle_timeout_off() {
    on_both(async |minder| {
        let script = "while :; do printf 3:log,2:on,; sleep 0.02; done";
        let (reported, error) = pull(&minder, script, millis(300)).await;
        let words = "no activity within the idle timeout";
        assert_eq!(error.as_deref(), Some(words));
        assert!(!reported.is_empty());
    });
}
