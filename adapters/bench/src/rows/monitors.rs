//! Activity of many that are watched for silence.

use std::future::poll_fn;
use std::hint::black_box;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use childminder::{self as core, Config, Event, MonitorState, Stream};
use tokio::time::{Sleep, sleep_until};
use tokio_util::time::DelayQueue;

use super::less;
use crate::args;
use crate::by_hand;
use crate::contestant::{Args, Contest};
use crate::held::Held;
use crate::race::{Goal, Race, Role};
use crate::units::each;
use crate::workshop::Workshop;

pub(super) fn races(workshop: &Workshop) -> Vec<Race> {
    let times = workshop.times(100);
    let args = || args![10_000, times];
    let rows = [
        less("the time given", "ns", Goal::Figure(5.0)),
        less("a clock read each", "ns", Goal::OfPeers(1.0)),
    ];
    let here = |name| workshop.by_contestant(name, args());
    let race = Race::new("output and drain, 10,000 monitors", rows)
        .pinned()
        .with(
            Role::Floor,
            "C store",
            workshop.by_floor("monitors", args()),
        )
        .with(Role::Peer, "tokio Sleep", here("monitors-tokio"))
        .with(Role::Peer, "tokio DelayQueue", here("monitors-queue"))
        .with(Role::Ours, "core", here("monitors-ours"));
    let many = || args![workshop.times(1_000_000)];
    let rows = [
        less("resident each", "bytes", Goal::Figure(320.0)),
        less("start and drain each", "ns", Goal::OfPeers(1.0)),
    ];
    let million = Race::new("a million monitors", rows)
        .pinned()
        .seldom()
        .with(
            Role::Peer,
            "tokio Sleep",
            workshop.by_contestant("million-tokio", many()),
        )
        .with(
            Role::Ours,
            "core",
            workshop.by_contestant("million-ours", many()),
        );
    vec![race, million]
}

pub(super) const CONTESTANTS: &[(&str, Contest)] = &[
    ("monitors-tokio", by_sleeps),
    ("monitors-queue", by_a_queue),
    ("monitors-ours", by_ours),
    ("million-tokio", many_sleeps),
    ("million-ours", many_of_ours),
];

fn by_ours(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let [count, times] = [args.number()?, args.number()?];
    let mut monitors = started(count)?;
    let output = Event::Output {
        stream: Stream::Stdout,
        bytes: 64,
    };
    let mut now = core::Instant(0);
    let given = time(&mut monitors, times, |monitor| {
        now = core::Instant(now.0 + 1_000);
        wrote(monitor, now, output)
    })?;
    let origin = Instant::now();
    let before = now;
    let read = time(&mut monitors, times, |monitor| {
        let now = before.after(origin.elapsed());
        wrote(monitor, now, output)
    })?;
    Ok(vec![given, read])
}

fn many_of_ours(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let count = args.number()?;
    held_by(count, || started(count))
}

fn started(count: usize) -> io::Result<Vec<MonitorState>> {
    let config = Config {
        idle_timeout: Some(IDLE),
        ..Config::default()
    };
    let mut monitors = vec![MonitorState::new(config); count];
    for monitor in &mut monitors {
        wrote(monitor, core::Instant(0), Event::Started)?;
    }
    Ok(monitors)
}

/// What they hold, and the nanoseconds that each took to make.
fn held_by<T>(count: usize, make: impl FnOnce() -> io::Result<T>) -> io::Result<Vec<f64>> {
    let before = Held::now()?;
    let begun = Instant::now();
    let all = make()?;
    let took = each(begun.elapsed(), count) * 1e3;
    let [bytes, _] = Held::now()?.since(&before, count);
    drop(black_box(all));
    Ok(vec![bytes, took])
}

fn wrote(monitor: &mut MonitorState, now: core::Instant, event: Event) -> io::Result<()> {
    monitor.handle(now, event).map_err(io::Error::other)?;
    while let Some(action) = monitor.poll_action() {
        black_box(action);
    }
    Ok(())
}

fn by_sleeps(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let [count, times] = [args.number()?, args.number()?];
    by_hand::tokio::runtime()?.block_on(async {
        let begun = Instant::now();
        let mut sleeps = sleeping(count).await;
        let mut now = begun;
        let given = time(&mut sleeps, times, |sleep| {
            now += Duration::from_micros(1);
            sleep.as_mut().reset((now + IDLE).into());
            Ok(())
        })?;
        let read = time(&mut sleeps, times, |sleep| {
            sleep.as_mut().reset((Instant::now() + IDLE).into());
            Ok(())
        })?;
        Ok(vec![given, read])
    })
}

fn many_sleeps(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let count = args.number()?;
    let runtime = by_hand::tokio::runtime()?;
    held_by(count, || Ok(runtime.block_on(sleeping(count))))
}

async fn sleeping(count: usize) -> Vec<Pin<Box<Sleep>>> {
    let until = Instant::now() + IDLE;
    let sleep = |_| Box::pin(sleep_until(until.into()));
    let mut sleeps: Vec<Pin<Box<Sleep>>> = (0..count).map(sleep).collect();
    for sleep in &mut sleeps {
        // Only then it has its place among the timers.
        poll_fn(|context| Poll::Ready(sleep.as_mut().poll(context).is_ready())).await;
    }
    sleeps
}

fn by_a_queue(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let [count, times] = [args.number()?, args.number()?];
    by_hand::tokio::runtime()?.block_on(async {
        let begun = Instant::now();
        let mut queue = DelayQueue::new();
        let mut keys: Vec<_> = (0..count).map(|place| queue.insert(place, IDLE)).collect();
        let mut now = begun;
        let given = time(&mut keys, times, |key| {
            now += Duration::from_micros(1);
            queue.reset_at(key, (now + IDLE).into());
            Ok(())
        })?;
        let read = time(&mut keys, times, |key| {
            queue.reset_at(key, (Instant::now() + IDLE).into());
            Ok(())
        })?;
        Ok(vec![given, read])
    })
}

/// The nanoseconds for each, all of them so many times.
fn time<T>(
    all: &mut [T],
    times: usize,
    mut touch: impl FnMut(&mut T) -> io::Result<()>,
) -> io::Result<f64> {
    let begun = Instant::now();
    for _ in 0..times {
        for one in &mut *all {
            touch(one)?;
        }
    }
    Ok(each(begun.elapsed(), all.len() * times) * 1e3)
}

const IDLE: Duration = Duration::from_secs(3600);
