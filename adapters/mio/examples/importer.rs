//! Minds an import, as Launchpad's monitor of code imports does: any output is activity, a heartbeat posts the last lines
//! of the log to a service, and when all is over the result is posted. A service that fails or hangs ends the job.
//!
//! `cargo run --example importer HOST:PORT COMMAND [ARG]...`

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use childminder::{Config, Error, Stream};
use childminder_driver::{Answer, Control, Errors, Failure, Handler, Job, Tail};
use childminder_mio::run_to_end;

/// What minds an import, and where that is told.
pub(crate) struct Importer {
    service: String,
    log: Tail,
    pub(crate) errors: Errors,
}

impl Importer {
    pub(crate) fn new(service: String) -> Self {
        Self {
            service,
            log: Tail::new(100),
            errors: Errors::default(),
        }
    }
}

/// For an import that is told of this often.
pub(crate) fn config(beat: Duration) -> Config {
    Config {
        idle_timeout: Some(Duration::from_secs(600)),
        heartbeat_interval: Some(beat),
        final_notification: true,
        notification_timeout: Some(Duration::from_secs(10)),
        ..Config::default()
    }
}

impl Handler for Importer {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, stream: Stream, bytes: &[u8]) {
        self.log.push(stream, bytes);
    }

    fn notify(&mut self, _: &mut Control<()>, job: Job<()>, answer: Answer) {
        let (path, body) = match job {
            Job::Final(outcome) => ("result", outcome.to_string()),
            _ => ("log", text(&self.log)),
        };
        let service = self.service.clone();
        thread::spawn(move || answer.give(post(&service, path, &body)));
    }

    fn error(&mut self, _: &mut Control<()>, error: Error, _: bool, why: Option<Failure>) {
        self.errors.push(error, why);
    }
}

fn text(log: &Tail) -> String {
    let lines = log.lines();
    lines.iter().map(|line| line.text() + "\n").collect()
}

/// A service that never answers is given up by this thread, too, in the end.
fn post(service: &str, path: &str, body: &str) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(service)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let length = body.len();
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nHost: {service}\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status)?;
    if status.contains(" 200 ") {
        return Ok(());
    }
    Err(format!("{service} said {:?}", status.trim()).into())
}

fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let (Some(service), Some(program)) = (args.next(), args.next()) else {
        return Err(io::Error::other(
            "usage: importer HOST:PORT COMMAND [ARG]...",
        ));
    };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let importer = Importer::new(service);
    let config = config(Duration::from_secs(5));
    let (outcome, importer) = run_to_end(&mut command, config, importer)?;
    println!("{outcome} {}", importer.errors);
    Ok(())
}
