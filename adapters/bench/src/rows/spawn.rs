//! A tiny child: spawned, minded to its end, reaped.

use std::ffi::OsString;
use std::fs::File;
use std::hint::black_box;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use childminder_mio::Children;
use childminder_tokio::Minder;
use childminder_unix as unix;
use rustix::io::fcntl_dupfd_cloexec;

use super::less;
use crate::args;
use crate::by_hand;
use crate::contestant::{self, Args, Contest};
use crate::ours::{self, Silent};
use crate::race::{Goal, Race, Role, Sample, printed_by};
use crate::units::each;
use crate::workshop::{Workshop, may_open};

pub(super) fn races(workshop: &Workshop) -> Vec<Race> {
    let plain = Setting {
        spawns: workshop.times(200),
        ..Setting::default()
    };
    let few = Setting {
        spawns: workshop.times(50),
        ..plain
    };
    let crowded = Setting {
        descriptors: MANY,
        ..few
    };
    let large = Setting {
        mebibytes: 1024,
        ignoring: true,
        ..few
    };
    let session = Setting {
        session: true,
        ..plain
    };
    let race = |name, goal, setting: Setting| {
        Race::new(name, [less("", "us", goal)])
            .pinned()
            .with(Role::Floor, "C clone", setting.in_c(workshop, "clone"))
            .with(Role::Ours, "mio", setting.here(workshop, "spawn-ours"))
    };
    let with_peers = |race: Race, setting: Setting| {
        let here = |name| setting.here(workshop, name);
        race.with(Role::Peer, "std", here("spawn-std"))
            .with(Role::Peer, "mio by hand", here("spawn-mio"))
            .with(Role::Peer, "tokio by hand", here("spawn-tokio"))
            .with(Role::Ours, "tokio", here("spawn-ours-tokio"))
    };
    let flat = |name, setting: Setting| {
        let race = race(name, Goal::Of(PLAIN, 1.15), setting);
        with_peers(race, setting).with(Role::Beside, PLAIN, few.here(workshop, "spawn-ours"))
    };
    let forked = |setting: Setting| setting.in_c(workshop, "fork");

    let mut first = with_peers(race("spawn", Goal::OfFloor(1.15), plain), plain);
    let mut crowd = None;
    if may_open(MANY + 100) {
        crowd = Some(flat("spawn, 19,000 descriptors", crowded));
    } else {
        first = first.noting("the hard limit (ulimit -Hn) leaves no room for 19,000 descriptors");
    }
    let large =
        flat("spawn, 1 GiB, a signal ignored", large).with(Role::Peer, "C fork", forked(large));
    let session = race("spawn, session", Goal::OfFloor(1.15), session).with(
        Role::Peer,
        "C fork",
        forked(session),
    );
    [Some(first), crowd, Some(large), Some(session)]
        .into_iter()
        .flatten()
        .collect()
}

/// Ours, without what makes it hard.
const PLAIN: &str = "plain";

pub(super) const CONTESTANTS: &[(&str, Contest)] = &[
    ("spawn-std", by_std),
    ("spawn-mio", by_mio),
    ("spawn-tokio", by_tokio),
    ("spawn-ours", by_ours),
    ("spawn-ours-tokio", by_ours_under_tokio),
];

/// What the process is like that spawns, and how often it does.
#[derive(Clone, Copy, Default)]
struct Setting {
    spawns: usize,
    descriptors: usize,
    /// Of memory.
    mebibytes: usize,
    /// It ignores a signal, which the child is not to.
    ignoring: bool,
    /// The child gets a session of its own.
    session: bool,
}

impl Setting {
    fn in_c(self, workshop: &Workshop, way: &str) -> Sample {
        let program = workshop.floor("spawn");
        self.sample(workshop, args![program, way])
    }

    fn here(self, workshop: &Workshop, name: &str) -> Sample {
        let us = workshop.us.display();
        self.sample(workshop, args![us, contestant::WORD, name])
    }

    fn sample(self, workshop: &Workshop, program: Vec<OsString>) -> Sample {
        let tiny = workshop.floor("tiny");
        let session = usize::from(self.session);
        let setting = args![tiny, self.spawns, self.descriptors, self.mebibytes, session];
        let before = if self.ignoring {
            args!["--ignore-signal=USR1"]
        } else {
            Vec::new()
        };
        printed_by("env", [before, program, setting].concat())
    }
}

/// The same, made so.
struct Set {
    program: String,
    spawns: usize,
    session: bool,
    _descriptors: Vec<OwnedFd>,
    _memory: Vec<u8>,
}

impl Set {
    fn up(args: &mut Args<'_>) -> io::Result<Self> {
        let program = args.word()?.to_owned();
        let spawns = args.number()?;
        let descriptors = args.number()?;
        let mebibytes = args.number()?;
        let session = args.number()? != 0;
        let null = File::open("/dev/null")?;
        let descriptors = (0..descriptors).map(|_| Ok(fcntl_dupfd_cloexec(&null, 3)?));
        if mebibytes > 0 {
            // As if it had come in small pieces.
            rustix::thread::disable_transparent_huge_pages(true)?;
        }
        Ok(Self {
            program,
            spawns,
            session,
            _descriptors: descriptors.collect::<io::Result<_>>()?,
            _memory: black_box(vec![1; mebibytes << 20]),
        })
    }

    /// Microseconds for each, after some that are not counted.
    fn time(&self, mut mind: impl FnMut() -> io::Result<()>) -> io::Result<Vec<f64>> {
        for _ in 0..=self.spawns / 10 {
            mind()?;
        }
        let begun = Instant::now();
        for _ in 0..self.spawns {
            mind()?;
        }
        Ok(vec![each(begun.elapsed(), self.spawns)])
    }
}

fn by_std(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    use std::os::unix::process::CommandExt as _;
    let set = Set::up(args)?;
    let mut command = Command::new(&set.program);
    command.stdin(Stdio::inherit()).process_group(0);
    set.time(|| fine(command.output()?.status.success()))
}

fn by_mio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let set = Set::up(args)?;
    let mut by_hand = by_hand::mio::Loop::new()?;
    let mut command = Command::new(&set.program);
    set.time(|| fine(by_hand.mind(&mut command, IDLE)?.status.success()))
}

fn by_tokio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let set = Set::up(args)?;
    let runtime = by_hand::tokio::runtime()?;
    let mut command = tokio::process::Command::new(&set.program);
    set.time(|| {
        let ended = runtime.block_on(by_hand::tokio::mind(&mut command, IDLE));
        fine(ended?.success())
    })
}

fn by_ours(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let set = Set::up(args)?;
    let mut children = Children::new()?;
    let mut command = ours::piped(&set.program);
    let options = unix::SpawnOptions {
        place: if set.session {
            unix::Place::Session
        } else {
            unix::Place::Group
        },
        ..unix::SpawnOptions::default()
    };
    set.time(|| {
        let child = unix::Child::spawn_with(&mut command, &options)?;
        children.mind(child, ours::idle(IDLE), Silent)?;
        let (outcome, _) = ours::next_end(&mut children)?;
        fine(outcome.is_success())
    })
}

fn by_ours_under_tokio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let set = Set::up(args)?;
    let runtime = by_hand::tokio::runtime()?;
    let mut command = ours::piped(&set.program);
    runtime.block_on(async {
        let minder = Minder::new()?;
        for _ in 0..=set.spawns / 10 {
            minder
                .spawn(&mut command, ours::idle(IDLE))?
                .outcome()
                .await?;
        }
        let begun = Instant::now();
        for _ in 0..set.spawns {
            let outcome = minder
                .spawn(&mut command, ours::idle(IDLE))?
                .outcome()
                .await?;
            fine(outcome.is_success())?;
        }
        Ok(vec![each(begun.elapsed(), set.spawns)])
    })
}

fn fine(is_fine: bool) -> io::Result<()> {
    if is_fine {
        Ok(())
    } else {
        Err(io::Error::other("the child has failed"))
    }
}

const IDLE: Duration = Duration::from_secs(60);

const MANY: usize = 19_000;
