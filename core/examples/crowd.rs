//! What it costs to tell a monitor of output and to poll it dry: `crowd MONITORS ROUNDS`.
//!
//! Each round tells every monitor in turn, as a loop with many children would.

use std::env;
use std::hint::black_box;
use std::time::{self, Duration};

use childminder::{Config, Event, Instant, Misuse, MonitorState, Stream};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = env::args().skip(1);
    let mut number = |default: usize| words.next().map_or(Ok(default), |word| word.parse());
    let (monitors, rounds) = (number(10_000)?, number(100)?);

    let mut crowd = vec![running()?; monitors];
    let mut now = Instant::ZERO;
    let begun = time::Instant::now();
    for _ in 0..rounds {
        round(&mut crowd, &mut now)?;
    }
    let took = begun.elapsed();
    println!("{} outputs in {took:.1?}", rounds * monitors);
    Ok(())
}

fn running() -> Result<MonitorState, Misuse> {
    let mut monitor = MonitorState::new(Config {
        idle_timeout: Some(Duration::from_secs(60)),
        run_timeout: Some(Duration::from_secs(3600)),
        ..Config::default()
    });
    monitor.handle(Instant::ZERO, Event::Started)?;
    drain(&mut monitor);
    Ok(monitor)
}

fn round(crowd: &mut [MonitorState], now: &mut Instant) -> Result<(), Misuse> {
    for monitor in crowd {
        now.0 += 1;
        let output = Event::Output {
            stream: Stream::Stdout,
            bytes: black_box(64),
        };
        monitor.handle(*now, output)?;
        drain(monitor);
    }
    Ok(())
}

fn drain(monitor: &mut MonitorState) {
    while let Some(action) = monitor.poll_action() {
        black_box(action);
    }
}
