//! A supervisor as many write it, the bug in it, and how a seed finds it.
//!
//! `cargo run -p childminder-sim --example finds_a_bug`
//!
//! It uses nothing of our core: it is somebody's own loop, with an idle timeout, a polite and an
//! impolite signal, and a look at what is left of the process group at the end.

use std::process::ExitCode;
use std::time::Duration;

use childminder::{Config, Error, ExitStatus, Instant, Outcome, Signal, Stream, Target};
use childminder_sim::{Kernel, Read, Scenario, Supervisor, run, search_in};

struct Homemade {
    reaps_first: bool,
    ended: [bool; 2],
    quiet_since: Instant,
    signalled: Option<(Signal, Instant)>,
    error: Option<Error>,
    exited: Option<(ExitStatus, Instant)>,
    wake_at: Option<Instant>,
}

impl Supervisor for Homemade {
    fn turn(&mut self, kernel: &mut Kernel) {
        let now = kernel.now();
        self.read(kernel, now);
        self.look_for_exit(kernel, now);
        self.wake_at = match self.exited {
            None => self.mind(kernel, now),
            Some((status, at)) => self.tidy_up(kernel, now, status, at.after(DRAIN)),
        };
    }

    fn wake_at(&self) -> Option<Instant> {
        self.wake_at
    }
}

impl Homemade {
    fn read(&mut self, kernel: &mut Kernel, now: Instant) {
        for (stream, ended) in Stream::ALL.into_iter().zip(&mut self.ended) {
            loop {
                match kernel.read(stream) {
                    Read::Bytes(_) => self.quiet_since = now,
                    Read::Empty => break,
                    Read::End | Read::Failed => break *ended = true,
                }
            }
        }
    }

    fn look_for_exit(&mut self, kernel: &mut Kernel, now: Instant) {
        if self.exited.is_some() {
            return;
        }
        let Some(status) = kernel.exit_status() else {
            return;
        };
        self.exited = Some((status, now));
        if !status.is_success() && self.error.is_none() {
            self.notes(kernel, Error::Exit(status));
        }
    }

    fn mind(&mut self, kernel: &mut Kernel, now: Instant) -> Option<Instant> {
        match self.signalled {
            None if now >= self.quiet_since.after(IDLE) => {
                self.notes(kernel, Error::IdleTimeout);
                kernel.signal(Signal::INT, Target::Group);
                self.signalled = Some((Signal::INT, now));
                Some(now.after(GRACE))
            }
            None => Some(self.quiet_since.after(IDLE)),
            Some((Signal::INT, at)) if now >= at.after(GRACE) => {
                kernel.signal(Signal::KILL, Target::Group);
                self.signalled = Some((Signal::KILL, now));
                None
            }
            Some((Signal::INT, at)) => Some(at.after(GRACE)),
            Some(_) => None,
        }
    }

    /// The child is dead. Whoever still holds its output gets some time; then what is left of the group
    /// is killed, if we were at it.
    fn tidy_up(
        &mut self,
        kernel: &mut Kernel,
        now: Instant,
        status: ExitStatus,
        drained_at: Instant,
    ) -> Option<Instant> {
        let leaked = self.ended != [true; 2];
        if leaked && now < drained_at {
            return Some(drained_at);
        }
        let terminated = self.signalled.is_some();
        if self.reaps_first {
            kernel.reap(); // The bug: from here on, the number may be anybody's.
        }
        if terminated {
            kernel.signal(Signal::KILL, Target::Group);
        }
        if !self.reaps_first {
            kernel.reap();
        }
        let mut outcome = Outcome::default();
        outcome.error = self.error;
        outcome.exit = Some(status);
        outcome.leaked = leaked;
        outcome.terminated = terminated;
        kernel.finish(outcome);
        None
    }

    fn notes(&mut self, kernel: &mut Kernel, error: Error) {
        self.error = Some(error);
        kernel.note(error);
    }
}

fn main() -> ExitCode {
    let Err(violation) = search_in((0..1_000).map(scenario), |_| homemade(true)) else {
        println!("a thousand children, and no bug?");
        return ExitCode::FAILURE;
    };
    println!("{violation}\n");

    // The same seed again: nothing is changed but the order of the reap and the signal.
    match run(&scenario(violation.seed), homemade(false)) {
        Ok(report) => println!("mended, the same seed ends so:\n\n{}", report.trace),
        Err(violation) => {
            println!("{violation}");
            return ExitCode::FAILURE;
        }
    }
    match search_in((0..100_000).map(scenario), |_| homemade(false)) {
        Ok(tally) => println!("and {} others are well, too", tally.runs),
        Err(violation) => {
            println!("{violation}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// What this supervisor does, as a config, so that it can be held to it: `Config::default()` has the
/// same two signals, five seconds apart, the same drain, and the last look at the group.
fn scenario(seed: u64) -> Scenario {
    let config = Config {
        idle_timeout: Some(IDLE),
        ..Config::default()
    };
    Scenario::calm(seed, config)
}

fn homemade(reaps_first: bool) -> Homemade {
    Homemade {
        reaps_first,
        ended: [false; 2],
        quiet_since: Instant::ZERO,
        signalled: None,
        error: None,
        exited: None,
        wake_at: None,
    }
}
const IDLE: Duration = Duration::from_secs(3);
const GRACE: Duration = Duration::from_secs(5);
const DRAIN: Duration = Duration::from_secs(2);
