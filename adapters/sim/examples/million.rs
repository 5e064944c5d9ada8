//! A million children with the driver that ships, over a kernel that only pretends: what they take, in bytes and
//! in time. `cargo run --release -p childminder-sim --example million -- [CHILDREN]`
//!
//! Each is started, writes a line, and ends; each of that is done for all before the next begins.

use std::error::Error;
use std::time::{Duration, Instant as Clock};
use std::{env, fs, io};

use childminder::{Config, ExitStatus, Instant, Outcome, Signal, Stream, Target};
use childminder_driver::{BUDGET, ChildId, Driver, Kernel, Ready, Shared, Sighting, Trigger, Turn};

fn main() -> Result<(), Box<dyn Error>> {
    let number = env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |word| word.parse())?;
    let mut world = World {
        now: Instant::ZERO,
        phase: Phase::Silent,
        shared: Shared::new(|| {}),
    };
    let config = Config {
        idle_timeout: Some(Duration::from_secs(60)),
        run_timeout: Some(Duration::from_secs(3600)),
        ..Config::default()
    };

    let before = resident()?;
    let begun = Clock::now();
    let mut children = Vec::with_capacity(number);
    for id in (1..).filter_map(ChildId::new).take(number) {
        let mut child = Driver::new(id, config);
        world.turn(|turn| child.start(turn));
        children.push(child);
    }
    let started = begun.elapsed();
    let each = size_of::<Driver<()>>();
    println!(
        "{number} children of {each} bytes, {} resident each",
        (resident()? - before) / number
    );
    println!("started in {started:.0?}");

    for (phase, what) in [(Phase::Writes, "told of output"), (Phase::Ends, "ended")] {
        world.phase = phase;
        let begun = Clock::now();
        for child in &mut children {
            world.now.0 += 1;
            world.turn(|turn| child.turn(turn, Ready::ALL));
        }
        println!("{what} in {:.0?}", begun.elapsed());
    }
    let is_over = |child: &Driver<()>| {
        child
            .outcome()
            .is_some_and(|outcome: Outcome| outcome.is_success())
    };
    assert!(children.iter().all(is_over), "not all have ended");
    Ok(())
}

/// In bytes.
fn resident() -> Result<usize, Box<dyn Error>> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("no size")?;
    Ok(pages.parse::<usize>()? * 4096)
}

/// What all children have in common.
struct World {
    now: Instant,
    phase: Phase,
    shared: Shared<()>,
}

impl World {
    fn turn(&mut self, act: impl FnOnce(&mut Turn<'_, (), Pretended>)) {
        let mut kernel = Pretended {
            phase: self.phase,
            has_written: false,
        };
        act(&mut Turn {
            now: self.now,
            budget: BUDGET,
            kernel: &mut kernel,
            handler: &mut (),
            shared: &mut self.shared,
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Silent,
    Writes,
    Ends,
}

/// The child whose turn it is, as far as it can be told from all others.
struct Pretended {
    phase: Phase,
    has_written: bool,
}

impl Kernel for Pretended {
    fn is_open(&self, stream: Stream) -> bool {
        stream == Stream::Stdout
    }

    fn trigger(&self) -> Trigger {
        Trigger::Level
    }

    fn read(&mut self, _: Stream, buffer: &mut [u8]) -> io::Result<usize> {
        match self.phase {
            Phase::Writes if !self.has_written => {
                self.has_written = true;
                io::Read::read(&mut &b"a line\n"[..], buffer)
            }
            Phase::Ends => Ok(0),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn waiting(&mut self, _: Stream) -> io::Result<usize> {
        Ok(0)
    }

    fn close(&mut self, _: Stream) {}

    fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        Ok((self.phase == Phase::Ends).then_some(ExitStatus::Code(0)))
    }

    fn signal(&mut self, _: Signal, _: Target) -> io::Result<()> {
        Ok(())
    }

    fn pass_on(&mut self, _: Signal, _: Target) -> io::Result<()> {
        Ok(())
    }

    fn kill_strays(&mut self) {}

    fn find_strays(&mut self) -> Option<Sighting> {
        None
    }

    fn reap(&mut self) -> io::Result<()> {
        Ok(())
    }
}
