//! Runs two hundred jobs of five kinds, twenty at a time, and prints a verdict on each.

use std::io;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use childminder_tokio::{Minder, childminder::Config};
use tokio::io::{copy, sink};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Succeeds, fails, falls silent, floods, and leaves a daemon that holds its output.
const JOBS: [&str; 5] = [
    "echo hello",
    "exit 3",
    "sleep 1000",
    "head -c 1000000 /dev/zero",
    "setsid sleep 3 &",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let minder = Minder::new()?;
    let slots = Arc::new(Semaphore::new(20));
    let mut jobs = JoinSet::new();
    for (number, script) in JOBS.into_iter().cycle().take(200).enumerate() {
        let (minder, slots) = (minder.clone(), Arc::clone(&slots));
        jobs.spawn(async move {
            let _slot = slots.acquire_owned().await.map_err(io::Error::other)?;
            println!("job {number}: {}", run(&minder, script).await?);
            io::Result::Ok(())
        });
    }
    while let Some(job) = jobs.join_next().await {
        job??;
    }
    Ok(())
}

async fn run(minder: &Minder, script: &str) -> io::Result<String> {
    let config = Config {
        idle_timeout: Some(Duration::from_secs(2)),
        drain_timeout: Some(Duration::from_millis(100)),
        ..Config::default()
    };
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdout(Stdio::piped());
    let mut child = minder.spawn(&mut command, config)?;
    let mut stdout = child.take_stdout().expect("it is piped");
    let bytes = copy(&mut stdout, &mut sink()).await?;
    let outcome = child.outcome().await?;
    Ok(match child.errors().first() {
        Some(error) => format!("{bytes} bytes, {error}"),
        None if outcome.leaked => format!("{bytes} bytes, leaked"),
        None => format!("{bytes} bytes, ok"),
    })
}
