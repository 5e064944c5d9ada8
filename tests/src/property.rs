//! Runs a property over many cases, and says how to run a failure again.

use std::env;
use std::fmt::Display;
use std::hash::{BuildHasher, RandomState};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use crate::op::{Case, any_case};
use crate::run::Run;
use crate::source::Source;
use crate::{model, rules};

/// Checks that this run keeps every rule, and does what the model does.
pub fn keeps_the_rules(run: &Run) {
    let history = run.history();
    if let Err(violation) = rules::check(history) {
        panic!("{violation}\n\n{history}");
    }
    if let Err(difference) = model::check(history) {
        panic!("{difference}\n\n{history}");
    }
}

/// Checks that `rule` holds of every run.
///
/// The environment may set `PROPTEST_CASES`, how many are tried, and `PROPTEST_RNG_SEED`, which ones.
///
/// One of which it does not hold is printed: the smallest found, as a regression test to paste, and the
/// seed that leads to it again.
pub fn holds_of_every_run<E: Display>(rule: impl Fn(&Run) -> Result<(), E>) {
    holds_of_all(&any_case(LENGTH), |case| rule(&Run::of(case)));
}

/// Checks that `rule` holds of every case that `cases` makes.
pub fn holds_of_all<E: Display>(
    cases: &impl Strategy<Value = Case>,
    rule: impl Fn(&Case) -> Result<(), E>,
) {
    let (mut runner, seed) = runner();
    let found = runner.run(cases, |case| {
        rule(&case).map_err(|violation| TestCaseError::fail(violation.to_string()))
    });
    match found {
        Ok(()) => {}
        Err(TestError::Abort(reason)) => panic!("gave up: {reason}"),
        Err(TestError::Fail(reason, case)) => panic!(
            "{reason}\n\nAgain with PROPTEST_RNG_SEED={seed}, or as\n\n{}\nwhich came of\n\n{}\n",
            Run::of(&case).history(),
            case.source()
        ),
    }
}

/// A runner with a seed of its own, unless the environment has one.
pub fn runner() -> (TestRunner, u64) {
    let mut config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(()),
    };
    config.rng_seed = RngSeed::Fixed(seed);
    (TestRunner::new(config), seed)
}

const CASES: u32 = 128;

/// Long enough for a run to go through everything, short enough for several hundred to be quick.
const LENGTH: usize = 50;
