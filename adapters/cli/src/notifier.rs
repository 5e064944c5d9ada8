//! The command of `--notify`, which is run once for each notification.

use std::ffi::OsStr;
use std::io;
use std::time::Duration;

use childminder::{Config, Error, ExitStatus, Ladder, Outcome, Signal, Stage, Stream, Target};
use childminder_driver::{Answer, Control, Errors, Failure, Handler, Tail};
use childminder_unix::{Command, Stdio, signals};

use crate::words::{is_text, printable};

/// Minds one run of it, and answers for it.
#[derive(Debug)]
pub(crate) struct Notifier {
    /// What it is told, until it is.
    news: Option<String>,
    answer: Option<Answer>,
    stderr: Tail,
    errors: Errors,
}

impl Notifier {
    pub(crate) fn new(news: String, answer: Answer) -> Self {
        Self {
            news: Some(news),
            answer: Some(answer),
            stderr: Tail::with_limits(MOST_LINES, MOST_BYTES),
            errors: Errors::default(),
        }
    }

    /// It is a shell that runs this.
    pub(crate) fn command(line: &OsStr) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// It has no deadline of its own: it is killed when the notification is overdue.
    pub(crate) fn config() -> Config {
        let stages = [(Signal::TERM, Some(GRACE)), (Signal::KILL, None)];
        Config {
            ladder: Ladder::from(stages.map(|(signal, wait)| Stage {
                signal,
                target: Target::Group,
                wait,
            })),
            ..Config::default()
        }
    }

    pub(crate) fn cannot_run(&mut self, error: &io::Error) {
        self.answer(Err(
            format!("cannot run the command of --notify: {error}").into()
        ));
    }

    fn answer(&mut self, result: Result<(), Failure>) {
        if let Some(answer) = self.answer.take() {
            answer.give(result);
        }
    }

    /// How it ended, and its last words.
    fn failure(&self, exit: Option<ExitStatus>) -> String {
        let how = match exit {
            Some(ExitStatus::Code(code)) => format!("exit status {code}"),
            Some(ExitStatus::Signal(signal)) => format!("killed by {}", signals::name(signal)),
            Some(ExitStatus::Lost) | None => self.errors.to_string(),
        };
        let lines = self.stderr.lines();
        let said: Vec<_> = lines
            .iter()
            .filter(|line| is_text(line.bytes) && !line.bytes.trim_ascii().is_empty())
            .map(|line| printable(line.text().trim()))
            .collect();
        let colon = if said.is_empty() { "" } else { ": " };
        format!(
            "the command of --notify has failed ({how}){colon}{}",
            said.join("; ")
        )
    }
}

impl Handler for Notifier {
    type Notification = ();

    fn input(&mut self) -> Option<Vec<u8>> {
        Some(self.news.take()?.into_bytes())
    }

    fn output(&mut self, _: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.stderr.push(stream, bytes);
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, _: bool, failure: Option<Failure>) {
        self.errors.push(error, failure);
    }

    fn finished(&mut self, outcome: Outcome) {
        self.answer(if outcome.is_success() {
            Ok(())
        } else {
            Err(self.failure(outcome.exit).into())
        });
    }
}

/// How much of what it says is told, from the end.
const MOST_LINES: usize = 5;
const MOST_BYTES: usize = 1024;

/// How long it may take to end when it must.
const GRACE: Duration = Duration::from_secs(1);
