//! Moments to wait for.

use std::time::{self, Duration};

use childminder::Instant;
use childminder_unix::{Timer, clock};
use rustix::io::{FdFlags, fcntl_getfd};

use crate::support::is_readable;
use crate::waits::wait_until_readable;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn a_timer_comes_at_its_moment_and_not_before() {
    let timer = Timer::new().expect("a timer");
    assert!(!is_readable(&timer));
    let at = clock::now().after(SHORT);
    timer.set(Some(at)).expect("set");
    wait_until_readable(&timer);
    assert!(clock::now() >= at);

    assert!(is_readable(&timer), "until it is cleared");
    timer.clear().expect("cleared");
    assert!(!is_readable(&timer));
    timer.clear().expect("nothing to clear");
}

#[test]
fn what_is_past_comes_at_once() {
    let timer = Timer::new().expect("a timer");
    for past in [Instant::ZERO, Instant(1), clock::now()] {
        timer.set(Some(past)).expect("set");
        assert!(is_readable(&timer), "{past:?}");
        timer.clear().expect("cleared");
    }
}

#[test]
fn another_moment_takes_the_place_of_the_first() {
    let timer = Timer::new().expect("a timer");
    for later in [
        Some(clock::now().after(LONG)),
        Some(Instant::FAR_FUTURE),
        None,
    ] {
        timer.set(Some(Instant::ZERO)).expect("set");
        assert!(is_readable(&timer));
        timer.set(later).expect("set");
        assert!(!is_readable(&timer), "{later:?}");
    }
    timer.set(Some(clock::now().after(LONG))).expect("set");
    timer.clear().expect("nothing to clear");
    timer.set(Some(clock::now().after(SHORT))).expect("set");
    wait_until_readable(&timer);
}

#[test]
fn a_timer_is_not_inherited() {
    let timer = Timer::new().expect("a timer");
    assert_eq!(fcntl_getfd(&timer), Ok(FdFlags::CLOEXEC));
}

/// On Linux, the standard library counts by the same clock.
#[test]
fn a_moment_is_the_same_by_the_standard_librarys_clock() {
    let before = time::Instant::now();
    let present = clock::to_std(clock::now());
    assert!(present >= before && present <= time::Instant::now());

    let ahead = clock::to_std(clock::now().after(LONG));
    assert!(ahead >= before + LONG);
    assert!(ahead <= time::Instant::now() + LONG);

    let behind = clock::to_std(Instant(clock::now().0 / 2));
    assert!(behind < before);
    assert!(behind >= clock::to_std(Instant::ZERO));
    assert!(clock::to_std(Instant::FAR_FUTURE) > ahead);
}
