//! What stands between a command and a reader.

use std::ffi::OsString;
use std::fs;
use std::io::{self, PipeWriter, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep};

use super::{less, more};
use crate::args;
use crate::by_hand;
use crate::contestant::{self, Args, Contest};
use crate::machine::children_seconds;
use crate::race::{Goal, Race, Role, Sample};
use crate::units::counted;
use crate::workshop::Workshop;

pub(super) fn races(workshop: &Workshop) -> Vec<Race> {
    let childminder = || args![workshop.childminder.display()];
    let watching = || [childminder(), args!["run", "--idle", "60s", "--"]].concat();
    let tokio = || args![workshop.us.display(), contestant::WORD, "pump-tokio"];
    let between = |race: Race, flow: Flow| {
        race.with(
            Role::Peer,
            "cat",
            flow.sample(workshop, Way::Filter(args!["cat"])),
        )
        .with(
            Role::Peer,
            "tokio by hand",
            flow.sample(workshop, Way::Parent(tokio())),
        )
        .with(
            Role::Ours,
            "run --idle",
            flow.sample(workshop, Way::Parent(watching())),
        )
    };
    let watched = |name, pipe| {
        let flow = Flow {
            bytes: workshop.times(256) << 20,
            piece: pipe,
            pipe,
            told: Flow::speed_and_cpu,
        };
        let rows = [
            more("throughput", "GB/s", Goal::OfPeers(1.0)),
            less("own CPU", "ms/GB", Goal::Of("cat", 1.0)),
        ];
        let splice = Way::Parent(args![workshop.floor("splice")]);
        let race = Race::new(name, rows)
            .with(Role::Floor, "C splice", flow.sample(workshop, splice))
            .with(Role::Beside, "direct", flow.sample(workshop, Way::Direct));
        between(race, flow)
    };
    let unwatched = Flow {
        bytes: workshop.times(256) << 20,
        piece: SMALL,
        pipe: SMALL,
        told: |flow, seconds, _| vec![flow.gigabytes() / seconds],
    };
    let lines = Flow {
        bytes: workshop.times(32) << 20,
        piece: 64,
        pipe: SMALL,
        told: |flow, _, cpu| vec![cpu / counted(flow.bytes / flow.piece) * 1e9],
    };
    let plainly = || [childminder(), args!["run", "--"]].concat();
    let nothing = more("throughput", "GB/s", Goal::Of("direct", 0.95));
    vec![
        watched("pump, 64 KiB pipes", SMALL),
        watched("pump, 1 MiB pipes", 1 << 20),
        Race::new("nothing watched, 64 KiB pipes", [nothing])
            .with(
                Role::Beside,
                "direct",
                unwatched.sample(workshop, Way::Direct),
            )
            .with(
                Role::Peer,
                "coreutils timeout",
                unwatched.sample(workshop, Way::Parent(args!["timeout", "60"])),
            )
            .with(
                Role::Ours,
                "run",
                unwatched.sample(workshop, Way::Parent(plainly())),
            ),
        between(
            Race::new(
                "writes of 64 bytes",
                [less("own CPU each", "ns", Goal::Of("cat", 0.5))],
            ),
            lines,
        ),
    ]
}

pub(super) const CONTESTANTS: &[(&str, Contest)] = &[("pump-tokio", by_tokio)];

/// What flows.
#[derive(Clone, Copy)]
struct Flow {
    bytes: usize,
    /// The size of a write.
    piece: usize,
    /// The size of each pipe.
    pipe: usize,
    /// The figures, from the seconds that it took, and those that the pump had a processor.
    told: fn(&Self, f64, f64) -> Vec<f64>,
}

/// Where the pump stands.
enum Way {
    Direct,
    /// It is given what another process writes.
    Filter(Vec<OsString>),
    /// It starts what writes.
    Parent(Vec<OsString>),
}

impl Flow {
    fn gigabytes(&self) -> f64 {
        counted(self.bytes) / 1e9
    }

    fn speed_and_cpu(&self, seconds: f64, cpu: f64) -> Vec<f64> {
        vec![self.gigabytes() / seconds, cpu / self.gigabytes() * 1e3]
    }

    fn sample(self, workshop: &Workshop, way: Way) -> Sample {
        let cpu = PathBuf::from(workshop.floor("source-cpu"));
        let source = workshop.floor("source");
        let source = args![source, self.bytes, self.piece, self.pipe, cpu.display()];
        let mut sink = Command::new(workshop.floor("sink"));
        sink.arg(self.pipe.to_string());
        Box::new(move || {
            let (reader, writer) = io::pipe()?;
            let mut sink = sink.stdin(reader).stdout(Stdio::piped()).spawn()?;
            let own = pump(&way, &source, writer, &cpu)?;
            let mut seconds = String::new();
            if let Some(mut said) = sink.stdout.take() {
                said.read_to_string(&mut seconds)?;
            }
            fine(sink)?;
            let seconds = seconds.trim().parse().map_err(io::Error::other)?;
            Ok((self.told)(&self, seconds, own))
        })
    }
}

/// Runs both, and returns the seconds that the pump itself had a processor.
fn pump(way: &Way, source: &[OsString], writer: PipeWriter, cpu: &PathBuf) -> io::Result<f64> {
    match way {
        Way::Direct => {
            fine(started(source).stdout(writer).spawn()?)?;
            Ok(0.0)
        }
        Way::Filter(filter) => {
            let mut source = started(source).stdout(Stdio::piped()).spawn()?;
            let output = source.stdout.take().ok_or(io::ErrorKind::NotFound)?;
            let filter = started(filter).stdin(output).stdout(writer).spawn()?;
            let before = children_seconds();
            fine(filter)?;
            let own = children_seconds() - before;
            fine(source)?;
            Ok(own)
        }
        Way::Parent(parent) => {
            let parent = started(&[parent, source].concat()).stdout(writer).spawn()?;
            let before = children_seconds();
            fine(parent)?;
            // That of the source, which is its child, is in it.
            let both = children_seconds() - before;
            let source = fs::read_to_string(cpu)?;
            let source: f64 = source.trim().parse().map_err(io::Error::other)?;
            Ok(both - source / 1e6)
        }
    }
}

fn started(words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null());
    command
}

fn fine(mut child: Child) -> io::Result<()> {
    let status = child.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(status.to_string()))
    }
}

/// Passes on what a command writes, and would end it if it were silent.
fn by_tokio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let mut command = tokio::process::Command::new(args.word()?);
    while let Ok(arg) = args.word() {
        command.arg(arg);
    }
    by_hand::tokio::runtime()?.block_on(async {
        let mut child = command.process_group(0).stdout(Stdio::piped()).spawn()?;
        let mut from = child.stdout.take().ok_or(io::ErrorKind::NotFound)?;
        let ours = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
        let mut to = pipe::Sender::from_owned_fd(ours)?;
        let mut buffer = vec![0; SMALL];
        let mut deadline = std::pin::pin!(sleep(IDLE));
        loop {
            tokio::select! {
                read = from.read(&mut buffer) => match read? {
                    0 => break,
                    read => {
                        deadline.as_mut().reset(Instant::now() + IDLE);
                        to.write_all(&buffer[..read]).await?;
                    }
                },
                () = &mut deadline => child.start_kill()?,
            }
        }
        child.wait().await?;
        Ok(Vec::new())
    })
}

const IDLE: Duration = Duration::from_secs(60);

/// A pipe's usual size.
const SMALL: usize = 64 * 1024;
