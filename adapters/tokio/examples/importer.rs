//! Minds an import, as Launchpad's monitor of code imports does: any output is activity, a heartbeat posts the last lines
//! of the log to a service, and when all is over the result is posted. A service that fails or hangs ends the job.
//!
//! `cargo run --example importer HOST:PORT COMMAND [ARG]...`

use std::env;
use std::io;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use childminder_driver::Tail;
use childminder_tokio::childminder::{Config, Outcome, Stream};
use childminder_tokio::{Failure, Minder, Options};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// For an import that is told of this often.
pub(crate) fn config(beat: Duration) -> Config {
    Config {
        idle_timeout: Some(Duration::from_secs(600)),
        heartbeat_interval: Some(beat),
        notification_timeout: Some(Duration::from_secs(10)),
        ..Config::default()
    }
}

/// Runs this, and tells the service of it; returns how it ended, and all errors, in words.
pub(crate) async fn import(
    minder: &Minder,
    command: &mut Command,
    config: Config,
    service: String,
) -> io::Result<(Outcome, String)> {
    let log = Arc::new(Mutex::new(Tail::new(100)));
    let (told, result) = (Arc::clone(&log), service.clone());
    let options = Options::from(config)
        .on_heartbeat(move || post(service.clone(), "log", text(&told)))
        .on_end(move |outcome| post(result.clone(), "result", outcome.to_string()));
    let mut child = minder.spawn(command, options)?;
    let mut stdout = child.take_stdout().ok_or(io::ErrorKind::NotFound)?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = stdout.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(Stream::Stdout, &buffer[..length]);
    }
    let outcome = child.outcome().await?;
    let errors: Vec<_> = child.errors().iter().map(ToString::to_string).collect();
    Ok((outcome, errors.join("; then ")))
}

fn text(log: &Mutex<Tail>) -> String {
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    let lines = log.lines();
    lines.iter().map(|line| line.text() + "\n").collect()
}

async fn post(service: String, path: &str, body: String) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(&service).await?;
    let length = body.len();
    let request = format!(
        "POST /{path} HTTP/1.1\r\nHost: {service}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut status = String::new();
    BufReader::new(stream).read_line(&mut status).await?;
    if status.contains(" 200 ") {
        return Ok(());
    }
    Err(format!("{service} said {:?}", status.trim()).into())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let (Some(service), Some(program)) = (args.next(), args.next()) else {
        return Err(io::Error::other(
            "usage: importer HOST:PORT COMMAND [ARG]...",
        ));
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let config = config(Duration::from_secs(5));
    let (outcome, errors) = import(&Minder::new()?, &mut command, config, service).await?;
    println!("{outcome} {errors}");
    Ok(())
}
