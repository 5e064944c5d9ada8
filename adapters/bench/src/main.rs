//! What minding costs, beside the kernel's floor and beside peers: `make bench`.
//!
//! Every sample is a process of its own: a C program, a command, or this program again as one of its
//! [contestants](contestant). Rounds are interleaved, so that what disturbs the machine disturbs all alike: only
//! the ratios mean something on another machine.
//!
//! The [guide](childminder::guide) has a chapter for each task.
#![forbid(unsafe_code)]

mod by_hand;
mod contestant;
mod held;
mod machine;
mod options;
mod ours;
mod race;
mod rows;
mod table;
mod units;
mod workshop;

use std::io;
use std::process::ExitCode;

use machine::Machine;
use options::Options;
use workshop::Workshop;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("childminder-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    if args.len() > 0 && std::env::args().nth(1).as_deref() == Some(contestant::WORD) {
        let name = args.nth(1).unwrap_or_default();
        return contestant::run(rows::CONTESTANTS, &name, &args.collect::<Vec<_>>());
    }
    let options = Options::parse(args)?;
    let workshop = Workshop::open(&options)?;
    let mut races = rows::all(&workshop);
    races.retain(|race| options.wants(race.name));
    if races.is_empty() {
        return Err(io::Error::other("no row has such a name"));
    }
    let mut machine = Machine::begin();
    for round in 0..options.rounds {
        for race in &mut races {
            eprint!(
                "\r\x1b[Kround {} of {}: {}",
                round + 1,
                options.rounds,
                race.name
            );
            machine.spin();
            race.run_round(round)?;
        }
    }
    machine.spin();
    eprintln!();
    print!("{}", table::of(&races));
    println!("\n{}", machine.verdict());
    Ok(())
}
