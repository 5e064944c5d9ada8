//! One seed gives one run, always.

use childminder_sim::{Minder, Scenario, Seen, Simulator, assert_holds, run, search};

/// What these seeds mean under our core. A change of what the core decides, if it was meant, changes
/// the numbers; any other change of them breaks a promise.
#[test]
fn a_seed_means_what_it_always_meant() {
    let digests = [0, 1, 2, 3, 42, u64::MAX].map(|seed| {
        let scenario = Scenario::random(seed);
        run(&scenario, Minder::new(&scenario))
            .expect("no rule is broken")
            .digest
    });
    assert_eq!(digests, GOLDEN.seeds, "in hexadecimal: {digests:#x?}");

    let tally = assert_holds(0..10_000, Minder::new);
    assert_eq!(tally.digest, GOLDEN.ten_thousand, "{:#x}", tally.digest);
}

#[test]
fn the_same_run_twice_is_the_same_to_the_letter() {
    for seed in 0..500 {
        let scenario = Scenario::random(seed);
        let first = run(&scenario, Minder::new(&scenario)).expect("no rule is broken");
        let second = run(&scenario, Minder::new(&scenario)).expect("no rule is broken");
        assert_eq!(first, second);
    }
}

#[test]
fn a_simulator_forgets_what_it_ran_before() {
    let mut used = Simulator::new();
    for seed in 0..500 {
        let again = used
            .run_random(seed, Minder::new)
            .expect("no rule is broken");
        let fresh = Simulator::new()
            .run_random(seed, Minder::new)
            .expect("no rule is broken");
        assert_eq!(again, fresh);
    }
}

#[test]
fn a_tally_does_not_depend_on_who_ran_what() {
    let whole = assert_holds(0..2_000, Minder::new);
    let mut parts = assert_holds(1_000..2_000, Minder::new);
    parts.merge(&assert_holds(0..1_000, Minder::new));
    assert_eq!(whole, parts);
}

#[test]
fn many_lifetimes_without_a_violation_and_with_all_that_is_interesting() {
    let tally = match search(1_000_000..1_200_000, Minder::new) {
        Ok(tally) => tally,
        Err(violation) => panic!("{violation}"),
    };
    for seen in Seen::ALL {
        assert!(tally.count(seen) > 100, "hardly ever: {}", seen.words());
    }
}

struct Golden {
    seeds: [u64; 6],
    ten_thousand: u64,
}

const GOLDEN: Golden = Golden {
    seeds: [
        0xc697_d8d2_e081_0901,
        0x3bf8_6339_811d_347c,
        0x00f2_75e7_2c1a_9341,
        0xfbb7_3f7d_0b44_0319,
        0xce56_0081_97d4_ce9f,
        0x48b5_b9cf_329f_8ff9,
    ],
    ten_thousand: 0x267f_65d5_89de_25b9,
};
