//! Minds a child that speaks commands, as Launchpad's puller does: it writes netstrings to its standard output, the
//! name of a command and then its arguments. Only `progressMade` is activity; the others are reported, in their order.
//! What the child writes to standard error makes the run a failure with that text.
//!
//! `cargo run --example puller`, or with a command of your own:
//! `cargo run --example puller -- sh -c 'printf 3:log,5:hello,'`

use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, io};

use childminder::{Activity, Config, Error, ExitStatus, Stream};
use childminder_driver::{Answer, Calls, Capture, Control, Errors, Failure, Handler, Job};
use childminder_mio::run_to_end;

/// Each command, and how many arguments it has.
const COMMANDS: &[(&str, usize)] = &[
    ("startMirroring", 0),
    ("progressMade", 1),
    ("log", 1),
    ("mirrorSucceeded", 2),
    ("mirrorFailed", 2),
];

/// How many bytes a command may have, with its arguments.
const LIMIT: usize = 10_000;

/// What minds a puller, and where its commands are reported.
pub(crate) struct Puller<R> {
    report: R,
    calls: Calls,
    stderr: Capture,
    pub(crate) errors: Errors,
}

impl<R: FnMut(&str) -> Result<(), Failure>> Puller<R> {
    pub(crate) fn new(report: R) -> Self {
        Self {
            report,
            calls: Calls::new(LIMIT, COMMANDS),
            stderr: Capture::default(),
            errors: Errors::default(),
        }
    }
}

/// For a puller that may make no progress for so long.
pub(crate) fn config(idle: Duration) -> Config {
    Config {
        idle_timeout: Some(idle),
        activity: Activity::Explicit,
        ..Config::default()
    }
}

impl<R: FnMut(&str) -> Result<(), Failure>> Handler for Puller<R> {
    type Notification = String;

    fn output(&mut self, control: &mut Control<String>, stream: Stream, bytes: &[u8]) {
        if stream == Stream::Stderr {
            return self.stderr.push(bytes);
        }
        let pushed = self.calls.push(bytes, |call| match call.name() {
            "progressMade" => control.progress(),
            _ => control.notify(call.to_string()),
        });
        if let Err(why) = pushed {
            control.fail(why);
        }
    }

    fn exited(&mut self, control: &mut Control<String>, _: ExitStatus) {
        if !self.stderr.is_empty() {
            control.fail(self.stderr.to_string().trim_end());
        }
        if let Err(why) = self.calls.finish() {
            control.fail(why);
        }
    }

    fn notify(&mut self, _: &mut Control<String>, job: Job<String>, answer: Answer) {
        answer.give(match job {
            Job::Requested(command) => (self.report)(&command),
            _ => Ok(()),
        });
    }

    fn error(&mut self, _: &mut Control<String>, error: Error, _: bool, why: Option<Failure>) {
        self.errors.push(error, why);
    }
}

fn main() -> io::Result<()> {
    let mut args = env::args_os().skip(1);
    let mut command = Command::new(args.next().unwrap_or("printf".into()));
    command.args(args).stdin(Stdio::null());
    if env::args_os().len() == 1 {
        command.arg("14:startMirroring,12:progressMade,5:fetch,15:mirrorSucceeded,1:7,1:8,");
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let puller = Puller::new(|command: &str| {
        println!("reported: {command}");
        Ok(())
    });
    let (outcome, puller) = run_to_end(&mut command, config(Duration::from_secs(60)), puller)?;
    println!("{outcome} {}", puller.errors);
    Ok(())
}
