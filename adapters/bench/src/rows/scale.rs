//! Many idle children.

use std::fs;
use std::io::{self, PipeWriter, Write as _};
use std::time::{Duration, Instant};

use childminder::Stream;
use childminder_driver::{ChildId, Control, Handler};
use childminder_mio::Children;
use childminder_unix::Command;
use rustix::event::{PollFd, PollFlags, poll};

use super::less;
use crate::args;
use crate::by_hand;
use crate::contestant::{Args, Contest};
use crate::held::Held;
use crate::ours;
use crate::race::{Goal, Race, Role};
use crate::table::quantile;
use crate::units::{each, micros};
use crate::workshop::{Workshop, may_open};

pub(super) fn races(workshop: &Workshop) -> Vec<Race> {
    let count = workshop.times(6_000);
    let lines = workshop.times(1_000);
    let few = workshop.times(1_000);
    if !may_open(3 * count + 100) {
        return Vec::new();
    }
    let tiny = workshop.floor("tiny");
    let rows = [
        less("spawn each", "us", Goal::OfFloor(1.2)),
        less("resident each", "bytes", Goal::Figure(512.0)),
        less("descriptors each", "", Goal::OfFloor(1.01)),
        less("a turn beside them", "us", Goal::Of(ALONE, 1.1)),
        less("kill and reap each", "us", Goal::OfFloor(1.1)),
    ];
    let here = |name, count: usize| workshop.by_contestant(name, args![tiny, count, lines]);
    let floor = workshop.by_floor("scale", args![tiny, count, lines]);
    let race = Race::new("6,000 idle children", rows)
        .seldom()
        .with(Role::Floor, "C epoll", floor)
        .with(Role::Ours, "mio", here("scale-ours", count))
        .with(Role::Beside, ALONE, here("scale-ours", 0))
        .with(Role::Peer, "tokio by hand, 1,000", here("scale-tokio", few))
        .with(Role::Ours, "tokio, 1,000", here("scale-ours-tokio", few));
    vec![race]
}

pub(super) const CONTESTANTS: &[(&str, Contest)] = &[
    ("scale-ours", by_ours),
    ("scale-ours-tokio", by_ours_under_tokio),
    ("scale-tokio", by_tokio),
];

/// Ours, with nothing but the child that writes.
const ALONE: &str = "alone";

fn by_ours(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let sleeper = args.word()?.to_owned();
    let [count, lines] = [args.number()?, args.number()?];
    let mut set = Set::with_a_writer()?;
    let mut command = ours::piped(&sleeper);
    command.arg("sleep");
    let before = Held::now()?;
    let begun = Instant::now();
    for _ in 0..count {
        set.children
            .spawn(&mut command, ours::idle(FAR), Heard(0))?;
    }
    let spawned = each(begun.elapsed(), count);
    let [bytes, descriptors] = Held::now()?.since(&before, count);
    let took = (0..lines)
        .map(|_| set.line())
        .collect::<io::Result<Vec<_>>>()?;

    let begun = Instant::now();
    for child in set.children.ids().collect::<Vec<_>>() {
        if child != set.writer {
            set.children.kill(child);
        }
    }
    for _ in 0..count {
        ours::next_end(&mut set.children)?;
    }
    let reaped = each(begun.elapsed(), count);
    Ok(vec![
        spawned,
        bytes,
        descriptors,
        quantile(&took, 0.5),
        reaped,
    ])
}

/// A set in which one child says again what it is told.
struct Set {
    children: Children<Heard>,
    writer: ChildId,
    stdin: PipeWriter,
}

#[derive(Default)]
struct Heard(usize);

impl Handler for Heard {
    type Notification = ();

    fn output(&mut self, _: &mut Control<()>, _: Stream, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

impl Set {
    fn with_a_writer() -> io::Result<Self> {
        let (reader, stdin) = io::pipe()?;
        let mut cat: Command = ours::piped("cat");
        cat.stdin(reader);
        let mut children = Children::new()?;
        let writer = children.spawn(&mut cat, ours::idle(FAR), Heard(0))?;
        Ok(Self {
            children,
            writer,
            stdin,
        })
    }

    /// The time of the turns that bring it: before it comes, one may only find that a pause in reading is over.
    fn line(&mut self) -> io::Result<f64> {
        let heard = |set: &Self| set.children.handler(set.writer).map(|heard| heard.0);
        let before = heard(self);
        self.stdin.write_all(b"a line\n")?;
        let mut took = Duration::ZERO;
        while heard(self) == before {
            poll(&mut [PollFd::new(&self.children, PollFlags::IN)], None)?;
            let begun = Instant::now();
            self.children.turn();
            took += begun.elapsed();
        }
        Ok(micros(took))
    }
}

fn by_tokio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let sleeper = args.word()?.to_owned();
    let count = args.number()?;
    by_hand::tokio::runtime()?.block_on(async {
        let mut warm = tokio::process::Command::new("true");
        by_hand::tokio::mind(&mut warm, FAR).await?;
        let before = Held::now()?;
        let begun = Instant::now();
        let mut tasks = Vec::new();
        for _ in 0..count {
            let mut command = tokio::process::Command::new(&sleeper);
            command.arg("sleep");
            let minded = async move { by_hand::tokio::mind(&mut command, FAR).await };
            tasks.push(tokio::spawn(minded));
            tokio::task::yield_now().await;
        }
        let spawned = each(begun.elapsed(), count);
        let [bytes, descriptors] = Held::now()?.since(&before, count);
        let begun = Instant::now();
        for child in children_of_ours()? {
            by_hand::kill_group(child)?;
        }
        for task in tasks {
            task.await??;
        }
        let reaped = each(begun.elapsed(), count);
        Ok(vec![spawned, bytes, descriptors, f64::NAN, reaped])
    })
}

fn by_ours_under_tokio(args: &mut Args<'_>) -> io::Result<Vec<f64>> {
    let sleeper = args.word()?.to_owned();
    let count = args.number()?;
    by_hand::tokio::runtime()?.block_on(async {
        let minder = childminder_tokio::Minder::new()?;
        let mut command = ours::piped(&sleeper);
        minder
            .spawn(&mut ours::piped("true"), ours::idle(FAR))?
            .outcome()
            .await?;
        command.arg("sleep");
        let before = Held::now()?;
        let begun = Instant::now();
        let mut children = Vec::new();
        for _ in 0..count {
            children.push(minder.spawn(&mut command, ours::idle(FAR))?);
        }
        let spawned = each(begun.elapsed(), count);
        let [bytes, descriptors] = Held::now()?.since(&before, count);
        let begun = Instant::now();
        for child in &children {
            child.kill();
        }
        for child in &mut children {
            child.outcome().await?;
        }
        let reaped = each(begun.elapsed(), count);
        Ok(vec![spawned, bytes, descriptors, f64::NAN, reaped])
    })
}

fn children_of_ours() -> io::Result<Vec<u32>> {
    let children = fs::read_to_string("/proc/thread-self/children")?;
    let children = children.split_whitespace().map(str::parse);
    children.collect::<Result<_, _>>().map_err(io::Error::other)
}

const FAR: Duration = Duration::from_secs(3600);
