//! How late the death of a child is known after its deadline.

use std::ffi::OsString;
use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use childminder::{Config, Error, ExitStatus};
use childminder_driver::{Control, Handler};
use childminder_mio::Children;
use childminder_tokio::{Minder, childminder_unix as unix};
use tokio::io::AsyncReadExt as _;

use super::less;
use crate::args;
use crate::by_hand;
use crate::contestant::{Args, Contest};
use crate::ours;
use crate::race::{Goal, Race, Role};
use crate::table::quantile;
use crate::units::micros;
use crate::workshop::Workshop;

pub(super) fn races(workshop: &Workshop) -> Vec<Race> {
    let kills = workshop.times(100);
    let tiny = workshop.floor("tiny");
    let source = workshop.floor("source");
    let rows = || {
        [
            less("p50", "us", Goal::OfFloor(1.3)),
            less("p99", "us", Goal::Figure(600.0)),
        ]
    };
    let race = |name, floor: Vec<OsString>, deadlines: usize, flood: &str| {
        let here = |name| {
            let args = args![tiny, kills, deadlines, flood];
            workshop.by_contestant(name, args)
        };
        Race::new(name, rows())
            .with(
                Role::Floor,
                "C timerfd",
                workshop.by_floor("lateness", floor),
            )
            .with(Role::Peer, "tokio by hand", here("lateness-tokio"))
            .with(Role::Ours, "mio", here("lateness-ours"))
            .with(Role::Ours, "tokio", here("lateness-ours-tokio"))
    };
    let by_mio = workshop.by_contestant("lateness-mio", args![tiny, kills]);
    vec![
        race("lateness of a kill", args![tiny, kills, 0], 0, "").with(
            Role::Peer,
            "mio by hand",
            by_mio,
        ),
        race(
            "lateness of a kill, 1,000 deadlines",
            args![tiny, kills, 1000],
            1000,
            "",
        )
        .noting("tokio by hand has the deadlines, but no children to them"),
        race(
            "lateness of a kill, beside a flood",
            args![tiny, kills, 0, source],
            0,
            &source,
        ),
    ]
}

pub(super) const CONTESTANTS: &[(&str, Contest)] = &[
    ("lateness-mio", by_mio),
    ("lateness-tokio", by_tokio),
    ("lateness-ours", by_ours),
    ("lateness-ours-tokio", by_ours_under_tokio),
];

/// What is killed, and beside what.
struct Scene {
    sleeper: String,
    kills: u32,
    /// How many other deadlines there are.
    deadlines: usize,
    /// What floods us, if anything.
    flood: Option<String>,
}

impl Scene {
    fn of(args: &mut Args<'_>) -> io::Result<Self> {
        Ok(Self {
            sleeper: args.word()?.to_owned(),
            kills: u32::try_from(args.number()?).map_err(io::Error::other)?,
            deadlines: args.number().unwrap_or(0),
            flood: args
                .word()
                .ok()
                .filter(|word| !word.is_empty())
                .map(str::to_owned),
        })
    }
}

/// At another place in a millisecond each time.
fn deadline(kill: u32) -> Duration {
    Duration::from_micros(u64::from(2_000 + kill * 137 % 2_000))
}

fn summary(late: &[f64]) -> Vec<f64> {
    vec![quantile(late, 0.5), quantile(late, 0.99)]
}

fn by_mio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let scene = Scene::of(args)?;
    let mut by_hand = by_hand::mio::Loop::new()?;
    let mut command = Command::new(&scene.sleeper);
    command.arg("sleep");
    let late = (0..scene.kills).map(|kill| {
        let ended = by_hand.mind(&mut command, deadline(kill))?;
        Ok(micros(ended.deadline.elapsed()))
    });
    Ok(summary(&late.collect::<io::Result<Vec<_>>>()?))
}

fn by_tokio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let scene = Scene::of(args)?;
    by_hand::tokio::runtime()?.block_on(async {
        for _ in 0..scene.deadlines {
            tokio::spawn(tokio::time::sleep(FAR));
        }
        let mut flood = None;
        if let Some(source) = &scene.flood {
            let mut command = tokio::process::Command::new(source);
            command
                .args(FLOOD)
                .stdout(Stdio::piped())
                .kill_on_drop(true);
            let mut child = command.spawn()?;
            let mut stdout = child.stdout.take().expect("it is piped");
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                while stdout.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            });
            flood = Some(child);
        }
        let mut command = tokio::process::Command::new(&scene.sleeper);
        command.arg("sleep").process_group(0);
        let mut late = Vec::new();
        for kill in 0..scene.kills {
            let mut child = command.spawn()?;
            let due = Instant::now() + deadline(kill);
            tokio::time::sleep_until(due.into()).await;
            by_hand::kill_group(child.id().unwrap_or_default())?;
            child.wait().await?;
            late.push(micros(due.elapsed()));
        }
        drop(flood);
        Ok(summary(&late))
    })
}

fn by_ours(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let scene = Scene::of(args)?;
    let mut children = Children::new()?;
    let mut command = unix::Command::new(&scene.sleeper);
    command.arg("sleep");
    for _ in 0..scene.deadlines {
        children.spawn(&mut command, limited(FAR), Death(None))?;
    }
    if let Some(source) = &scene.flood {
        let mut source = ours::piped(source);
        children.spawn(source.args(FLOOD), ours::idle(FAR), Death(None))?;
    }
    let mut late = Vec::new();
    for kill in 0..scene.kills {
        let config = limited(deadline(kill));
        let child = children.spawn(&mut command, config, Death(None))?;
        let due = Instant::now() + children.time_left(child, RUN).unwrap_or_default();
        let (outcome, Death(at)) = ours::next_end(&mut children)?;
        let at = at.ok_or_else(|| io::Error::other("no exit was told"))?;
        late.push(micros(at.saturating_duration_since(due)));
        killed(outcome.error)?;
    }
    Ok(summary(&late))
}

/// When it was told.
struct Death(Option<Instant>);

impl Handler for Death {
    type Notification = ();

    fn exited(&mut self, _: &mut Control<()>, _: ExitStatus) {
        self.0 = Some(Instant::now());
    }
}

/// The time counts from the return of the spawn.
fn by_ours_under_tokio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let scene = Scene::of(args)?;
    by_hand::tokio::runtime()?.block_on(async {
        let minder = Minder::new()?;
        let mut command = unix::Command::new(&scene.sleeper);
        command.arg("sleep");
        let others = (0..scene.deadlines).map(|_| minder.spawn(&mut command, limited(FAR)));
        let others = others.collect::<io::Result<Vec<_>>>()?;
        let mut flood = None;
        if let Some(source) = &scene.flood {
            let mut source = ours::piped(source);
            let mut child = minder.spawn(source.args(FLOOD), ours::idle(FAR))?;
            let mut stdout = child.take_stdout().expect("it is piped");
            tokio::spawn(async move {
                let mut buffer = vec![0; 64 * 1024];
                while stdout.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            });
            flood = Some(child);
        }
        let mut late = Vec::new();
        for kill in 0..scene.kills {
            let mut child = minder.spawn(&mut command, limited(deadline(kill)))?;
            let due = Instant::now() + deadline(kill);
            let outcome = child.outcome().await?;
            late.push(micros(due.elapsed()));
            killed(outcome.error)?;
        }
        drop((others, flood));
        Ok(summary(&late))
    })
}

fn limited(time: Duration) -> Config {
    Config {
        run_timeout: Some(time),
        ..ours::killed()
    }
}

fn killed(error: Option<Error>) -> io::Result<()> {
    if error == Some(Error::RunTimeout) {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{error:?} in place of the deadline"
    )))
}

const RUN: childminder::Deadline = childminder::Deadline::Run;

const FAR: Duration = Duration::from_secs(3600);

/// For ever, in pieces of 64 KiB.
const FLOOD: [&str; 2] = ["0", "65536"];
