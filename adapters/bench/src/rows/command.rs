//! The command beside others: what it adds to a tiny one, and whether it sleeps.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::less;
use crate::args;
use crate::by_hand::kill_group;
use crate::race::{Goal, Race, Role, Sample};
use crate::table::quantile;
use crate::units::micros;
use crate::workshop::Workshop;

pub(super) fn races(workshop: &Workshop) -> Vec<Race> {
    let childminder = workshop.childminder.display();
    let added = |before: Vec<OsString>| added(workshop, &before);
    let race = |name, goal| {
        let race = Race::new(name, [less("", "us", goal)])
            .pinned()
            .with(
                Role::Floor,
                "C, static",
                added(args![workshop.floor("limit"), 60]),
            )
            .with(Role::Peer, COREUTILS, added(args!["timeout", 60]));
        if Command::new("tini").arg("--version").output().is_ok() {
            race.with(Role::Peer, "tini", added(args!["tini", "-s", "--"]))
        } else {
            race.noting("tini is not installed")
        }
    };
    let timeout = added(args![childminder, "timeout", 60]);
    let run = added(args![childminder, "run", "--"]);
    let sleeper = [workshop.floor("tiny"), "sleep".to_owned()].map(OsString::from);
    let sleeping = |before: Vec<OsString>| wake_ups(&[before, sleeper.to_vec()].concat());
    let wake_ups = Race::new(
        "wake-ups of an idle run",
        [less("in a second", "", Goal::Figure(0.0))],
    )
    .seldom()
    .with(Role::Peer, COREUTILS, sleeping(args!["timeout", 60]))
    .with(
        Role::Ours,
        "run",
        sleeping(args![childminder, "run", "--idle", "60s", "--"]),
    );
    vec![
        race("added by timeout", Goal::Of(COREUTILS, 0.75)).with(Role::Ours, "timeout", timeout),
        race("added by run", Goal::Of(COREUTILS, 1.0)).with(Role::Ours, "run", run),
        wake_ups,
    ]
}

const COREUTILS: &str = "coreutils timeout";

/// The microseconds by which a tiny command takes longer with these words before it.
fn added(workshop: &Workshop, before: &[OsString]) -> Sample {
    let tiny = args![workshop.floor("tiny")];
    let times = workshop.times(20);
    let [mut with, mut alone] = [[before, &tiny].concat(), tiny].map(|words| {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null());
        command
    });
    Box::new(move || {
        let mut took = [Vec::new(), Vec::new()];
        for _ in 0..times {
            for (took, command) in took.iter_mut().zip([&mut with, &mut alone]) {
                let begun = Instant::now();
                let status = command.spawn()?.wait()?;
                took.push(micros(begun.elapsed()));
                if !status.success() {
                    return Err(io::Error::other(status.to_string()));
                }
            }
        }
        let [with, alone] = took.map(|took| quantile(&took, 0.5));
        Ok(vec![with - alone])
    })
}

/// How often one of its threads begins to run in a second of silence.
fn wake_ups(words: &[OsString]) -> Sample {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::null())
        .process_group(0);
    Box::new(move || {
        let mut child = command.spawn()?;
        sleep(BEGINNING);
        let before = switches(child.id());
        sleep(SILENCE);
        let after = switches(child.id());
        // The sleeper ends with its parent.
        kill_group(child.id())?;
        child.wait()?;
        Ok(vec![after? - before?])
    })
}

/// How often the process's threads have gone to sleep so far.
fn switches(process: u32) -> io::Result<f64> {
    let mut all = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        let line = line.ok_or_else(|| io::Error::other("no switches in its status"))?;
        all += line.trim().parse::<f64>().map_err(io::Error::other)?;
    }
    Ok(all)
}

const BEGINNING: Duration = Duration::from_millis(300);
const SILENCE: Duration = Duration::from_secs(1);
