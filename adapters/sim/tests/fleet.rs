//! The arithmetic of a fleet that tells one endpoint how it is: `examples/fleet`.

#[path = "../examples/fleet/fleet.rs"]
mod fleet;

use std::time::Duration;

use fleet::{Down, Endpoint, Fleet, Outage};

/// A hundred tasks with a beat a minute, spread over a minute, and an endpoint that has time for all of them.
const FLEET: Fleet = Fleet {
    tasks: 100,
    spread: seconds(60),
    interval: seconds(60),
    timeout: seconds(30),
    life: seconds(570),
    gives_up: None,
    endpoint: Endpoint {
        per_second: 1000,
        latency: Duration::from_millis(20),
        outage: None,
    },
    beat_bytes: 10,
    end_bytes: 100,
};

const AT_ONCE: Fleet = Fleet {
    spread: Duration::ZERO,
    ..FLEET
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn answering(per_second: u32, fleet: Fleet) -> Fleet {
    let endpoint = Endpoint {
        per_second,
        ..fleet.endpoint
    };
    Fleet { endpoint, ..fleet }
}

/// Out of order from the middle between two beats of the first task on.
fn down(kind: Down, lasts: u64, fleet: Fleet) -> Fleet {
    let endpoint = Endpoint {
        outage: Some(Outage {
            from: seconds(270),
            lasts: seconds(lasts),
            kind,
        }),
        ..fleet.endpoint
    };
    Fleet { endpoint, ..fleet }
}

#[test]
fn each_has_its_beats_and_its_end() {
    for fleet in [FLEET, AT_ONCE] {
        let story = fleet.live();
        assert_eq!(story.requests, 100 * (10 + 1));
        assert_eq!(story.bytes, 100 * (10 * 10 + 100));
        assert_eq!((story.skipped, story.ended, story.untold), (0, 0, 0));
    }
}

#[test]
fn who_starts_together_stays_together() {
    let story = AT_ONCE.live();
    // The endpoint is asked for 100 beats in one second of each minute, and at last for 100 ends.
    assert_eq!((story.peak_requests, story.peak_bytes), (100, 100 * 100));
    assert_eq!(story.longest_end, Duration::from_millis(100 + 20));
    assert_eq!(story.took, seconds(570) + story.longest_end);

    let story = FLEET.live();
    // Two of the beats, and two of the ends, which come half a minute after a beat.
    assert_eq!(
        (story.peak_requests, story.mean_requests()),
        (4, 1100 / 629)
    );
    assert_eq!(story.longest_end, Duration::from_millis(1 + 20));
}

#[test]
fn an_endpoint_without_time_for_all_loses_those_who_wait_too_long() {
    // In half a minute it answers 60; the others are ended.
    let life = seconds(50);
    let story = answering(2, Fleet { life, ..AT_ONCE }).live();
    assert_eq!(story.ended, 100 - 59);
    // Of these, each was to tell its end behind the beats that are still in the way.
    assert_eq!(story.requests, 100 + 100);
    assert_eq!(story.longest_end, seconds(30));
    // When the others end, this and the beats still take 20.5 seconds, so that 18 of them are told in time.
    assert_eq!(story.untold, 59 - 18);

    // It is enough to begin at another time.
    let story = answering(2, FLEET).live();
    assert_eq!((story.ended, story.untold), (0, 0));
}

#[test]
fn a_silent_endpoint_ends_those_whose_patience_it_outlasts() {
    let ended = |fleet: Fleet| fleet.live().ended;
    // Half of the tasks have their beats in the first half of the minute, and one just behind it.
    assert_eq!(ended(down(Down::Silent, 60, FLEET)), 51);
    assert_eq!(ended(down(Down::Silent, 29, FLEET)), 0);
    assert_eq!(ended(down(Down::Silent, 90, FLEET)), 100);
    // Their beats come together, half a minute after the beginning.
    assert_eq!(ended(down(Down::Silent, 59, AT_ONCE)), 0);
    assert_eq!(ended(down(Down::Silent, 60, AT_ONCE)), 100);

    let patient = Fleet {
        timeout: seconds(91),
        ..FLEET
    };
    let story = down(Down::Silent, 90, patient).live();
    // Half of the tasks have a second beat in that time, and one just behind it.
    assert_eq!((story.ended, story.skipped), (0, 51));
}

#[test]
fn one_that_refuses_ends_whoever_asks() {
    let story = down(Down::Refusing, 30, FLEET).live();
    assert_eq!(story.ended, 50);
    assert_eq!(down(Down::Refusing, 30, AT_ONCE).live().ended, 0);
    assert_eq!(down(Down::Refusing, 31, AT_ONCE).live().ended, 100);
}

#[test]
fn a_client_that_gives_up_in_time_and_does_not_mind_saves_its_task() {
    for (kind, lasts) in [(Down::Silent, 3600), (Down::Refusing, 3600)] {
        for fleet in [FLEET, AT_ONCE] {
            let gives_up = Some(seconds(10));
            let story = down(kind, lasts, Fleet { gives_up, ..fleet }).live();
            assert_eq!((story.ended, story.untold, story.skipped), (0, 0, 0));
            assert_eq!(story.requests, 100 * 11);
            assert!(story.longest_end <= seconds(10));
        }
        // Later than the monitor does is too late, whatever it makes of it.
        let gives_up = Some(seconds(40));
        let story = down(kind, lasts, Fleet { gives_up, ..FLEET }).live();
        let ended = if kind == Down::Silent { 100 } else { 0 };
        assert_eq!(story.ended, ended);
    }
}

#[test]
fn an_end_that_cannot_be_told_fails_a_run_that_was_good() {
    let fleet = Fleet {
        life: seconds(271),
        ..AT_ONCE
    };
    let story = down(Down::Silent, 3600, fleet).live();
    assert_eq!((story.ended, story.untold), (0, 100));
    assert_eq!(story.longest_end, seconds(30));
}
