//! Plants known bugs in a copy of the core and of the driver, one at a time, and shows which layers of tests
//! find each.
//!
//! `cargo run --release -p childminder-tests --example planted -- [WORD | K/N]`: all bugs, those whose names
//! contain WORD, or every Nth from number K on. It fails if a bug is found by fewer than two layers, or a layer finds one where there is
//! none. The copy and what is built from it are in `target/planted`.

mod bugs;
mod copy;
mod driver_bugs;
mod layers;

use std::io;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use bugs::{BUGS, Bug};
use driver_bugs::DRIVER_BUGS;
use layers::Layer;

/// A crate that bugs are planted in.
pub(crate) struct Bed {
    pub(crate) sources: &'static str,
    pub(crate) bugs: &'static [Bug],
    first: usize,
}

impl Bed {
    /// What `PLANTED_BUG` is to be for this bug; zero is none.
    pub(crate) fn number(&self, index: usize) -> usize {
        self.first + index
    }
}

fn main() -> ExitCode {
    match run(&std::env::args().nth(1).unwrap_or_default()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("planted: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(word: &str) -> io::Result<bool> {
    let copy = copy::with(&BEDS)?;
    let built = copy::build(&copy)?;
    let [core, driver] = &BEDS;
    let core = plant(core, word, &Layer::of_the_core(&built)?)?;
    println!();
    let driver = plant(driver, word, &Layer::of_the_driver(&built)?)?;
    Ok(core && driver)
}

fn is_chosen(word: &str, index: usize, name: &str) -> bool {
    let shard = word.split_once('/').and_then(|(first, step)| {
        Some((first.parse::<usize>().ok()?, step.parse::<usize>().ok()?))
    });
    match shard {
        Some((first, step)) => index % step.max(1) == first,
        None => name.contains(word),
    }
}

/// Whether two layers or more find each bug of this bed whose name contains `word`.
fn plant(bed: &Bed, word: &str, layers: &[Layer]) -> io::Result<bool> {
    for layer in layers {
        if layer.finds(0)? {
            let name = layer.name;
            println!("the layer '{name}' finds a bug where none was planted");
            return Ok(false);
        }
    }
    let names: Vec<_> = layers.iter().map(|layer| layer.name).collect();
    print_row(bed.sources, &names);
    let indices: Vec<usize> = (0..bed.bugs.len())
        .filter(|index| is_chosen(word, *index, bed.bugs[*index].name))
        .collect();
    let mut enough = true;
    let mut found = 0;
    for (index, by) in all(bed, &indices, layers)? {
        let marks: Vec<_> = by
            .iter()
            .map(|finds| if *finds { "found" } else { "-" })
            .collect();
        print_row(bed.bugs[index].name, &marks);
        let times = by.iter().filter(|finds| **finds).count();
        found += usize::from(times > 0);
        enough &= times >= 2;
    }
    println!(
        "{found} of {} bugs found, {}",
        indices.len(),
        if enough {
            "each by two layers or more"
        } else {
            "NOT each by two layers"
        }
    );
    Ok(enough)
}

/// Which layers find each bug; on all cores.
fn all(bed: &Bed, indices: &[usize], layers: &[Layer]) -> io::Result<Vec<(usize, Vec<bool>)>> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut mine = Vec::new();
        while let Some(index) = indices.get(next.fetch_add(1, Ordering::Relaxed)) {
            let number = bed.number(*index);
            let by: io::Result<Vec<bool>> =
                layers.iter().map(|layer| layer.finds(number)).collect();
            mine.push((*index, by?));
        }
        Ok(mine)
    };
    let mut found = Vec::new();
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            let mine: io::Result<_> = worker.join().expect("no worker panics");
            found.extend::<Vec<_>>(mine?);
        }
        Ok::<(), io::Error>(())
    })?;
    found.sort_unstable();
    Ok(found)
}

fn print_row(name: &str, cells: &[&str]) {
    print!("{name:WIDTH$}");
    for cell in cells {
        print!(" {cell:>10}");
    }
    println!();
}

const BEDS: [Bed; 2] = [
    Bed {
        sources: "core/src",
        bugs: &BUGS,
        first: 1,
    },
    Bed {
        sources: "adapters/driver/src",
        bugs: &DRIVER_BUGS,
        first: 1 + BUGS.len(),
    },
];

const WIDTH: usize = 68;
